#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A frontend starts again: its module is unloaded and loaded, the guest resumes, Windows disables and enables it.
# shellcheck source=tests/mock-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/mock-lib.sh"

mock_start
daemon_start
guest_create 1
disk a 8
attach 1 "$DISK" 0:0:0:0 --no-wait
front_start g 1
front g "wait-dev 0:0:0:0 4"
front g "write 0:0:0:0 0 64 seed=3"

step "module unloaded and loaded again, ten times"
for _ in 1 2 3 4 5 6 7 8 9 10; do
    front g disconnect
    front g connect
    front g "wait-dev 0:0:0:0 4"
    front g "verify 0:0:0:0 0 64 seed=3"
done

step "suspend and resume: the frontend replaces the ring without closing, and the device stays"
for _ in 1 2 3 4 5; do
    front g suspend
    front g "verify 0:0:0:0 0 64 seed=3"
    front g "write 0:0:0:0 0 64 seed=3"
done

step "a frontend process that dies and comes back (kexec, crash without a new domain)"
front_kill g
front_start g 1
front g "wait-dev 0:0:0:0 4"
front g "verify 0:0:0:0 0 64 seed=3"
check_eq "$(xl_scsi list 1 | grep -c ' 4$')" 1 "devices at 4"
front_stop g

step "SUSE's Windows frontend: 5, 6, 1 and back to 2"
front_start w 1 --like vmdp
front w "wait-dev 0:0:0:0 4"
front w "verify 0:0:0:0 0 64 seed=3"
for _ in 1 2 3; do
    front w disconnect
    check_eq "$(xs_read "$BACKEND/1/0/state")" 2 "backend state after the frontend's reset"
    front w connect
    front w "wait-dev 0:0:0:0 4"
    front w "verify 0:0:0:0 0 64 seed=3"
done
front_stop w
