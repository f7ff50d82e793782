#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The service: a device that could not be attached is tried again, later each time, until it is there.
MOCK_TIMEOUT=120
. "${top_srcdir:-.}/tests/mock-lib.sh"
. "${top_srcdir:-.}/tests/toolstack-lib.sh"
. "${top_srcdir:-.}/tests/watch-lib.sh"
mock_start
step "a device that the backend refuses"
peers 5 refuse-pdev=/dev/gone
watch_start 5
domain 5 web 0 /dev/nosuch1,0:0:0:0 /dev/gone,0:0:0:1
wait_until 10 xenstore-exists /local/domain/5/pvscsi/1/error
wait_until 10 pauses_are 5 0
check_eq "$(xl_scsi list 5 | grep -c ' 4$')" 1 "devices"

step "... is attached when it has come, without a pause, and the reason was said once"
sleep 7
check_eq "$(grep -c 'lacks 1 of its devices' "$LOGS/watch")" 1 "lines about it"
peers 5
for _ in {1..250}; do
    pauses_are 5 0 || fail "a running guest is paused"
    ! xs_gone /local/domain/5/pvscsi || break
    sleep 0.1
done
xs_gone /local/domain/5/pvscsi || fail "it was not tried again"
check_eq "$(xl_scsi list 5 | grep -c ' 4$')" 2 "devices"

step "no daemon, and then one"
peers off
domain 6 db 0 /dev/nosuch6,0:0:0:0
wait_until 20 xenstore-exists /local/domain/6/pvscsi/0/error
wait_until 10 pauses_are 6 0
peers 6
wait_until 30 xs_gone /local/domain/6/pvscsi
check_eq "$(xl_scsi list 6 | grep -c ' 4$')" 1 "devices"
watch_stop
