# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154,SC2034,SC2119
# about: disks of 4096-byte blocks, with protection information, thin provisioned and zoned: a guest writes, reads, unmaps and resets
# timeout: 240
# guests: kept
# shellcheck source=lib/compare.sh
. /host/lib/compare.sh
need_project
daemon_start
guest_start g1

# with WHAT ARGS...: a scsi_debug disk that the guest has.
with() {
    note "$1"
    shift
    scsi_debug_load dev_size_mb=16 delay=0 "$@"
    HELD=$(cat /sys/module/scsi_debug/refcnt)
    expect_ok xl-scsi attach g1 "$DBG_HCTL" 0:0:0:0
    guest_wait_disk g1 0:0:0:0
    queue=/sys/block/${GUEST_BLK##*/}/queue
}
without() {
    expect_eq "$(guest_ok g1 "dmesg -c | grep -ciE 'I/O error|offline'; cat /sys/bus/scsi/devices/$GUEST_HCTL/state" | tr '\n' ' ')" \
        "0 running " "errors in the guest, and the disk's state"
    expect_ok xl-scsi detach g1 0:0:0:0
    guest_wait_gone g1 0:0:0:0
    let_go
}
# Written there, read here; written here, read there.
both_ways() {
    guest_ok g1 "iopat fill $GUEST_BLK --depth 4 --generation 1"
    expect_ok iopat verify "$DBG_BLK" --depth 8 --generation 1
    expect_ok iopat fill "$DBG_BLK" --depth 8 --generation 2
    guest_ok g1 "iopat verify $GUEST_BLK --depth 4 --generation 2"
}

with "4096-byte blocks" sector_size=4096 dev_size_mb=4
expect_eq "$(guest_ok g1 "cat $queue/logical_block_size")" 4096 "the block length in the guest"
both_ways
without

for args in "dif=1 dix=1" "dif=3"; do
    # shellcheck disable=SC2086
    with "protection information: $args" $args dev_size_mb=4
    both_ways
    without
done

with "thin provisioned" lbpu=1 lbpws=1 lbprz=1 unmap_max_blocks=4096 unmap_max_desc=4
map() { cat /sys/bus/pseudo/drivers/scsi_debug/map; }
both_ways
expect_eq "$(map)" 0-32767 "blocks that are mapped after a fill"
guest_ok g1 "blkdiscard -o 1048576 -l 4194304 $GUEST_BLK"
expect_eq "$(map)" 0-2047,10240-32767 "blocks that are mapped after the guest's UNMAP"
expect_eq "$(guest_ok g1 "dd if=$GUEST_BLK bs=1M skip=1 count=4 iflag=direct 2>/dev/null | tr -d '\\000' | wc -c")" 0 "bytes that are not zero there"
guest_ok g1 "mke2fs -q -F $GUEST_BLK && mkdir -p /tmp/m && mount -t ext4 $GUEST_BLK /tmp/m && dd if=/dev/zero of=/tmp/m/file bs=1M count=8 2>/dev/null && sync"
full=$(map)
guest_ok g1 "rm /tmp/m/file && sync && fstrim /tmp/m && umount /tmp/m"
[ "$(map)" != "$full" ] || fail "fstrim in the guest unmapped nothing: $full"
expect_eq "$(guest_ok g1 "sg_get_lba_status -l 2048 $GUEST_SG")" "$(sg_get_lba_status -l 2048 "$DBG_SG")" "GET LBA STATUS"
without

with "zoned" zbc=managed zone_size_mb=4 zone_nr_conv=1
expect_eq "$(guest_ok g1 "cat $queue/zoned $queue/nr_zones" | tr '\n' ' ')" "host-managed 4 " "zones in the guest"
guest_ok g1 "iopat fill $GUEST_BLK --size 12M --depth 1"
expect_ok iopat verify "$DBG_BLK" --size 12M
zones() {
    here=$(sg_rep_zones "$DBG_SG")
    expect_eq "$(guest_ok g1 "sg_rep_zones $GUEST_SG")" "$here" "REPORT ZONES"
    expect_match "$here" "$1" "REPORT ZONES"
}
zones 'Full'
# A write that is not at the write pointer of a zone: refused as the bare device does.
there=$(guest_sh g1 "echo '512>77 2a 00 00 00 60 08 00 00 01 00' | cdbs list $GUEST_SG")
expect_match "$there" 'status=02 sense=7.*2104' "a write beyond the write pointer"
guest_ok g1 "echo '0- 94 04 00 00 00 00 00 00 20 00 00 00 00 00 00 00' | cdbs list $GUEST_SG | grep status=00"
zones 'Empty'
guest_ok g1 "iopat verify $GUEST_BLK --size 4M && dd if=/dev/zero of=$GUEST_BLK bs=64k seek=64 count=4 oflag=direct"
without
