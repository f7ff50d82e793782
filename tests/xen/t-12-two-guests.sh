# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154,SC2046,SC2034
# about: two guests at once, with two vhosts and several LUNs each, see their own data only
# timeout: 240
# vcpus: 2
# guests: kept
need_project
# Each device has a host, and so a store, of its own.
scsi_debug_load dev_size_mb=16 delay=0 add_host=4 per_host_store=1
daemon_start
guest_start g1
guest_start g2
set -- $(echo "$DBG_ALL" | awk '{ print $1 }')
expect_eq $# 4 "number of scsi_debug devices"
expect_ok xl-scsi attach g1 "$1" 0:0:0:0
expect_ok xl-scsi attach g1 "$2" 1:0:3:7
expect_ok xl-scsi attach g2 "$3" 0:0:0:0
expect_ok xl-scsi attach g2 "$4" 0:0:0:1
for g in g1 g2; do
    guest_wait_disk $g 0:0:0:0
    eval "a_$g=$GUEST_BLK"
done
guest_wait_disk g1 1:0:3:7; b_g1=$GUEST_BLK
guest_wait_disk g2 0:0:0:1; b_g2=$GUEST_BLK
expect_match "$(xl-scsi list)" 'vscsi|Idx' "list of all guests"
seed=1
for g in g1 g2; do
    eval "a=\$a_$g b=\$b_$g"
    guest_sh $g "(iopat mix $a --seed $seed --seconds 3 --depth 8; echo A=\$?) >/tmp/a 2>&1 &
        (iopat mix $b --seed $((seed + 1)) --seconds 3 --depth 8; echo B=\$?) >/tmp/b 2>&1 &"
    seed=$((seed + 2))
done
for g in g1 g2; do
    guest_wait_for $g "grep -q A= /tmp/a && grep -q B= /tmp/b" 90
    expect_eq "$(guest_sh $g 'grep -h = /tmp/a /tmp/b | grep -E "^[AB]=" | tr "\n" " "')" "A=0 B=0 " "verified load in $g: $(guest_sh $g 'cat /tmp/a /tmp/b')"
done
note "$(guest_sh g1 'head -1 /tmp/a')"
# The end of g1 does not disturb g2.
guest_destroy g1
guest_ok g2 "iopat mix $a_g2 --seconds 2 --seed 3"
check_no_zombie
