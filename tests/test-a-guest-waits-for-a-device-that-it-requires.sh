#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# required and optional: whether a guest runs without a device when it reboots, arrives by migration, or is created.
. "${top_srcdir:-.}/tests/mock-lib.sh"
. "${top_srcdir:-.}/tests/toolstack-lib.sh"
. "${top_srcdir:-.}/tests/watch-lib.sh"
mock_start
# stays ID COUNT: paused so often for two seconds.
stays() {
    for _ in {1..20}; do
        pauses_are "$1" "$2" || fail "domain $1 is paused $(cat "$FAKE_HYP/$1") times, expected $2"
        sleep 0.1
    done
}

step "reboot: a guest without a required device stays paused, one without an optional one runs"
peers 5 refuse-pdev=/dev/gone
watch_start 5
domain 5 web 0 /dev/nosuch1,0:0:0:0 /dev/gone,0:0:0:1,required
wait_until 25 xenstore-exists /local/domain/5/pvscsi/1/error
stays 5 1
check_match "$(xl_scsi list -l 5)" 'because: v-dev 0:0:0:1 was refused' "the reason in the list"

step "... also after the service was killed"
watch_kill
watch_start 5
stays 5 1

step "... and runs when the device has come"
peers 5
wait_until 60 pauses_are 5 0
wait_until 25 xs_gone /local/domain/5/pvscsi
wait_until 25 connected 5 2
xl_scsi detach 5 0:0:0:1 || fail "detach"

step "... or when the device is given up"
peers 6 refuse-pdev=/dev/gone
domain 6 db 0 /dev/gone,0:0:0:0,required
wait_until 25 xenstore-exists /local/domain/6/pvscsi/0/error
stays 6 1
"$BUILD/xl-scsi-fake-hyp" detach --run-dir "$RUN_DIR" 6 0:0:0:0 2>>"$LOGS/xl-scsi" || fail "detach of a missing device"
wait_until 60 pauses_are 6 0

step "migration: what says neither is required, what says optional is not"
peers 7 refuse-pdev=/dev/gone
domain 7 web--incoming 1 /dev/gone,0:0:0:0
wait_until 25 xenstore-exists /local/domain/7/pvscsi/0/error
stays 7 2
# xl gives it its name and lets it go.
xs_write /local/domain/7/name web2
echo 1 >"$FAKE_HYP/7"
stays 7 1
peers 7
wait_until 60 pauses_are 7 0
xl_scsi detach 7 0:0:0:0 || fail "detach"
peers 8 refuse-pdev=/dev/gone
domain 8 other--incoming 1 /dev/gone,0:0:0:0,optional
wait_until 25 xenstore-exists /local/domain/8/pvscsi/0/error
wait_until 25 pauses_are 8 1
watch_stop

step "create: without an optional device, which the service then tries again"
peers 10 guest=absent refuse-pdev=/dev/gone
. "${top_srcdir:-.}/tests/played-xl.sh"
shim_helper "$BUILD/xl-scsi-fake-hyp"
for d in 5 6 7 8; do guest_destroy $d; xenstore-rm /local/domain/$d; xenstore-rm $BACKEND/$d 2>/dev/null; done
rm -f "$FAKE_HYP"/*
peers 7 guest=absent refuse-pdev=/dev/gone
printf 'name = "web"\nvscsi = [ "/dev/nosuch1,0:0:0:0", "/dev/gone,0:0:0:1,optional" ]\n' >"$DIR/optional.cfg"
# The service sees the domain before it lacks anything.
watch_start 5
shim create "$DIR/optional.cfg" >"$DIR/out" 2>&1 || fail "create: $(cat "$DIR/out")"
check_match "$(cat "$DIR/out")" 'starts without an optional device: v-dev 0:0:0:1 was refused' "what is said"
check_match "$(calls)" 'devices at unpause: 3 ' "calls"
check_match "$(tr -d '\0' <"$(echo "$FAKE_HYP"/*libxl-json)")" '/dev/gone,0:0:0:1,optional' "what is noted for its next domain"
check_match "$(xl_scsi list web)" '/dev/gone +0:0:0:1 +-' "the missing one in the table"
peers 7
wait_until 45 xs_gone /local/domain/7/pvscsi
check_eq "$(xl_scsi list web | grep -c ' [34]$')" 2 "devices"
watch_stop

step "... and not without one that is required"
gone
peers 7 guest=absent refuse-pdev=/dev/gone
sed 's/,optional/,required/' "$DIR/optional.cfg" >"$DIR/required.cfg"
refuses 1 'guest web is not started: v-dev 0:0:0:1 was refused' shim create "$DIR/required.cfg"
xs_gone /local/domain/7 || fail "the guest is there"
