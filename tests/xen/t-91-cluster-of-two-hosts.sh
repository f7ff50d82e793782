# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154,SC2016,SC2034
# about: a cluster of two guests on two hosts: one fences the other by a persistent reservation, under its load
# timeout: 400
# lane: two-hosts

need_project
. /host/lib/toolstack.sh
. /host/lib/hosts.sh
other_start
lio_init iscsi_target_mod iscsi_tcp
lio_iscsi_target "$(lio_ramdisk shared 32)" $ADDRESS_1
iscsi_login a $ADDRESS_1
# The same on each host: node NAME.
node='pr_helper_start; daemon_start; guest_start $name; expect_ok xl-scsi attach $name $ISCSI_LUN 0:0:0:0,pr=helper
    guest_wait_disk $name 0:0:0:0; disk=$GUEST_BLK'
other "iscsi_login b $ADDRESS_1; name=node2; $node"
name=node1
eval "$node"

# on NODE COMMAND: in that guest, with $DISK set; a failure fails the test. on_status prints the status in place of it.
on() {
    case $1 in
    node1) guest_ok node1 "DISK=$disk; $2" ;;
    *) other "guest_ok node2 \"DISK=\$disk\"'; $2'" ;;
    esac
}
write='dd if=/dev/zero of=$DISK bs=4096 count=1 oflag=direct'

on node1 'sg_persist --out --register --param-sark=0xa1 $DISK'
on node2 'sg_persist --out --register --param-sark=0xa2 $DISK'
on node1 'sg_persist --out --reserve --param-rk=0xa1 --prout-type=5 $DISK'
expect_match "$(on node2 'sg_persist --in --read-reservation $DISK')" 'Key=0xa1' "the reservation, seen from the other host"
on node2 "$write"
on node2 '(iopat mix $DISK --seconds 60 --depth 8; echo END=$?) >/tmp/io 2>&1 &'
pause 2

note "node1 fences node2"
on node1 'sg_persist --out --preempt-abort --param-rk=0xa1 --param-sark=0xa2 --prout-type=5 $DISK'
other 'guest_wait_for node2 "grep -q END= /tmp/io" 90'
expect_no_match "$(on node2 'cat /tmp/io')" 'END=0' "the load of the one that is fenced"
expect_eq "$(on node2 "$write 2>/dev/null && echo written || echo refused")" refused "a write of the one that is fenced"
on node1 "$write"
expect_no_match "$(on node1 'sg_persist --in --read-keys $DISK')" 0xa2 "keys after the fence"

note "node2 comes back"
on node2 'sg_turs $DISK; sg_persist --out --register --param-sark=0xa2 $DISK'
on node2 "$write"

note "node1 is lost with its host's daemon and guest; node2 takes over"
guest_destroy node1
on node2 'sg_persist --out --preempt --param-rk=0xa2 --param-sark=0xa1 --prout-type=5 $DISK'
expect_match "$(on node2 'sg_persist --in --read-reservation $DISK')" 'Key=0xa2' "the reservation"
on node2 "$write"
on node2 'sg_persist --out --clear --param-rk=0xa2 $DISK'
other_end
