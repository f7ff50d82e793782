#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A driver domain's quota of nodes is used up. Devices that xl-scsi attaches need none of it. With another toolstack's
# nodes, which lack those that the backend fills, the log, the vhost's error node and the time-out of an attach say what
# is wrong.
. "${top_srcdir:-.}/tests/mock-lib.sh"
. "${top_srcdir:-.}/tests/toolstack-lib.sh"
mock_start --quota nodes=20
guest_create 2 storage
disk a 4
xs_write /local/domain/2/backend "" /local/domain/2/data ""
xenstore-chmod /local/domain/2/backend n2 r0
for ((i = 0; i < 30; i++)); do xs_write /local/domain/2/data/$i ""; done
xenstore-chmod -r /local/domain/2/data n2
LOG_LEVEL=info daemon_start --standalone "$SOCK.d2"
be=/local/domain/2/backend/vscsi

step "xl-scsi makes all that the backend fills"
guest_create 10
for lun in 0 1 2; do
    xl_scsi attach -w 10 "file:$DISK" 0:0:0:$lun,backend=storage || fail "LUN $lun"
done
xs_is $be/10/0/vscsi-devs/dev-2/p-wwid "$(stat -c 'file.%d.%i' "$DISK")" || fail "p-wwid"
refuses 3 'p-dev file:/nosuch: /nosuch: No such file' xl_scsi attach -w 10 file:/nosuch 0:0:0:3,backend=storage
check_no_match "$(cat "$LOGS/pvscsid")" 'quota' "the log"

step "another toolstack does not"
guest_create 11
others_vhost() {
    xs_write $be/11/0/frontend /local/domain/11/device/vscsi/0 $be/11/0/frontend-id 11 $be/11/0/online 1 $be/11/0/error "" \
        $be/11/0/feature-host 0 /local/domain/11/device/vscsi/0/backend-id 2 /local/domain/11/device/vscsi/0/backend $be/11/0 \
        /local/domain/11/device/vscsi/0/state 1 $be/11/0/state 1
    xenstore-chmod -r $be/11 n0 b2 r11
}
others_vhost
wait_until 25 daemon_says 'xenstore refuses new nodes of this domain: its quota of nodes is used up'
said() { [[ $(xs_read $be/11/0/error) == "xenstore refuses new nodes of this domain: its quota"* ]]; }
for wait in "" -w; do
    # The attach that failed has taken the vhost away.
    [ -z "$wait" ] || others_vhost
    wait_until 25 said
    # shellcheck disable=SC2086
    refuses 4 'time-out for v-dev 0:0:0:0: .*; the backend says: xenstore refuses new nodes of this domain: its quota' \
        xl_scsi attach $wait -f -t 2 11 "file:$DISK" 0:0:0:0,backend=storage
done
daemon_kill
