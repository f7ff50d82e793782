#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The calls of xenstore that one more device of a guest costs xl create, with the daemon's own: the same for one of many
# as for one of few.
. "${top_srcdir:-.}/tests/mock-lib.sh"
. "${top_srcdir:-.}/tests/toolstack-lib.sh"
mock_start
. "${top_srcdir:-.}/tests/played-xl.sh"
disk a 4
daemon_start
# Not calls(), which is what the played xl was called with.
made() { mock_ctl calls | awk '{ n += $2 } END { print n }'; }
# cost N: of a guest with N devices, in $COST. What the daemon still does for the last one counts: the least of 3.
cost() {
    local n=$1 i before now
    for ((i = 0; i < n; i++)); do
        printf '%s"file:%s,0:0:%d:%d"' "$([ $i = 0 ] || echo ', ')" "$DISK" $((i / 8)) $((i % 8))
    done >"$DIR/devices"
    printf 'name = "web"\nvscsi = [ %s ]\n' "$(cat "$DIR/devices")" >"$DIR/many.cfg"
    COST=""
    for i in 1 2 3; do
        before=$(made)
        shim create -p "$DIR/many.cfg" || fail "create with $n devices"
        now=$(made)
        [ -n "$COST" ] && [ "$COST" -le $((now - before)) ] || COST=$((now - before))
        check_eq "$(xl_scsi list web | grep -c ' 3$')" "$n" "devices"
        guest_destroy 7
        wait_until 25 xs_gone "$BACKEND/7"
        gone
    done
}

step "few, more, many"
cost 4
few=$COST
cost 24
more=$COST
cost 44
many=$COST
echo "calls: $few with 4 devices, $more with 24, $many with 44"
[ $((more - few)) -le $((20 * 48)) ] || fail "one of 24 devices costs $(((more - few) / 20)) calls"
[ $((many - more)) -le $((20 * 48)) ] || fail "one of 44 devices costs $(((many - more) / 20)) calls"

step "a xenstore that is slow while the nodes are written takes nothing from the time of backend and guest"
guest_create 9
faults "write@0:/local/domain/0/backend/vscsi/9/0/vscsi-devs/dev-0/p-dev 1 delay=2500" >/dev/null
begin=$(date +%s%N)
attach 9 "$DISK" 0:0:0:0 -t 2 --no-wait
[ $(($(date +%s%N) - begin)) -ge 2500000000 ] || fail "nothing was delayed"
check_eq "$(xl_scsi list 9 | grep -c ' 3$')" 1 "devices"

step "the time begins again with each device that the backend opens"
guest_create 20 storage
for i in 0 1 2 3; do xs_write "/local/domain/10/pvscsi/$i" "0:0:$i:0,0:0:$i:0,backend=20"; done
guest_create 10 four
vhost=/local/domain/20/backend/vscsi/10/0
# Plays backend and guest; a device takes 1.5 s.
slow_backend() {
    wait_until 10 xs_is $vhost/vscsi-devs/dev-3/state 1
    xs_write $vhost/state 4
    for i in 0 1 2 3; do
        sleep 1.5
        xs_write $vhost/vscsi-devs/dev-$i/state 4
    done
}
slow_backend &
xl_scsi resume four -t 5 || fail "four devices"
wait $!
check_eq "$(xl_scsi list four | grep -c ' 4$')" 4 "devices"

step "... and when it announces the vhost"
guest_create 11 one
vhost=/local/domain/20/backend/vscsi/11/0
# To announce the vhost takes 3 s, and so does the device.
slow_backend() {
    wait_until 10 xs_is $vhost/vscsi-devs/dev-0/state 1
    sleep 3
    xs_write $vhost/state 2
    sleep 3
    xs_write $vhost/vscsi-devs/dev-0/state 3
}
slow_backend &
xl_scsi attach -t 4 --no-wait 11 0:0:9:0 0:0:0:0,backend=20 || fail "the attach"
wait $!
check_eq "$(xl_scsi list 11 | grep -c ' 3$')" 1 "devices"

step "... and when it shows life, which is looked for 10 s after the nodes were written"
guest_create 12 slow
vhost=/local/domain/20/backend/vscsi/12/0
slow_backend() {
    wait_until 10 xs_is $vhost/vscsi-devs/dev-0/state 1
    sleep 3
    xs_write $vhost/feature-sg-grant 128
    sleep 11
    xs_write $vhost/state 2
    xs_write $vhost/vscsi-devs/dev-0/state 3
}
slow_backend &
xl_scsi attach -t 12 --no-wait 12 0:0:10:0 0:0:0:0,backend=20 || fail "the attach"
wait $!
