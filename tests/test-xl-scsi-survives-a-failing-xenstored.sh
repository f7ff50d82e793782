#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# xenstored refuses the nth request of each kind, or ends. xl-scsi prints one line, exits with status 1 or 4, leaves
# nothing half attached, and does not hang.
. "${top_srcdir:-.}/tests/mock-lib.sh"
. "${top_srcdir:-.}/tests/toolstack-lib.sh"
mock_start
guest_create 5 web
# The peers act for domain 0 too. Their requests do not fail, because they come later.
peers 5 guest=absent

# try WHAT COMMAND...: 0, or 1 with one line. FIRED: whether the fault came to pass.
try() {
    local what=$1 status
    shift
    timeout 60 "$@" >"$DIR/out" 2>&1
    status=$?
    FIRED=no
    ! mock_ctl faults | grep -q 'fired [1-9]' || FIRED=yes
    mock_ctl faults "" >/dev/null || fail "the faults stay"
    [ $status = 0 ] && return 0
    # A write that is lost leaves the backend without a question, which is a time-out.
    case $status in 1 | 4) ;; *) fail "exit status of $what: expected 1 or 4, got $status ($(cat "$DIR/out"))" ;; esac
    check_match "$(head -n 1 "$DIR/out")" '^xl-scsi: ' "what $what says"
    return 1
}

attach_web() { "$BUILD/xl-scsi" attach --run-dir "$DIR/locks" -w web /dev/nosuch 0:0:0:0; }
# each attach|detach KIND ERRNO: the 1st, 2nd, ... until it is not reached any more; at least one must matter.
each() {
    local verb=$1 kind=$2 error=$3 nth=0 failed=0
    FIRED=yes
    while [ $FIRED = yes ]; do
        nth=$((nth + 1))
        [ $verb = attach ] || attach_web >"$DIR/out" 2>&1 ||
            fail "attach before detach with $kind $nth: $(cat "$DIR/out")"
        faults "$kind@0 $nth $error" >/dev/null
        if [ $verb = attach ]; then
            if try "attach with $kind $nth" "$BUILD/xl-scsi" attach --run-dir "$DIR/locks" -t 3 -w web /dev/nosuch 0:0:0:0; then
                "$BUILD/xl-scsi" detach --run-dir "$DIR/locks" web 0:0:0:0 >"$DIR/out" ||
                    fail "detach after attach with $kind $nth"
            else
                failed=$((failed + 1))
            fi
        elif ! try "detach with $kind $nth" "$BUILD/xl-scsi" detach --run-dir "$DIR/locks" -t 3 web 0:0:0:0; then
            failed=$((failed + 1))
            # The next detach completes what this one could not do.
            [ -z "$(nodes 5)" ] || "$BUILD/xl-scsi" detach --run-dir "$DIR/locks" web 0:0:0:0 >"$DIR/out" 2>&1 ||
                fail "detach after detach with $kind $nth: $(cat "$DIR/out")"
        fi
        no_nodes 5 "after $verb with $kind $nth $error"
    done
    echo "   $kind $error: $failed of $nth runs of $verb failed"
    [ $failed -gt 0 ] || fail "no $verb failed because of $kind $error"
}
for rule in "write ENOSPC" "mkdir ENOSPC" "set-perms ENOSPC" "transaction-start ENOSPC" "transaction-end ENOSPC" "read EIO" "directory EIO"; do
    step "attach: $rule"
    # shellcheck disable=SC2086
    each attach $rule
done
for rule in "rm EIO" "transaction-start ENOSPC" "transaction-end ENOSPC" "read EIO" "directory EIO"; do
    step "detach: $rule"
    # shellcheck disable=SC2086
    each detach $rule
done

step "transactions collide again and again"
faults "transaction-end@0 1 EAGAIN 20" >/dev/null
"$BUILD/xl-scsi" attach --run-dir "$DIR/locks" -w web /dev/nosuch 0:0:0:0 || fail "attach over 20 collisions"
mock_ctl faults "" >/dev/null || fail "the faults stay"
"$BUILD/xl-scsi" detach --run-dir "$DIR/locks" web 0:0:0:0 || fail "detach"

step "xenstored goes away in mid-wait"
peers 5 backend=mute
"$BUILD/xl-scsi" attach --run-dir "$DIR/locks" -t 30 web /dev/nosuch 0:0:0:0 >"$DIR/out" 2>&1 &
pid=$!
wait_until 25 xs_is $BACKEND/5/0/state 2
peers off
kill -KILL "$MOCK_PID"
wait "$MOCK_PID" 2>/dev/null
MOCK_PID=""
end=$((SECONDS + 25))
while kill -0 $pid 2>/dev/null; do
    [ $SECONDS -le $end ] || fail "xl-scsi waits for a xenstored that is gone"
    sleep 0.1
done
wait $pid
check_eq $? 1 "exit status"
check_match "$(cat "$DIR/out")" '^xl-scsi: ' "what is said"
