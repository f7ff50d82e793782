# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154,SC2016
# about: the two-node cluster of docs/persistent-reservations.md, command by command
# timeout: 240
# guests: kept
# tests/test-the-examples-are-run.sh compares the lines between the marks with the document.
need_project
# Elsewhere systemd mounts configfs.
lio_init

# on NODE COMMAND: runs it in that guest, with $DISK set, and prints its output; a failure fails the test.
on() { guest_ok "$1" "DISK=$(eval echo "\$disk_$1"); $2"; }

hosts_before=$(echo /sys/class/scsi_host/*)
# --- step 1
mkdir -p /etc/target/pr
modprobe tcm_loop
mkdir -p /sys/kernel/config/target/core/rd_mcp_0/shared
echo rd_pages=8192 > /sys/kernel/config/target/core/rd_mcp_0/shared/control
echo 1 > /sys/kernel/config/target/core/rd_mcp_0/shared/enable
echo 6001405a1b2c3d4e > /sys/kernel/config/target/core/rd_mcp_0/shared/wwn/vpd_unit_serial
mkdir -p /sys/kernel/config/target/loopback/naa.6001405000000001/tpgt_1
echo naa.6001406000000001 > /sys/kernel/config/target/loopback/naa.6001405000000001/tpgt_1/nexus
mkdir -p /sys/kernel/config/target/loopback/naa.6001405000000001/tpgt_1/lun/lun_0
ln -s /sys/kernel/config/target/core/rd_mcp_0/shared /sys/kernel/config/target/loopback/naa.6001405000000001/tpgt_1/lun/lun_0/store
mkdir -p /sys/kernel/config/target/loopback/naa.6001405000000002/tpgt_1
echo naa.6001406000000002 > /sys/kernel/config/target/loopback/naa.6001405000000002/tpgt_1/nexus
mkdir -p /sys/kernel/config/target/loopback/naa.6001405000000002/tpgt_1/lun/lun_0
ln -s /sys/kernel/config/target/core/rd_mcp_0/shared /sys/kernel/config/target/loopback/naa.6001405000000002/tpgt_1/lun/lun_0/store
# ---
set --
for host in /sys/class/scsi_host/*; do
    case " $hosts_before " in *" $host "*) continue ;; esac
    set -- "$@" "${host##*/host}:0:1:0"
done
expect_eq $# 2 "new SCSI hosts"
PATH1=$1 PATH2=$2
for hctl; do wait_until 20 "[ -b \"\$(block_of $hctl)\" ]" "loopback device $hctl"; done

daemon_start
guest_start node1
guest_start node2
# --- step 2
qemu-pr-helper -d -k /run/qemu-pr-helper.sock
xl-scsi attach node1 $PATH1 0:0:0:0
xl-scsi attach node2 $PATH2 0:0:0:0,force
# ---
for g in node1 node2; do
    guest_wait_disk $g 0:0:0:0
    eval "disk_$g=$GUEST_BLK"
done

note "step 3: the nodes register"
on node1 'sg_persist --out --register --param-sark=0xa1 $DISK'
on node2 'sg_persist --out --register --param-sark=0xa2 $DISK'

note "step 4: node1 reserves"
on node1 'sg_persist --out --reserve --param-rk=0xa1 --prout-type=5 $DISK'
keys=$(on node1 'sg_persist --in --read-keys $DISK')
expect_match "$keys" '0xa1' "registered keys"
expect_match "$keys" '0xa2' "registered keys"
held=$(on node1 'sg_persist --in --read-reservation $DISK')
expect_match "$held" 'Key=0xa1' "the reservation"
expect_match "$held" 'Write Exclusive, registrants only' "the reservation"
for g in node1 node2; do
    on $g 'dd if=/dev/zero of=$DISK bs=4096 count=1 oflag=direct'
done

note "step 5: node1 fences node2"
on node1 'sg_persist --out --preempt --param-rk=0xa1 --param-sark=0xa2 --prout-type=5 $DISK'
expect_no_match "$(on node1 'sg_persist --in --read-keys $DISK')" '0xa2' "keys after the fence"
status=0
guest_sh node2 "dd if=/dev/zero of=$disk_node2 bs=4096 count=1 oflag=direct" || status=$?
[ $status != 0 ] || fail "node2 writes though it is fenced"
on node1 'dd if=/dev/zero of=$DISK bs=4096 count=1 oflag=direct'

note "step 6: node2 comes back"
status=0
out=$(guest_sh node2 "sg_persist --out --register --param-rk=0xa2 --param-sark=0xa2 $disk_node2" 2>&1) || status=$?
expect_eq $status 24 "register with the key that is gone ($out)"
on node2 'sg_persist --out --register --param-sark=0xa2 $DISK'
on node2 'dd if=/dev/zero of=$DISK bs=4096 count=1 oflag=direct'

note "step 7: the end"
on node1 'sg_persist --out --clear --param-rk=0xa1 $DISK'
expect_match "$(on node1 'sg_persist --in --read-keys $DISK')" 'there are NO registered' "keys at the end"
