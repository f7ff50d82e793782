#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# pvscsictl says whether the daemon serves, and its counters agree with what the guest did.
# shellcheck source=tests/mock-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/mock-lib.sh"

ctl() { "$BUILD/pvscsictl" --run-dir "$RUN_DIR" "$@"; }
mock_start
refuses 3 'cannot reach pvscsid' ctl status
daemon_start
ctl status >/dev/null || fail "status with a daemon that serves: $?"
guest_create 1 first
disk a 8
attach 1 "$DISK" 0:0:0:0 --no-wait
front_start g 1
front g "wait-dev 0:0:0:0 4"
front g "load 0:0:0:0 rw=write bs=4k count=100"
front g "load 0:0:0:0 rw=read bs=8k count=50"
front g "expect 00/02/5/21/00 raw 0:0:0:0 in 512 28 0 0 1 0 0 0 0 1 0"

step "text and JSON tell the same"
check_match "$(ctl status)" 'guest 1 vhost 0 \(first\): Connected, frontend Connected' "status"
stats=$(ctl stats)
check_match "$stats" '1 +0 +0:0:0:0 +[0-9]+ +0 +[1-9][0-9]* +[0-9]+ +409600 ' "stats"
# One value of the only LUN, from the pretty-printed JSON.
value() { ctl stats --json | sed -n "s/^ *\"$1\": *\([0-9]*\),*$/\1/p" | tail -n 1; }
check_eq "$(value write_bytes)" 409600 "write_bytes"
check_eq "$(value in_flight)" 0 "in_flight"
[ "$(value read_bytes)" -ge 409600 ] || fail "read_bytes: $(value read_bytes)"
[ "$(value commands)" -ge 151 ] || fail "commands: $(value commands)"
[ "$(value errors)" -ge 1 ] || fail "errors: $(value errors)"
check_eq "$(value answered)" "$(value commands)" "answered"
if command -v python3 >/dev/null; then
    for what in status stats; do
        ctl $what --json | python3 -m json.tool >/dev/null || fail "$what --json is not JSON"
    done
fi

step "a guest that is renamed has its new name at once, in the lines of its worker too"
called() { ctl status | grep -q "guest 1 vhost 0 ($1): Connected"; }
xs_write /local/domain/1/name renamed
wait_until 25 called renamed
front g "bad cmd-len-0"
wait_until 25 grep -q 'd1\.0 (renamed): warning: request .* refused' "$LOGS/pvscsid"

step "a worker's own restarts and refused requests are counted"
check_eq "$(value bad_requests)" 1 "bad_requests"
front g "reset 0:0:0:0"
check_eq "$(value resets)" 1 "resets"

step "a limit holds its LUN"
first_limited() { ctl stats --json | sed -n 's/^ *"limited": *\([0-9]*\),*$/\1/p' | head -n 1; }
disk b 8
attach 1 "$DISK" 0:0:0:1,iops=100 --no-wait
front g "wait-dev 0:0:0:1 4"
check_match "$(ctl status)" '0:0:0:1 .* iops:100 burst:1' "status"
check_no_match "$(ctl status | grep -F ' 0:0:0:0 ')" 'iops:|bps:|burst:' "limits of the LUN that has none"
began=${EPOCHREALTIME/[.,]/}
front g "load 0:0:0:1 rw=read bs=4k count=200 depth=4"
took=$((${EPOCHREALTIME/[.,]/} - began))
# 101 at once, and 99 at the rate.
[ $took -ge 990000 ] || fail "200 commands at 100 a second took $took us"
# On a machine that is busy with other work, the load may be slower than its limit for a while.
if [ $took -le 1200000 ]; then
    [ "$(value limited)" -ge 80 ] || fail "limited: $(value limited)"
    [ "$(value limited_us_sum)" -ge 500000 ] || fail "limited_us_sum: $(value limited_us_sum)"
fi
front g "load 0:0:0:0 rw=read bs=4k count=200 depth=4"
check_eq "$(first_limited)" 0 "commands of the LUN without limits that were held up"
front_stop g
daemon_stop
refuses 3 'cannot reach pvscsid' ctl status
