#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Under verified load the daemon is ended by SIGTERM, and later killed. Each time the next daemon takes over the ring.
# shellcheck source=tests/mock-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/mock-lib.sh"

mock_start
daemon_start
guest_create 1
disk a 16
attach 1 "$DISK" 0:0:0:0 --no-wait
front_start g 1
front g "wait-dev 0:0:0:0 4"

front_tell g "load 0:0:0:0 rw=mix verify depth=16 bs=16k seconds=9"
for how in stop kill stop kill; do
    working 1
    step "daemon_$how, and a new one"
    "daemon_$how"
    daemon_start
    check_eq "$(xs_read "$BACKEND/1/0/state")" 4 "backend state: the guest must not notice"
done
front_answer g || fail "the load: $ANSWER"
check_match "$ANSWER" 'errors=0 wrong=0' "the load"

step "attach and detach work with the successor"
disk b 4
attach 1 "$DISK" 0:0:0:1
front g "wait-dev 0:0:0:1 4"
detach 1 0:0:0:1

step "a guest that goes while there is no daemon is cleaned up by the next"
daemon_kill
front_kill g
guest_destroy 1
daemon_start
wait_until 25 xs_gone "$BACKEND/1"
wait_until 25 nothing_held
