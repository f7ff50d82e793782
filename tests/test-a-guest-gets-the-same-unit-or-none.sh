#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A file with another inode under the same name stands for a LUN to which another unit was mapped. The guest does not
# get it: not after a worker's death or a restart of the daemon, and not in the guest's next domain. The reason is
# shown.
# shellcheck source=tests/mock-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/mock-lib.sh"
. "${top_srcdir:-.}/tests/toolstack-lib.sh"
mock_start
daemon_start
guest_create 1 web
disk a 16
dev=$BACKEND/1/0/vscsi-devs/dev-0
unit() { stat -c 'file.%d.%i' "$1"; }
own=$(unit "$DISK")

step "the nodes of a device"
attach 1 "$DISK" 0:0:0:0 --no-wait
xs_is "$dev/p-wwid" "$own" || fail "p-wwid: $(xs_read "$dev/p-wwid")"
xs_is "$dev/p-type" 0 || fail "p-type: $(xs_read "$dev/p-type")"
xs_is "$dev/p-dev" "file:$DISK" || fail "p-dev: $(xs_read "$dev/p-dev")"
xs_is "$dev/p-devname" "file:$DISK" || fail "p-devname: $(xs_read "$dev/p-devname")"
check_match "$(xl_scsi list -l web)" "unit $own, type 0" "list -l"
check_match "$(xl_scsi list --json web | tr -d ' \n')" "\"wwid\":\"$own\",\"type\":0," "list --json"

step "another unit in its place"
front_start g 1
front g "wait-dev 0:0:0:0 4"
for what in worker daemon; do
    mv "$DISK" "$DISK.own"
    cp "$DISK.own" "$DISK"
    other=$(unit "$DISK")
    if [ $what = worker ]; then
        wait_until 25 one_worker
        kill -KILL "$(one_worker)"
    else
        daemon_stop
        daemon_start
    fi
    wait_until 25 xs_is "$dev/error" "the device is gone: it is the unit $other; expected $own"
    front g "expect 00/02/5/25/00 tur 0:0:0:0"
    mv "$DISK.own" "$DISK"
    wait_until 25 xs_gone "$dev/error"
    front g "expect 00/02/6/29/00 tur 0:0:0:0"
done
front_stop g
xl_scsi detach web 0:0:0:0 || fail "detach"

step "the option unit="
refuses 3 "p-dev file:$DISK: it is the unit $own; expected naa.5000c500a1b2c3d4" \
    xl_scsi attach --no-wait web "file:$DISK" 0:0:0:0,unit=naa.5000c500a1b2c3d4
xl_scsi attach --no-wait web "file:$DISK" "0:0:0:0,unit=$own" || fail "the right unit is refused"
xl_scsi detach web 0:0:0:0 || fail "detach"

step "the guest's next domain"
xs_write /local/domain/2/pvscsi/0 "file:$DISK,0:0:0:0,unit=file.1.1"
guest_create 2 next
xl_scsi resume 2 >"$DIR/out" 2>&1 && fail "resume gave the guest another unit"
xs_is /local/domain/2/pvscsi/0/error \
    "v-dev 0:0:0:0 was refused by the backend: p-dev file:$DISK: it is the unit $own; expected file.1.1" ||
    fail "the reason: $(xs_read /local/domain/2/pvscsi/0/error)"
no_nodes 2 "of a guest whose unit is not there"
xs_write /local/domain/2/pvscsi/0 "file:$DISK,0:0:0:0,unit=$own"
xl_scsi resume 2 || fail "resume"
xs_is $BACKEND/2/0/vscsi-devs/dev-0/p-wwid "$own" || fail "the guest does not have its unit"

step "nodes of an earlier version's toolstack"
guest_create 3 old
xs_write $BACKEND/3/0/frontend /local/domain/3/device/vscsi/0 $BACKEND/3/0/frontend-id 3 $BACKEND/3/0/online 1 \
    $BACKEND/3/0/vscsi-devs/dev-0/p-dev "file:$DISK" $BACKEND/3/0/vscsi-devs/dev-0/v-dev 0:0:0:0 \
    $BACKEND/3/0/vscsi-devs/dev-0/state 1 /local/domain/3/device/vscsi/0/state 1 $BACKEND/3/0/state 1
wait_until 25 xs_is $BACKEND/3/0/vscsi-devs/dev-0/state 3
xs_gone $BACKEND/3/0/vscsi-devs/dev-0/p-devname || fail "the daemon has made p-devname"
check_match "$(xl_scsi list old)" " file:$DISK +0:0:0:0 +3" "list"
