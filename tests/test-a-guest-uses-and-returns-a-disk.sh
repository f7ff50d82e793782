#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A disk is attached to a running guest, used and detached. Nothing is left of it.
# shellcheck source=tests/mock-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/mock-lib.sh"

mock_start
daemon_start
guest_create 1
disk a 8

step "attach before the frontend exists: the backend opens the device, and xl-scsi says so"
attach 1 "$DISK" 0:0:0:0 --no-wait
check_eq "$(xs_read "$BACKEND/1/0/vscsi-devs/dev-0/state")" 3 "device state"
xs_is "$BACKEND/1/0/feature-sg-grant" 128 || fail "feature-sg-grant is not 128"

step "the frontend connects, and finds the disk"
front_start g 1
front g "wait-dev 0:0:0:0 4"
front g list
check_match "$ANSWER" '\[0:0:0:0\] +disk' "list"
front g "capacity 0:0:0:0"
check_match "$ANSWER" '^16384 blocks of 512 bytes' "capacity"
check_match "$(xl_scsi list 1)" ' 0:0:0:0 +4$' "xl-scsi list"

step "data"
front g "write 0:0:0:0 0 2048 seed=1"
front g "verify 0:0:0:0 0 2048 seed=1"
front g "raw 0:0:0:0 none 0 35 0 0 0 0 0 0 0 0 0"

step "a CDB as bytes, as bytes with 0x, and as one word is the same CDB"
front g "raw 0:0:0:0 in 8 25 0 0 0 0 0 0 0 0 0"
check_match "$ANSWER" '^host 00 .*00 00 3f ff 00 00 02 00' "READ CAPACITY"
capacity=$ANSWER
for cdb in "0x25 0x0 0x0 0 0 0 0 0 0 0" 25000000000000000000 0x25000000000000000000; do
    front g "raw 0:0:0:0 in 8 $cdb"
    check_eq "$ANSWER" "$capacity" "the answer to $cdb"
done
for cdb in "25 0 0g" 250 0x "25 z" 2500000000000000000000000000000000; do
    ! front_try g "raw 0:0:0:0 in 8 $cdb" || fail "the CDB $cdb is accepted"
    check_match "$ANSWER" 'CDB' "the refusal of $cdb"
done

front g status
check_eq "$(xs_read "$BACKEND/1/0/state")" 4 "backend state"

step "detach the last device: both trees go"
detach 1 0:0:0:0
front g "wait-gone"
xs_gone "$BACKEND/1/0" || fail "the backend tree is still there"
xs_gone /local/domain/1/device/vscsi/0 || fail "the frontend tree is still there"
front_stop g
nothing_left
