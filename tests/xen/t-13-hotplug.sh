# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154,SC2046,SC2034
# about: LUNs come and go while I/O runs on their neighbour
# timeout: 240
# guests: kept
need_project
scsi_debug_load dev_size_mb=16 delay=0 add_host=3 per_host_store=1
set -- $(echo "$DBG_ALL" | awk '{ print $1 }')
one=$1 two=$2 three=$3
daemon_start
guest_start g1
expect_ok xl-scsi attach g1 "$one" 0:0:0:0
guest_wait_disk g1 0:0:0:0
disk=$GUEST_BLK
scsi_debug_delay 10
guest_sh g1 "(iopat mix $disk --until-file /tmp/stop --bs 4k-64k --depth 2; echo END=\$?) >/tmp/out 2>&1 &"
n=0
while [ $n -lt 3 ]; do
    expect_ok xl-scsi attach g1 "$two" 0:0:0:1
    expect_ok xl-scsi attach g1 "$three" 0:0:5:0
    guest_wait_disk g1 0:0:0:1
    guest_ok g1 "iopat mix $GUEST_BLK --seconds 1 --depth 4"
    guest_wait_disk g1 0:0:5:0
    expect_ok xl-scsi detach g1 0:0:0:1
    expect_ok xl-scsi detach g1 0:0:5:0
    guest_wait_gone g1 0:0:0:1
    guest_wait_gone g1 0:0:5:0
    n=$((n + 1))
done
note "$n rounds of two"
# A LUN is removed while it is in use. The guest may see errors there; the other LUN goes on.
expect_ok xl-scsi attach g1 "$two" 0:0:0:1
guest_wait_disk g1 0:0:0:1
guest_sh g1 "(iopat mix $GUEST_BLK --seconds 20 --depth 8) >/tmp/out2 2>&1 &"
sleep 1
expect_ok xl-scsi detach g1 0:0:0:1
guest_wait_gone g1 0:0:0:1
guest_sh g1 "touch /tmp/stop"
guest_wait_for g1 "grep -q END= /tmp/out"
expect_match "$(guest_sh g1 'cat /tmp/out')" '^END=0' "the neighbour's verified load"
expect_ok xl-scsi detach g1 0:0:0:0
expect_eq "$(xl-scsi list g1 | grep -c :)" 0 "devices left"
