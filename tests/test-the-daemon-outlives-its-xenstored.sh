#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# xenstored ends and comes back empty. The daemon waits without using the processor, and then serves again.
# shellcheck source=tests/mock-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/mock-lib.sh"

mock_start
daemon_start
guest_create 1
disk a 8
attach 1 "$DISK" 0:0:0:0 --no-wait
front_start g 1 --abandon
front g "wait-dev 0:0:0:0 4"
kill -KILL "$MOCK_PID"
{ wait "$MOCK_PID"; } 2>/dev/null
front_kill g
sleep 1
kill -0 "$DAEMON_PID" || fail "the daemon went with it"
before=$(cpu_ms "$DAEMON_PID")
sleep 2
after=$(cpu_ms "$DAEMON_PID")
[ $((after - before)) -lt 100 ] || fail "$((after - before)) ms of CPU in 2 s of waiting"
# mock-xen was the hypervisor too, and the workers' handles died with it; a real one stays.
pkill -KILL -P "$DAEMON_PID"
mock_start
guest_create 1
wait_until 25 daemon_says 'connected to xenstored again'
attach 1 "$DISK" 0:0:0:0 --no-wait --timeout 10
front_start g 1
front g "wait-dev 0:0:0:0 4"
front g "write 0:0:0:0 0 8 seed=1"
front g "verify 0:0:0:0 0 8 seed=1"
front_stop g
