# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154,SC2034
# about: after a hundred lost reads and writes no read has failed and the data is right; each loss has its sense: disk, tape, optical drive
# timeout: 400
# guests: kept
# The guest's time-out is 6 s. Reads and writes have 25 s at the device at least, so the guest's own error handler runs
# meanwhile: ABORT at the first loss of a command, RESET and TEST UNIT READY at the second. A TEST UNIT READY has 5 s at
# the device.
need_project
# shellcheck source=lib/lost.sh
. /host/lib/lost.sh
daemon_start
guest_start g1
busy() { cat /sys/bus/pseudo/devices/adapter*/host*/target*/*/device_busy | awk '{ n += $1 } END { print n + 0 }'; }
timed_out() { pvscsictl stats | sed -n 's/.*time-out \([0-9]*\).*/\1/p' | awk '{ n += $1 } END { print n + 0 }'; }
# handled: the ABORTs of all LUNs, their RESETs, and how many of both failed.
handled() { pvscsictl stats | awk '$3 ~ /:/ && NF == 13 { aborts += $8; resets += $10; failed += $9 + $11 } END { print aborts + 0, resets + 0, failed + 0 }'; }

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
# Commands that are not lost shall leave the processor to those that wait, and be many at the same time.
scsi_debug_delay 250
guest_ok g1 "for h in $hctls; do echo 6 >/sys/bus/scsi/devices/\$h/timeout; done; dmesg -c >/dev/null $loads"
# The loads run before anything is lost: 6 s after the first loss, the guest's error handler sends no new command.
wait_until 30 '[ "$(busy)" -ge 40 ]' "the loads"
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
    lose_ready g1 $type 15
    case $type in
    0) guest_ok g1 "iopat verify $GUEST_BLK --depth 8" ;;
    1) guest_ok g1 "/usr/bin/mt -f $GUEST_OTHER rewind; /usr/bin/mt -f $GUEST_OTHER status" ;;
    5) lose_read g1 ;;
    esac
    expect_ok xl-scsi detach g1 0:0:0:0
    guest_wait_gone g1 0:0:0:0
    changers_release
    wait_until 20 "[ \$(cat /sys/module/scsi_debug/refcnt) -le $held ]" "the device to be let go"
    scsi_debug_unload
done
