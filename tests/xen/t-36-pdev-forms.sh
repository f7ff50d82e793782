# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: every form of a p-dev: nodes and links of disks, tapes, changers and optical drives, h:c:t:l, naa, a whole host
# timeout: 300
# guests: kept

need_project
. /host/lib/toolstack.sh
daemon_start
guest_start g1
# try PDEV TYPE: attaches it, expects this type in the guest's sysfs, detaches it.
try() {
    expect_ok xl-scsi attach g1 "$1" 0:0:0:0
    expect_eq "$(guest_sh g1 "scsidev 0:0:0:0 40 | (read -r hctl _ && cat /sys/class/scsi_device/\$hctl/device/type)")" "$2" \
        "type of $1 in the guest"
    expect_ok xl-scsi detach g1 0:0:0:0
    guest_wait_gone g1 0:0:0:0
    note "$1"
}
mkdir -p /dev/disk/by-id /dev/tape/by-id
scsi_debug_load dev_size_mb=16 delay=0
wwid=$(cat "/sys/class/scsi_device/$DBG_HCTL/device/wwid")
ln -sf "../../${DBG_BLK#/dev/}" /dev/disk/by-id/scsi-x
ln -sf /dev/disk/by-id/scsi-x /dev/disk/by-id/link-to-link
for pdev in "$DBG_HCTL" "$DBG_BLK" "$DBG_SG" /dev/disk/by-id/scsi-x /dev/disk/by-id/link-to-link "$wwid"; do
    try "$pdev" 0
done
note "README.md: giving a guest a device"
# As printed there: tests/test-the-examples-are-run.sh compares the lines.
ln -sf "../../${DBG_BLK#/dev/}" /dev/disk/by-id/wwn-0x5000c500a1b2c3d4
expect_ok "$REAL_XL" rename g1 mail-server
expect_ok sh -e <<'END'
xl-scsi scan
xl-scsi attach mail-server /dev/disk/by-id/wwn-0x5000c500a1b2c3d4 0:0:0:0
xl-scsi list
xl-scsi detach mail-server 0:0:0:0
END
expect_match "$(cat "/tmp/expect.$$")" " 0:0:0:0 +4\$" "what xl-scsi list prints"
expect_ok "$REAL_XL" rename mail-server g1
rm /dev/disk/by-id/wwn-0x5000c500a1b2c3d4
guest_wait_gone g1 0:0:0:0
note "scan says who has a device, and what cannot be given away"
# scan_use PDEV: the last column of its line
scan_use() { xl-scsi scan | awk -F '   *' -v p="$1" '$(NF - 1) == p { print $NF }'; }
expect_eq "$(scan_use "$wwid")" free "use of $wwid in: $(xl-scsi scan)"
expect_ok xl-scsi attach g1 "$wwid" 0:0:0:0
expect_eq "$(scan_use "$wwid")" "g1 (domain $(guest_domid g1)) has it as 0:0:0:0" "use by a guest"
expect_match "$(xl-scsi scan --json)" "\"p-hctl\":\"$DBG_HCTL\"" "scan --json"
expect_ok xl-scsi detach g1 0:0:0:0
guest_wait_gone g1 0:0:0:0
mkfs.ext2 -q "$DBG_BLK" 2>/dev/null || mke2fs "$DBG_BLK" >/dev/null || fail "mkfs"
mkdir -p /mnt/a
mount -t ext2 "$DBG_BLK" /mnt/a || mount "$DBG_BLK" /mnt/a || fail "mount"
expect_match "$(scan_use "$wwid")" "^in use: it is mounted on /mnt/a" "use by a mount"
umount /mnt/a
scsi_debug_unload

note "naa: LIO's devices have one"
lio_init tcm_loop
loop=$(lio_loopback "$(lio_ramdisk naa 16)")
wwid=$(cat "/sys/class/scsi_device/$loop/device/wwid")
expect_match "$wwid" '^naa\.[0-9a-f]{32}$' "the wwid of a LIO device"
for pdev in "$wwid" "scsi-3${wwid#naa.}:0"; do try "$pdev" 0; done
# A name of the user's, and what the backend has found: Xen's pvscsi.txt.
expect_ok xl-scsi attach g1 "wwn-0x${wwid#naa.}" 0:0:0:0
guest_wait_disk g1 0:0:0:0
dev=/local/domain/0/backend/vscsi/$(guest_domid g1)/0/vscsi-devs/dev-0
for node in "p-dev=$loop" "p-devname=wwn-0x${wwid#naa.}" "p-hctl=$loop" "p-wwid=$wwid" p-type=0; do
    expect_eq "$(xenstore-read "$dev/${node%%=*}")" "${node#*=}" "${node%%=*}"
done
expect_ok xl-scsi detach g1 0:0:0:0
guest_wait_gone g1 0:0:0:0
try "naa.$(echo "${wwid#naa.}" | tr a-f A-F):0" 0
expect_fail 3 xl-scsi attach g1 "$wwid:1" 0:0:0:0

note "docs/guide-file-disk.md: a file as a disk"
# As printed there: tests/test-the-examples-are-run.sh compares the lines.
mkdir -p /var/lib
expect_ok sh -e <<'END'
truncate -s 64M /var/lib/disk1.img
mkdir -p /etc/target/pr
modprobe -a target_core_file tcm_loop
mkdir -p /sys/kernel/config/target/core/fileio_0/disk1
echo fd_dev_name=/var/lib/disk1.img,fd_dev_size=67108864 > /sys/kernel/config/target/core/fileio_0/disk1/control
echo 1 > /sys/kernel/config/target/core/fileio_0/disk1/enable
echo a1b2c3d4e5f60718293a4b5c6 > /sys/kernel/config/target/core/fileio_0/disk1/wwn/vpd_unit_serial
mkdir -p /sys/kernel/config/target/loopback/naa.6001405000000011/tpgt_1
echo naa.6001406000000011 > /sys/kernel/config/target/loopback/naa.6001405000000011/tpgt_1/nexus
mkdir -p /sys/kernel/config/target/loopback/naa.6001405000000011/tpgt_1/lun/lun_0
ln -s /sys/kernel/config/target/core/fileio_0/disk1 /sys/kernel/config/target/loopback/naa.6001405000000011/tpgt_1/lun/lun_0/store
END
unit=naa.6001405a1b2c3d4e5f60718293a4b5c6
wait_until 20 "grep -qx $unit /sys/class/scsi_device/*/device/wwid" "the disk of the file"
expect_ok env GUEST=g1 sh -e <<'END'
xl-scsi attach $GUEST naa.6001405a1b2c3d4e5f60718293a4b5c6 0:0:0:0
END
guest_wait_disk g1 0:0:0:0
guest_ok g1 "iopat fill $GUEST_BLK --size 1M && iopat verify $GUEST_BLK --size 1M"
expect_ok iopat verify /var/lib/disk1.img --buffered --size 1M
expect_ok env GUEST=g1 sh -e <<'END'
xl-scsi detach $GUEST 0:0:0:0
rm /sys/kernel/config/target/loopback/naa.6001405000000011/tpgt_1/lun/lun_0/store
rmdir /sys/kernel/config/target/loopback/naa.6001405000000011/tpgt_1/lun/lun_0
echo NULL > /sys/kernel/config/target/loopback/naa.6001405000000011/tpgt_1/nexus
rmdir /sys/kernel/config/target/loopback/naa.6001405000000011/tpgt_1
rmdir /sys/kernel/config/target/loopback/naa.6001405000000011
rmdir /sys/kernel/config/target/core/fileio_0/disk1
END
guest_wait_gone g1 0:0:0:0
rm /var/lib/disk1.img

note "two units with one identifier: it leads to neither, and an address leads to its own"
twin=$(lio_ramdisk twin 32)
echo naa >"$twin/wwn/vpd_unit_serial"
other=$(lio_loopback "$twin")
expect_eq "$(cat "/sys/class/scsi_device/$other/device/wwid")" "$wwid" "the twin's wwid"
count_nodes
refuses 3 "two units have the identifier $wwid, and they differ in size: $loop and $other;" xl-scsi attach g1 "$wwid" 0:0:0:0
expect_ok xl-scsi attach g1 "$other" 0:0:0:0
expect_ok xl-scsi detach g1 0:0:0:0
lio_clear

# dom0 has their drivers from the start, so a missing node is a failure.
for type in 1:nst0 8:sch0 5:sr0; do
    node=/dev/${type#*:}
    scsi_debug_load "ptype=${type%:*}" delay=0
    wait_until 10 "[ -e $node ]" "$node appears"
    try "$node" "${type%:*}"
    if [ "$node" = /dev/nst0 ]; then
        ln -sf ../../nst0 /dev/tape/by-id/tape
        for pdev in /dev/st0 /dev/tape/by-id/tape "$DBG_SG"; do try "$pdev" 1; done
    fi
    scsi_debug_unload
done

note "host: the whole physical host, numbered as there"
scsi_debug_load dev_size_mb=16 delay=0 num_tgts=2 max_luns=2
host=${DBG_HCTL%%:*}
expect_ok xl-scsi attach g1 "$DBG_SG" host
expect_eq "$(xl-scsi list g1 | awk 'NR > 1 { print $4, $5, $7, $8 }')" "$(echo "$DBG_ALL" | awk -v h="$host" '{ print h, $1, $1, 4 }')" \
    "the whole host"
expect_eq "$(guest_sh g1 'ls /sys/class/scsi_device | wc -l')" 4 "devices in the guest"
expect_eq "$(xenstore-read "/local/domain/0/backend/vscsi/$(guest_domid g1)/$host/feature-host")" 1 "feature-host"
