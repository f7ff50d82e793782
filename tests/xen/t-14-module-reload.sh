# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: the guest unloads and loads its frontend again and again
# timeout: 180
# guests: kept
need_project
scsi_debug_load dev_size_mb=16 delay=0
daemon_start
guest_start g1
expect_ok xl-scsi attach g1 "$DBG_HCTL" 0:0:0:0
guest_wait_disk g1 0:0:0:0
guest_ok g1 "iopat fill $GUEST_BLK"
n=0
while [ $n -lt 5 ]; do
    # A bound device holds a reference to the frontend's module, so it is unbound first.
    guest_ok g1 'for d in /sys/bus/xen/drivers/*/vscsi-*; do echo "${d##*/}" >"${d%/*}/unbind"; done'
    wait_until 10 "guest_sh g1 'rmmod xen-scsifront; ! grep -q ^xen_scsifront /proc/modules'" "the module to be unloaded"
    guest_wait_gone g1 0:0:0:0
    guest_ok g1 "modprobe xen-scsifront"
    guest_wait_disk g1 0:0:0:0
    guest_ok g1 "iopat verify $GUEST_BLK --depth 4"
    n=$((n + 1))
done
note "$n reloads"
expect_ok xl-scsi detach g1 0:0:0:0
guest_wait_gone g1 0:0:0:0
