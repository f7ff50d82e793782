# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: required and optional decide whether a guest runs without a device: at its creation, and at a reboot
# timeout: 240

need_project
. /host/lib/toolstack.sh
use_shim
scsi_debug_load dev_size_mb=16 delay=0 num_tgts=2
a=$(dbg_part 1 1) b=$(dbg_part 2 1)
host=${b%%:*}
delete_b() { echo 1 >"/sys/bus/scsi/devices/$b/delete"; }
find_b() { echo "${b#*:}" | tr ':' ' ' >"/sys/class/scsi_host/host$host/scan"; }
# state: "ID p g1" when it is paused.
state() { domains list | grep ' g1$'; }
daemon_start
watch_start
count_nodes

note "creation: not without a required device, but without an optional one"
delete_b
for option in "" ,required; do
    refuses 1 "guest g1 is not started: v-dev 0:0:1:0 was refused by the backend: p-dev $b: " \
        xl create -q "$(guest_config g1)" "vscsi=[ '$a,0:0:0:0', '$b,0:0:1:0$option' ]"
    no_guest g1
done
out=$(xl create -q "$(guest_config g1)" "vscsi=[ '$a,0:0:0:0,required', '$b,0:0:1:0,optional' ]" 2>&1) ||
    fail "create: $out"
expect_match "$out" 'starts without an optional device: v-dev 0:0:1:0 was refused' "what is said"
guest_wait g1
expect_match "$(xl-scsi list g1)" "0:0:1:0 +-$" "the missing one in the list"
find_b
has g1 0:0:0:0 0:0:1:0

note "reboot: it runs without the optional device"
delete_b
old=$(guest_domid g1)
guest_sh g1 'reboot -f' >/dev/null 2>&1 &
guest_reboots g1 "$old"
guest_wait g1
wait_until 30 "xl-scsi list g1 | grep -q ' 0:0:0:0 *4$'" "the device that is there"
expect_match "$(xl-scsi list g1)" "0:0:1:0 +-$" "the missing one in the list"

note "reboot: it stays paused without the required device, until this is there"
find_b
guest_wait_disk g1 0:0:1:0 90 # by itself
expect_ok xl-scsi detach g1 0:0:1:0
expect_ok xl-scsi attach g1 "$b" 0:0:1:0,required
delete_b
old=$(guest_domid g1)
guest_sh g1 'reboot -f' >/dev/null 2>&1 &
guest_reboots g1 "$old"
id=$(guest_domid g1)
wait_until 40 "xl-scsi list -l g1 | grep -q 'because: v-dev 0:0:1:0 was refused'" "the reason in the list"
sleep 2
expect_eq "$(state)" "$id p g1" "state of the guest without the device"
find_b
has g1 0:0:0:0 0:0:1:0
wait_until 10 "! xenstore-exists /local/domain/$id/pvscsi" "nothing is wanted any more"
guest_wait_disk g1 0:0:1:0
guest_ok g1 "dd if=$GUEST_BLK of=/dev/null bs=4096 count=1 iflag=direct"
guest_destroy g1
watch_stop
