# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: a configuration of fifty devices: all of them work
# timeout: 240

need_project
. /host/lib/toolstack.sh
use_shim
# All LUNs share the memory of one ramdisk; they differ only in their names.
scsi_debug_load dev_size_mb=8 delay=0 num_tgts=10 max_luns=5
daemon_start
entries=$(echo "$DBG_ALL" | awk '{ printf "%s\"%s,%d:0:%d:%d\"", (NR > 1 ? ", " : ""), $1, NR % 2, NR / 10, NR % 10 }')
expect_eq "$(echo "$DBG_ALL" | wc -l)" 50 "devices"
cfg=$(guest_config g1 "vscsi = [ $entries ]")
begin=$(uptime_cs)
expect_ok xl create -q -p "$cfg"
took=$(($(uptime_cs) - begin))
note "xl create -p with 50 devices: $took cs"
expect_eq "$(xl scsi-list g1 | grep -c ' 3$')" 50 "devices the backend has"
begin=$(uptime_cs)
guest_unpause g1
guest_wait_for g1 "[ \$(ls /sys/class/scsi_device | wc -l) = 50 ]"
wait_until 60 "[ \$(xl scsi-list g1 | grep -c ' 4$') = 50 ]" "the guest has all"
note "connected $(($(uptime_cs) - begin)) cs after unpause"
guest_destroy g1
check_no_zombie
