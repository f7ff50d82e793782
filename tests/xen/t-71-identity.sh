# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: a LUN to which another unit was mapped is not given to a guest, nor after a worker's death or a restart; two paths are one unit
# timeout: 240
# guests: kept
# scsi_debug's identifiers contain the number of its host while vpd_use_hostno is 1. With 0 the same LUN says that it is
# another unit, and the kernel, which does not ask again, remembers the first.
need_project
. /host/lib/toolstack.sh
scsi_debug_load dev_size_mb=16 delay=0 add_host=2
# The disk of the second host: then it says that it is the first one's.
# shellcheck disable=SC2046
set -- $(echo "$DBG_ALL" | sed -n 2p)
DBG_HCTL=$1 DBG_BLK=/dev/$2 DBG_SG=/dev/$3
remap() { echo "$1" >/sys/bus/pseudo/drivers/scsi_debug/vpd_use_hostno || fail "vpd_use_hostno"; }
wwid=$(cat "/sys/bus/scsi/devices/$DBG_HCTL/wwid")
mkdir -p /dev/disk/by-id
ln -sf "../../${DBG_BLK#/dev/}" /dev/disk/by-id/x
daemon_start
guest_start g1
id=$(guest_domid g1)
dev=/local/domain/0/backend/vscsi/$id/0/vscsi-devs/dev-0

note "a new device"
remap 0
expect_eq "$(cat "/sys/bus/scsi/devices/$DBG_HCTL/wwid")" "$wwid" "sysfs remembers"
for pdev in "$DBG_HCTL" "$DBG_BLK" "$DBG_SG" "$wwid" /dev/disk/by-id/x; do
    expect_match "$(xl-scsi attach g1 "$pdev" 0:0:0:0 2>&1; echo "=$?")" \
        "the kernel knows it as $wwid, but it says that it is naa\\.[0-9a-f]{16}: another unit"
done
remap 1
expect_ok xl-scsi attach g1 "$wwid" 0:0:0:0
expect_eq "$(xenstore-read "$dev/p-hctl")" "$DBG_HCTL" p-hctl
expect_eq "$(xenstore-read "$dev/p-wwid")" "$wwid" p-wwid
expect_eq "$(xenstore-read "$dev/p-type")" 0 p-type
guest_wait_disk g1 0:0:0:0
reads() { guest_sh g1 "dd if=$GUEST_BLK of=/dev/null bs=4096 count=1 iflag=direct"; }
is_refused() {
    wait_until 20 "pvscsictl status | grep -q 'error: the device is gone: $1'" "refused: $(pvscsictl status)"
    reads && fail "the guest reads from the other unit"
    remap 1
    wait_until 20 "! pvscsictl status | grep -q error:" "it is back: $(pvscsictl status)"
    reads || fail "the guest's own unit is back, but a read fails"
}

note "a worker dies"
remap 0
kill -9 "$(worker_pids)"
is_refused "the kernel knows it as $wwid, but it says"

note "the daemon ends, or is killed, and another one starts"
remap 0
daemon_stop
daemon_start
is_refused "the kernel knows it as $wwid, but it says"
remap 0
daemon_kill
daemon_start
is_refused "the kernel knows it as $wwid, but it says"

note "the kernel has asked again: the name leads to nothing, and the address to another unit"
remap 0
echo 1 >"/sys/bus/scsi/devices/$DBG_HCTL/rescan"
kill -9 "$(worker_pids)"
wait_until 20 "pvscsictl status | grep -q 'error: the device is gone: no SCSI device has the wwid $wwid'" "gone: $(pvscsictl status)"
expect_ok xl-scsi detach g1 0:0:0:0
expect_fail xl-scsi attach g1 "$wwid" 0:0:0:0
expect_ok xl-scsi attach g1 "$DBG_HCTL" 0:0:0:0
expect_match "$(xenstore-read "$dev/p-wwid")" '^naa\.[0-9a-f]{16}$' p-wwid
expect_no_match "$(xenstore-read "$dev/p-wwid")" "$wwid" "the new unit"
expect_ok xl-scsi detach g1 0:0:0:0

note "the two hosts are two paths to one unit: each is a device of the guest, which finds one identifier"
path=$(dbg_part 1 1)
echo 1 >"/sys/bus/scsi/devices/$path/rescan"
expect_eq "$(cat "/sys/bus/scsi/devices/$path/wwid")" "$(cat "/sys/bus/scsi/devices/$DBG_HCTL/wwid")" "the paths' identifiers"
expect_ok xl-scsi attach g1 "$path" 0:0:0:0
expect_ok xl-scsi attach g1 "$DBG_HCTL" 1:0:0:0
count_nodes
refuses 5 "p-dev $path is in use: it is 0:0:0:0 of this guest" xl-scsi attach g1 "$path" 2:0:0:0
guest_wait_disk g1 0:0:0:0
said=$(guest_sh g1 "dd if=$GUEST_BLK of=/dev/null bs=4096 count=1 iflag=direct 2>/dev/null && sg_vpd -p di_lu $GUEST_SG")
guest_wait_disk g1 1:0:0:0
expect_match "$said" '0x[0-9a-f]{16}' "sg_vpd over the first path"
expect_eq "$(guest_sh g1 "dd if=$GUEST_BLK of=/dev/null bs=4096 count=1 iflag=direct 2>/dev/null && sg_vpd -p di_lu $GUEST_SG")" "$said" \
    "sg_vpd over the second path"
for vdev in 0:0:0:0 1:0:0:0; do expect_ok xl-scsi detach g1 $vdev; done
remap 1
rm -f /dev/disk/by-id/x
