#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A guest runs and does not take the device. The device stays attached, and the exit status says that it is not
# connected.
. "${top_srcdir:-.}/tests/mock-lib.sh"
. "${top_srcdir:-.}/tests/toolstack-lib.sh"
[ -x "$BUILD/xl-scsi-fake-hyp" ] || skip "$BUILD/xl-scsi-fake-hyp is not built"
command -v script >/dev/null || skip "script (package bsdutils) is not installed"
mock_start
export FAKE_HYP=$DIR/hyp
mkdir "$FAKE_HYP"
xl_scsi() { "$BUILD/xl-scsi-fake-hyp" "$@" 2>&1 | grep -v '^xl-scsi: note: '; return "${PIPESTATUS[0]}"; }
guest_create 5 web
peers 5 guest=absent

step "running, without a frontend"
echo 0 >"$FAKE_HYP/5"
# At the same time, one on a terminal: it says that it waits, and removes what it has said.
script -qec "'$BUILD/xl-scsi-fake-hyp' attach web /dev/nosuch2 0:0:0:2" /dev/null </dev/null >"$DIR/terminal" 2>&1 &
terminal=$!
refuses 4 '^xl-scsi: the guest did not take v-dev 0:0:0:0: no frontend is running there; the device stays attached' \
    xl_scsi attach web /dev/nosuch 0:0:0:0
xs_is $BACKEND/5/0/vscsi-devs/dev-0/state 3 || fail "the device did not stay"
wait $terminal
check_eq $? 4 "exit status on a terminal"
check_match "$(cat "$DIR/terminal")" $'\rxl-scsi: waiting for a frontend in the guest, [2-5] s of at most 30 s \r +\r.*xl-scsi: the guest did not take v-dev 0:0:0:2' \
    "what a terminal shows"
xl_scsi attach --no-wait web /dev/nosuch1 0:0:0:1 || fail "attach --no-wait"

step "a frontend that comes later has them both"
peers 5
wait_until 25 xs_is $BACKEND/5/0/vscsi-devs/dev-0/state 4
wait_until 25 xs_is $BACKEND/5/0/vscsi-devs/dev-1/state 4
xl_scsi detach web 0:0:0:0 || fail "detach"
xl_scsi detach web 0:0:0:1 || fail "detach"
xl_scsi detach web 0:0:0:2 || fail "detach"

step "paused: it cannot answer, and the backend has the device, which is all there can be"
peers 5 guest=absent
echo 1 >"$FAKE_HYP/5"
check_match "$(xl_scsi attach web /dev/nosuch 0:0:0:0 || echo failed)" '^The backend has the device \(state 3\).*connects\.$' \
    "what is said"
xl_scsi detach web 0:0:0:0 || fail "detach"
no_nodes 5 "at the end"
