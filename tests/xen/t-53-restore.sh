# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: after save and restore by the real xl the guest has its devices again; one that is gone is named
# timeout: 300

need_project
. /host/lib/toolstack.sh
scsi_debug_load dev_size_mb=32 delay=0 num_tgts=3
a=$(dbg_part 1 1) b=$(dbg_part 2 1) c=$(dbg_part 3 1)
daemon_start
watch_start
guest_start g1
expect_ok xl-scsi attach g1 "$a" 0:0:0:0
expect_ok xl-scsi attach g1 "$b" 1:0:0:0,feature-host
expect_ok xl-scsi attach g1 "$c" 0:0:2:0,readonly
has g1 0:0:0:0 0:0:2:0 1:0:0:0
guest_wait_disk g1 0:0:0:0
guest_ok g1 "iopat fill $GUEST_BLK --size 8M"
# As docs/guide-moving.md has it: tests/test-the-examples-are-run.sh compares the lines.
mkdir -p /var/lib
expect_ok env GUEST=g1 sh -e <<'END'
xl save $GUEST /var/lib/guest.saved
END
wait_until 10 '[ -z "$(xenstore-ls /local/domain/0/backend/vscsi 2>/dev/null)" ]' "no nodes of a saved guest"
expect_eq "$(userdata)" "" "files of a saved guest"
expect_ok sh -e <<'END'
xl restore /var/lib/guest.saved
END
rm /var/lib/guest.saved
has g1 0:0:0:0 0:0:2:0 1:0:0:0
guest_wait_disk g1 0:0:0:0
guest_ok g1 "iopat verify $GUEST_BLK --size 8M"

note "a device that is gone: the others come, and it is said"
expect_ok "$REAL_XL" save g1 /tmp/saved
echo 1 >"/sys/bus/scsi/devices/$c/delete"
expect_ok "$REAL_XL" restore /tmp/saved
wait_until 30 "xl-scsi list --long g1 | grep -q 'because: v-dev 0:0:2:0 was refused by the backend'" "the reason is shown"
expect_match "$(xl-scsi list g1)" '0:0:2:0 +-$'
expect_match "$(cat /tmp/watch.log)" 'guest g1 \(domain [0-9]+\) lacks 1 of its devices'
guest_wait g1
guest_wait_disk g1 0:0:0:0
expect_ok xl-scsi detach g1 0:0:2:0
has g1 0:0:0:0 1:0:0:0
guest_stop g1
watch_stop
watch_left_only_locks
