# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: the same daemon in a driver domain with its own devices, a disk and a burner, serves another guest
# timeout: 300
need_project
guest_start dd driver
guest_ok dd "modprobe -a scsi_debug dev_size_mb=16 delay=0 2>/dev/null || modprobe scsi_debug dev_size_mb=16 delay=0; modprobe -a xen-evtchn xen-gntdev"
wait_until 20 "guest_sh dd 'ls /sys/class/scsi_generic' | grep -q sg" "a device in the driver domain"
hctl=$(guest_ok dd 'for d in /sys/bus/scsi/devices/*:*:*:*; do basename "$d"; break; done')
guest_sh dd "(pvscsid -f >/tmp/pvscsid.log 2>&1 &) ; sleep 1; true"
wait_until 30 "guest_sh dd 'pvscsictl status'" "the daemon in the driver domain"
note "serving in the driver domain: $hctl"
guest_start g1
expect_ok xl-scsi attach g1 "$hctl" 0:0:0:0,backend=dd
guest_wait_disk g1 0:0:0:0
expect_match "$(xl-scsi list g1)" " $(guest_domid dd) " "the backend domain in xl-scsi list"
guest_ok g1 "iopat fill $GUEST_BLK --bs 4k-508k --depth 4"
guest_ok g1 "iopat mix $GUEST_BLK --seconds 5 --depth 8 --generation 1 --map /tmp/map"
guest_ok g1 "iopat fill $GUEST_BLK --generation 5"
guest_ok dd "iopat verify /dev/sda --generation 5"
expect_ok xl-scsi detach g1 0:0:0:0
guest_wait_gone g1 0:0:0:0

note "a burner in the driver domain: the guest writes an image, and both read it"
# scsi_debug has one type for all its devices at a time, and one memory behind them.
guest_ok dd 'modprobe sr_mod; cd /sys/bus/pseudo/drivers/scsi_debug; echo 5 >ptype; echo 1 >removable; echo 1 >add_host'
wait_until 20 "guest_sh dd 'ls /sys/class/block' | grep -q sr0" "a burner in the driver domain"
burner=$(guest_ok dd 'basename "$(readlink /sys/class/block/sr0/device)"')
expect_ok xl-scsi attach g1 "$burner" 0:0:0:1,backend=dd
guest_wait_disk g1 0:0:0:1
expect_match "$GUEST_BLK" '/dev/sr[0-9]' "an optical drive in the guest"
guest_ok g1 "truncate -s 1M /tmp/image; iopat fill /tmp/image --buffered --generation 6"
guest_ok g1 "sg_dd if=/tmp/image of=$GUEST_SG bs=512 bpt=64 count=2048 && sg_raw $GUEST_SG 35 00 00 00 00 00 00 00 00 00"
guest_ok g1 "dd if=$GUEST_BLK bs=64k count=16 2>/dev/null | cmp - /tmp/image"
image=$(guest_ok g1 'md5sum </tmp/image')
expect_eq "$(guest_ok dd 'dd if=/dev/sda bs=64k count=16 2>/dev/null | md5sum')" "$image" "the image in the driver domain"
expect_ok xl-scsi detach g1 0:0:0:1
guest_wait_gone g1 0:0:0:1
guest_ok dd 'cd /sys/bus/pseudo/drivers/scsi_debug; echo 0 >ptype; echo 0 >removable'

# A guest that is destroyed: the watch @releaseDomain may not reach a driver domain.
expect_ok xl-scsi attach g1 "$hctl" 0:0:0:0,backend=dd
guest_wait_disk g1 0:0:0:0
guest_destroy g1
within 60 '[ -z "$(zombies)" ]' ||
    { guest_sh dd 'cat /tmp/pvscsid.log; xenstore-ls backend; ls /local'; fail "a dead domain stays"; }
guest_ok dd "cat /tmp/pvscsid.log; pvscsictl status"
