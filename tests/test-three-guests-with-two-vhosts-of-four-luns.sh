#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Three guests with two vhosts each and four LUNs on each vhost work at once. Each guest sees only its own LUNs.
# shellcheck source=tests/mock-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/mock-lib.sh"

mock_start
daemon_start
for domid in 1 2 3; do
    guest_create $domid
    for host in 0 1; do
        for lun in 0 1 2 3; do
            disk "d$domid$host$lun" 4
            attach $domid "$DISK" "$host:0:$((lun / 2)):$((lun % 2))" --no-wait
        done
    done
done
for domid in 1 2 3; do
    for host in 0 1; do
        front_start "g$domid$host" $domid --vhost $host
    done
done
for domid in 1 2 3; do
    for host in 0 1; do
        for dev in 0:0 0:1 1:0 1:1; do
            front "g$domid$host" "wait-dev $host:0:$dev 4"
        done
    done
    check_eq "$(xl_scsi list $domid | grep -c ' 4$')" 8 "devices of guest $domid"
done

step "each LUN gets data of its own"
for domid in 1 2 3; do
    for host in 0 1; do
        for dev in 0:0 0:1 1:0 1:1; do
            front_tell "g$domid$host" "write $host:0:$dev 0 512 seed=$domid$host${dev/:/}"
        done
    done
done
for g in g10 g11 g20 g21 g30 g31; do
    for _ in 1 2 3 4; do front_answer $g || fail "$g: $ANSWER"; done
done
for domid in 1 2 3; do
    for host in 0 1; do
        for dev in 0:0 0:1 1:0 1:1; do
            front "g$domid$host" "verify $host:0:$dev 0 512 seed=$domid$host${dev/:/}"
        done
        front "g$domid$host" "luns $host:0:1:0"
        check_eq "$ANSWER" "luns 0 1"$'\n' "REPORT LUNS"
        front "g$domid$host" "expect 01/02/5/25/00 tur $host:0:2:0"
    done
done

step "all under load at once"
for g in g10 g11 g20 g21 g30 g31; do
    host=${g#g?}
    front_tell $g "load $host:0:0:0,$host:0:0:1,$host:0:1:0,$host:0:1:1 rw=mix verify depth=8 bs=8k seconds=2"
done
for g in g10 g11 g20 g21 g30 g31; do
    front_answer $g || fail "$g: $ANSWER"
    check_match "$ANSWER" 'errors=0 wrong=0' "$g"
done
check_eq "$(workers | wc -l)" 6 "one worker for each vhost"

step "one guest goes; the others do not notice"
front_kill g20
front_kill g21
guest_destroy 2
wait_until 25 xs_gone "$BACKEND/2"
front g10 "inquiry 0:0:0:0"
front g31 "inquiry 1:0:1:1"
for g in g10 g11 g30 g31; do front_stop $g; done
