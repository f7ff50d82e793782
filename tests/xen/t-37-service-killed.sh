# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: xl-scsi-watch killed while it holds a guest paused: the next one lets it run, and with all its devices
# timeout: 240

need_project
xl_scsi_watch() {
    xl-scsi watch >>/tmp/watch.log 2>&1 &
    WATCH=$!
    sleep 0.3
    kill -0 $WATCH || fail "the service does not run: $(tail -n 1 /tmp/watch.log)"
}
# state: as xl shows it, "--p---" when paused.
state() { "$REAL_XL" list g1 | awk 'NR == 2 { print $5 }'; }
scsi_debug_load dev_size_mb=16 delay=0 num_tgts=2
other=$(echo "$DBG_ALL" | awk 'NR == 2 { print $1 }')
daemon_start
guest_start g1
xl_scsi_watch
expect_ok xl-scsi attach g1 "$DBG_HCTL" 0:0:0:0
expect_ok "$REAL_XL" save g1 /tmp/saved

note "nobody serves its devices: the service holds the guest"
daemon_stop
expect_ok "$REAL_XL" restore /tmp/saved
id=$(guest_domid g1)
wait_until 5 "xenstore-exists /local/domain/$id/pvscsi/paused" "the service holds the guest: $(tail -n 2 /tmp/watch.log)"
kill -9 $WATCH
wait $WATCH 2>/dev/null
expect_eq "$(state)" "--p---" "state of the guest without the service"

note "the next service"
daemon_start
xl_scsi_watch
guest_wait g1
wait_until 40 "xl-scsi list g1 | grep -q ' 0:0:0:0 *4$'" "the guest gets its device: $(tail -n 2 /tmp/watch.log)"
wait_until 20 "! xenstore-exists /local/domain/$id/pvscsi" "nothing is wanted any more"
guest_wait_disk g1 0:0:0:0
guest_ok g1 "iopat fill $GUEST_BLK --size 1M && iopat verify $GUEST_BLK --size 1M"
# Paused by anybody else, it is that one's pause alone.
expect_ok "$REAL_XL" pause g1
expect_eq "$(state)" "--p---" "state of the paused guest"
expect_ok "$REAL_XL" unpause g1
guest_wait g1

note "a restart of the service does not stop a running guest that lacks a device"
daemon_stop
xenstore-write "/local/domain/$id/pvscsi/0" "$other,1:0:0:0" "/local/domain/$id/pvscsi/0/error" "of before"
kill -TERM $WATCH
wait $WATCH || fail "the service ended with status $?"
xl_scsi_watch
for _ in 1 2 3 4 5; do
    expect_fail xenstore-exists "/local/domain/$id/pvscsi/paused"
    guest_ok g1 true
done
kill -TERM $WATCH
wait $WATCH || fail "the service ended with status $?"
daemon_start
guest_destroy g1
check_no_zombie
expect_eq "$(cd /run/xl-scsi && find . -type f | sort | tr -d '\n')" "./attach.lock./domains.lock./watch.lock" "files in /run/xl-scsi"
