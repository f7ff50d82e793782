# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: the harness itself, with the kernel's xen-scsiback as the peer
# timeout: 180
# What all other tests use: devices, a guest, a shell in it, verified I/O. Wrong data, a failing command and a dead
# guest are noticed.

scsi_debug_load dev_size_mb=64 delay=0
lio_scsiback_export "$DBG_HCTL"
guest_start g1 paused
vscsi_write g1 0 "$LIO_PDEV" 0:0:0:0
guest_unpause g1
guest_wait_disk g1 0:0:0:0
note "attached: $GUEST_BLK in the guest is $DBG_BLK here"
expect_eq "$(vscsi_state g1 0)" 4 "backend state"

guest_ok g1 "iopat fill $GUEST_BLK --bs 4k-256k --depth 8"
guest_ok g1 "iopat verify $GUEST_BLK --bs 64k --depth 4"
note "filled"
# Read here, the sectors are the same: the guest wrote to this device.
expect_ok iopat verify "$DBG_BLK"
guest_ok g1 "iopat mix $GUEST_BLK --generation 1 --depth 16 --seconds 4 --mem-offset random"
note "mixed load verified"

expect_ok dd if=/dev/zero of="$DBG_BLK" bs=512 seek=1000 count=1 oflag=direct
status=0
guest_sh g1 "iopat verify $GUEST_BLK --start 512000 --size 4096 --generation 1" || status=$?
expect_eq $status 1 "iopat's status on wrong data"

expect_eq "$(guest_sh g1 'echo out; echo err >&2' 2>/dev/null)" out "the guest's stdout"
status=0
guest_sh g1 'exit 7' || status=$?
expect_eq $status 7 "the status of a command in the guest"
status=0
GUEST_TIMEOUT=2 guest_sh g1 'sleep 100' 2>/dev/null || status=$?
expect_eq $status 124 "a command with no end"
expect_eq "$(guest_sh g1 'seq 20000' | md5sum)" "$(seq 20000 | md5sum)" "a long output"

vscsi_remove g1 0
guest_wait_gone g1 0:0:0:0
guest_stop g1
status=0
guest_sh g1 true 2>/dev/null || status=$?
expect_eq $status 125 "a command in a guest that is gone"
check_no_zombie
