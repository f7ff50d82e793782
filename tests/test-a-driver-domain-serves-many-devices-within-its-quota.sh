#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# pvscsid in an unprivileged driver domain: the nodes of its guests' devices do not count for its quota, so that far
# more devices fit into it than 1000 nodes have room for.
. "${top_srcdir:-.}/tests/mock-lib.sh"
mock_start
guest_create 2 storage
disk a 4
# As libxl does for driver_domain=1.
xs_write /local/domain/2/backend ""
xenstore-chmod /local/domain/2/backend n2 r0
LOG_LEVEL=info daemon_start --standalone "$SOCK.d2"

step "forty guests with five devices each"
for ((d = 10; d < 50; d++)); do
    guest_create $d
    for lun in 0 1 2 3 4; do
        xl_scsi attach -fw --run-dir "$DIR/locks" $d "file:$DISK" 0:0:0:$lun,backend=storage >"$DIR/out" 2>&1 ||
            fail "guest $d LUN $lun: $(cat "$DIR/out")"
    done
done
owned=$(xenstore-ls -fp /local/domain/2 | grep -c '(n2')
echo "nodes that count for the driver domain: $owned"
[ "$owned" -le 250 ] || fail "200 devices cost the driver domain $owned nodes of its quota"

step "the last guest uses its devices"
front_start g 49
for lun in 0 1 2 3 4; do front g "wait-dev 0:0:0:$lun 4"; done
front g "load 0:0:0:4 rw=read depth=4 count=100"
front_stop g

step "its nodes: only the backend and the toolstack may write them, and the guest reads them"
rights=$(xenstore-ls -fp /local/domain/2/backend/vscsi/49)
for node in 0 0/state 0/vscsi-devs/dev-0/state; do
    grep -F "/49/$node = " <<<"$rights" | grep -qF '(n0,b2,r49)' || fail "rights of $node: $rights"
done

step "... and they go with the device"
for lun in 0 1 2 3 4; do xl_scsi detach --run-dir "$DIR/locks" -t 20 49 0:0:0:$lun || fail "detach"; done
xs_gone /local/domain/2/backend/vscsi/49 || fail "left: $(xenstore-ls -f /local/domain/2/backend/vscsi/49)"

step "while it reads the nodes of many devices, it shows life before the first of them is there"
for i in 0 1 2 3 4 5 6 7; do xs_write "/local/domain/60/pvscsi/$i" "file:$DISK,0:0:0:$i,backend=storage,force"; done
guest_create 60 slow
mock_ctl fault 'read@2:*60/0/vscsi-devs/dev-*/p-dev 1 delay=600 8' >/dev/null
xl_scsi resume --run-dir "$DIR/locks" slow >"$DIR/out" 2>&1 &
vhost=/local/domain/2/backend/vscsi/60/0
wait_until 25 xs_is $vhost/feature-sg-grant 128
xs_is $vhost/vscsi-devs/dev-0/state 1 || fail "nothing was delayed"
wait $! || fail "resume: $(cat "$DIR/out")"
check_eq "$(xl_scsi list --run-dir "$DIR/locks" slow | grep -c ' 3$')" 8 "devices"
daemon_kill
