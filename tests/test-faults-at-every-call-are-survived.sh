#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Each kind of call to xenstore and to the hypervisor fails, at each place where the daemon and its worker make it, during a guest's
# whole life and during the daemon's start. In the end the guest is served, and nothing leaks.
#
# The daemon runs in a driver domain, so a rule for domain 7 counts only the calls of the daemon and its workers.
# The test lets the 1st, 2nd, ... call of a kind fail until no more calls of this kind are made. To save time it takes only every third,
# fourth, ... call beyond the 8th, and of some kinds only the first 4 or 8. With EVERY_CALL=1 it takes all. The test fails if a rule never
# fires. Only the first watch events are lost, because the daemon needs up to 30 s to notice a lost one, when it reads all nodes
# again. With EVERY_CALL=1 the test waits for that.
MOCK_TIMEOUT=${EVERY_CALL:+3600}
MOCK_TIMEOUT=${MOCK_TIMEOUT:-240}
PATIENCE=${EVERY_CALL:+45}
PATIENCE=${PATIENCE:-10}
# shellcheck source=tests/mock-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/mock-lib.sh"

BACKEND=/local/domain/7/backend/vscsi
mock_start
guest_create 7 driver
xs_write /local/domain/7/domid 7
guest_create 1
disk a 8
driver_start_only() { daemon_start_only --standalone "$SOCK.d7"; }
driver_start() { driver_start_only && wait_until 10 daemon_ready; }
fired() { mock_ctl faults | grep -q 'fired [1-9]'; }
# The workers of the driver domain; the function in mock-lib.sh is for domain 0.
driver_holds_nothing() {
    local status
    status=$(mock_ctl status) && [[ $status =~ (^|$'\n')mapped\ 0($|$'\n') && $status =~ domain\ 7\ [^$'\n']*\ ports\ 0\  ]]
}

# each "KIND WHAT [MOST [FIRST]]" COMMAND [ARG]: runs COMMAND while the nth call fails, for each nth from FIRST to MOST.
# The rule must fire.
each() {
    local kind what most nth n=0
    read -r kind what most nth <<<"$1"
    nth=${nth:-1}
    shift
    [ -z "${EVERY_CALL:-}" ] || most=""
    while [ $nth -le "${most:-1000}" ]; do
        faults "$kind@7 $nth $what" >/dev/null || fail "no rule: $kind@7 $nth $what"
        "$@" || fail "with '$kind@7 $nth $what'"
        fired || break
        n=$((n + 1))
        nth=$((nth + 1 + (${EVERY_CALL:-0} || nth < 8 ? 0 : nth / 4)))
    done
    faults >/dev/null
    [ $n -gt 0 ] || fail "'$kind@7 $nth $what' never fired"
    printf '   %s %s: %s faults up to call %s\n' "$kind" "$what" $n $((nth - 1))
    all=$((all + n))
}
all=0

guest() { # TIMEOUT
    "$BUILD/vscsi-front" --standalone "$SOCK" --domid 1 --timeout "$1" wait-dev 0:0:0:0 4 , \
        write 0:0:0:0 0 64 seed=1 , verify 0:0:0:0 0 64 seed=1 , load 0:0:0:0 rw=mix depth=4 count=50 verify \
        >>"$LOGS/front" 2>&1
}
# One guest's whole life. The test repeats a failed step of the toolstack, as an administrator would.
life() { # once | again: a guest may have to come a second and a third time
    local ok=no
    for _ in 1 2 3; do
        if xl_scsi attach --no-wait 1 "file:$DISK" 0:0:0:0,backend=7 >>"$LOGS/xl-scsi" 2>&1; then ok=yes; break; fi
    done
    [ $ok = yes ] || fail "attach does not succeed, not even at the third try: $(tail -n 1 "$LOGS/xl-scsi")"
    if [ "$1" = once ]; then
        guest "$PATIENCE" || { tail -n 3 "$LOGS/front"; return 1; }
    else
        guest 1 || guest 1 || guest "$PATIENCE" || { tail -n 3 "$LOGS/front"; return 1; }
    fi
    for _ in 1 2 3; do
        xl_scsi detach 1 0:0:0:0 >>"$LOGS/xl-scsi" 2>&1 && break
    done
    wait_until "$PATIENCE" xs_gone "$BACKEND/1/0"
    wait_until 10 driver_holds_nothing
}

driver_start
step "in a guest's life"
for rule in \
    "read EIO" "write ENOSPC" "directory EIO" "transaction-start ENOSPC" "transaction-end EAGAIN" \
    "watch ENOSPC" "unwatch EIO" "is-domain-introduced EIO" "connect drop" "watch-event drop 4" "read drop" "read delay=100 8" \
    "hello ENOMEM" "memory ENOMEM" "map ENOMEM" "bind ENOMEM" "unmap EINVAL" "unbind EINVAL" "copy ENOMEM" "copy EFAULT 8" \
    "unmask EINVAL" "pending EIO" "map delay=100"; do
    each "$rule" life once
done
# A ring that cannot be mapped, with an error that a guest's own mistake would give too. Pages that cannot be written, while other
# pages of the same command can; vscsi-front reports that. An event that is lost.
for rule in "map EINVAL" "copy-segment general_error" "copy-segment eagain 8" \
    "copy-segment bad_gntref 8" "notify EINVAL 4" "notify drop 4"; do
    each "$rule" life again
done
# A guest is destroyed without a detach, and the daemon removes its nodes.
death() {
    attach 1 "$DISK" 0:0:0:0,backend=7 --no-wait
    "$BUILD/vscsi-front" --standalone "$SOCK" --domid 1 --abandon wait-dev 0:0:0:0 4 >>"$LOGS/front" 2>&1 || return 1
    guest_destroy 1
    wait_until "$PATIENCE" xs_gone "$BACKEND/1/0"
    wait_until 10 driver_holds_nothing
    guest_create 1
}
step "in a guest's death"
for rule in "rm EIO" "rm drop" "directory EIO" "is-domain-introduced EIO" "read EIO" \
    "transaction-end EAGAIN" "unmap EINVAL"; do
    each "$rule" death
done
life once || fail "without faults"
[ "$(workers | wc -l)" = 0 ] || fail "workers left"

# A start with a guest whose ring is connected. It succeeds, or it ends with status 1 and one line, and then the next start succeeds.
start() {
    local status
    daemon_stop
    : >"$LOGS/pvscsid"
    driver_start_only
    started() { daemon_ready || ! kill -0 "$DAEMON_PID"; }
    wait_until 10 started
    if ! kill -0 "$DAEMON_PID" 2>/dev/null; then
        wait "$DAEMON_PID"
        status=$?
        DAEMON_PID=""
        check_eq $status 1 "exit status of a start that fails"
        check_eq "$(grep -c '^pvscsid: ' "$LOGS/pvscsid")" 1 "lines that say why ($(cat "$LOGS/pvscsid"))"
        refused=$((refused + 1))
        driver_start
    fi
    front_try g "verify 0:0:0:0 0 64 seed=1" >>"$LOGS/front" || fail "the guest is not served: $ANSWER"
}
refused=0
step "in the daemon's start"
attach 1 "$DISK" 0:0:0:0,backend=7 --no-wait
front_start g 1
front g "wait-dev 0:0:0:0 4"
front g "write 0:0:0:0 0 64 seed=1"
# The first read gets the daemon's own domain number. If it fails, a standalone daemon assumes domain 0, which is wrong only in
# this test.
for rule in "connect drop" "watch ENOSPC" "read EIO 1000 2" "read drop" "directory EIO" "is-domain-introduced EIO" \
    "hello ENOMEM" "map ENOMEM" "bind ENOMEM" "watch delay=100"; do
    each "$rule" start
done
# Without its own domain number, and without xenstored, the daemon does not start.
[ $refused -gt 2 ] || fail "only $refused starts were refused"

step "xenstored never answers: the guest is served on, and a new daemon goes on"
faults "read@7 1 hang" >/dev/null
xs_write "$BACKEND/1/0/nothing" 1
wait_until 10 fired
front g "load 0:0:0:0 rw=mix depth=4 count=50 verify"
faults >/dev/null
daemon_kill
driver_start
front g "verify 0:0:0:0 0 64 seed=1"
front_stop g
detach 1 0:0:0:0
wait_until 10 driver_holds_nothing
echo "$all faults, $refused starts refused"
