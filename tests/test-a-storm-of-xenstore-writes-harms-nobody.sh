#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A guest writes nonsense to its own nodes as fast as it can. The daemon's memory does not grow, another guest is served
# as before, and afterwards the noisy guest can connect again.
# shellcheck source=tests/mock-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/mock-lib.sh"

mock_start
daemon_start
for domid in 1 2; do
    guest_create $domid
    disk d$domid 8
    attach $domid "$DISK" 0:0:0:0 --no-wait
    front_start g$domid $domid
    front g$domid "wait-dev 0:0:0:0 4"
done
front g1 "storm 2000 children=500"
before=$(rss_kb "$DAEMON_PID")
front_tell g2 "load 0:0:0:0 rw=mix verify depth=4 bs=4k seconds=4"
front g1 "storm 60000 children=1000 seed=2"
after=$(rss_kb "$DAEMON_PID")
front_answer g2 || fail "the other guest: $ANSWER"
check_match "$ANSWER" 'retried=0 resent=0 errors=0 wrong=0' "the other guest"
[ $((after - before)) -lt 8192 ] || fail "the control process grew from $before to $after KiB"
daemon_ready >/dev/null || fail "the daemon does not answer"

step "meanwhile the other guest gets a device quickly"
front_tell g1 "storm 40000 children=1000 seed=3"
disk more 4
attach 2 "$DISK" 0:0:1:0
front g2 "wait-dev 0:0:1:0 4"
front_answer g1 || fail "$ANSWER"

step "the noisy guest stops and connects"
wait_until 25 xs_is /local/domain/0/backend/vscsi/2/0/state 4
front_kill g1
xl_scsi detach --force --timeout 3 1 0:0:0:0 >>"$LOGS/xl-scsi" 2>&1 ||
    fail "detach --force: $(tail -n 1 "$LOGS/xl-scsi")"
wait_until 25 xs_gone "$BACKEND/1/0"
disk d1 8
attach 1 "$DISK" 0:0:0:0 --no-wait
front_start g1 1
front g1 "wait-dev 0:0:0:0 4"
front g1 "write 0:0:0:0 0 8 seed=1"
front g1 "verify 0:0:0:0 0 8 seed=1"
[ "$(wc -l <"$LOGS/pvscsid")" -lt 400 ] || fail "$(wc -l <"$LOGS/pvscsid") lines of log"
front_stop g1
front_stop g2
