# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154,SC2034
# about: a disk and an optical drive that take 120 KiB at once are read and written with more, in pieces; what cannot be cut is refused
# timeout: 240
# guests: kept
need_project
small_host_load
scsi_debug_load dev_size_mb=16 delay=0
HELD=$(cat /sys/module/scsi_debug/refcnt)
expect_ok iopat fill /host/small-disc --buffered
expect_ok iopat fill "$(block_of "$SMALL_DISK")" --depth 8
# More than 120 KiB the kernel does not send to it (22: EINVAL).
echo '131072< 28 00 00 00 10 00 00 01 00 00' >/tmp/list
expect_match "$(cdbs list "$(sg_of "$SMALL_DISK")" </tmp/list)" 'errno=22' "128 KiB in dom0"

daemon_start
guest_start g1
# The other disk's vhost has a ring for 508 KiB.
expect_ok xl-scsi attach g1 "$DBG_HCTL" 0:0:0:0
guest_wait_disk g1 0:0:0:0
expect_ok xl-scsi attach g1 "$SMALL_DISK" 0:0:1:0
expect_ok xl-scsi attach g1 "$SMALL_DISC" 0:0:2:0
guest_wait_disk g1 0:0:1:0
sg=$GUEST_SG queue=/sys/block/${GUEST_BLK##*/}/queue
expect_match "$(guest_ok g1 "cat $queue/max_hw_sectors_kb")" '^(508|512)$' "what the guest's host takes"
expect_eq "$(guest_ok g1 "cat $queue/max_sectors_kb")" 120 "what its disk says that it takes"

generation=1
for cdb in "6 256" "10 1000" "12 900" "16 901"; do
    # shellcheck disable=SC2086
    set -- $cdb
    note "READ and WRITE ($1) of $2 blocks"
    guest_ok g1 "sg_dd if=$sg of=/tmp/read bs=512 count=32768 bpt=$2 cdbsz=$1 && iopat verify /tmp/read --buffered --generation $generation"
    generation=$1
    guest_ok g1 "iopat fill /tmp/read --buffered --generation $1 && sg_dd if=/tmp/read of=$sg bs=512 bpt=$2 cdbsz=$1"
    expect_ok iopat verify "$(block_of "$SMALL_DISK")" --generation "$1"
done

answer() { # G-SG LINE
    guest_ok g1 "echo '$2' | cdbs list $1"
}
note "300 blocks, the last 44 of them beyond the end: the first piece is there, the second one's sense"
past_end=$(answer "$sg" '153600< 28 00 00 00 7f 00 00 01 2c 00')
first=$(answer "$sg" '122880< 28 00 00 00 7f 00 00 00 f0 00')
expect_match "$past_end" 'host=0 status=02 sense=7[02]..05.* resid=30720' "READ(10) across the end"
expect_match "$first" 'host=0 status=00 sense=- resid=0 data=122880:' "its first piece"
# When a write fails, the device says that it took all of the data.
expect_match "$(answer "$sg" '153600>77 2a 00 00 00 7f 00 00 01 2c 00')" 'host=0 status=02 sense=7[02]..05.* resid=0' "WRITE(10) across the end"
expect_match "$(answer "$sg" '153600< 28 00 00 00 7f f0 00 01 2c 00')" 'host=0 status=02 .* resid=153600' "READ(10), no piece of it there"
others=$(dd if="$(block_of "$SMALL_DISK")" iflag=direct bs=512 skip=32512 count=240 2>/dev/null | tr -d w | wc -c)
expect_eq "$others" 0 "bytes of the first piece that were not written"
expect_ok iopat verify "$(block_of "$SMALL_DISK")" --generation 16 --start $((32752 * 512)) --size 8192

note "commands that must be one command, and others that are larger than the device takes"
for line in '153600< 28 20 00 00 10 00 00 01 2c 00' '153600>00 2f 02 00 00 10 00 00 01 2c 00' \
    '153600>00 2e 00 00 00 10 00 00 01 2c 00' '153600< a3 0c 00 00 00 00 00 02 58 00 00 00' \
    '153600>00 9c 00 00 00 00 00 00 00 10 00 00 00 01 2c 00'; do
    expect_match "$(answer "$sg" "$line")" 'host=0 status=02 sense=7.0005.*2400.* resid=153600 data=-' "refused: $line"
done

note "a tape whose host takes 256 KiB: a longer command is refused, because a tape's blocks cannot be cut"
defaults=/sys/module/scsi_mod/parameters/default_dev_flags
echo 0x800000 >$defaults # BLIST_MAX_512 of the kernel's scsi_devinfo.h
echo 1 >/sys/bus/pseudo/drivers/scsi_debug/ptype
echo 1 >/sys/bus/pseudo/drivers/scsi_debug/add_host
wait_until 20 "lsscsi | grep -q tape" "the tape"
echo 0 >$defaults
tape=$(lsscsi | sed -n 's/^\[\([0-9:]*\)\][[:space:]]*tape.*/\1/p')
echo '307200< 08 00 04 b0 00 00' >/tmp/list
expect_match "$(cdbs list "$(sg_of "$tape")" </tmp/list)" 'errno=22' "300 KiB in dom0"
expect_ok xl-scsi attach g1 "$tape" 0:0:3:0
guest_wait_disk g1 0:0:3:0
for line in '307200< 08 00 04 b0 00 00' '307200>00 0a 00 04 b0 00 00'; do
    expect_match "$(answer "$GUEST_SG" "$line")" 'host=0 status=02 sense=7.0005.*2400.* resid=307200 data=-' "refused: $line"
done
expect_ok xl-scsi detach g1 0:0:3:0
guest_wait_gone g1 0:0:3:0
# The INQUIRY data may name another type again.
echo 0 >/sys/bus/pseudo/drivers/scsi_debug/ptype

note "the optical drive"
guest_wait_disk g1 0:0:2:0
for cdb in "10 200" "12 130"; do
    # shellcheck disable=SC2086
    set -- $cdb
    guest_ok g1 "sg_dd if=$GUEST_SG of=/tmp/read bs=2048 count=8192 bpt=$2 cdbsz=$1 && iopat verify /tmp/read --buffered"
done
# sr reads ahead 128 KiB.
guest_ok g1 "modprobe sr_mod; iopat verify $GUEST_BLK --buffered"
expect_match "$(answer "$GUEST_SG" '204800< 28 00 00 00 1f ba 00 00 64 00')" 'host=0 status=02 .* resid=81920' "READ(10) across the end"
expect_match "$(answer "$GUEST_SG" '204800< be 00 00 00 00 00 00 00 64 f8 00 00')" 'status=02 sense=7.0005.*2400' "READ CD"
guest_ok g1 "dmesg | grep -iE 'I/O error|offline' && exit 1; rm /tmp/read"
for number in 2 1 0; do
    expect_ok xl-scsi detach g1 "0:0:$number:0"
    guest_wait_gone g1 "0:0:$number:0"
done
