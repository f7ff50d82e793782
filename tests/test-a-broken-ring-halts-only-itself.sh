#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A guest sets req_prod to an impossible value. Its ring is halted. After reconnecting, the guest has a new ring.
# shellcheck source=tests/mock-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/mock-lib.sh"

mock_start
daemon_start
guest_create 1
guest_create 2
disk a 8
attach 1 "$DISK" 0:0:0:0 --no-wait
disk b 8
attach 2 "$DISK" 0:0:0:0 --no-wait
front_start bad 1
front_start good 2
front bad "wait-dev 0:0:0:0 4"
front good "wait-dev 0:0:0:0 4"
both=$(workers)
for how in prod-ahead prod-back prod-far prod-busy; do
    step "$how"
    front bad "bad $how"
    front good "inquiry 0:0:0:0"
    check_eq "$(workers)" "$both" "the workers"
    front bad reconnect
    front bad "wait-dev 0:0:0:0 4"
    front bad "inquiry 0:0:0:0"
done

step "a halted ring costs no time, and stays halted when its worker is replaced"
front bad "bad prod-ahead"
# CPU time so far of all workers, in ns; 0 means that it could not be read.
workers_ns() { for p in $(workers); do cut -d' ' -f1 "/proc/$p/schedstat"; done |
    awk '{ n += $1 } END { printf "%.0f\n", n }'; }
before=$(workers_ns)
sleep 1
after=$(workers_ns)
[ "$before" -gt 0 ] && [ "$after" -ge "$before" ] || fail "no reading of the workers' CPU time: $before, then $after"
[ $((after - before)) -lt 50000000 ] || fail "workers used $((after - before)) ns in a second without work"
pkill -KILL -P "$DAEMON_PID"
front good "inquiry 0:0:0:0"
# Its line in the statistics shows one more restart, and that the ring is halted again.
halted_again() { "$BUILD/pvscsictl" --run-dir "$RUN_DIR" stats |
    awk '$1 == 1 && $2 == 0 && $9 == 1 && $10 == "halted" { n = 1 } END { exit !n }'; }
wait_until 25 halted_again
front bad reconnect
front bad "wait-dev 0:0:0:0 4"
front bad "inquiry 0:0:0:0"
front_stop bad
front_stop good
