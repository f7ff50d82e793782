#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# LUNs come and go while another LUN of the same vhost is under verified load.
# shellcheck source=tests/mock-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/mock-lib.sh"

mock_start
daemon_start
guest_create 1
disk a 16
attach 1 "$DISK" 0:0:0:0 --no-wait
front_start g 1
front g "wait-dev 0:0:0:0 4"

front_tell g "load 0:0:0:0 rw=mix verify depth=8 bs=16k until=$DIR/enough"
for round in 1 2 3; do
    for lun in 1 2 3; do
        disk "b$lun" 4
        attach 1 "$DISK" "0:0:0:$lun"
    done
    check_eq "$(xl_scsi list 1 | grep -c ' 4$')" 4 "devices at 4 in round $round"
    for lun in 2 1 3; do
        detach 1 "0:0:0:$lun"
    done
done
: >"$DIR/enough"
front_answer g || fail "the load: $ANSWER"
check_match "$ANSWER" 'retried=[0-9]+ resent=0 errors=0 wrong=0' "load"

step "a LUN is removed in mid-I/O: it ends with errors, the others go on"
disk b1 4
attach 1 "$DISK" 0:0:0:1
front_tell g "load 0:0:0:1 rw=read depth=16 bs=4k seconds=15 until-gone"
working 1
detach 1 0:0:0:1
front_answer g || fail "the load on the removed LUN: $ANSWER"
front g "wait-dev 0:0:0:1 gone"
front g "expect 00/02/5/25/00 tur 0:0:0:1"
front g "inquiry 0:0:0:0"

step "add and remove one after the other, with a connection that was never used"
attach 1 "$DISK" 0:0:5:0
front g "wait-dev 0:0:5:0 4"
front g "inquiry 0:0:5:0"
detach 1 0:0:5:0
front g "expect 01/02/5/25/00 tur 0:0:5:0"
front_stop g
