# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154,SC2034,SC2119,SC2086
# about: dom0's own error handling takes longer than the guest waits: disk, optical drive and tape of an iSCSI target that stands still
# timeout: 400
# boot: own
# shellcheck source=lib/tgt.sh
. /host/lib/tgt.sh
need_project
command -v tgtd >/dev/null || skip "no tgtd in the image"
tgt_start
truncate -s 8M /run/tgt/disk
expect_ok iopat fill /run/tgt/disk --buffered
tgt_lun 4 --backing-store /run/tgt/disk
echo "0 0 4" >"/sys/class/scsi_host/host${TAPE%%:*}/scan"
DISK=${TAPE%:*}:4
wait_until 20 "[ -e /sys/bus/scsi/devices/$DISK/scsi_generic ]" "the target's disk in dom0"
daemon_start
guest_start g1
n=0
for device in $DISK $OPTICAL $TAPE; do
    expect_ok xl-scsi attach g1 "$device" 0:0:1:$n
    guest_wait_disk g1 0:0:1:$n
    eval "hctl$n=\$GUEST_HCTL blk$n=\$GUEST_BLK sg$n=\$GUEST_SG other$n=\$GUEST_OTHER"
    guest_sh g1 "for i in 1 2 3 4 5 6; do sg_turs $GUEST_SG && break; done" >/dev/null 2>&1
    n=$((n + 1))
done
tape=$other2
# The tape has two files; the second is written while the target stands still.
guest_ok g1 "dd if=/dev/urandom of=/tmp/first bs=10k count=4; dd if=/dev/urandom of=/tmp/second bs=10k count=4
    /usr/bin/mt -f $tape rewind && dd if=/tmp/first of=$tape bs=10k && iopat verify $blk0 --depth 4 && iopat verify $blk1 --buffered --size 1M"
guest_ok g1 "for h in $hctl0 $hctl1; do echo 6 >/sys/bus/scsi/devices/\$h/timeout; done; echo 3 >/proc/sys/vm/drop_caches"

kill -STOP "$TGT_PID"
began=$(uptime_cs)
guest_ok g1 "(iopat verify $blk0 --depth 4; echo END=\$?) >/tmp/out0 2>&1 &
    (iopat verify $blk1 --buffered --size 1M; echo END=\$?) >/tmp/out1 2>&1 &
    (dd if=/tmp/second of=$tape bs=10k; echo END=\$?) >/tmp/out2 2>&1 &"
# dom0 aborts a read after 25 s, and waits 15 s for the target's answer to the ABORT. Beyond that it would need iscsid.
sleep 34
kill -CONT "$TGT_PID"
for n in 0 1 2; do
    wait_until 120 "guest_sh g1 'grep -q END= /tmp/out$n'" "the end of the command to device $n: $(guest_sh g1 "cat /tmp/out$n; dmesg | tail -n 20")"
done
note "all ended after $((($(uptime_cs) - began) / 100)) s; $(guest_sh g1 'cat /tmp/out?; dmesg | tail -n 30'); $(pvscsictl stats)"
for n in 0 1 2; do
    expect_match "$(guest_sh g1 "cat /tmp/out$n")" '^END=0' "the command to device $n"
done
for hctl in $hctl0 $hctl1 $hctl2; do
    expect_eq "$(guest_ok g1 "cat /sys/bus/scsi/devices/$hctl/state")" running "the device $hctl"
done
guest_ok g1 "echo 3 >/proc/sys/vm/drop_caches; iopat verify $blk0 --depth 4 && iopat verify $blk1 --buffered --size 1M"
guest_ok g1 "/usr/bin/mt -f $tape rewind && dd if=$tape bs=10k | cmp - /tmp/first && dd if=$tape bs=10k | cmp - /tmp/second"
# The guest had waited for 6 s, and its ABORTs waited for the device. None of them failed.
for vdev in 0:0:1:0 0:0:1:1; do
    aborts=$(pvscsictl stats | awk -v vdev=$vdev '$3 == vdev && NF == 11 { print $8, $9 }')
    expect_match "$aborts" '^[1-9][0-9]* 0$' "the ABORTs of $vdev and those that failed"
done
for n in 0 1 2; do expect_ok xl-scsi detach g1 0:0:1:$n; done
guest_stop g1
daemon_stop
tgt_stop
