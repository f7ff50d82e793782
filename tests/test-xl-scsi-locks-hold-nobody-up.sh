#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# xl-scsi's locks: a guest that does not answer does not delay other guests, and every wait ends.
. "${top_srcdir:-.}/tests/mock-lib.sh"
. "${top_srcdir:-.}/tests/toolstack-lib.sh"
[ -x "$BUILD/xl-scsi-fake-hyp" ] || skip "$BUILD/xl-scsi-fake-hyp is not built"
mock_start
guest_create 5 stuck
guest_create 6 web
# In this test's directory.
locked() { "$BUILD/xl-scsi" "$1" --run-dir "$RUN_DIR" "${@:2}"; }
# ended PID: in time, with its status in $STATUS.
ended() {
    local end=$((SECONDS + 25))
    while kill -0 "$1" 2>/dev/null; do
        [ "$SECONDS" -le "$end" ] || return 1
        sleep 0.05
    done
    wait "$1"
    STATUS=$?
}

is_running() { [ "$(cat "/proc/$1/comm")" = "$2" ]; }
# ends_on_sigterm PID: it is in a wait that a signal can end: it has set a handler for SIGTERM (15). Before it is
# xl-scsi, it is a shell, whose handlers end with it.
ends_on_sigterm() {
    is_running "$1" xl-scsi && [ $((0x$(sed -n 's/^SigCgt:[[:space:]]*//p' "/proc/$1/status") & 1 << 14)) != 0 ]
}

step "a virtual host on its way between two states keeps its own guest waiting, and no other"
peers 5
locked attach stuck /dev/nosuch1 0:0:0:0 || fail "attach"
peers off
xs_write $BACKEND/5/0/state 8
"$BUILD/xl-scsi" attach --run-dir "$RUN_DIR" -t 100 stuck /dev/nosuch2 0:0:0:1 >"$DIR/stuck" 2>&1 &
waits=$!
sleep 0.5
peers 6
locked attach -t 25 web /dev/nosuch3 0:0:0:0 || fail "attach to another guest"
kill -0 $waits || fail "the first did not wait: $(cat "$DIR/stuck")"

step "what was free before that wait is looked at again after it"
locked attach -t 25 web /dev/nosuch2 0:0:0:1 || fail "attach of what the waiting one wants"
peers 5
xs_write $BACKEND/5/0/state 4
ended $waits || fail "it does not stop waiting"
check_eq $STATUS 5 "exit status"
check_match "$(cat "$DIR/stuck")" 'p-dev /dev/nosuch2 is in use: it is 0:0:0:1 of guest web' "the reason"
xs_gone $BACKEND/5/0/vscsi-devs/dev-1 || fail "it was placed"
locked detach stuck 0:0:0:0 || fail "detach"

step "a process that holds the lock for long is waited for until the time-out, not longer"
"$BUILD/with-posix-lock" "$RUN_DIR/units.lock" /bin/sleep 60 &
holder=$!
wait_until 25 is_running $holder sleep
# At the same time, one on a terminal: it says that it waits, and removes what it has said.
if command -v script >/dev/null; then
    script -qec "'$BUILD/xl-scsi' attach --run-dir '$RUN_DIR' -t 3 web /dev/nosuch4 1:0:0:0" /dev/null </dev/null >"$DIR/terminal" 2>&1 &
    terminal=$!
fi
refuses 4 'time-out: another xl-scsi has been attaching this device all the time; try again$' \
    locked attach -t 1 stuck /dev/nosuch4 0:0:0:0

step "... and a signal ends the wait"
"$BUILD/xl-scsi" attach --run-dir "$RUN_DIR" -t 50 stuck /dev/nosuch4 0:0:0:0 2>"$DIR/err" &
waits=$!
wait_until 25 ends_on_sigterm $waits
kill -TERM $waits
ended $waits || fail "SIGTERM does not end the wait for a lock"
check_eq $STATUS 1 "exit status"
check_match "$(cat "$DIR/err")" '^xl-scsi: interrupted by a signal$' "what is said, without a terminal"
if [ -n "${terminal:-}" ]; then
    wait "$terminal"
    check_eq $? 4 "exit status on a terminal"
    check_match "$(cat "$DIR/terminal")" \
        $'^\rxl-scsi: waiting for another xl-scsi to finish, [23] s of at most 3 s \r +\r.*xl-scsi: time-out: another xl-scsi' \
        "what a terminal shows"
fi
kill $holder
wait $holder 2>/dev/null
no_nodes 5 "at the end"

step "what is given up while it is being attached is not attached"
peers 5
"$BUILD/with-posix-lock" "$RUN_DIR/units.lock" /bin/sleep 2 &
xs_write /local/domain/5/pvscsi/0 /dev/nosuch5,0:0:0:0
"$BUILD/xl-scsi" resume --run-dir "$RUN_DIR" stuck &
waits=$!
sleep 0.7
locked detach stuck 0:0:0:0 || fail "detach of what is on its way"
ended $waits || fail "the other did not end"
no_nodes 5 "of what was given up"
xs_gone /local/domain/5/pvscsi || fail "it is still noted"

step "a process that asks whether the service runs is not mistaken for the service"
peers 6
export FAKE_HYP=$DIR/hyp
mkdir "$FAKE_HYP"
echo 0 >"$FAKE_HYP/6"
echo '{ "c_info": { "name": "web" } }' >"$FAKE_HYP/userdata-d.6.00000000-0000-0000-0000-000000000006.libxl-json"
noting() { "$BUILD/xl-scsi-fake-hyp" attach --run-dir "$RUN_DIR" "$@" 2>&1; }
flock -o --shared "$RUN_DIR/watch.lock" sleep 1 &
check_match "$(noting web /dev/nosuch6 0:0:0:6)" 'service xl-scsi-watch is not running' "the note"
flock -o --shared "$RUN_DIR/watch.lock" sleep 0.5 &
"$BUILD/xl-scsi" watch --run-dir "$RUN_DIR" >"$LOGS/watch" 2>&1 &
service=$!
# The lock is the service's own when nobody can share it any more.
wait_until 25 eval '! flock -n --shared "$RUN_DIR/watch.lock" true'
kill -0 $service || fail "the service did not start: $(cat "$LOGS/watch")"
check_eq "$(noting web /dev/nosuch7 0:0:0:7)" "" "what is said while the service runs"
kill $service
ended $service || fail "the service does not end"

step "lock files do not accumulate with the number of domains"
check_eq "$(find "$RUN_DIR" -type f -printf '%f\n' | sort | tr '\n' ' ')" "domains.lock units.lock watch.lock " "the lock files"
for lock in "$RUN_DIR"/*.lock; do [ ! -s "$lock" ] || fail "$lock has grown"; done
