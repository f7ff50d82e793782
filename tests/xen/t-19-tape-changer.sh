# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154,SC2046,SC2034
# about: a tape and another device type are seen and used; a guest sees its own LUNs only
# timeout: 240
# guests: kept
need_project
let_go() {
    wait_until 10 "[ \$(cat /sys/module/scsi_debug/refcnt) = $held ]" "the device to be let go"
    scsi_debug_unload
}
scsi_debug_load dev_size_mb=16 delay=0 ptype=1
held=$(cat /sys/module/scsi_debug/refcnt)
daemon_start
guest_start g1
expect_ok xl-scsi attach g1 "$DBG_HCTL" 0:0:0:0
guest_wait_disk g1 0:0:0:0
expect_match "$GUEST_OTHER" 'st[0-9]' "a tape in the guest"
expect_match "$(guest_ok g1 "sg_inq $GUEST_SG")" 'PDT=1|sequential|tape' "its type"
here=$(sg_raw -r 96 "$DBG_SG" 12 00 00 00 60 00 2>&1)
expect_eq "$(guest_ok g1 "sg_raw -r 96 $GUEST_SG 12 00 00 00 60 00 2>&1")" "$here" "INQUIRY of the tape"
# First come a unit attention of the attach and several of scsi_debug.
guest_ok g1 "for i in 1 2 3 4 5 6; do sg_turs $GUEST_SG && break; done; sg_turs $GUEST_SG"
guest_ok g1 "/usr/bin/mt -f $GUEST_OTHER rewind"
# scsi_debug's tape stores nothing and has no position, but it answers what st asks.
expect_match "$(guest_ok g1 "/usr/bin/mt -f $GUEST_OTHER status")" 'IM_REP_EN' "status of the tape"
expect_ok xl-scsi detach g1 0:0:0:0
guest_wait_gone g1 0:0:0:0
let_go

scsi_debug_load dev_size_mb=16 delay=0 ptype=8
held=$(cat /sys/module/scsi_debug/refcnt)
expect_ok xl-scsi attach g1 "$DBG_HCTL" 0:0:0:0
guest_wait_disk g1 0:0:0:0
expect_match "$(guest_ok g1 "sg_inq $GUEST_SG")" 'PDT=8|changer' "a changer in the guest"
here=$(sg_raw -r 96 "$DBG_SG" 12 00 00 00 60 00 2>&1)
expect_eq "$(guest_ok g1 "sg_raw -r 96 $GUEST_SG 12 00 00 00 60 00 2>&1")" "$here" "INQUIRY of the changer"
guest_ok g1 "for i in 1 2 3 4 5 6; do sg_turs $GUEST_SG && break; done; sg_turs $GUEST_SG"
expect_ok xl-scsi detach g1 0:0:0:0
guest_wait_gone g1 0:0:0:0
let_go

# REPORT LUNS: the physical target has eight LUNs; the guest has two of them, under other numbers.
scsi_debug_load dev_size_mb=16 delay=0 max_luns=8
set -- $(echo "$DBG_ALL" | awk '{ print $1 }')
expect_eq $# 8 "number of LUNs"
expect_ok xl-scsi attach g1 "$3" 0:0:2:0
expect_ok xl-scsi attach g1 "$6" 0:0:2:300
expect_ok xl-scsi attach g1 "$7" 0:0:4:1
guest_wait_disk g1 0:0:2:0
guest_sh g1 "for i in 1 2 3 4 5 6; do sg_turs $GUEST_SG && break; done" >/dev/null 2>&1
out=$(guest_ok g1 "sg_luns $GUEST_SG")
note "$out"
expect_eq "$(echo "$out" | grep -cE '^ +[0-9a-f]{16}')" 2 "number of LUNs that the guest is told"
expect_match "$out" '0000000000000000' "LUN 0"
expect_match "$out" '412c000000000000' "LUN 300"
expect_ok xl-scsi detach g1 0:0:2:300
expect_eq "$(guest_ok g1 "sg_luns $GUEST_SG" | grep -cE '^ +[0-9a-f]{16}')" 1 "after one went"
