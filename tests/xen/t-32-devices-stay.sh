# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: after reboot, save and restore, and migration the guest has its devices again; after destroy nothing is left
# timeout: 900
# By the real xl alone, with the service running; then restore through the shim without the service.

need_project
xl_scsi_watch() {
    xl-scsi watch >>/tmp/watch.log 2>&1 &
    WATCH=$!
    trap 'kill $WATCH 2>/dev/null' EXIT
    sleep 0.3
    kill -0 $WATCH || fail "the service does not run: $(tail -n 1 /tmp/watch.log)"
}
# has VDEV...: exactly these, all connected, and the guest sees them.
has() {
    wait_until 90 "[ \"\$(xl-scsi list g1 | awk 'NR > 1 { print \$7 \"=\" \$8 }' | sort | tr '\n' ' ')\" = \
\"$(printf '%s=4\n' "$@" | sort | tr '\n' ' ')\" ]" "the devices are $*: $(xl-scsi list g1)"
    guest_wait g1
    for vdev; do guest_wait_disk g1 "$vdev"; done
}
scsi_debug_load dev_size_mb=32 delay=0 num_tgts=3
# shellcheck disable=SC2046
set -- $(echo "$DBG_ALL" | cut -d' ' -f1)
a=$1 b=$2 c=$3
daemon_start

note "the service is missed"
guest_start g1
expect_match "$(xl-scsi attach g1 "$a" 0:0:0:0 2>&1)" 'xl-scsi-watch is not running'
xl_scsi_watch
expect_no_match "$(xl-scsi attach g1 "$b" 1:0:0:0,feature-host 2>&1)" 'not running'
expect_ok xl-scsi attach g1 "$c" 0:0:1:0
expect_ok xl-scsi detach g1 0:0:1:0
expect_ok xl-scsi attach g1 "$c" 0:0:2:0,readonly
has 0:0:0:0 0:0:2:0 1:0:0:0
guest_wait_disk g1 0:0:0:0
guest_ok g1 "iopat fill $GUEST_BLK --size 8M"

note "reboot, twice"
for round in 1 2; do
    old=$(guest_domid g1)
    guest_sh g1 'reboot -f' >/dev/null 2>&1 &
    wait_until 40 "new=\$('$REAL_XL' domid g1) && [ \$new != $old ]" "reboot $round"
    has 0:0:0:0 0:0:2:0 1:0:0:0
    id=$(guest_domid g1)
    [ "$id" != "$old" ] || fail "the domain is the same"
    wait_until 10 "! xenstore-exists /local/domain/0/backend/vscsi/$old" "the old domain's nodes go"
    expect_fail xenstore-exists "/local/domain/$id/pvscsi"
    expect_eq "$(xenstore-read "/local/domain/0/backend/vscsi/$id/1/feature-host")" 1 "feature-host"
    guest_wait_disk g1 0:0:0:0
    guest_ok g1 "iopat verify $GUEST_BLK --size 8M"
    guest_wait_disk g1 0:0:2:0
    guest_sh g1 "dd if=/dev/zero of=$GUEST_BLK bs=4096 count=1 oflag=direct" && fail "readonly was lost"
done

note "save and restore, by the real xl"
expect_ok "$REAL_XL" save g1 /tmp/saved
expect_eq "$(xenstore-ls /local/domain/0/backend/vscsi 2>/dev/null)" "" "nodes of a saved guest"
expect_eq "$(find /var/lib/xen -name 'userdata-d.[1-9]*')" "" "files of a saved guest"
expect_ok "$REAL_XL" restore /tmp/saved
has 0:0:0:0 0:0:2:0 1:0:0:0
guest_wait_disk g1 0:0:0:0
guest_ok g1 "iopat verify $GUEST_BLK --size 8M"

note "migration: the receiver, as xl's sender talks to it"
# The stream is that of a save: this Xen cannot send a PV guest live (no shadow paging to log its writes by).
expect_ok xl-scsi detach g1 0:0:2:0
old=$(guest_domid g1)
expect_ok "$REAL_XL" save g1 /tmp/saved
: >/tmp/received
(
    cat /tmp/saved
    wait_until 60 "grep -aq 'ready to unpause' /tmp/received" "the receiver has the domain: $(cat /tmp/migrate.log)"
    "$REAL_XL" list >/tmp/incoming
    printf 'domain is yours, you are cleared to unpause\0'
) | "$REAL_XL" migrate-receive >/tmp/received 2>/tmp/migrate.log || fail "migrate-receive: $(tail -n 3 /tmp/migrate.log)"
expect_match "$(cat /tmp/incoming)" '^g1--incoming ' "the domain before it is unpaused"
has 0:0:0:0 1:0:0:0
[ "$(guest_domid g1)" != "$old" ] || fail "the domain is the same"
wait_until 10 "! xenstore-exists /local/domain/0/backend/vscsi/$old" "the sender's nodes go"
guest_wait_disk g1 0:0:0:0
guest_ok g1 "iopat verify $GUEST_BLK --size 8M"

note "restore through the shim, with no service"
expect_ok xl-scsi attach g1 "$c" 0:0:3:0
expect_ok "$REAL_XL" save g1 /tmp/saved
kill -TERM $WATCH
wait $WATCH || fail "the service ended with status $?"
ln -sf /usr/local/libexec/xen-pvscsi/xl /usr/local/sbin/xl
XEN_PVSCSI_REAL_XL="$REAL_XL" expect_ok xl rest -e /tmp/saved
has 0:0:0:0 0:0:3:0 1:0:0:0
guest_wait_disk g1 0:0:0:0
guest_ok g1 "iopat verify $GUEST_BLK --size 8M"

note "a device that is gone: the others come, and it is said"
xl_scsi_watch
expect_ok "$REAL_XL" save g1 /tmp/saved
echo 1 >"/sys/bus/scsi/devices/$c/delete"
expect_ok "$REAL_XL" restore /tmp/saved
wait_until 30 "xl-scsi list --long g1 | grep -q 'because: v-dev 0:0:3:0 was refused by the backend'" "the reason is shown"
expect_match "$(xl-scsi list g1)" '0:0:3:0 +-$'
expect_match "$(cat /tmp/watch.log)" 'guest g1 \(domain [0-9]+\) lacks 1 of its devices'
guest_wait g1
guest_wait_disk g1 0:0:0:0
expect_ok xl-scsi detach g1 0:0:3:0
has 0:0:0:0 1:0:0:0

note "shutdown leaves nothing"
id=$(guest_domid g1)
guest_stop g1
wait_until 10 "! xenstore-exists /local/domain/0/backend/vscsi/$id" "the nodes go"
expect_eq "$(find /var/lib/xen -name 'userdata-d.[1-9]*')" "" "files of the guest"
xenstore-ls -f / | grep -i pvscsi && fail "something is left in xenstore"
kill $WATCH
expect_eq "$(cd /run/xl-scsi && find . -type f | sort | tr -d '\n')" "./attach.lock./domains.lock./watch.lock" "files in /run/xl-scsi"
