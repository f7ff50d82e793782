# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: a command that the device loses costs a guest a pause and a retry, never its disk: default time-outs, one vCPU and two; then tape and optical drive
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
    expect_eq "$(guest_ok $g "cat /sys/bus/scsi/devices/$GUEST_HCTL/timeout")" 30 "the guest's time-out"
    guest_ok $g "iopat verify $GUEST_BLK --size 256k"
    reads_begin_lossy $g
    reads_end $g 10000
    # dom0 has aborted the command and the guest has sent it again before the guest's own 30 s were over.
    [ "$SLOWEST" -lt 60000 ] || fail "$g: the slowest read took $SLOWEST ms"
    guest_ok $g "iopat mix $GUEST_BLK --generation 1 --seconds 2 --depth 8"
    expect_ok iopat fill "$DBG_BLK" --depth 8
    expect_ok xl-scsi detach $g 0:0:0:0
    guest_wait_gone $g 0:0:0:0
done

# With short time-outs, so that the guest's own error handler runs. t-68 has the same with one vCPU.
for type in 1 5; do
    scsi_debug_unload
    scsi_debug_load dev_size_mb=16 delay=0 ptype=$type
    held=$(cat /sys/module/scsi_debug/refcnt)
    expect_ok xl-scsi attach v2 "$DBG_HCTL" 0:0:0:0
    guest_wait_disk v2 0:0:0:0
    lose_ready v2 $type 3
    case $type in
    1) guest_ok v2 "/usr/bin/mt -f $GUEST_OTHER rewind; /usr/bin/mt -f $GUEST_OTHER status" ;;
    5) lose_read v2 ;;
    esac
    expect_ok xl-scsi detach v2 0:0:0:0
    guest_wait_gone v2 0:0:0:0
    wait_until 20 "[ \$(cat /sys/module/scsi_debug/refcnt) -le $held ]" "the device to be let go"
done
guest_stop v2
check_no_zombie
