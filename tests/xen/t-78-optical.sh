# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154,SC2034,SC2119,SC2086
# about: an optical drive beside a disk on one vhost: a disc is read, ejected, changed and read again, and one is burnt
# timeout: 240
# guests: kept
# shellcheck source=lib/tgt.sh
. /host/lib/tgt.sh
need_project
command -v tgtd >/dev/null || skip "no tgtd in the image"
tgt_start
scsi_debug_load dev_size_mb=16 delay=0
daemon_start
guest_start g1
expect_ok xl-scsi attach g1 "$DBG_HCTL" 0:0:1:0
expect_ok xl-scsi attach g1 "$OPTICAL" 0:0:1:1
guest_wait_disk g1 0:0:1:0
disk=$GUEST_BLK
scsi_debug_delay 10
guest_wait_disk g1 0:0:1:1
expect_match "$GUEST_BLK" '/dev/sr[0-9]' "an optical drive in the guest"
guest_sh g1 "(iopat mix $disk --until-file /tmp/stop --bs 4k-32k --depth 2; echo END=\$?) >/tmp/mix 2>&1 &"
turs="for i in 1 2 3 4 5 6; do sg_turs $GUEST_SG && break; done"
guest_sh g1 "$turs" >/dev/null 2>&1

note "a disc is read"
expect_eq "$(guest_ok g1 "blockdev --getss $GUEST_BLK")" 2048 "the block length"
guest_ok g1 "iopat verify $GUEST_BLK --buffered --bs 32k"
# same TOOL ARGUMENTS: it prints in the guest what it prints in dom0.
same() {
    local here
    here=$(sg_of "$OPTICAL")
    expect_eq "$(guest_sh g1 "$1 $GUEST_SG $2 2>&1" | sed "s|$GUEST_SG|SG|")" "$($1 "$here" $2 2>&1 | sed "s|$here|SG|")" "$1 $2"
}
same "sg_raw -r 12" "43 00 00 00 00 00 00 00 0c 00"
same "sg_raw -r 36" "51 00 00 00 00 00 00 00 24 00"
same sg_get_config ""
same sg_readcap ""

note "it is ejected"
guest_ok g1 "sg_start --eject $GUEST_SG"
# tgtd refuses only TEST UNIT READY then.
same "sg_turs -v" ""
expect_match "$(guest_sh g1 "sg_turs -v $GUEST_SG 2>&1")" 'Medium not present' "the drive without a disc"
expect_match "$(guest_sh g1 "dd if=$GUEST_BLK of=/dev/null count=1 2>&1")" 'No medium found' "a read without a disc"

note "another one is loaded"
tgt_set 3 online=0
tgt_set 3 path=/run/tgt/disc2
tgt_set 3 online=1
guest_sh g1 "$turs; $turs"
guest_ok g1 "iopat verify $GUEST_BLK --buffered --bs 32k --generation 2"

note "a blank DVD+R is burnt"
tgt_set 3 online=0
: >/run/tgt/disc3
tgt_set 3 path=/run/tgt/disc3
tgt_set 3 online=1
guest_sh g1 "$turs; $turs" >/dev/null 2>&1
expect_match "$(guest_ok g1 "sg_get_config $GUEST_SG")" 'Current.*DVD\+R' "the blank disc"
same sg_get_config ""
same "sg_raw -r 34" "51 00 00 00 00 00 00 00 22 00"
same "sg_raw -r 36" "52 01 00 00 00 01 00 00 24 00"
# RESERVE TRACK, which xorriso sends first: what the drive answers comes from the drive, not from the policy.
same sg_raw "53 00 00 00 00 00 00 02 00 00"
# As growisofs does it: pieces of 32 KiB in their order, then the cache, the track and the session.
guest_ok g1 "truncate -s 1M /tmp/image; iopat fill /tmp/image --buffered --generation 3"
guest_ok g1 "sg_dd if=/tmp/image of=$GUEST_SG bs=2048 bpt=16 count=512"
guest_ok g1 "sg_raw $GUEST_SG 35 00 00 00 00 00 00 00 00 00"
guest_ok g1 "sg_raw $GUEST_SG 5b 00 01 00 00 01 00 00 00 00"
guest_ok g1 "sg_raw $GUEST_SG 5b 00 02 00 00 00 00 00 00 00"
same "sg_raw -r 34" "51 00 00 00 00 00 00 00 22 00"
expect_match "$(guest_ok g1 "sg_get_config $GUEST_SG")" 'Current.*DVD-ROM' "the burnt disc"
expect_ok iopat verify /run/tgt/disc3 --buffered --generation 3
tgt_set 3 online=0
tgt_set 3 online=1
guest_sh g1 "$turs; $turs" >/dev/null 2>&1
guest_ok g1 "dd if=$GUEST_BLK bs=32k count=32 2>/dev/null | cmp - /tmp/image"
expect_fail guest_sh g1 "sg_dd if=/tmp/image of=$GUEST_SG bs=2048 bpt=16 count=16"
expect_eq "$(guest_ok g1 "cat /sys/bus/scsi/devices/$GUEST_HCTL/state")" running "the drive"
guest_sh g1 "touch /tmp/stop"
guest_wait_for g1 "grep -q END= /tmp/mix" 30
expect_match "$(guest_sh g1 'cat /tmp/mix')" '^END=0' "verified load on the disk"
expect_ok xl-scsi detach g1 0:0:1:1
expect_ok xl-scsi detach g1 0:0:1:0
tgt_stop
