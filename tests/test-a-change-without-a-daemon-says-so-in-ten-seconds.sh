#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# pvscsid died while its guests have devices. Whatever a change waits for, it gives up after 10 seconds, names pvscsid,
# exits with 4 and leaves nodes that the next daemon goes on with. A driver domain that is slow, and says so, is waited
# for.
. "${top_srcdir:-.}/tests/mock-lib.sh"
. "${top_srcdir:-.}/tests/toolstack-lib.sh"
mock_start
export FAKE_HYP=$DIR/hyp
mkdir "$FAKE_HYP" "$DIR/hyp-of-a-daemon"
AWAY='pvscsid does not answer, because it does not run in this domain: start it \(systemctl start pvscsid\)'
scsi() { "$BUILD/xl-scsi-fake-hyp" "$1" --run-dir "$RUN_DIR" "${@:2}"; }
# change DOMID COMMAND [OPTION...]: begins it; its result is in $DIR/DOMID.* and its domain is its number there too.
change() {
    local begin status
    begin=$(date +%s)
    scsi "$2" "${@:3}" >"$DIR/$1.said" 2>&1
    status=$?
    echo "$status $(($(date +%s) - begin))" >"$DIR/$1.ended"
}
# ended DOMID STATUS ERE: its exit status, what it said, and that it took 10 seconds and what a busy computer adds, not
# 60.
ended() {
    local status took
    read -r status took <"$DIR/$1.ended"
    check_eq "$status" "$2" "exit status for guest $1 ($(cat "$DIR/$1.said"))"
    check_match "$(cat "$DIR/$1.said")" "$3" "what is said for guest $1"
    [ "$took" -ge 9 ] && [ "$took" -le 25 ] || fail "the change of guest $1 took $took s"
}

step "guests with two devices each, and then no daemon"
for guest in 5 6 7 8 9 10 11 13; do
    guest_create $guest
    echo 0 >"$FAKE_HYP/$guest"
    echo 0 >"$DIR/hyp-of-a-daemon/$guest"
    peers $guest
    scsi attach $guest "/dev/nosuch$guest.0" 0:0:0:0 2>/dev/null || fail "attach"
    [ $guest = 9 ] || scsi attach $guest "/dev/nosuch$guest.1" 0:0:0:1 2>/dev/null || fail "attach"
done
peers off
guest_create 12
echo 0 >"$DIR/hyp-of-a-daemon/12"
guest_create 2 storage
guest_create 14
guest_create 15
echo 0 >"$FAKE_HYP/pvscsid"
echo 1 >"$DIR/hyp-of-a-daemon/pvscsid"
xs_write $BACKEND/13/0/state 8 /local/domain/13/device/vscsi/0/state 7
for guest in 6 7 10 11; do xs_write $BACKEND/$guest/0/state 7 /local/domain/$guest/device/vscsi/0/state 7; done
before5=$(nodes 5)
before6=$(nodes 6)
before7=$(nodes 7)
before13=$(nodes 13)

step "changes of every kind, at once"
change 5 attach -t 60 5 /dev/nosuch5.2 0:0:0:2 &
change 6 attach -t 60 6 /dev/nosuch6.2 0:0:0:2 &
change 13 attach -t 60 13 /dev/nosuch13.2 0:0:0:2 &
change 7 detach -t 60 7 0:0:0:0 &
change 8 detach -t 60 8 0:0:0:1 &
change 9 detach -t 60 9 0:0:0:0 &
change 10 detach -f -t 60 10 0:0:0:1 &
FAKE_HYP=$DIR/hyp-of-a-daemon change 11 detach -t 13 11 0:0:0:0 &
# A daemon that runs is waited for, for as long as the command may take.
FAKE_HYP=$DIR/hyp-of-a-daemon change 12 attach -t 60 12 /dev/nosuch12 0:0:0:0 &
slow=/local/domain/2/backend/vscsi/14/0
change 14 attach -w -t 60 14 /dev/nosuch14 0:0:0:0,backend=storage &
change 15 attach -w -t 60 15 /dev/nosuch15 0:0:0:0,backend=storage &
wait_until 25 xs_is $slow/state 1
xs_write $slow/feature-sg-grant 128
# These two guests answer, but no daemon is there to see it.
wait_until 25 xs_is $BACKEND/8/0/state 7
xs_write /local/domain/8/device/vscsi/0/vscsi-devs/dev-1/state 6
wait_until 25 xs_is $BACKEND/9/0/state 5
xs_write /local/domain/9/device/vscsi/0/state 6
wait_until 60 test -s "$DIR/11.ended"
! [ -s "$DIR/12.ended" ] || fail "gave up a daemon that runs: $(cat "$DIR/12.said")"
peers 12
wait_until 25 test -s "$DIR/12.ended"
check_match "$(cat "$DIR/12.ended")" '^0 ' "exit status of the attach that waited ($(cat "$DIR/12.said"))"
for guest in 5 6 7 8 9 10 11 13 15; do wait_until 60 test -s "$DIR/$guest.ended"; done
! [ -s "$DIR/14.ended" ] || fail "gave up a driver domain that is slow: $(cat "$DIR/14.said")"
xs_write $slow/vscsi-devs/dev-0/state 3 $slow/state 2
wait_until 25 test -s "$DIR/14.ended"

ended 5 4 "time-out for v-dev 0:0:0:2: $AWAY; backend state 7"
check_eq "$(nodes 5)" "$before5" "nodes after an attach"
ended 6 4 "time-out for v-dev 0:0:0:2: $AWAY; backend state 7"
check_eq "$(nodes 6)" "$before6" "nodes after an attach to a vhost that another change has left at 7"
ended 13 4 "time-out: virtual host 0 does not settle: $AWAY; backend state 8"
check_eq "$(nodes 13)" "$before13" "nodes after an attach to a vhost that the daemon has left at 8"
ended 7 4 "time-out: $AWAY; backend state 7"
check_eq "$(nodes 7)" "$before7" "nodes after a detach from a vhost that another change has left at 7"
ended 8 4 "time-out: $AWAY; backend state 7"
ended 9 4 "time-out: $AWAY; backend state 5"
ended 10 0 ""
xs_gone $BACKEND/10/0/vscsi-devs/dev-1 || fail "detach --force left the device"
ended 11 4 "time-out: the backend did not answer"
check_match "$(cat "$DIR/14.ended")" '^0 ' "exit status of the attach that waited for a driver domain ($(cat "$DIR/14.said"))"
ended 15 4 "time-out for v-dev 0:0:0:0: no backend serves this \(is pvscsid running there\?\); backend state 1"

step "what a guest has removed is not there again by a time-out"
check_eq "$(xs_read $BACKEND/8/0/vscsi-devs/dev-1/state) $(xs_read $BACKEND/8/0/state)" "5 7" "states of device and vhost"
check_eq "$(xs_read $BACKEND/8/0/vscsi-devs/dev-0/state)" 4 "state of its other device"

step "the next daemon goes on"
rm "$FAKE_HYP/pvscsid"
xs_write /local/domain/8/device/vscsi/0/state 7
peers 8
scsi detach 8 0:0:0:1 || fail "the repeated detach"
check_eq "$(scsi list 8 | grep -c ' 4$')" 1 "devices that are left"
peers 9
scsi detach 9 0:0:0:0 || fail "the repeated detach of the last device"
no_nodes 9 "of a guest without devices"
peers 7
scsi detach 7 0:0:0:0 || fail "the repeated detach"
