#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The worker is killed repeatedly under verified load. There is no error and no wrong byte. The pause is printed.
# shellcheck source=tests/mock-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/mock-lib.sh"

is_gone() { ! kill -0 "$1" 2>/dev/null; }

mock_start
daemon_start
guest_create 1
disk a 16
attach 1 "$DISK" 0:0:0:0 --no-wait
disk b 16
attach 1 "$DISK" 0:0:1:0 --no-wait
front_start g 1
front g "wait-dev 0:0:0:0 4"
front g "wait-dev 0:0:1:0 4"

for load in "rw=mix depth=16 bs=4k" "rw=write depth=16 bs=64k" "rw=mix depth=1 bs=512"; do
    step "$load"
    front_tell g "load 0:0:0:0,0:0:1:0 $load verify seconds=5"
    for _ in 1 2 3 4; do
        working 1
        pid=$(one_worker)
        kill -KILL "$pid"
        # Until it is waited for, its number is still among the daemon's workers.
        wait_until 25 is_gone "$pid"
    done
    front_answer g || fail "the load: $ANSWER"
    check_match "$ANSWER" 'errors=0 wrong=0' "the load"
    pause=$(sed -n 's/.*max_us=\([0-9]*\).*/\1/p' <<<"$ANSWER")
    step "the longest pause: $pause us"
    # The pause is half a second on an idle machine. The limit allows for a busy machine and sanitizers.
    [ "$pause" -lt 15000000 ] || fail "the longest pause was $pause us"
done
restarts=$("$BUILD/pvscsictl" --run-dir "$RUN_DIR" status --json | sed -n 's/.*"restarts": *\([0-9]*\).*/\1/p')
check_eq "$restarts" 12 "restarts in pvscsictl status"
front_stop g
