# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154,SC2034,SC2119
# about: persistent reservations at a unit without a block node (a tape, a disk without sd) go to the device, though a PR helper runs
# timeout: 240
# guests: kept
need_project
pr_helper_start
daemon_start
guest_start g1
# attach HCTL, with the default setting. The unit attention of the attach comes first.
attach() {
    expect_ok xl-scsi attach g1 "$1" 0:0:0:0
    guest_wait_disk g1 0:0:0:0
    guest_ok g1 "for i in 1 2 3 4 5 6; do sg_turs $GUEST_SG && break; done; sg_turs $GUEST_SG"
    expect_match "$(pvscsictl status)" 'pr-helper:unused' "status"
}
detach() {
    expect_ok xl-scsi detach g1 0:0:0:0
    guest_wait_gone g1 0:0:0:0
}
pr() { guest_ok g1 "sg_persist -n $* $GUEST_SG"; }

# No emulated tape has reservations: the drive's own answer arrives.
scsi_debug_load dev_size_mb=16 delay=0 ptype=1
attach "$DBG_HCTL"
here=$(sg_persist -n --in --read-keys "$DBG_SG" 2>&1)
expect_match "$here" 'command not supported' "the answer here"
expect_eq "$(guest_sh g1 "sg_persist -n --in --read-keys $GUEST_SG" 2>&1)" "$here" "the answer in the guest"
detach

lio_init tcm_loop
hctl=$(lio_loopback "$(lio_ramdisk disk 16)")
echo "$hctl" >/sys/bus/scsi/drivers/sd/unbind || fail "sd does not let go"
expect_eq "$(block_of "$hctl")" /dev/- "the block node"
attach "$hctl"
pr --out --register --param-sark=0x11
pr --out --reserve --param-rk=0x11 --prout-type=3
expect_match "$(pr --in --read-reservation)" 'Exclusive Access' "the reservation in the guest"
expect_eq "$(pr --in --read-keys)" "$(sg_persist -n --in --read-keys "$(sg_of "$hctl")")" "the keys in the guest and here"
pr --out --release --param-rk=0x11 --prout-type=3
expect_match "$(pr --in --read-reservation)" 'NO reservation' "the reservation afterwards"
pr --out --clear --param-rk=0x11
detach
