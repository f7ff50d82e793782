#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Attach to a guest that is paused while its frontend is connected: done once the backend has the device (state 3). The
# state 7 that the guest has not answered holds up neither the next attach nor a detach.
. "${top_srcdir:-.}/tests/mock-lib.sh"
mock_start
guest_create 1 web
for name in a b c d; do disk $name 4; done
export FAKE_HYP=$DIR/hyp
mkdir "$FAKE_HYP"
echo 0 >"$FAKE_HYP/1"
xl_scsi() { "$BUILD/xl-scsi-fake-hyp" "$1" --run-dir "$DIR/locks" "${@:2}" 2> >(grep -v ' note: ' >&2); }
pause_guest() { kill -STOP "${FRONT_PID[g]}"; echo 1 >"$FAKE_HYP/1"; }
unpause_guest() { echo 0 >"$FAKE_HYP/1"; kill -CONT "${FRONT_PID[g]}"; }
state_of() { xs_read "$BACKEND/1/0/vscsi-devs/dev-$1/state"; }
daemon_start
xl_scsi attach 1 "file:$DIR/a.img" 0:0:0:0 >/dev/null
front_start g 1
front g "wait-dev 0:0:0:0 4"

step "two devices for a paused guest"
pause_guest
for lun in 1:b 2:c; do
    check_match "$(xl_scsi attach 1 "file:$DIR/${lun#*:}.img" "0:0:0:${lun%:*}")" \
        'The backend has the device .state 3.' "attach of LUN ${lun%:*}"
done
check_eq "$(state_of 1) $(state_of 2) $(xs_read $BACKEND/1/0/state)" "3 3 7" "states"

step "one that it has never looked at is detached without it"
xl_scsi attach 1 "file:$DIR/d.img" 0:0:0:3 >/dev/null || fail "attach"
xl_scsi detach 1 0:0:0:3 || fail "detach of what the guest has not seen"

step "one that it has is not, and what it has still to look at stays"
refuses 4 'the guest did not answer; backend state 7' xl_scsi detach -t 2 1 0:0:0:0
check_eq "$(state_of 0) $(state_of 1) $(state_of 2) $(xs_read $BACKEND/1/0/state)" "4 3 3 7" "states"

step "the guest takes them when it runs again"
unpause_guest
front g "wait-dev 0:0:0:1 4"
front g "wait-dev 0:0:0:2 4"
front g "load 0:0:0:2 rw=read depth=4 count=100"
xl_scsi detach 1 0:0:0:1 || fail "detach"
front_stop g
