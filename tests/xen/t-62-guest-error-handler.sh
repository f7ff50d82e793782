# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154,SC2034
# about: the guest's own error handler (ABORT, TEST UNIT READY) leaves the disk running and the data right: one vCPU and two
# timeout: 500
need_project
scsi_debug_load dev_size_mb=32 delay=0
P=/sys/bus/pseudo/drivers/scsi_debug
daemon_start
expect_ok iopat fill "$DBG_BLK" --depth 8
for vcpus in 1 2; do
    g=v$vcpus
    guest_start $g vcpus=$vcpus
    expect_ok xl-scsi attach $g "$DBG_HCTL" 0:0:0:0
    guest_wait_disk $g 0:0:0:0
    # Shorter than the least time that a read has at the device: the guest's error handler begins while the command is still out there.
    guest_ok $g "echo 6 >/sys/bus/scsi/devices/$GUEST_HCTL/timeout"
    guest_ok $g "iopat verify $GUEST_BLK --size 256k"
    echo 20 >$P/every_nth
    echo 4 >$P/opts
    guest_sh $g "(iopat verify $GUEST_BLK --size 1M --bs 16k --depth 4; echo END=\$?) >/tmp/reads 2>&1 &"
    sleep 10
    echo 0 >$P/opts
    echo 0 >$P/every_nth
    wait_until 150 "guest_sh $g 'grep -q END= /tmp/reads'" "the end of the reads in $g"
    reads=$(guest_sh $g "cat /tmp/reads")
    note "$g: $reads; $(pvscsictl stats | tr '\n' ' ')"
    expect_match "$reads" 'END=0' "the reads in $g"
    slowest=$(echo "$reads" | sed -n 's/.*slowest \([0-9]*\) ms.*/\1/p')
    [ "${slowest:-0}" -ge 6000 ] || fail "$g: no time-out: the slowest read took ${slowest:-no} ms"
    expect_eq "$(guest_ok $g "cat /sys/bus/scsi/devices/$GUEST_HCTL/state")" running "the disk in $g"
    guest_ok $g "iopat mix $GUEST_BLK --generation 1 --seconds 2 --depth 8"

    note "$g: the worker stands still for longer than the guest waits"
    expect_ok iopat fill "$DBG_BLK" --depth 8
    guest_sh $g "(iopat verify $GUEST_BLK --bs 4k --depth 8 --size 8M; echo END=\$?) >/tmp/reads 2>&1 &"
    worker=$(worker_pids)
    kill -STOP "$worker" || fail "no worker"
    sleep 10
    kill -CONT "$worker"
    wait_until 150 "guest_sh $g 'grep -q END= /tmp/reads'" "the end of the reads in $g"
    reads=$(guest_sh $g "cat /tmp/reads")
    note "$g: $reads"
    expect_match "$reads" 'END=0' "the reads in $g"
    slowest=$(echo "$reads" | sed -n 's/.*slowest \([0-9]*\) ms.*/\1/p')
    [ "${slowest:-0}" -ge 6000 ] || fail "$g: no time-out: the slowest read took ${slowest:-no} ms"
    expect_eq "$(guest_ok $g "cat /sys/bus/scsi/devices/$GUEST_HCTL/state")" running "the disk in $g"
    guest_ok $g "iopat verify $GUEST_BLK --size 4M"
    expect_ok xl-scsi detach $g 0:0:0:0
    guest_wait_gone $g 0:0:0:0
    guest_stop $g
done
check_no_zombie
