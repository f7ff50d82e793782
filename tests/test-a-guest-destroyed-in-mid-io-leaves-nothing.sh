#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A guest is destroyed with requests in flight: no grant stays mapped, no node stays, its domid can be used again.
# shellcheck source=tests/mock-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/mock-lib.sh"

mock_start
daemon_start
for round in 1 2 3 4 5; do
    guest_create 7
    disk a 16
    attach 7 "$DISK" 0:0:0:0 --no-wait
    front_start g 7 --abandon
    front g "wait-dev 0:0:0:0 4"
    front_tell g "load 0:0:0:0 rw=mix depth=16 bs=64k seconds=30"
    working 7
    if [ $((round % 2)) = 0 ]; then
        # xl destroy: the domain goes first, and with it its xenstore home.
        guest_destroy 7
        front_kill g
    else
        front_kill g
        guest_destroy 7
    fi
    wait_until 25 xs_gone "$BACKEND/7"
    wait_until 25 nothing_held
done
wait_until 25 no_workers

step "the toolstack removes the nodes of a guest that is still there, in mid-I/O"
guest_create 8
attach 8 "$DISK" 0:0:0:0 --no-wait --force
front_start g 8
front g "wait-dev 0:0:0:0 4"
front_tell g "load 0:0:0:0 rw=mix depth=16 bs=64k seconds=20 until-gone"
working 8
xenstore-rm "$BACKEND/8/0"
xenstore-rm /local/domain/8/device/vscsi/0
front_answer g || fail "the load: $ANSWER"
wait_until 25 nothing_held
wait_until 25 xs_gone "$BACKEND/8/0"
front_stop g
