#!/bin/bash
# xenstored refuses the nth request of each kind, or goes away: one line, exit status 1, nothing half attached, no hang.
MOCK_TIMEOUT=240
. "${top_srcdir:-.}/tests/mock-lib.sh"
. "${top_srcdir:-.}/tests/toolstack-lib.sh"
mock_start
guest_create 5 web
# The peers are domain 0 too: theirs are not the requests that fail, since they only come later.
peers 5 guest=absent

# try WHAT NODES-BEFORE COMMAND...: 0, or 1 with one line and the nodes as before.
try() {
    local what=$1 status
    shift 2
    timeout 20 "$@" >"$DIR/out" 2>&1
    status=$?
    mock_ctl faults "" >/dev/null || fail "the faults stay"
    [ $status = 0 ] && return 0
    check_eq $status 1 "exit status of $what ($(cat "$DIR/out"))"
    check_match "$(head -n 1 "$DIR/out")" '^xl-scsi: ' "what $what says"
    return 1
}

# each KIND ERRNO: the 1st, 2nd, ... until it is not reached any more.
each() {
    local kind=$1 error=$2 nth failed=0
    for nth in $(seq 1 60); do
        faults "$kind@0 $nth $error" >/dev/null
        if try "attach with $kind $nth" "" "$BUILD/xl-scsi" attach -t 3 -w web /dev/nosuch 0:0:0:0; then
            "$BUILD/xl-scsi" detach web 0:0:0:0 >"$DIR/out" || fail "detach after attach with $kind $nth"
        else
            failed=$((failed + 1))
        fi
        no_nodes 5 "after an attach with $kind $nth $error"
    done
    echo "   $kind: $failed of 60 attaches failed"
}
for kind in write mkdir set-perms transaction-start transaction-end rm; do
    step "$kind fails"
    each $kind ENOSPC
done
step "reads fail"
each read EIO
each directory EIO

step "transactions collide again and again"
faults "transaction-end@0 1 EAGAIN 20" >/dev/null
"$BUILD/xl-scsi" attach -w web /dev/nosuch 0:0:0:0 || fail "attach over 20 collisions"
mock_ctl faults "" >/dev/null || fail "the faults stay"
"$BUILD/xl-scsi" detach web 0:0:0:0 || fail "detach"

step "xenstored goes away in mid-wait"
peers 5 backend=mute
"$BUILD/xl-scsi" attach -t 30 web /dev/nosuch 0:0:0:0 >"$DIR/out" 2>&1 &
pid=$!
wait_until 5 xs_is $BACKEND/5/0/state 2
peers off
kill -KILL "$MOCK_PID"
wait "$MOCK_PID" 2>/dev/null
MOCK_PID=""
end=$((SECONDS + 10))
while kill -0 $pid 2>/dev/null; do
    [ $SECONDS -le $end ] || fail "xl-scsi waits for a xenstored that is gone"
    sleep 0.1
done
wait $pid
check_eq $? 1 "exit status"
check_match "$(cat "$DIR/out")" '^xl-scsi: ' "what is said"
