# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: a guest that does not answer costs a time-out, and takes what it was given when it runs again; xen-scsiback is named
# timeout: 180
# guests: kept

need_project
. /host/lib/toolstack.sh
scsi_debug_load dev_size_mb=16 delay=0 num_tgts=3
a=$(dbg_part 1 1) b=$(dbg_part 2 1) c=$(dbg_part 3 1)
daemon_start
guest_start g1
expect_ok xl-scsi attach g1 "$a" 0:0:0:0
expect_ok xl-scsi attach g1 "$b" 0:0:1:0
guest_wait_disk g1 0:0:1:0
expect_ok "$REAL_XL" pause g1
expect_match "$(xl-scsi attach -t 9 g1 "$c" 0:0:2:0 2>&1)" 'The backend has the device .state 3.' "attach to a paused guest"
count_nodes
refuses 4 'time-out: the guest did not answer; backend state 7' xl-scsi detach -t 2 g1 0:0:1:0
expect_ok "$REAL_XL" unpause g1
wait_until 10 "xl-scsi list g1 | grep -q '0:0:1:0 *4'" "the guest goes on"
guest_wait_disk g1 0:0:2:0
guest_ok g1 "dd if=$GUEST_BLK of=/dev/null bs=4096 count=1 iflag=direct"
for vdev in 0:0:0:0 0:0:1:0 0:0:2:0; do expect_ok xl-scsi detach g1 $vdev; done

note "the kernel's own backend holds the vhost"
guest_start g2 paused
daemon_stop
expect_ok modprobe xen-scsiback
count_nodes
refuses 4 "xen-scsiback" xl-scsi attach -t 3 g2 "$b" 0:0:0:0
