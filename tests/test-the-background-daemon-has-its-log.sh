#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A daemon in the background has opened its log before the command that starts it returns. It creates the log's
# directory. If it cannot open a log, it does not start. If the log's file system is full, lines are lost, nothing else.
# shellcheck source=tests/mock-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/mock-lib.sh"

# background LOG-FILE: starts the daemon as the other tests do, but without -f.
background() { "$BUILD/pvscsid" --standalone "$SOCK" --run-dir "$RUN_DIR" --config /dev/null --log-file "$1"; }

mock_start
step "a log that cannot be"
: >"$DIR/file"
refuses 1 "^pvscsid: cannot open the log $DIR/file/log: [^"$'\n'"]*$" background "$DIR/file/log"
daemon_ready >/dev/null 2>&1 && fail "it runs nevertheless"

step "a log three directories down"
log=$DIR/var/log/xen/pvscsid.log
output=$(background "$log" 2>&1) || fail "the start fails: $output"
check_eq "$output" "" "output of the start"
DAEMON_PID=$(head -n 1 "$RUN_DIR/pvscsid.pid")
grep -q serves "$log" || fail "the start has returned, and nothing is in $log"
daemon_ready >/dev/null || fail "the start has returned before the daemon serves"
check_eq "$(readlink "/proc/$DAEMON_PID/fd/2")" "$log" "its standard error"

step "SIGHUP follows a log that was moved away, with its directory"
mv "$DIR/var" "$DIR/old"
kill -HUP "$DAEMON_PID"
wait_until 25 grep -q 'log level' "$log"

kill -TERM "$DAEMON_PID"
wait_until 25 grep -q ended "$log"
DAEMON_PID=""
wait_until 25 nothing_held

step "a log whose file system is full"
"$BUILD/pvscsid" --foreground --standalone "$SOCK" --run-dir "$RUN_DIR" --config /dev/null --log-level debug \
    >/dev/full 2>&1 &
DAEMON_PID=$!
wait_until 25 daemon_ready
guest_create 1
disk a 8
attach 1 "$DISK" 0:0:0:0 --no-wait
front_start g 1
front g "wait-dev 0:0:0:0 4"
front g "load 0:0:0:0 rw=mix bs=4k count=50 verify"
front g "bad sixteen seed=1"
worker=$(one_worker)
kill -9 "$worker"
front g "load 0:0:0:0 rw=mix bs=4k count=50 verify"
[ "$(one_worker)" != "$worker" ] || fail "no new worker"
front_stop g
daemon_stop
