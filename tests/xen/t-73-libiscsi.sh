# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154,SC2034,SC2119
# about: libiscsi's tests of reservations and others give the same verdict in a guest as in dom0, with and without a PR helper
# timeout: 400
# guests: kept
need_project
command -v iscsi-test-cu >/dev/null || skip "no iscsi-test-cu in the image"
# Of libiscsi's family SCSI: suites, and of those that take minutes on an emulated processor the tests that are quick.
# PVSCSI_LIBISCSI=all in the environment of tests/xen/run gives the whole family; it wants -t 1500. A name is a pattern
# as in file names, because each start of iscsi-test-cu takes a second.
reservations="[PR][re][ios]*" # Prin*, Prout* and Reserve6
others="[GIMNOSTU]* Pre* Read[CDO]* Re[cp]* WriteAtomic16 Read10 Write10 [RVW]*.ZeroBlocks [VW]*.Flags [RVW]*.*Protect
    CompareAndWrite.[MU]* [RVW]*.Dpo*"
least=100
if [ "$(cat /host/libiscsi)" = all ]; then
    others="[!E]*"
    least=200
fi
# Of the output only the verdicts: the text of a failure has other addresses.
cat >/tmp/suites <<'END'
set -f
for suite in $1; do
    iscsi-test-cu -d -t "SCSI.$suite" "$SG" 2>&1 | awk '
        /Suite: / { suite = $0; sub(/.*Suite: */, "", suite) }
        /Test: / { test = $0; sub(/.*Test: */, "", test); sub(/ *[.][.][.].*/, "", test); skipped = "" }
        /\[SKIPPED\]/ { skipped = ", skipped" }
        /(passed|FAILED)$/ && test != "" { print suite "." test ": " ($0 ~ /FAILED$/ ? "FAILED" : "passed") skipped; test = "" }'
done
END

# same_verdicts WHAT LEAST HELPER SUITES: at least so many tests, in dom0 and in the guest. HELPER: how the PR helper
# is afterwards.
same_verdicts() {
    local what=$1 least=$2 helper=$3 suites=$4
    # dom0 has no helper, so these suites have the same verdicts there as before.
    [ "$helper" = connected ] || SG=$(sg_of "$hctl") sh /tmp/suites "$suites" >/tmp/here
    grep FAILED /tmp/here
    note "$what, in dom0: $(wc -l </tmp/here) tests, $(grep -c FAILED /tmp/here) failed, $(grep -c skipped /tmp/here) skipped"
    [ "$(wc -l </tmp/here)" -ge "$least" ] || fail "only $(wc -l </tmp/here) tests in dom0"
    expect_ok xl-scsi attach g1 "$hctl" 0:0:0:0,pr-move,feature-host,third-party-copy
    guest_wait_disk g1 0:0:0:0
    GUEST_TIMEOUT=1200 guest_sh g1 "cat >/tmp/suites <<'END'
$(cat /tmp/suites)
END
SG=$GUEST_SG sh /tmp/suites '$suites'" >/tmp/there
    expect_eq "$(guest_ok g1 "cat /sys/bus/scsi/devices/$GUEST_HCTL/state")" running "the disk"
    expect_match "$(pvscsictl status)" "pr-helper:$helper" "status"
    expect_ok xl-scsi detach g1 0:0:0:0
    guest_wait_gone g1 0:0:0:0
    cmp -s /tmp/here /tmp/there || {
        diff /tmp/here /tmp/there
        fail "$what: other verdicts in the guest: $(diff /tmp/here /tmp/there | grep '^[-+][^-+]' | head -n 6 | tr '\n' ' ')"
    }
}
lio_init tcm_loop
daemon_start
guest_start g1
# ExtendedCopy.Simple writes half of the disk with one command, at most 1 MiB. A ring carries 508 KiB.
hctl=$(lio_loopback "$(lio_ramdisk small 0 1000)")
same_verdicts "third-party copy" 6 unused ExtendedCopy
hctl=$(lio_loopback "$(lio_ramdisk disk 8)")
same_verdicts "others" $least unused "$others"
same_verdicts "reservations by the device" 20 unused "$reservations"
pr_helper_start
same_verdicts "reservations by the helper" 20 connected "$reservations"
