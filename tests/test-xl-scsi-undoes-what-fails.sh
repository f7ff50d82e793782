#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Whatever fails: one line names the side and the reason, the exit status tells refused (3), timed out (4) and other
# failures (1) apart, and xenstore is as it was before.
. "${top_srcdir:-.}/tests/mock-lib.sh"
. "${top_srcdir:-.}/tests/toolstack-lib.sh"
mock_start
guest_create 5 web

# The time that backend and guest get for the part that they do play, before xl-scsi gives up on the rest: all of it
# passes each time. With one second, a busy computer had them at an earlier state.
SOON=4

step "no backend"
refuses 4 'time-out for v-dev 0:0:0:0: no backend serves this \(is pvscsid running there\?\)' \
    xl_scsi attach web /dev/nosuch 0:0:0:0 -t 1
no_nodes 5 "without a backend"

step "a backend that answers nothing"
peers 5 backend=mute
refuses 4 'the backend did not answer \(is pvscsid running there\?\); backend state 2 \(InitWait\), device state 1 \(Initialising\)' \
    xl_scsi attach web /dev/nosuch 0:0:0:0 -t "$SOON"
no_nodes 5 "with a mute backend"

step "a backend that refuses"
peers 5 refuse='no such device'
refuses 3 'v-dev 0:0:0:0 was refused by the backend: p-dev /dev/nosuch: no such device$' \
    xl_scsi attach web /dev/nosuch 0:0:0:0
no_nodes 5 "after a refusal"

step "... because its domain uses the device itself"
peers 5 refuse='it is in use in this domain: process 7 (tar) has /dev/nst0 open; option force attaches it anyway'
refuses 5 'was refused by the backend: p-dev /dev/nosuch: it is in use in this domain: process 7' \
    xl_scsi attach web /dev/nosuch 0:0:0:0
no_nodes 5 "after the refusal of a device in use"

step "a guest that has no frontend: the backend has the device, and attach succeeds"
peers 5 guest=absent
check_match "$(xl_scsi attach web /dev/nosuch 0:0:0:0)" '\(state 3\)' "what is said"
xl_scsi attach --no-wait web /dev/nosuch2 0:0:0:1 || fail "attach --no-wait"
xl_scsi detach web 0:0:0:1 || fail "detach"
xs_gone $BACKEND/5/0/vscsi-devs/dev-1 || fail "dev-1 is still there"
xl_scsi detach web 0:0:0:0 || fail "detach"
no_nodes 5 "after detach from a guest without frontend"

step "a guest that refuses"
peers 5 guest=refuse
refuses 3 'v-dev 0:0:0:0 was refused by the guest' xl_scsi attach web /dev/nosuch 0:0:0:0
no_nodes 5 "after the guest's refusal"

step "a guest that stops answering: what it has, it keeps"
peers 5 guest=silent
xl_scsi attach web /dev/nosuch 0:0:0:0 || fail "attach"
before=$(nodes 5)
refuses 4 'the guest did not answer; backend state 7 \(Reconfiguring\), device state 1 \(Initialising\), guest.s state 4' \
    xl_scsi attach web /dev/nosuch2 0:0:0:1 -t "$SOON"
check_eq "$(nodes 5)" "$before" "the nodes after a failed attach"
refuses 4 'time-out: the guest did not answer; backend state 5 \(Closing\), guest.s state 4 \(Connected\)' \
    xl_scsi detach web 0:0:0:0 -t "$SOON"
check_eq "$(nodes 5)" "$before" "the nodes after a failed detach"
peers 5
xl_scsi attach web /dev/nosuch2 0:0:0:1 || fail "attach to a guest that answers again"
peers 5 guest=silent
before=$(nodes 5)
refuses 4 'the guest did not answer; backend state 7' xl_scsi detach web 0:0:0:1 -t "$SOON"
check_eq "$(nodes 5)" "$before" "the nodes after a failed detach of one of two"
xl_scsi detach --force -t 1 web 0:0:0:1 || fail "detach --force of one of two"
xs_gone $BACKEND/5/0/vscsi-devs/dev-1 || fail "dev-1 is still there"
xl_scsi detach --force -t 1 web 0:0:0:0 || fail "detach --force of the last"
no_nodes 5 "after --force"

step "an interrupted attach takes everything back"
peers 5 backend=mute
"$BUILD/xl-scsi" attach --run-dir "$DIR/locks" web /dev/nosuch 0:0:0:0 2>"$DIR/err" &
pid=$!
wait_until 25 xs_is $BACKEND/5/0/state 2
kill -TERM $pid
wait $pid
check_eq $? 1 "exit status after SIGTERM"
check_match "$(cat "$DIR/err")" 'interrupted by a signal' "what is said"
no_nodes 5 "after SIGTERM"

step "a guest that goes away meanwhile"
"$BUILD/xl-scsi" attach --run-dir "$DIR/locks" web /dev/nosuch 0:0:0:0 2>"$DIR/err" &
pid=$!
wait_until 25 xs_is $BACKEND/5/0/state 2
xenstore-rm $BACKEND/5
wait $pid
check_eq $? 1 "exit status when the nodes vanish"
check_match "$(cat "$DIR/err")" 'removed by somebody else' "what is said"

step "a request that contradicts what exists"
xenstore-rm /local/domain/5/device/vscsi
peers 5
xl_scsi attach web /dev/nosuch 0:0:0:0 || fail "attach"
before=$(nodes 5)
refuses 5 'v-dev 0:0:0:0 has a device already \(p-dev /dev/nosuch, state 4 Connected\)' \
    xl_scsi attach web /dev/other 0:0:0:0
refuses 3 'virtual host 0 is there without feature-host' xl_scsi attach web /dev/other 0:0:0:1,feature-host
refuses 1 "backend domain 'nobody' does not exist" xl_scsi attach web /dev/other 1:0:0:0,backend=nobody
refuses 1 'domain 5 cannot be its own backend' xl_scsi attach web /dev/other 1:0:0:0,backend=web
guest_create 6 other
refuses 3 'virtual host 0 is served by backend domain 0, not by 6' xl_scsi attach web /dev/other 0:0:0:1,backend=other
refuses 1 'domain 5 has no device 0:0:0:9 \(it has 0:0:0:0\)' xl_scsi detach web 0:0:0:9
refuses 1 'domain 6 has no device 0:0:0:0 \(it has none\)' xl_scsi detach other 0:0:0:0
check_eq "$(nodes 5)" "$before" "the nodes after refusals"

step "check names every mistake of a configuration, each in a line"
echo "vscsi = [ 'sda,0:0:0:0', '/dev/sdb,0:0:0', '/dev/sdc,0:0:1:0,x', '/dev/sdd,0:0:2:0', '/dev/sde,0:0:2:0' ]" >"$DIR/cfg"
refuses_at_length 1 "entry 1 .*did you mean /dev/sda.*entry 2 .*expected four.*entry 3 .*unknown option 'x'.*entry 5: .*given twice" \
    xl_scsi check "$DIR/cfg"
check_eq "$(wc -l <<<"$REFUSAL")" 4 "lines"

step "usage"
refuses 1 "domain 'nobody' does not exist" xl_scsi attach nobody /dev/nosuch 0:0:0:0
refuses 1 "domain '77' does not exist" xl_scsi detach 77 0:0:0:0
refuses 1 "domain 'nobody' does not exist" xl_scsi list nobody
refuses 2 "did you mean /dev/sda\\?" xl_scsi attach web sda 0:0:0:1
refuses 2 "v-dev '0:0:0': expected four" xl_scsi attach web /dev/sda 0:0:0
refuses 2 "out of range" xl_scsi attach web /dev/sda 0:0:0:16384
refuses 2 "v-dev 'x': expected four" xl_scsi detach web x
refuses 2 "unknown option 'x'" xl_scsi attach web /dev/sda 0:0:0:1,x
refuses 2 "holds a comma" xl_scsi attach web /dev/sda,0:0:0:1 x
refuses 2 'wrong number of arguments: expected xl-scsi attach DOMAIN PDEV VDEV' xl_scsi attach web
refuses 2 "unknown command 'atach'" xl_scsi atach web /dev/sda 0:0:0:1
refuses 2 'no command' xl_scsi
refuses 2 "list takes no option -t: expected -j, -l \(xl-scsi --help\)$" xl_scsi list -t 3
refuses 2 "check takes no option -f: expected none \(" xl_scsi check -f /dev/null
refuses 2 "wrong number of arguments: expected xl-scsi scan alone$" xl_scsi scan web
refuses 2 "list takes no option -f" xl_scsi list --force
refuses 2 "timeout 'x': expected seconds" xl_scsi attach -t x web /dev/sda 0:0:0:1
refuses 2 "timeout '0': expected seconds" xl_scsi attach -t 0 web /dev/sda 0:0:0:1
refuses 2 'exclude each other' xl_scsi list --json --long
refuses 1 'xenstored: .*is xenstored running' env XENSTORED_PATH="$DIR/nosuch" "$BUILD/xl-scsi" list
