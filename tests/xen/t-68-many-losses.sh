# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154,SC2034
# about: after a hundred lost reads and writes no read has failed and the data is right; each loss has its sense: disk, tape, optical drive
# timeout: 400
# guests: kept
# The guest's time-out is 6 s. Reads and writes have 25 s at the device at least, so the guest's own error handler runs
# meanwhile: ABORT at the first loss of a command, RESET and TEST UNIT READY at the second. A TEST UNIT READY has 5 s at
# the device.
need_project
P=/sys/bus/pseudo/drivers/scsi_debug
daemon_start
guest_start g1
lose() {
    echo "$1" >$P/every_nth
    echo $(($1 ? 4 : 0)) >$P/opts
}
# losses N: so many TEST UNIT READYs, 15 at a time: the ring takes 16. Prints how often each answer came.
losses() {
    GUEST_TIMEOUT=200 guest_sh g1 ": >/tmp/lost
        i=0
        while [ \$i -lt $1 ]; do
            (out=\$(sg_raw -t 6 $GUEST_SG 00 00 00 00 00 00 2>&1; echo \"exit \$?\")
            echo \$out >>/tmp/lost) &
            i=\$((i + 1))
            [ \$((i % 15)) != 0 ] || wait
        done
        sort /tmp/lost | uniq -c"
}
ready="for i in 1 2 3 4 5 6; do sg_turs \$node && break; done >/dev/null 2>&1; sg_turs \$node"
state() { expect_eq "$(guest_ok g1 "cat /sys/bus/scsi/devices/$GUEST_HCTL/state")" running "the device of type $type"; }
busy() { cat /sys/bus/pseudo/devices/adapter*/host*/target*/*/device_busy | awk '{ n += $1 } END { print n + 0 }'; }
timed_out() { pvscsictl stats | sed -n 's/.*time-out \([0-9]*\).*/\1/p' | awk '{ n += $1 } END { print n + 0 }'; }
# handled: the ABORTs of all LUNs, their RESETs, and how many of both failed.
handled() { pvscsictl stats | awk '$3 ~ /:/ && NF == 11 { aborts += $8; resets += $10; failed += $9 + $11 } END { print aborts + 0, resets + 0, failed + 0 }'; }

note "reads and writes: eight disks behind four rings, every ring full"
scsi_debug_load dev_size_mb=32 delay=0 num_tgts=4 max_luns=2
held=$(cat /sys/module/scsi_debug/refcnt)
n=0 loads="" hctls=""
for hctl in $(echo "$DBG_ALL" | cut -d' ' -f1); do
    vdev=$((n / 2)):0:0:$((n % 2))
    expect_ok xl-scsi attach g1 "$hctl" $vdev
    guest_wait_disk g1 $vdev
    hctls="$hctls $GUEST_HCTL"
    # scsi_debug's disks share one store.
    loads="$loads
        (iopat mix $GUEST_BLK --start $((n * 4))M --size 4M --bs 4k-16k --depth 8 --until-file /tmp/stop >/tmp/io.$n 2>&1; echo END=\$? >>/tmp/io.$n) &"
    n=$((n + 1))
done
# So that what is not lost any more leaves the processor to what waits.
scsi_debug_delay 100
guest_ok g1 "for h in $hctls; do echo 6 >/sys/bus/scsi/devices/\$h/timeout; done; dmesg -c >/dev/null $loads"
# All that is in flight is lost, and lost again when the guest has sent it again.
lose 1
wait_until 30 '[ "$(busy)" -ge 56 ]' "the rings are full"
wait_until 60 '[ "$(timed_out)" -ge 56 ]' "dom0 gives the lost commands up"
note "$(timed_out) commands are lost; $(pvscsictl stats)"
wait_until 30 '[ "$(busy)" -ge 56 ]' "the guest has sent the lost commands again"
lose 0
wait_until 60 '[ "$(timed_out)" -ge 112 ]' "dom0 gives the lost commands up again"
note "$(timed_out) commands are lost; $(pvscsictl stats)"
guest_ok g1 "touch /tmp/stop"
wait_until 90 "[ \$(guest_sh g1 'cat /tmp/io.? | grep -c END=') = $n ]" "the end of the loads"
note "$(guest_sh g1 'cat /tmp/io.?; dmesg | tail -n 5'); $(pvscsictl stats)"
expect_match "$(handled)" '^[1-9][0-9]* [1-9][0-9]* 0$' "ABORTs, RESETs, and those that failed"
expect_eq "$(guest_sh g1 'cat /tmp/io.? | grep -c END=0')" $n "loads without a failed read or write and with the right data"
expect_no_match "$(guest_sh g1 'dmesg')" 'I/O error|offline' "the guest's kernel"
for hctl in $hctls; do expect_eq "$(guest_ok g1 "cat /sys/bus/scsi/devices/$hctl/state")" running "the disk $hctl"; done
while [ $n -gt 0 ]; do
    n=$((n - 1))
    expect_ok xl-scsi detach g1 $((n / 2)):0:0:$((n % 2))
done
wait_until 20 "[ \$(cat /sys/module/scsi_debug/refcnt) -le $held ]" "the disks to be let go"
scsi_debug_unload

for type in 0 1 5; do
    scsi_debug_load dev_size_mb=16 delay=0 ptype=$type
    [ $type != 0 ] || expect_ok iopat fill "$DBG_BLK" --depth 8
    held=$(cat /sys/module/scsi_debug/refcnt)
    expect_ok xl-scsi attach g1 "$DBG_HCTL" 0:0:0:0
    guest_wait_disk g1 0:0:0:0
    guest_ok g1 "node=$GUEST_SG; $ready"
    count=15 sense='Power on, reset, or bus device reset occurred'
    [ $type = 1 ] || sense='Logical unit communication time-out'
    lose 1
    out=$(losses $count)
    lose 0
    note "type $type: $out"
    # Where the computer is slow, the guest's time-out is over first for some: its own host byte is beside the sense
    # data.
    expect_eq "$(echo "$out" | awk -v sense="$sense" 'index($0, sense) { n += $1 } END { print n + 0 }')" $count "answers with this sense, type $type"
    expect_no_match "$out" 'exit 0$' "answers, type $type"
    state
    guest_ok g1 "node=$GUEST_SG; $ready"
    counted=$(pvscsictl stats | sed -n 's/.*time-out \([0-9]*\).*/\1/p')
    [ "${counted:-0}" -ge $count ] || fail "type $type: ${counted:-no} time-outs in the counters"
    case $type in
    0) guest_ok g1 "iopat verify $GUEST_BLK --depth 8" ;;
    1) guest_ok g1 "/usr/bin/mt -f $GUEST_OTHER rewind; /usr/bin/mt -f $GUEST_OTHER status" ;;
    5)
        guest_ok g1 "echo 6 >/sys/bus/scsi/devices/$GUEST_HCTL/timeout"
        # Opened before, so that it is the read that is lost.
        guest_ok g1 "(exec 3<$GUEST_BLK; touch /tmp/open; while [ ! -e /tmp/go ]; do sleep 0.2; done
            head -c 8192 <&3 >/tmp/read; echo END=\$?) >/tmp/out 2>&1 &
            while [ ! -e /tmp/open ]; do sleep 0.1; done"
        began=$(uptime_cs)
        lose 1
        guest_ok g1 "touch /tmp/go"
        wait_until 10 "[ \$(cat /sys/bus/scsi/devices/$DBG_HCTL/device_busy) != 0 ]" "the read at the device"
        lose 0
        guest_wait_for g1 "grep -q END= /tmp/out" 120
        took=$((($(uptime_cs) - began) / 100))
        note "the read took $took s: $(guest_sh g1 'cat /tmp/out; dmesg | tail -n 5'); $(pvscsictl stats)"
        [ $took -ge 6 ] || fail "the read was not lost: it took $took s"
        expect_match "$(guest_sh g1 'cat /tmp/out; wc -c </tmp/read')" 'END=0' "the read that was lost"
        state
        ;;
    esac
    expect_ok xl-scsi detach g1 0:0:0:0
    guest_wait_gone g1 0:0:0:0
    changers_release
    wait_until 20 "[ \$(cat /sys/module/scsi_debug/refcnt) -le $held ]" "the device to be let go"
    scsi_debug_unload
done
