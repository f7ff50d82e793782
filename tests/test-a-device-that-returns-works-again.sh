#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The device of one of two LUNs is away while the worker dies, and while the daemon restarts. The other LUN goes on
# without an error. The one without its device answers with 05/25/00, and works again when the device is back. So it
# does when the frontend was started meanwhile, and has not taken it.
# shellcheck source=tests/mock-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/mock-lib.sh"

mock_start
daemon_start
guest_create 1
disk a 16
attach 1 "$DISK" 0:0:0:0 --no-wait
disk b 16
b=$DISK
attach 1 "$b" 0:0:1:0 --no-wait
front_start g 1
front g "wait-dev 0:0:0:0 4"
front g "wait-dev 0:0:1:0 4"
front g "load 0:0:1:0 rw=mix verify depth=4 bs=4k seconds=1"

listed_gone() { xl_scsi list 1 | grep -q '0:0:1:0 *4 gone$'; }
status() { "$BUILD/pvscsictl" --run-dir "$RUN_DIR" status "$@"; }

for what in worker daemon; do
    step "the device is away when the $what comes back"
    front_tell g "load 0:0:0:0 rw=mix verify depth=8 bs=4k seconds=4"
    mv "$b" "$b.away"
    if [ $what = worker ]; then
        wait_until 25 one_worker
        kill -KILL "$(one_worker)"
    else
        daemon_stop
        daemon_start
    fi
    wait_until 25 listed_gone
    front_answer g || fail "the load on the other LUN: $ANSWER"
    check_match "$ANSWER" 'errors=0 wrong=0' "the load on the other LUN"
    front g "expect 00/02/5/25/00 tur 0:0:1:0"
    front g "expect 00/02/5/25/00 inquiry 0:0:1:0"
    check_match "$(status)" "0:0:1:0 .* Connected +gone" "status"
    check_match "$(status)" "error: the device is gone: $b: No such file or directory" "the reason in status"
    check_match "$(status --json)" '"presence": ?"gone"' "status --json"
    check_match "$(xl_scsi list --long 1)" "the backend says: the device is gone: $b: No such file" "the reason in list"
    wait_until 25 daemon_says 'dev-1 \(file:.*\): the device is gone: .*; its commands fail until it is back'

    step "it is back"
    mv "$b.away" "$b"
    wait_until 25 eval '! listed_gone'
    front g "expect 00/02/6/29/00 tur 0:0:1:0"
    front g "load 0:0:1:0 rw=mix verify depth=4 bs=4k seconds=1"
    check_no_match "$(status)" 'gone' "status"
    wait_until 25 daemon_says 'dev-1 \(file:.*\): the device is back'
done

step "the frontend starts again while the device is away"
mv "$b" "$b.away"
daemon_stop
daemon_start
wait_until 25 listed_gone
front g disconnect
front g connect
front g "wait-dev 0:0:0:0 4"
wait_until 25 eval "xl_scsi list 1 | grep -q '0:0:1:0 *3 gone$'"
front g "expect 00/02/5/25/00 tur 0:0:1:0"
mv "$b.away" "$b"
front g "wait-dev 0:0:1:0 4"
front g "load 0:0:1:0 rw=mix verify depth=4 bs=4k seconds=1"
check_no_match "$(status)" 'gone' "status"
check_no_match "$(xl_scsi list --long 1)" 'the backend says' "the reason in list"
front_stop g
