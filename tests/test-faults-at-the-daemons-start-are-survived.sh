#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Each kind of call fails, at each place in the daemon's start while a guest's ring is connected. In the last step
# xenstored does not answer at all.
# shellcheck source=tests/faults-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/faults-lib.sh"

# A start with a guest whose ring is connected. It succeeds, or it ends with status 1 and one line, and then the next
# start succeeds.
start() {
    local status
    daemon_stop
    : >"$LOGS/pvscsid"
    driver_start_only
    started() { daemon_ready || ! kill -0 "$DAEMON_PID"; }
    wait_until 25 started
    if ! kill -0 "$DAEMON_PID" 2>/dev/null; then
        wait "$DAEMON_PID"
        status=$?
        DAEMON_PID=""
        check_eq $status 1 "exit status of a start that fails"
        check_eq "$(grep -c 'Z pvscsid: ' "$LOGS/pvscsid")" 1 "lines that say why ($(cat "$LOGS/pvscsid"))"
        refused=$((refused + 1))
        driver_start
    fi
    front_try g "verify 0:0:0:0 0 64 seed=1" >>"$LOGS/front" || fail "the guest is not served: $ANSWER"
}
driver_start
refused=0
attach 1 "$DISK" 0:0:0:0,backend=7 --no-wait
front_start g 1
front g "wait-dev 0:0:0:0 4"
front g "write 0:0:0:0 0 64 seed=1"
# The first read gets the daemon's own domain number. If it fails, a standalone daemon assumes domain 0, which is wrong
# only in this test.
for rule in "connect drop" "watch ENOSPC" "read EIO 1000 2" "read drop" "directory EIO" "is-domain-introduced EIO" \
    "hello ENOMEM" "map ENOMEM" "bind ENOMEM" "watch delay=100"; do
    each "$rule" start
done
# Without its own domain number, and without xenstored, the daemon does not start.
[ $refused -gt 2 ] || fail "only $refused starts were refused"

step "xenstored never answers: the guest is served on, and a new daemon goes on"
faults "read@7 1 hang" >/dev/null
xs_write "$BACKEND/1/0/nothing" 1
wait_until 25 fired
front g "load 0:0:0:0 rw=mix depth=4 count=50 verify"
faults >/dev/null
daemon_kill
driver_start
front g "verify 0:0:0:0 0 64 seed=1"
front_stop g
detach 1 0:0:0:0
wait_until 25 driver_holds_nothing
echo "$all faults, $refused starts refused"
