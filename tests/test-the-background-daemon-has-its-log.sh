#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A daemon in the background has opened its log before the command that starts it returns. It creates the log's
# directory. If it cannot open a log, it does not start. Its workers have the same log, also those of guests that were
# there before it. A line in a file begins with the time, and one in the journal with its priority. If the log's file
# system is full, lines are lost, nothing else.
# shellcheck source=tests/mock-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/mock-lib.sh"

# background LOG-FILE: starts the daemon as the other tests do, but without -f.
background() { "$BUILD/pvscsid" --standalone "$SOCK" --run-dir "$RUN_DIR" --config /dev/null --log-file "$1"; }

mock_start
step "a log that cannot be"
: >"$DIR/file"
refuses 1 "^pvscsid: cannot open the log $DIR/file/log: [^"$'\n'"]*$" background "$DIR/file/log"
daemon_ready >/dev/null 2>&1 && fail "it runs nevertheless"

# stamped FILE: each line begins with the time in UTC. Prints the others.
stamped() { ! grep -Ev '^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z [^ ]' "$1"; }
# The log is the standard error of the worker.
worker_has_log() { [ "$(readlink "/proc/$(one_worker)/fd/2")" = "$log" ]; }

step "a log three directories down"
log=$DIR/var/log/xen/pvscsid.log
output=$(background "$log" 2>&1) || fail "the start fails: $output"
check_eq "$output" "" "output of the start"
DAEMON_PID=$(head -n 1 "$RUN_DIR/pvscsid.pid")
grep -q serves "$log" || fail "the start has returned, and nothing is in $log"
daemon_ready >/dev/null || fail "the start has returned before the daemon serves"
check_eq "$(readlink "/proc/$DAEMON_PID/fd/2")" "$log" "its standard error"

step "the next one, at whose start a guest is there"
guest_create 1 web
disk a 8
attach 1 "$DISK" 0:0:0:0 --no-wait
front_start g 1
front g "wait-dev 0:0:0:0 4"
kill -TERM "$DAEMON_PID"
wait_until 25 background "$log" # once the first has given up its locks
DAEMON_PID=$(head -n 1 "$RUN_DIR/pvscsid.pid")
wait_until 25 worker_has_log

step "SIGHUP follows a log that was moved away, with its directory"
mv "$DIR/var" "$DIR/old"
kill -HUP "$DAEMON_PID"
wait_until 25 grep -q 'info: reloaded' "$log"
wait_until 25 worker_has_log
kill -HUP "$DAEMON_PID" # not moved: nothing changes
front g "bad sixteen seed=1"
wait_until 25 grep -q 'd1.0 (web): warning: request .* refused' "$log"
for file in "$log" "$DIR/old/log/xen/pvscsid.log"; do
    stamped "$file" || fail "lines of $file without a time"
done
front_stop g

kill -TERM "$DAEMON_PID"
wait_until 25 grep -q ended "$log"
DAEMON_PID=""
wait_until 25 nothing_held

step "a journal"
# What systemd gives a service: standard error is a stream, and JOURNAL_STREAM names its device and inode.
mkfifo "$DIR/stream"
# in_journal ARGUMENT...: the daemon in the foreground, with such a stream.
in_journal() {
    export JOURNAL_STREAM
    JOURNAL_STREAM=$(stat -c %d:%i "$DIR/stream")
    exec "$BUILD/pvscsid" --foreground --standalone "$SOCK" --run-dir "$RUN_DIR" "$@" 2>"$DIR/stream"
}
# What is wrong before there is a log, too.
echo 'max_luns = 0' >"$DIR/wrong.conf"
for wrong in --no-such --max-luns=0 stray "--config=$DIR/none" "--config=$DIR/wrong.conf"; do
    cat "$DIR/stream" >"$DIR/said" &
    READER=$!
    status=0
    (in_journal "$wrong") || status=$?
    wait "$READER"
    check_eq "$status" 2 "exit status with $wrong"
    check_match "$(cat "$DIR/said")" $'^<3>pvscsid: [^\n]*$' "what the journal gets with $wrong"
done
cat "$DIR/stream" >"$LOGS/journal" &
READER=$!
(in_journal --config /dev/null --log-level debug) &
DAEMON_PID=$!
wait_until 25 daemon_ready
front_start g 1
front g "wait-dev 0:0:0:0 4"
front g "bad sixteen seed=1"
front_stop g
daemon_stop
wait "$READER"
! grep -Ev '^<[0-7]>(d1\.0( \(web\))?: )?[a-z]+: ' "$LOGS/journal" || fail "lines without a priority"
grep -q '^<4>d1\.0 (web): warning: request .* refused' "$LOGS/journal" || fail "the worker's warning: $(cat "$LOGS/journal")"
grep -q '^<6>info: .* serves' "$LOGS/journal" || fail "the daemon's start: $(cat "$LOGS/journal")"
grep -q '^<7>.*debug: ' "$LOGS/journal" || fail "no debug line: $(cat "$LOGS/journal")"

step "a log whose file system is full"
"$BUILD/pvscsid" --foreground --standalone "$SOCK" --run-dir "$RUN_DIR" --config /dev/null --log-level debug \
    >/dev/full 2>&1 &
DAEMON_PID=$!
wait_until 25 daemon_ready
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
