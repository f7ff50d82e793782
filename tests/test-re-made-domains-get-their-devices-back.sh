#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The service: libxl creates a domain with the list of devices of the guest's former domain. The domain gets these
# devices, once, and independently of other domains.
. "${top_srcdir:-.}/tests/mock-lib.sh"
. "${top_srcdir:-.}/tests/toolstack-lib.sh"
mock_start
WATCH_PID=""
trap 'status=$?; [ -z "$WATCH_PID" ] || kill "$WATCH_PID"; [ -z "$PEERS_PID" ] || kill "$PEERS_PID"; (exit $status); finish' EXIT
watch_start() {
    "$BUILD/xl-scsi" watch --run-dir "$RUN_DIR" -t 15 >>"$LOGS/watch" 2>&1 &
    WATCH_PID=$!
}
watch_stop() {
    kill -TERM "$WATCH_PID"
    wait "$WATCH_PID"
    check_eq $? 0 "exit status of the service"
    WATCH_PID=""
}
# libxl writes the notes before it introduces the domain. domain ID NAME ENTRY...
domain() {
    local id=$1 name=$2 i=0
    shift 2
    for entry; do
        xs_write "/local/domain/$id/pvscsi/$i" "$entry"
        i=$((i + 1))
    done
    guest_create "$id" "$name"
}

step "what changes at one virtual host while another one has to be waited for is heard"
peers 14 guest=absent
xs_write $BACKEND/14/1/online 0 # another tool removes it at this moment
xs_write $BACKEND/14/1/state 2
domain 14 wide /dev/nosuch21,0:0:0:0 /dev/nosuch22,1:0:0:0
"$BUILD/xl-scsi" resume -t 90 --run-dir "$RUN_DIR" wide >>"$LOGS/resume" 2>&1 &
resume=$!
wait_until 25 xs_is $BACKEND/14/0/vscsi-devs/dev-0/state 3
sleep 0.3 # its first events have come
xenstore-rm $BACKEND/14/1
ended() { ! kill -0 $resume 2>/dev/null; }
wait_until 5 ended # before it gives the first one up, after 8 s, and tries each by itself
wait $resume || fail "xl-scsi resume: $? $(cat "$LOGS/resume")"
xs_is $BACKEND/14/0/vscsi-devs/dev-0/state 3 || fail "the first device was taken back"
xs_is $BACKEND/14/1/vscsi-devs/dev-0/state 3 || fail "the second device is not there"

step "a new domain of a known guest"
peers 5
watch_start
wait_until 25 test -e "$RUN_DIR/watch.lock"
domain 5 web /dev/nosuch1,0:0:0:0 "/dev/nosuch2,0:0:0:1,readonly" "/dev/nosuch3,1:0:0:0,feature-host"
wait_until 25 xs_gone /local/domain/5/pvscsi
wait_until 25 connected web 3
xs_is $BACKEND/5/0/vscsi-devs/dev-1/readonly 1 || fail "an option was lost"
xs_is $BACKEND/5/1/feature-host 1 || fail "feature-host was lost"

step "a second service does not start"
refuses 1 'another xl-scsi watch runs already' xl_scsi watch --run-dir "$RUN_DIR"

step "a domain that nothing is noted of is left alone"
guest_create 6 plain
sleep 0.3
no_nodes 6 "of a guest without devices"

step "what a guest wrote itself is not attached"
xs_write /local/domain/13/pvscsi/0 /dev/nosuch1,0:0:0:0
xenstore-chmod /local/domain/13/pvscsi/0 n13 r0
guest_create 13 sly
sleep 0.3
no_nodes 13 "of a guest that chose its own device"

step "a device that cannot be attached does not prevent the others"
peers 8 refuse-pdev=/dev/gone
domain 8 db /dev/nosuch4,0:0:0:0 /dev/gone,0:0:0:1
wait_until 25 xs_is /local/domain/8/pvscsi/1/error \
    "v-dev 0:0:0:1 was refused by the backend: p-dev /dev/gone: refused"
wait_until 25 xs_gone /local/domain/8/pvscsi/0
wait_until 25 connected db 1
check_match "$(xl_scsi list db)" '/dev/gone +0:0:0:1 +-' "the missing one in the table"
check_match "$(xl_scsi list -l db)" 'because: v-dev 0:0:0:1 was refused' "the reason"
check_match "$(xl_scsi list --json db)" '"missing":\[.*"p-dev":"/dev/gone"' "the missing one in JSON"
grep -q 'guest db .domain 8. lacks 1 of its devices: v-dev 0:0:0:1 was refused' "$LOGS/watch" ||
    fail "nothing in the log"

step "it can be given up"
xl_scsi detach db 0:0:0:1 || fail "detach of a missing device"
xs_gone /local/domain/8/pvscsi || fail "it is still noted"

step "a service that starts later finds what it missed"
watch_stop
peers 9
domain 9 late /dev/nosuch5,0:0:0:0
watch_start
wait_until 25 xs_gone /local/domain/9/pvscsi
wait_until 25 connected late 1
xs_is $BACKEND/5/0/vscsi-devs/dev-0/state 4 || fail "an earlier guest was disturbed"

step "a guest whose backend is silent does not hold up another"
peers 11
xs_write /local/domain/10/pvscsi/0 "/dev/nosuch6,0:0:0:0,backend=silent" /local/domain/10/pvscsi/1 \
    "/dev/nosuch7,0:0:0:1,backend=silent"
guest_create 12 silent
guest_create 10 stuck
domain 11 quick /dev/nosuch8,0:0:0:0
wait_until 25 xs_gone /local/domain/11/pvscsi
xenstore-exists /local/domain/10/pvscsi/0 || fail "the stuck guest is already done"
wait_until 40 xenstore-exists /local/domain/10/pvscsi/1/error
check_match "$(xs_read /local/domain/10/pvscsi/1/error)" 'not tried: an earlier device' "the second one's reason"
no_nodes 10 "of the guest that got none"
watch_stop
