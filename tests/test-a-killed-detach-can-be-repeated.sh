#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A detach that is killed at any point can be repeated, and ends as one that was not killed.
. "${top_srcdir:-.}/tests/mock-lib.sh"
. "${top_srcdir:-.}/tests/toolstack-lib.sh"
mock_start
export FAKE_HYP=$DIR/hyp
mkdir "$FAKE_HYP"
scsi() { "$BUILD/xl-scsi-fake-hyp" "$1" --run-dir "$RUN_DIR" "${@:2}"; }
guest_create 5 web
echo 0 >"$FAKE_HYP/5"
JSON=$FAKE_HYP/userdata-d.5.00000000-0000-0000-0000-000000000005.libxl-json
noted() { tr -d '\0' <"$JSON" | grep -q "$1"; }
# fresh: two devices, connected and noted.
fresh() {
    peers 5
    echo '{ "c_info": { "name": "web" } }' >"$JSON"
    scsi attach 5 /dev/nosuch0 0:0:0:0 2>/dev/null || fail "attach"
    scsi attach 5 /dev/nosuch1 0:0:0:1 2>/dev/null || fail "attach"
}
# killed VDEV: a detach that is killed while the guest does not answer.
killed() {
    peers 5 guest=silent
    "$BUILD/xl-scsi-fake-hyp" detach --run-dir "$RUN_DIR" 5 "$1" &
    pid=$!
    wait_until 25 eval '! xs_is $BACKEND/5/0/state 4'
    kill -KILL $pid
    wait $pid 2>/dev/null
}

step "one of two, killed before the guest answers; the guest answers before the repetition"
fresh
killed 0:0:0:1
peers 5
wait_until 25 xs_is $BACKEND/5/0/state 4
scsi detach 5 0:0:0:1 || fail "the repeated detach"
! noted nosuch1 || fail "it comes back at a reboot"
check_eq "$(scsi list 5 | grep -c ' 4$')" 1 "devices that are left"

step "the last one"
killed 0:0:0:0
peers 5
scsi detach 5 0:0:0:0 || fail "the repeated detach"
! noted nosuch0 || fail "it comes back at a reboot"
no_nodes 5 "of a guest without devices"

step "the guest answers only to the repetition"
fresh
killed 0:0:0:1
(sleep 1; exec "$BUILD/fake-peers" 5) >/dev/null 2>&1 &
late=$!
scsi detach 5 0:0:0:1 || fail "the repeated detach"
kill $late
wait $late 2>/dev/null

step "killed when the nodes were gone and the device was still noted"
peers 5
xenstore-rm $BACKEND/5 /local/domain/5/device
noted nosuch0 || fail "it is not noted"
scsi detach 5 0:0:0:0 || fail "the repeated detach"
! noted nosuch0 || fail "it comes back at a reboot"
refuses 1 'domain 5 has no device 0:0:0:0' scsi detach 5 0:0:0:0
