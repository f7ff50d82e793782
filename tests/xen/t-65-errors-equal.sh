# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154,SC2034,SC2119,SC2086
# about: medium errors, recovered errors, transport errors, short transfers, busy hosts: the guest sees what dom0 sees
# timeout: 300
# guests: kept
# scsi_debug injects transport errors only into commands that take a while: delay=1, one tick.
# shellcheck source=lib/compare.sh
. /host/lib/compare.sh
need_project
P=/sys/bus/pseudo/drivers/scsi_debug
differences_read
scsi_debug_load dev_size_mb=16 delay=1
daemon_start
guest_start g1
# The commands of each round.
cat >/tmp/reads <<'END'
4096< 28 00 00 00 00 10 00 00 08 00
4096>11 2a 00 00 00 00 10 00 00 08 00
4096< 28 00 00 00 12 34 00 00 08 00
4096< 28 00 00 00 12 30 00 00 08 00
4096< 88 00 00 00 00 00 00 00 12 3d 00 00 00 08 00 00
4096>22 2a 00 00 00 12 34 00 00 08 00
0- 2f 00 00 00 12 34 00 00 08 00
8192>22 89 00 00 00 00 00 00 00 10 00 00 00 00 08 00 00
65536< 28 00 00 00 12 00 00 00 80 00
36< 12 00 00 00 24 00
0- 00 00 00 00 00 00
4096< 08 00 00 10 08 00
END
# inject OPTS: this error at each command. A host that is busy each time would never take one.
inject() {
    local every=1 depth=32
    [ "$1" != 32768 ] || every=2
    # TASK SET FULL comes when a command is the last that the queue takes.
    [ "$1" != 2048 ] || depth=1
    echo $depth >"/sys/bus/scsi/devices/$DBG_HCTL/queue_depth"
    echo $every >$P/every_nth
    echo "$1" >$P/opts
}
quiet() {
    echo 0 >$P/opts
    echo 0 >$P/every_nth
}
# opts of scsi_debug: 2 medium error at 1234h..123Dh; 8 recovered error; 16 transport error; 32 and 64 protection
# information, with a host byte; 256 short transfer; 2048 TASK SET FULL, with a host byte; 32768 host busy.
# list OPTS: the commands that go. Some are never too many for a queue.
list() {
    if [ "$1" = 2048 ]; then grep -vE ' (89|12) ' /tmp/reads >/tmp/reads.2048; echo /tmp/reads.2048; else echo /tmp/reads; fi
}
ROUNDS="2 8 16 24 32 64 256 2048 32768"
for opts in $ROUNDS; do
    inject $opts
    for out in again $opts again; do answers "$(list $opts)" "$DBG_SG" /tmp/bare.$out; done
    quiet
    cmp -s /tmp/bare.$opts /tmp/bare.again || {
        diff /tmp/bare.$opts /tmp/bare.again
        fail "opts $opts: the bare disk does not answer twice the same"
    }
done
expect_match "$(cat /tmp/bare.2)" 'status=02 sense=f00003' "a medium error on the bare disk"
expect_match "$(cat /tmp/bare.8)" 'status=02 sense=700001' "a recovered error on the bare disk"
expect_match "$(cat /tmp/bare.16)" 'status=02 sense=70000b' "a transport error on the bare disk"
expect_match "$(cat /tmp/bare.32)" 'host=5 status=02 sense=70000b' "a host byte and sense data on the bare disk"
expect_match "$(cat /tmp/bare.256)" '^28.* status=00 sense=- resid=2048' "a short transfer on the bare disk"
expect_match "$(cat /tmp/bare.2048)" 'host=5 status=28 sense=-' "a task set that is full on the bare disk"

expect_ok xl-scsi attach g1 "$DBG_HCTL" 0:0:0:0
guest_wait_disk g1 0:0:0:0
for opts in $ROUNDS; do
    inject $opts
    guest_answers g1 "$(list $opts)" "$GUEST_SG" /tmp/guest.$opts
    quiet
    differences_check "opts $opts" disk /tmp/bare.$opts /tmp/guest.$opts $((opts == 2048 ? 0 : 4))
done

# The counters have each error by its kind, and the log has it in words.
# answered KEY: how many of the answers that the device gave have this sense key.
answered() {
    for opts in $ROUNDS; do [ $opts = 2048 ] || cat /tmp/guest.$opts; done |
        awk -v key="$1" '{ n += gsub("sense=[7f][0-9a-f]00." key, ""); n += gsub("then=." key "/", "") } END { print n + 0 }'
}
# counted KIND
counted() { echo "$stats" | sed -n "s/.*[ ,] $1 \\([0-9]*\\).*/\\1/p"; }
stats=$(pvscsictl stats | tail -n 1)
note "$stats"
expect_eq "$(counted 'medium error')" "$(answered 3)" "medium errors"
expect_eq "$(counted 'recovered error')" "$(answered 1)" "recovered errors"
expect_eq "$(counted miscompare)" "$(answered e)" "miscompares"
[ "$(counted 'aborted command')" -ge "$(answered b)" ] || fail "aborted commands: $(answered b) came; $stats"
[ "$(counted host)" -ge "$(wc -l </tmp/guest.2048)" ] || fail "host bytes: $(wc -l </tmp/guest.2048) came; $stats"
expect_match "$(pvscsictl --json stats)" "\"medium error\": ?$(answered 3)" "stats in JSON"
# The next line after 6 s says how many were dropped.
sleep 6
inject 2
guest_answers g1 /tmp/reads "$GUEST_SG" /tmp/guest.late
quiet
log=$(daemon_log)
expect_match "$log" "d$(guest_domid g1).0 \(g1\): .*LUN 0:0:0 .*Read\(10\) failed \(medium error\): Medium Error: Unrecovered read error \(03/11/00\)" "the log"
expect_match "$log" 'similar messages were dropped' "the log"
[ "$(echo "$log" | grep -c ' failed (')" -lt 100 ] || fail "$(echo "$log" | grep -c ' failed (') lines in the log"

note "as the block layer sees it: what is repeated in dom0 is repeated in the guest"
echo 4 >$P/every_nth
echo 16 >$P/opts
guest_ok g1 "dd if=$GUEST_BLK of=/dev/null bs=64k count=16 iflag=direct"
quiet
inject 8
guest_ok g1 "dd if=$GUEST_BLK of=/dev/null bs=64k count=16 iflag=direct"
quiet
expect_eq "$(guest_ok g1 "cat /sys/bus/scsi/devices/$GUEST_HCTL/state")" running "the disk"
