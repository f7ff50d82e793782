# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: xl create with vscsi=: two vhosts and five LUNs are the backend's before the guest runs
# timeout: 240
# The real xl through the shim. That the guest has its devices before its first instruction runs is seen with -p: the
# backend has all of them while xl says that the guest is paused.

need_project
. /host/lib/toolstack.sh
use_shim
scsi_debug_load dev_size_mb=16 delay=0 num_tgts=5
daemon_start
mkdir -p /dev/disk/by-id
ln -sf "$(dbg_part 4 2)" /dev/disk/by-id/scsi-test-d

cfg=$(guest_config g1 "vscsi = [ '$(dbg_part 1 1),0:0:0:0', '$(dbg_part 2 2),0:0:1:0', '$(dbg_part 3 3),0:0:2:0,readonly', \
'/dev/disk/by-id/scsi-test-d,1:0:0:0,feature-host', '$(dbg_part 5 3),1:0:1:0,feature-host' ]")
expect_ok xl create -q -p "$cfg"
expect_eq "$(xl scsi-list g1 | awk 'NR > 1 { print $1, $2, $4, $5, $7, $8 }')" "0 0 0 $(dbg_part 1 1) 0:0:0:0 3
0 0 0 $(dbg_part 2 1) 0:0:1:0 3
0 0 0 $(dbg_part 3 1) 0:0:2:0 3
1 0 1 $(dbg_part 4 1) 1:0:0:0 3
1 0 1 $(dbg_part 5 1) 1:0:1:0 3" "scsi-list of the paused guest"
expect_eq "$("$REAL_XL" list g1 | awk 'NR == 2 { print $5 }')" "--p---" "state of the paused guest"
expect_ok xl unpause g1
has g1 0:0:0:0 0:0:1:0 0:0:2:0 1:0:0:0 1:0:1:0
guest_wait_disk g1 0:0:1:0
guest_ok g1 "iopat fill $GUEST_BLK --size 4M && iopat verify $GUEST_BLK --size 4M"
guest_wait_disk g1 0:0:2:0
guest_sh g1 "dd if=/dev/zero of=$GUEST_BLK bs=4096 count=1 oflag=direct" && fail "a readonly device was written"

note "destroy leaves nothing"
id=$(guest_domid g1)
expect_ok xl destroy g1
wait_until 10 "! xenstore-exists /local/domain/0/backend/vscsi/$id" "the nodes go"
expect_eq "$(userdata)" "" "files of the guest"
check_no_zombie
