#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The service: a device that could not be attached is tried again, later each time, until it is there.
MOCK_TIMEOUT=120
. "${top_srcdir:-.}/tests/mock-lib.sh"
. "${top_srcdir:-.}/tests/toolstack-lib.sh"
. "${top_srcdir:-.}/tests/watch-lib.sh"
# The service is done when the backend has the device (state 3). The guest takes it after that.
has_devices() { [ "$(xl_scsi list "$1" | grep -c ' 4$')" = "$2" ]; }

mock_start
step "a device that the backend refuses"
peers 5 refuse-pdev=/dev/gone
watch_start 5
domain 5 web 0 /dev/nosuch1,0:0:0:0 /dev/gone,0:0:0:1
wait_until 30 xenstore-exists /local/domain/5/pvscsi/1/error
wait_until 30 pauses_are 5 0
wait_until 30 has_devices 5 1

step "... is attached when it has come, without a pause, and the reason was said once"
sleep 7
check_eq "$(grep -c 'lacks 1 of its devices' "$LOGS/watch")" 1 "lines about it"
peers 5
for _ in {1..600}; do
    pauses_are 5 0 || fail "a running guest is paused"
    ! xs_gone /local/domain/5/pvscsi || break
    sleep 0.1
done
xs_gone /local/domain/5/pvscsi || fail "it was not tried again"
wait_until 30 has_devices 5 2

step "no daemon, and then one"
peers off
domain 6 db 0 /dev/nosuch6,0:0:0:0
wait_until 60 xenstore-exists /local/domain/6/pvscsi/0/error
wait_until 30 pauses_are 6 0
peers 6
wait_until 30 xs_gone /local/domain/6/pvscsi
wait_until 30 has_devices 6 1
watch_stop

step "a device that is on its way out is not taken for the missing one"
guest_create 7 third
peers 7
xl_scsi attach 7 /dev/nosuch7 0:0:0:0 || fail "attach"
wait_until 30 has_devices 7 1
peers off
device=$(nodes 7 | sed -n 's|^\(/local/domain/0/[^ ]*/vscsi-devs/[^ /]*\)/state = .*|\1|p')
xs_write "$device/state" 5
xs_write /local/domain/7/pvscsi/0 /dev/nosuch7,0:0:0:0
xl_scsi -t 3 resume 7 && fail "the device was taken for the missing one"
xenstore-exists /local/domain/7/pvscsi/0/error || fail "the missing device is forgotten"

step "a virtual host whose number the guest has spoilt gets another number"
guest_create 8 restored
peers 8
xs_write /local/domain/8/error/device/vscsi/0/error "2 reading other end details from device/vscsi/0"
xl_scsi attach 8 /dev/nosuch8 0:0:0:0 || fail "attach"
xs_is $BACKEND/8/1/state 4 || fail "nodes: $(nodes 8)"
