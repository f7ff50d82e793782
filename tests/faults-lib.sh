# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Shared by the tests of faults at every call. Each kind of call to xenstore and to the hypervisor fails, at each place
# where the daemon and its worker make it. In the end the guest is served, and nothing leaks.
#
# The daemon runs in a driver domain, so a rule for domain 7 counts only the calls of the daemon and its workers.
# The test lets the 1st, 2nd, ... call of a kind fail until no more calls of this kind are made. To save time it takes
# only every third, fourth, ... call beyond the 8th, and of some kinds only the first 4 or 8. With EVERY_CALL=1 it takes
# all. The test fails if a rule never fires. Only the first watch events are lost, because the daemon needs up to 30 s
# to notice a lost one, when it reads all nodes again. With EVERY_CALL=1 the test waits for that.
MOCK_TIMEOUT=${EVERY_CALL:+3600}
MOCK_TIMEOUT=${MOCK_TIMEOUT:-240}
PATIENCE=${EVERY_CALL:+45}
PATIENCE=${PATIENCE:-25}
# shellcheck source=tests/mock-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/mock-lib.sh"

BACKEND=/local/domain/7/backend/vscsi
mock_start
guest_create 7 driver
xs_write /local/domain/7/domid 7
guest_create 1
disk a 8
driver_start_only() { daemon_start_only --standalone "$SOCK.d7"; }
driver_start() { driver_start_only && wait_until 25 daemon_ready; }
fired() { mock_ctl faults | grep -q 'fired [1-9]'; }
# The workers of the driver domain; the function in mock-lib.sh is for domain 0.
driver_holds_nothing() {
    local status
    status=$(mock_ctl status) && [[ $status =~ (^|$'\n')mapped\ 0($|$'\n') &&
        $status =~ domain\ 7\ [^$'\n']*\ ports\ 0\  ]]
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
    wait_until 25 driver_holds_nothing
}

# The end of a test: without faults everything works, and the test has seen some faults.
faults_end() {
    life once || fail "without faults"
    wait_until 25 no_workers
    echo "$all faults"
}
