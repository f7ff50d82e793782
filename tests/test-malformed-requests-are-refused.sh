#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Each field of a request is wrong in each way that vscsi-front knows. There is one answer, it is the right one, and
# other guests are not disturbed.
# shellcheck source=tests/mock-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/mock-lib.sh"

mock_start
daemon_start
guest_create 1
guest_create 2
disk a 16
attach 1 "$DISK" 0:0:0:0 --no-wait
disk b 16
attach 2 "$DISK" 0:0:0:0 --no-wait
front_start bad 1
front_start good 2
front bad "wait-dev 0:0:0:0 4"
front good "wait-dev 0:0:0:0 4"
front bad "write 0:0:0:0 0 1024 seed=5"

step "another guest is at work meanwhile"
front_tell good "load 0:0:0:0 rw=mix verify depth=4 bs=8k seconds=8"
front bad "bad all"
for seed in 1 2 3 4 5; do
    front bad "bad garbage seed=$seed count=1000"
    front bad "bad sixteen seed=$seed"
done
front bad "abort 0:0:0:0"
front bad "reset 0:0:0:0"
front bad "write 0:0:0:0 0 1024 seed=5"
front bad "verify 0:0:0:0 0 1024 seed=5"
front_answer good || fail "the other guest: $ANSWER"
check_match "$ANSWER" 'retried=0 resent=0 errors=0 wrong=0' "the other guest"

step "guest-triggered lines are limited"
[ "$(wc -l <"$LOGS/pvscsid")" -lt 400 ] || fail "$(wc -l <"$LOGS/pvscsid") lines of log"
front_stop bad
front_stop good
