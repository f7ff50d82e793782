# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: xl scsi-attach and scsi-detach: a vhost goes with its last device and comes again
# timeout: 180
# guests: kept

need_project
. /host/lib/toolstack.sh
use_shim
scsi_debug_load dev_size_mb=16 delay=0 num_tgts=3
a=$(dbg_part 1 1) b=$(dbg_part 2 2) c=$(dbg_part 3 3)
daemon_start
guest_start g1
id=$(guest_domid g1)
expect_ok xl scsi-attach g1 "$a" 0:0:0:0
expect_ok xl scsi-attach g1 "$b" 1:0:2:0,feature-host
expect_ok xl scsi-attach "$id" "$c" 1:0:1:0,feature-host
has g1 0:0:0:0 1:0:1:0 1:0:2:0
expect_eq "$(xenstore-read "/local/domain/0/backend/vscsi/$id/1/feature-host")" 1 "feature-host"

note "one of several devices goes and comes at another address"
expect_ok xl scsi-det g1 1:0:2:0
guest_wait_gone g1 1:0:2:0
expect_ok xl scsi-attach "$id" "$b" 1:0:5:0,feature-host
guest_wait_disk g1 1:0:5:0

note "the vhost goes with its last device"
for vdev in 1:0:1:0 1:0:5:0; do expect_ok xl scsi-detach g1 $vdev; done
expect_fail xenstore-exists "/local/domain/0/backend/vscsi/$id/1"
expect_fail xenstore-exists "/local/domain/$id/device/vscsi/1"
expect_ok xl scsi-attach g1 "$c" 1:0:1:0
has g1 0:0:0:0 1:0:1:0
for vdev in 0:0:0:0 1:0:1:0; do expect_ok xl scsi-detach g1 $vdev; done
guest_wait_gone g1 0:0:0:0
