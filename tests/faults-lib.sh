# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the tests of faults at every call share. Each kind of call to xenstore and to the hypervisor fails, at each place
# where the daemon and its worker make it. The guest is served in the end, and nothing leaks.
#
# The daemon is a driver domain's, so that a rule for domain 7 counts its calls and its worker's, and nobody else's.
# The 1st, 2nd, ... call of a kind fails until there is none of that number any more; beyond the 8th, to save time, only
# every third, fourth, ..., and of some kinds only the first 4 or 8 (all with EVERY_CALL=1). A rule that never fires fails
# the test. Of watch events only the first are lost: one that is missed costs up to 30 s, when the daemon looks
# everywhere (EVERY_CALL=1 waits for that).
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
# Of the driver domain; mock-lib's own look is at domain 0.
driver_holds_nothing() {
    local status
    status=$(mock_ctl status) && [[ $status =~ (^|$'\n')mapped\ 0($|$'\n') && $status =~ domain\ 7\ [^$'\n']*\ ports\ 0\  ]]
}

# each "KIND WHAT [MOST [FIRST]]" COMMAND [ARG]: runs it with the nth call failing, for each nth from FIRST to MOST;
# the rule has to fire.
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
# One guest's whole life; each step of the toolstack may be repeated, as a person would.
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

# The end of a test: without faults all is well, and it has seen some.
faults_end() {
    life once || fail "without faults"
    [ "$(workers | wc -l)" = 0 ] || fail "workers left"
    echo "$all faults"
}
