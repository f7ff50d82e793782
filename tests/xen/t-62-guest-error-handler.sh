# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: the guest's own error handler (ABORT, TEST UNIT READY) leaves the disk running and the data right: one vCPU and two
# timeout: 500
# guests: kept
need_project
# shellcheck source=lib/lost.sh
. /host/lib/lost.sh
scsi_debug_load dev_size_mb=16 delay=0
daemon_start
expect_ok iopat fill "$DBG_BLK" --depth 8
for vcpus in 1 2; do
    g=v$vcpus
    # shellcheck disable=SC2046
    guest_start $g $([ $vcpus = 1 ] || echo vcpus=$vcpus)
    expect_ok xl-scsi attach $g "$DBG_HCTL" 0:0:0:0
    guest_wait_disk $g 0:0:0:0
    # Shorter than the least time that a read has at the device: the guest's error handler begins while the command is
    # still out there.
    guest_ok $g "echo 6 >/sys/bus/scsi/devices/$GUEST_HCTL/timeout"
    guest_ok $g "iopat verify $GUEST_BLK --size 256k"
    reads_begin_lossy $g
    reads_end $g 6000
    note "$g: $(pvscsictl stats | tr '\n' ' ')"
    guest_ok $g "iopat mix $GUEST_BLK --generation 1 --seconds 2 --depth 8"

    note "$g: the worker stands still for longer than the guest waits"
    expect_ok iopat fill "$DBG_BLK" --depth 8
    reads_begin $g "--bs 4k --depth 8 --size 4M"
    worker=$(worker_pids)
    kill -STOP "$worker" || fail "no worker"
    sleep 10
    kill -CONT "$worker"
    reads_end $g 6000
    guest_ok $g "iopat verify $GUEST_BLK --size 4M"
    expect_ok xl-scsi detach $g 0:0:0:0
    guest_wait_gone $g 0:0:0:0
    [ $vcpus = 1 ] || guest_stop $g
done
check_no_zombie
