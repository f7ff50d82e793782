# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: a guest is destroyed in mid-I/O: no zombie, no node of ours left, the device free at once
# timeout: 240
need_project
scsi_debug_load dev_size_mb=16 delay=0
daemon_start
n=0
while [ $n -lt 2 ]; do
    guest_start g1
    domid=$(guest_domid g1)
    expect_ok xl-scsi attach g1 "$DBG_HCTL" 0:0:0:0
    guest_wait_disk g1 0:0:0:0
    # It still has commands when the guest is destroyed.
    scsi_debug_delay 50
    guest_sh g1 "(iopat mix $GUEST_BLK --seconds 60 --depth 16 >/dev/null 2>&1) &"
    sleep 1
    guest_destroy g1
    check_no_zombie
    wait_until 10 "! xenstore-exists /local/domain/0/backend/vscsi/$domid" "our nodes of domain $domid"
    wait_until 10 '[ -z "$(worker_pids)" ]' "the end of its worker"
    scsi_debug_delay 0
    n=$((n + 1))
done
expect_ok iopat fill "$DBG_BLK" --size 1048576
note "$n guests destroyed"
