# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash disable=SC2154
# Commands of a guest that scsi_debug loses, for tests inside dom0, after dom0.sh. guest_wait_disk has found the device
# in the guest.

# lose 1: from now on all commands are lost. lose 0: none.
lose() {
    local debug=/sys/bus/pseudo/drivers/scsi_debug
    echo "$1" >$debug/every_nth
    echo $(($1 ? 4 : 0)) >$debug/opts
}
LOST_READY='for i in 1 2 3 4 5 6; do sg_turs $node && break; done >/dev/null 2>&1; sg_turs $node'
# lost_state GUEST TYPE
lost_state() { expect_eq "$(guest_ok "$1" "cat /sys/bus/scsi/devices/$GUEST_HCTL/state")" running "the device of type $2 in $1"; }

# losses GUEST N: so many TEST UNIT READYs, 15 at a time: the ring takes 16. Prints how often each answer came.
losses() {
    GUEST_TIMEOUT=200 guest_sh "$1" ": >/tmp/lost
        i=0
        while [ \$i -lt $2 ]; do
            (out=\$(sg_raw -t 6 $GUEST_SG 00 00 00 00 00 00 2>&1; echo \"exit \$?\")
            echo \$out >>/tmp/lost) &
            i=\$((i + 1))
            [ \$((i % 15)) != 0 ] || wait
        done
        wait
        sort /tmp/lost | uniq -c"
}

# lose_ready GUEST TYPE COUNT: so many TEST UNIT READYs are lost. Each has the sense for the type, and the device runs
# and is ready afterwards.
lose_ready() {
    local out counted sense='Power on, reset, or bus device reset occurred'
    guest_ok "$1" "node=$GUEST_SG; $LOST_READY"
    [ "$2" = 1 ] || sense='Logical unit communication time-out'
    lose 1
    out=$(losses "$1" "$3")
    lose 0
    note "type $2: $out"
    # Where the computer is slow, the guest's time-out is over first for some: its own host byte is beside the sense
    # data.
    expect_eq "$(echo "$out" | awk -v sense="$sense" 'index($0, sense) { n += $1 } END { print n + 0 }')" "$3" "answers with this sense, type $2"
    expect_no_match "$out" 'exit 0$' "answers, type $2"
    lost_state "$1" "$2"
    guest_ok "$1" "node=$GUEST_SG; $LOST_READY"
    counted=$(pvscsictl stats | sed -n 's/.*time-out \([0-9]*\).*/\1/p')
    [ "${counted:-0}" -ge "$3" ] || fail "type $2: ${counted:-no} time-outs in the counters"
}

# lose_read GUEST: a read of the optical drive GUEST_BLK is lost. It ends well, because the guest sends it again.
lose_read() {
    local began took
    guest_ok "$1" "echo 6 >/sys/bus/scsi/devices/$GUEST_HCTL/timeout"
    # Opened before, so that it is the read that is lost.
    guest_ok "$1" "(exec 3<$GUEST_BLK; touch /tmp/open; while [ ! -e /tmp/go ]; do sleep 0.2; done
        head -c 8192 <&3 >/tmp/read; echo END=\$?) >/tmp/out 2>&1 &
        while [ ! -e /tmp/open ]; do sleep 0.1; done"
    began=$(uptime_cs)
    lose 1
    guest_ok "$1" "touch /tmp/go"
    wait_until 10 "[ \$(cat /sys/bus/scsi/devices/$DBG_HCTL/device_busy) != 0 ]" "the read at the device"
    lose 0
    guest_wait_for "$1" "grep -q END= /tmp/out" 120
    took=$((($(uptime_cs) - began) / 100))
    note "the read took $took s: $(guest_sh "$1" 'cat /tmp/out; dmesg | tail -n 5'); $(pvscsictl stats)"
    [ $took -ge 6 ] || fail "the read was not lost: it took $took s"
    expect_match "$(guest_sh "$1" 'cat /tmp/out; wc -c </tmp/read')" 'END=0' "the read that was lost"
    lost_state "$1" 5
}

# The rest is for a disk that `iopat fill` has filled.

# reads_begin GUEST OPTIONS: a verified read with these options of iopat, in the background.
reads_begin() {
    guest_sh "$1" "(iopat verify $GUEST_BLK $2; echo END=\$?) >/tmp/reads 2>&1 &"
}

# reads_begin_lossy GUEST: 64 reads, of which scsi_debug never answers every 20th: three are lost. While nothing comes
# back there is nothing new to lose.
reads_begin_lossy() {
    local debug=/sys/bus/pseudo/drivers/scsi_debug
    echo 20 >$debug/every_nth
    echo 4 >$debug/opts
    reads_begin "$1" "--size 1M --bs 16k --depth 4"
    sleep 10
    echo 0 >$debug/opts
    echo 0 >$debug/every_nth
}

# reads_end GUEST LEAST: until the reads end. All are right, the slowest took LEAST milliseconds or more (SLOWEST), and
# the guest's disk runs.
reads_end() {
    local out
    guest_wait_for "$1" "grep -q END= /tmp/reads" 150
    out=$(guest_sh "$1" "cat /tmp/reads")
    note "$1: $out"
    expect_match "$out" 'END=0' "the reads in $1"
    SLOWEST=$(echo "$out" | sed -n 's/.*slowest \([0-9]*\) ms.*/\1/p')
    [ "${SLOWEST:-0}" -ge "$2" ] || fail "$1: no time-out: the slowest read took ${SLOWEST:-no} ms"
    expect_eq "$(guest_ok "$1" "cat /sys/bus/scsi/devices/$GUEST_HCTL/state")" running "the disk in $1"
}
