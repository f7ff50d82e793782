# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: a vhost that the kernel's xen-scsiback holds is left alone, with a message; served once it is let go
# timeout: 120
# guests: kept
need_project
scsi_debug_load dev_size_mb=16 delay=0
daemon_start
expect_ok modprobe xen-scsiback
guest_start g1
expect_fail 3 xl-scsi attach g1 "$DBG_HCTL" 0:0:0:0 --timeout 8
expect_match "$(daemon_log)" 'xen-scsiback' "the daemon's advice"
# As docs/comparison.md has it: tests/test-the-examples-are-run.sh compares the lines.
echo "vscsi = [ '$DBG_HCTL, 0:0:0:0' ]" >/tmp/g1.cfg
expect_ok env FILE=/tmp/g1.cfg sh -e <<'END'
rmmod xen-scsiback
xl-scsi scan
xl-scsi check $FILE
END
expect_ok xl-scsi attach g1 "$DBG_HCTL" 0:0:0:0
guest_wait_disk g1 0:0:0:0
guest_ok g1 "iopat mix $GUEST_BLK --seconds 2"
