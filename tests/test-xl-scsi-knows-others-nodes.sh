#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Nodes that another tool wrote: by hand as at the time of xend, or SUSE's xl, which numbers the directories of virtual
# hosts 0, 1, 2 and stores the virtual host's number in a node of its own.
. "${top_srcdir:-.}/tests/mock-lib.sh"
. "${top_srcdir:-.}/tests/toolstack-lib.sh"
mock_start
guest_create 5 web
peers 5

# listed ERE: a line of the table
listed() { xl_scsi list web | grep -Eq -- "$1" || fail "no line '$1' in: $(xl_scsi list web)"; }
# vhost ID [libxl_ctrl_index]: without devices and without a state.
vhost() {
    xs_write "$BACKEND/5/$1/frontend" "/local/domain/5/device/vscsi/$1" "$BACKEND/5/$1/frontend-id" 5 \
        "$BACKEND/5/$1/online" 1 "$BACKEND/5/$1/feature-host" 0 \
        "/local/domain/5/device/vscsi/$1/backend" "$BACKEND/5/$1" "/local/domain/5/device/vscsi/$1/backend-id" 0 \
        "/local/domain/5/device/vscsi/$1/state" 1
    [ -z "${2-}" ] || xs_write "$BACKEND/5/$1/libxl_ctrl_index" "$2"
}
# dev ID N P-DEV V-DEV
dev() { xs_write "$BACKEND/5/$1/vscsi-devs/dev-$2/p-dev" "$3" "$BACKEND/5/$1/vscsi-devs/dev-$2/v-dev" "$4" \
    "$BACKEND/5/$1/vscsi-devs/dev-$2/state" 1; }

step "SUSE's: controller 0 is virtual host 9"
vhost 0 9
dev 0 0 7:0:0:0 9:0:0:0
xs_write $BACKEND/5/0/vscsi-devs/dev-0/p-devname /dev/sg7
xs_write $BACKEND/5/0/state 1
wait_until 25 xs_is $BACKEND/5/0/vscsi-devs/dev-0/state 4
listed '^0 +0 +4 +9 +7:0:0:0 +/dev/sg7 +9:0:0:0 +4'

step "by hand: neither libxl_ctrl_index nor a matching id, only the v-dev says that it is host 2"
vhost 1
dev 1 5 3:0:0:1 2:0:0:0
xs_write $BACKEND/5/1/state 1
wait_until 25 xs_is $BACKEND/5/1/vscsi-devs/dev-5/state 4

step "ours join theirs, by the virtual host's number"
xl_scsi attach web /dev/nosuch2 9:0:0:1 || fail "attach to host 9"
xs_is $BACKEND/5/0/vscsi-devs/dev-1/v-dev 9:0:0:1 || fail "the device is not in controller 0"
xl_scsi attach web /dev/nosuch3 2:0:0:1 || fail "attach to host 2"
xs_is $BACKEND/5/1/vscsi-devs/dev-0/v-dev 2:0:0:1 || fail "the device is not in controller 1"

step "a virtual host whose number is taken as an id gets another id"
xl_scsi attach web /dev/nosuch4 1:0:0:0 || fail "attach to host 1"
xs_is $BACKEND/5/2/libxl_ctrl_index 1 || fail "no controller 2 for virtual host 1"
listed '2 +0 +4 +1 +7:0:0:0 +/dev/nosuch4 +1:0:0:0 +4'

step "a second one of SUSE's, through state 7 as its xl does it"
dev 0 2 /dev/nosuch5 9:0:0:2
xs_write $BACKEND/5/0/state 7
wait_until 25 xs_is $BACKEND/5/0/vscsi-devs/dev-2/state 4

step "theirs are detached like ours"
for vdev in 9:0:0:0 9:0:0:1 9:0:0:2 2:0:0:0 2:0:0:1 1:0:0:0; do
    xl_scsi detach web $vdev || fail "detach $vdev"
done
no_nodes 5 "at the end"

step "rubbish is shown or left out, never fatal"
xs_write $BACKEND/5/0/state pear $BACKEND/5/0/vscsi-devs/dev-0/v-dev 1:2 $BACKEND/5/0/vscsi-devs/dev-x/state 4 \
    $BACKEND/5/apple/state 4 $BACKEND/5/0/vscsi-devs/dev-4294967296/state 4
xs_write $BACKEND/5/0/vscsi-devs/dev-0/p-dev $'\e[31mred'
listed '^0 +0 +0 +0 +- +\\x1b\[31mred - +0$'
xl_scsi list --json web >"$DIR/json" || fail "list --json"
xl_scsi list --long web >"$DIR/long" || fail "list --long"
check_no_match "$(cat "$DIR/long" "$DIR/json")" $'\e' "what goes to the terminal"
