# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: a Linux guest finds the disk, and what it writes in any size, alignment and depth reads back
# timeout: 240
need_project
scsi_debug_load dev_size_mb=16 delay=0
daemon_start
guest_start g1 paused
out=$(xl-scsi attach g1 "$DBG_HCTL" 0:0:0:0) || fail "attach before the guest runs: $out"
note "attach of the paused guest: $out"
expect_eq "$(xenstore-read "/local/domain/0/backend/vscsi/$(guest_domid g1)/0/vscsi-devs/dev-0/state" 2>/dev/null)" 3 "dev state before the guest runs"
guest_unpause g1
guest_wait_disk g1 0:0:0:0
expect_eq "$(vscsi_state g1 0)" 4 "backend state"
expect_eq "$(vscsi_state g1 0 0)" 4 "dev state"
expect_eq "$(guest_ok g1 "cat /sys/bus/scsi/devices/$GUEST_HCTL/model")" "$(cat "/sys/bus/scsi/devices/$DBG_HCTL/model")" model
expect_eq "$(guest_ok g1 "blockdev --getsize64 $GUEST_BLK")" 16777216 size
expect_match "$(xl-scsi list g1)" '0:0:0:0 +4' "xl-scsi list"
# 128 segments less one page for misalignment.
expect_eq "$(guest_ok g1 "cat /sys/block/${GUEST_BLK#/dev/}/queue/max_hw_sectors_kb")" 508 "transfer limit"
# The limit in the disk's VPD page B0h leaves room for one page, for memory that is not page-aligned.
expect_eq "$(guest_ok g1 "cat /sys/block/${GUEST_BLK#/dev/}/queue/max_sectors_kb")" 480 "transfer size"
note "found"

guest_ok g1 "iopat fill $GUEST_BLK --bs 512-508k --depth 8"
guest_ok g1 "iopat verify $GUEST_BLK --bs 508k --depth 4"
expect_ok iopat verify "$DBG_BLK"
for run in "512-508k 16 random" "512 16 0" "508k 16 512" "508k 4 3584" "104k-112k 4 random" "4k 1 0"; do
    # shellcheck disable=SC2086
    set -- $run
    guest_ok g1 "iopat mix $GUEST_BLK --bs $1 --depth $2 --mem-offset $3 --seconds 2 --map /tmp/map"
done
note "mixed loads verified"
guest_ok g1 "iopat fill $GUEST_BLK --generation 9 --bs 4k-508k --depth 4"
expect_ok iopat verify "$DBG_BLK" --generation 9
expect_match "$(pvscsictl stats)" '0:0:0' "the LUN's statistics"
expect_ok xl-scsi detach g1 0:0:0:0
guest_wait_gone g1 0:0:0:0
expect_fail xenstore-exists "/local/domain/0/backend/vscsi/$(guest_domid g1)/0"
guest_stop g1
check_no_zombie
