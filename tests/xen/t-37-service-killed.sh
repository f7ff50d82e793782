# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: xl-scsi-watch killed while it holds a guest paused: the next one lets it run, and with all its devices
# timeout: 240

need_project
. /host/lib/toolstack.sh
# state: "ID p g1" when it is paused.
state() { domains list | grep ' g1$'; }
scsi_debug_load dev_size_mb=16 delay=0 num_tgts=2
other=$(echo "$DBG_ALL" | awk 'NR == 2 { print $1 }')
daemon_start
guest_start g1
watch_start
expect_ok xl-scsi attach g1 "$DBG_HCTL" 0:0:0:0
expect_ok "$REAL_XL" save g1 /tmp/saved

note "nobody serves its devices: the service holds the guest"
daemon_stop
expect_ok "$REAL_XL" restore /tmp/saved
id=$(guest_domid g1)
wait_until 5 "xenstore-exists /local/domain/$id/pvscsi/paused" "the service holds the guest: $(tail -n 2 /tmp/watch.log)"
kill -9 $WATCH
wait $WATCH 2>/dev/null
expect_eq "$(state)" "$id p g1" "state of the guest without the service"

note "the next service"
daemon_start
watch_start
has g1 0:0:0:0
wait_until 20 "! xenstore-exists /local/domain/$id/pvscsi" "nothing is wanted any more"
guest_ok g1 "iopat fill $GUEST_BLK --size 1M && iopat verify $GUEST_BLK --size 1M"
# The service does not end a pause that is not its own.
expect_ok "$REAL_XL" pause g1
expect_eq "$(state)" "$id p g1" "state of the paused guest"
expect_ok "$REAL_XL" unpause g1
guest_wait g1

note "a restart of the service does not stop a running guest that lacks a device"
daemon_stop
xenstore-write "/local/domain/$id/pvscsi/0" "$other,1:0:0:0" "/local/domain/$id/pvscsi/0/error" "of before"
watch_stop
watch_start
for _ in 1 2 3 4 5; do
    expect_fail xenstore-exists "/local/domain/$id/pvscsi/paused"
    guest_ok g1 true
done
watch_stop
daemon_start
guest_destroy g1
check_no_zombie
watch_left_only_locks
