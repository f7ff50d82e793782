#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# SUSE's frontend for Windows: 26 segments, state 3 at once, no states of devices, and it reads only the low half of
# results.
# shellcheck source=tests/mock-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/mock-lib.sh"

mock_start
daemon_start
guest_create 1
disk a 8
attach 1 "$DISK" 0:0:0:0 --no-wait
disk b 8
attach 1 "$DISK" 0:0:1:3 --no-wait
front_start w 1 --like windows
front w "wait-dev 0:0:0:0 4"
front w "wait-dev 0:0:1:3 4"
front w status
check_match "$ANSWER" 'at most 26 segments' "status"
front w "write 0:0:0:0 0 2000 seed=1"
front w "verify 0:0:0:0 0 2000 seed=1"
front w "luns 0:0:1:3"
check_eq "$ANSWER" "luns 0 3"$'\n' "REPORT LUNS"
# It ignores the host byte, so it must see a failure without the host byte.
front w "expect 00/02/5/25/00 tur 0:0:7:0"
front w "expect 00/02/5/24/00 bad direction-4"
front w "expect 2002 reset 0:0:0:0"
front w "load 0:0:0:0,0:0:1:3 rw=mix verify depth=16 bs=64k seconds=2"
step "a disk is added"
disk c 8
attach 1 "$DISK" 0:0:2:0
front w "wait-dev 0:0:2:0 4"
front w "write 0:0:2:0 0 10"
detach 1 0:0:2:0
front_stop w
