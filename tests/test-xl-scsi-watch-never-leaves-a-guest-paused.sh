#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The service pauses a domain that has not started yet. Whatever happens to the service, the domain runs in the end.
. "${top_srcdir:-.}/tests/mock-lib.sh"
. "${top_srcdir:-.}/tests/toolstack-lib.sh"
. "${top_srcdir:-.}/tests/watch-lib.sh"
mock_start

step "paused while its devices are attached, one more than xl's own pause, and not after"
peers 5 backend=mute
watch_start 8
domain 5 web 1 /dev/nosuch5,0:0:0:0
wait_until 25 pauses_are 5 2
xs_is /local/domain/5/pvscsi/paused 1 || fail "no mark of the pause"
tr '\0' ' ' <"/proc/$(jobs_of 5)/cmdline" | grep -q -e "--run-dir $RUN_DIR " ||
    fail "the process has not the service's --run-dir"
wait_until 25 pauses_are 5 1
wait_until 25 xs_gone /local/domain/5/pvscsi/paused
xenstore-exists /local/domain/5/pvscsi/0/error || fail "no reason was noted"

step "a service that is killed meanwhile: the next one lets the domain run, once"
domain 6 db 0 /dev/nosuch6,0:0:0:0
peers 6 backend=mute
wait_until 25 pauses_are 6 1
watch_kill
watch_start 8
wait_until 25 jobs_of 6
pauses_are 6 1 || fail "paused $(cat "$FAKE_HYP/6") times after the second start"
wait_until 25 pauses_are 6 0
wait_until 25 xs_gone /local/domain/6/pvscsi/paused

step "the same when there is nothing more to attach"
watch_stop
domain 7 ready 1
xs_write /local/domain/7/pvscsi/paused 1
watch_start 3
wait_until 25 pauses_are 7 0
wait_until 25 xs_gone /local/domain/7/pvscsi

step "a store that fails for a moment, when it is read and when it is written"
id=20
for fault in "read@0:/local/domain/%/pvscsi/paused 2 EIO 2" "rm@0:/local/domain/%/pvscsi/paused 1 EIO 3"; do
    id=$((id + 1))
    peers $id
    faults "${fault//%/$id}" >/dev/null
    domain $id store$id 0 /dev/nosuch$id,0:0:0:0
    wait_until 25 xs_gone /local/domain/$id/pvscsi
    wait_until 25 pauses_are $id 0
    check_match "$(mock_ctl faults)" "fired ${fault##* }" "the fault"
    mock_ctl faults "" >/dev/null || fail "the faults stay"
done

step "a domain that is destroyed in the same moment gets no new directory in xenstore"
peers off
faults "transaction-start@0 1 delay=1500" >/dev/null
domain 9 gone 0 /dev/nosuch9,0:0:0:0
wait_until 25 eval 'mock_ctl faults | grep -q "fired 1"'
guest_destroy 9
wait_until 25 eval '! jobs_of 9'
mock_ctl faults "" >/dev/null || fail "the faults stay"
xs_gone /local/domain/9 || fail "left of a domain that is gone: $(xenstore-ls /local/domain/9)"
watch_stop

step "a running guest that lacks a device is not paused for another try"
peers 10 backend=mute
domain 10 lacks 0 /dev/nosuch10,0:0:0:0
xs_write /local/domain/10/pvscsi/0/error "it was not there"
watch_start 3
wait_until 25 jobs_of 10
for _ in {1..40}; do
    pauses_are 10 0 || fail "a running guest is paused"
    jobs_of 10 >/dev/null || break
    sleep 0.1
done
wait_until 25 eval '! xs_is /local/domain/10/pvscsi/0/error "it was not there"'
pauses_are 10 0 || fail "a running guest is paused"

step "... and gets the device when it can be attached"
watch_stop
xenstore-rm $BACKEND/10 2>/dev/null
peers 10
watch_start 3
wait_until 25 xs_gone /local/domain/10/pvscsi
pauses_are 10 0 || fail "a running guest is paused"

step "xenstored is lost while a guest is paused"
peers 11 backend=mute
domain 11 lost 0 /dev/nosuch11,0:0:0:0
wait_until 25 pauses_are 11 1
kill -KILL "$MOCK_PID"
wait "$MOCK_PID" 2>/dev/null
MOCK_PID=""
wait_until 30 pauses_are 11 0
wait "$WATCH_PID"
check_eq $? 1 "exit status of the service without xenstored"
WATCH_PID=""
