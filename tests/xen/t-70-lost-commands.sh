# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154,SC2034
# about: a command that the device loses costs a guest a pause and a retry, never its disk: default time-outs, one vCPU and two
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
    expect_eq "$(guest_ok $g "cat /sys/bus/scsi/devices/$GUEST_HCTL/timeout")" 30 "the guest's time-out"
    guest_ok $g "iopat verify $GUEST_BLK --size 256k"
    note "$g: every 20th command is lost"
    echo 20 >$P/every_nth
    echo 4 >$P/opts
    # 64 commands: three are lost; while nothing comes back there is nothing new to lose.
    guest_sh $g "(iopat verify $GUEST_BLK --size 1M --bs 16k --depth 4; echo END=\$?) >/tmp/reads 2>&1 &"
    sleep 10
    echo 0 >$P/opts
    echo 0 >$P/every_nth
    wait_until 150 "guest_sh $g 'grep -q END= /tmp/reads'" "the end of the reads in $g"
    reads=$(guest_sh $g "cat /tmp/reads")
    note "$g: $reads"
    expect_match "$reads" 'END=0' "the reads in $g"
    slowest=$(echo "$reads" | sed -n 's/.*slowest \([0-9]*\) ms.*/\1/p')
    [ "${slowest:-0}" -ge 10000 ] || fail "$g: no command was lost: the slowest took ${slowest:-no} ms"
    # dom0 has aborted the command and the guest has sent it again before the guest's own 30 s were over.
    [ "$slowest" -lt 60000 ] || fail "$g: the slowest read took $slowest ms"
    expect_eq "$(guest_ok $g "cat /sys/bus/scsi/devices/$GUEST_HCTL/state")" running "the disk in $g"
    guest_ok $g "iopat mix $GUEST_BLK --generation 1 --seconds 2 --depth 8"
    expect_ok iopat fill "$DBG_BLK" --depth 8
    expect_ok xl-scsi detach $g 0:0:0:0
    guest_wait_gone $g 0:0:0:0
    guest_stop $g
done
check_no_zombie
