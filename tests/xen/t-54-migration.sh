# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: a guest that migrates here has its devices again; restore through the shim needs no service
# timeout: 300

need_project
. /host/lib/toolstack.sh
scsi_debug_load dev_size_mb=32 delay=0 num_tgts=2
daemon_start
watch_start
guest_start g1
expect_ok xl-scsi attach g1 "$(dbg_part 1 1)" 0:0:0:0
expect_ok xl-scsi attach g1 "$(dbg_part 2 1)" 1:0:0:0,feature-host
has g1 0:0:0:0 1:0:0:0
guest_wait_disk g1 0:0:0:0
guest_ok g1 "iopat fill $GUEST_BLK --size 8M"

note "the receiver, as xl's sender talks to it"
# The stream is that of a save: this Xen cannot send a PV guest live (no shadow paging to log its writes by).
old=$(guest_domid g1)
expect_ok "$REAL_XL" save g1 /tmp/saved
: >/tmp/received
(
    cat /tmp/saved
    wait_until 60 "grep -aq 'ready to unpause' /tmp/received" "the receiver has the domain: $(cat /tmp/migrate.log)"
    "$REAL_XL" list >/tmp/incoming
    printf 'domain is yours, you are cleared to unpause\0'
) | "$REAL_XL" migrate-receive >/tmp/received 2>/tmp/migrate.log ||
    fail "migrate-receive: $(tail -n 3 /tmp/migrate.log)"
expect_match "$(cat /tmp/incoming)" '^g1--incoming ' "the domain before it is unpaused"
has g1 0:0:0:0 1:0:0:0
[ "$(guest_domid g1)" != "$old" ] || fail "the domain is the same"
wait_until 10 "! xenstore-exists /local/domain/0/backend/vscsi/$old" "the sender's nodes go"
guest_wait_disk g1 0:0:0:0
guest_ok g1 "iopat verify $GUEST_BLK --size 8M"

note "restore through the shim, with no service"
expect_ok "$REAL_XL" save g1 /tmp/saved
watch_stop
use_shim
expect_ok xl rest -e /tmp/saved
has g1 0:0:0:0 1:0:0:0
guest_wait_disk g1 0:0:0:0
guest_ok g1 "iopat verify $GUEST_BLK --size 8M"
# With -e no xl waits for its end.
guest_destroy g1
wait_until 10 "[ -z \"\$(userdata)\" ]" "the guest's files go"
