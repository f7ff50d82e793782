# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154,SC2016,SC2086
# about: while a guest has a disk, dom0 cannot mount it, swap to it or build on it, after a restart of the daemon too
# timeout: 240
# guests: kept
need_project
scsi_debug_load dev_size_mb=64 delay=0
mkswap "$DBG_BLK" >/dev/null || fail "mkswap"
# The disk can be opened exclusively, as swapon, mount, dm and md do it.
free() { sg_dd if="$DBG_BLK" iflag=excl of=/dev/null bs=512 count=1 2>/dev/null; }
kept_off() {
    ! free || fail "dom0 can have the disk exclusively $1"
    status=0
    swapon "$DBG_BLK" >/tmp/swapon 2>&1 || status=$?
    [ $status != 0 ] || { swapoff "$DBG_BLK"; fail "dom0 swaps to the guest's disk $1"; }
    mkdir -p /mnt/claimed
    ! mount -t ext2 "$DBG_BLK" /mnt/claimed 2>/tmp/mount ||
        { umount /mnt/claimed; fail "dom0 mounts the guest's disk $1"; }
    expect_match "$(cat /tmp/mount)" 'busy' "why mount fails $1"
}
free || fail "the disk is not free at the start"
daemon_start
guest_start g1
expect_ok xl-scsi attach g1 "$DBG_HCTL" 0:0:0:0
guest_wait_disk g1 0:0:0:0
kept_off "while the guest has it"
daemon_stop
daemon_start
wait_until 20 '[ -n "$(worker_pids)" ]' "a worker of the new daemon"
kept_off "after a restart of the daemon"
guest_ok g1 "dd if=$GUEST_BLK of=/dev/null bs=64k count=4 2>/dev/null"

note "once for two guests"
guest_start g2
expect_ok xl-scsi attach g2 "$DBG_HCTL" 0:0:0:0,force
expect_ok xl-scsi detach g1 0:0:0:0
kept_off "while the second guest has it"
expect_ok xl-scsi detach g2 0:0:0:0
# What detach waits for is done.
free || fail "the disk is not free after the detach"
expect_ok swapon "$DBG_BLK"

note "with force the guest has what dom0 uses"

expect_ok xl-scsi attach g1 "$DBG_HCTL" 0:0:0:0,force
expect_match "$(daemon_log | tail -n 20)" 'this system swaps to it' "the log says that dom0 is not kept off"
expect_ok xl-scsi detach g1 0:0:0:0
expect_ok swapoff "$DBG_BLK"

note "a disk that dom0 began to use while no daemon ran is not served"
expect_ok xl-scsi attach g1 "$DBG_HCTL" 0:0:0:0
guest_wait_disk g1 0:0:0:0
daemon_stop
expect_ok swapon "$DBG_BLK"
daemon_start
wait_until 10 'xl-scsi list g1 | grep -q "swaps to it" || pvscsictl status | grep -q "swaps to it"' "status says why"
wait_until 10 'xl-scsi list g1 | grep -q "0:0:0:0 *4 in use$"' "the list has the word for it"
expect_match "$(pvscsictl status)" '0:0:0:0 .* Connected +in use' "status has the same word"
expect_fail guest_sh g1 "dd if=$GUEST_BLK of=/dev/null bs=4k count=1 iflag=direct 2>/dev/null"
expect_ok swapoff "$DBG_BLK"
wait_until 15 '! pvscsictl status | grep -q "swaps to it"' "the disk is served again"
# The unit attention of its return comes first.
guest_sh g1 "sg_turs $GUEST_SG" >/dev/null 2>&1
guest_ok g1 "dd if=$GUEST_BLK of=/dev/null bs=4k count=1 iflag=direct 2>/dev/null"
kept_off "after it was served again"
expect_ok xl-scsi detach g1 0:0:0:0
