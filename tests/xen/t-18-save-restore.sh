# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: xl save and restore: attached again before the first instruction, the disk goes on
# timeout: 240
need_project
scsi_debug_load dev_size_mb=16 delay=0
daemon_start
guest_start g1
expect_ok xl-scsi attach g1 "$DBG_HCTL" 0:0:0:0
guest_wait_disk g1 0:0:0:0
guest_ok g1 "iopat fill $GUEST_BLK"
guest_sh g1 "(iopat mix $GUEST_BLK --until-file /tmp/stop --depth 8 --generation 1; echo END=\$?) >/tmp/out 2>&1 &"
sleep 1
old=$(guest_domid g1)
expect_ok xl save g1 /run/g1.save
wait_until 10 "! xenstore-exists /local/domain/0/backend/vscsi/$old" "nodes of the saved domain"
check_no_zombie
note saved
expect_ok xl restore -p /run/g1.save
rm -f /run/g1.save
expect_ok xl-scsi attach g1 "$DBG_HCTL" 0:0:0:0
guest_unpause g1
sleep 2
guest_sh g1 "touch /tmp/stop"
guest_wait_for g1 "grep -q END= /tmp/out" 90
expect_match "$(guest_sh g1 'cat /tmp/out')" '^END=0' "verified load over save and restore"
expect_eq "$(vscsi_state g1 0)" 4 "backend state"
guest_wait_disk g1 0:0:0:0
guest_ok g1 "iopat fill $GUEST_BLK --generation 4"
expect_ok iopat verify "$DBG_BLK" --generation 4
