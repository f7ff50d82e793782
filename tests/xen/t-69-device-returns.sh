# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: a device that is deleted and found again, offline and running again, or logged out and in (iSCSI) costs a guest errors, never its disk
# timeout: 400
# guests: kept
# The other disk of the same vhost is under verified load all the time. scsi_debug's disks share one store: each has its
# own part of it.
need_project
scsi_debug_load dev_size_mb=32 delay=0 num_tgts=2
# shellcheck disable=SC2046
set -- $(echo "$DBG_ALL" | cut -d' ' -f1)
a=$1 b=$2
dir=/sys/bus/scsi/devices/$b
daemon_start
guest_start g1
expect_ok xl-scsi attach g1 "$a" 0:0:0:0
expect_ok xl-scsi attach g1 "$b" 0:0:1:0
guest_wait_disk g1 0:0:0:0
A=$GUEST_BLK
guest_wait_disk g1 0:0:1:0
B=$GUEST_BLK
guest_ok g1 "iopat fill $B --size 8M"
scsi_debug_delay 5
guest_sh g1 "dmesg -c >/dev/null; (iopat mix $A --start 16M --size 8M --until-file /tmp/stop --bs 4k-32k --depth 2; echo END=\$?) >/tmp/out 2>&1 &"

vdev=0:0:1:0
gone() { xl-scsi list g1 | grep -q "$vdev *4 gone\$"; }
# A read past the guest's cache.
reads() { guest_sh g1 "dd if=$B of=/dev/null bs=4096 count=1 iflag=direct"; }
# is_away REASON: errors, and the reason in every place that shows it.
is_away() {
    reads && fail "a read from a device that is away succeeded"
    wait_until 10 gone "xl-scsi list shows it: $(xl-scsi list g1)"
    expect_match "$(xl-scsi list --long g1)" "the backend says: the device is gone: $1" "the reason in list --long"
    expect_match "$(pvscsictl status)" "$vdev .* Connected +gone" "status"
    expect_match "$(pvscsictl status)" "error: the device is gone: $1" "the reason in status"
    expect_match "$(pvscsictl status --json)" '"presence": ?"gone"' "status --json"
}
# is_back SECONDS: by itself, with the data that it had.
is_back() {
    wait_until "$1" "! gone" "the device is back: $(xl-scsi list --long g1)"
    expect_no_match "$(pvscsictl status)" 'gone' "status"
    reads || fail "a read from a device that is back failed: $(guest_sh g1 'dmesg | tail -n 5')"
    guest_ok g1 "iopat verify $B --size 8M --bs 256k --depth 4"
    expect_match "$(guest_sh g1 "cat /sys/block/${B#/dev/}/device/state")" running "the guest's disk"
}
host=${b%%:*}
found_again() { echo "${b#*:}" | tr ':' ' ' >"/sys/class/scsi_host/host$host/scan"; }

for round in 1 2; do
    note "deleted and found again, round $round"
    old=$(ls "$dir/scsi_generic")
    echo 1 >"$dir/delete"
    is_away "there is no SCSI device $b"
    found_again
    [ -e "$dir" ] || fail "the device was not found again"
    note "was $old, is $(ls "$dir/scsi_generic")"
    is_back 3 # the kernel's event, not the search
done
guest_ok g1 "iopat fill $B --size 8M --generation 2"
guest_ok g1 "iopat verify $B --size 8M --generation 2"
guest_ok g1 "iopat fill $B --size 8M"

note "offline and running again"
echo offline >"$dir/state"
is_away "its state is offline"
echo running >"$dir/state"
is_back 15

note "deleted under load: the load ends with errors, and none is left in the guest"
guest_sh g1 "(iopat verify $B --size 8M --depth 8; iopat verify $B --size 8M --depth 8; echo END=\$?) >/tmp/under 2>&1 &"
echo 1 >"$dir/delete"
guest_wait_for g1 "grep -q END= /tmp/under"
is_away "there is no SCSI device $b"

note "the worker is killed while the device is away"
kill -9 "$(worker_pids | head -n 1)"
wait_until 10 "[ -n \"\$(worker_pids)\" ] && gone" "a new worker"
is_away "there is no SCSI device $b"
found_again
is_back 10

note "the daemon is restarted while the device is away"
echo 1 >"$dir/delete"
is_away "there is no SCSI device $b"
daemon_stop
daemon_start
wait_until 20 gone "the new daemon shows it"
is_away "there is no SCSI device $b"
found_again
is_back 10

note "iSCSI: logged out and in again"
lio_init iscsi_target_mod iscsi_tcp
store=$(lio_ramdisk returns 16)
target=iqn.2003-01.org.example:returns
tpg=$LIO/iscsi/$target/tpgt_1
mkdir -p "$tpg/np/127.0.0.1:3260" "$tpg/lun/lun_0" || fail "LIO: no iSCSI target"
ln -s "$store" "$tpg/lun/lun_0/store" || fail "LIO: cannot link the LUN"
for attribute in authentication=0 generate_node_acls=1 cache_dynamic_acls=1 demo_mode_write_protect=0; do
    echo "${attribute#*=}" >"$tpg/attrib/${attribute%=*}"
done
echo 1 >"$tpg/enable" || fail "LIO: cannot enable the iSCSI target"
iscsid_start $target
iscsi() { expect_ok iscsiadm -m node -T $target -p 127.0.0.1:3260 "$@"; }
# log_in: sets hctl.
log_in() {
    local before host
    before=$(echo /sys/class/scsi_host/*)
    iscsi --login
    for host in /sys/class/scsi_host/*; do
        case " $before " in *" $host "*) ;; *) hctl=${host##*/host}:0:0:0 ;; esac
    done
    wait_until 20 '[ -b "$(block_of $hctl)" ]' "the disk"
}
log_in
wwid=$(cat "/sys/bus/scsi/devices/$hctl/wwid")
scsi_debug_disk=$B
vdev=0:0:2:0
expect_ok xl-scsi attach g1 "$wwid" $vdev
guest_wait_disk g1 $vdev
B=$GUEST_BLK
guest_ok g1 "iopat fill $B --size 8M"
why="no SCSI device has the wwid $wwid"
for round in 1 2 3; do
    old=$hctl
    # In the third round PDEV is an address, which it does not get again.
    if [ $round = 3 ]; then
        expect_ok xl-scsi detach g1 $vdev
        guest_wait_gone g1 $vdev
        expect_ok xl-scsi attach g1 "$hctl" $vdev
        guest_wait_disk g1 $vdev
        B=$GUEST_BLK why="there is no SCSI device $hctl"
    fi
    # In the second round under load, which ends with errors.
    [ $round != 2 ] || guest_sh g1 "(iopat mix $B --start 8M --size 4M --seconds 60 --depth 4; echo END=\$?) >/tmp/under 2>&1 & sleep 1"
    iscsi --logout
    is_away "$why"
    [ $round != 2 ] || guest_wait_for g1 "grep -q END= /tmp/under"
    # A new SCSI host gets the lowest number. In the second round another host has it; in the third it is free again.
    [ $round != 2 ] || small_host_load
    [ $round != 3 ] || within 20 "rmmod virtio_scsi" || fail "virtio_scsi is in use"
    log_in
    note "was $old, is $hctl"
    [ $round = 1 ] || [ "$hctl" != "$old" ] || fail "the SCSI host has the same number: $hctl"
    is_back 10
done
guest_ok g1 "iopat fill $B --size 8M --generation 2"
expect_ok iopat verify "$(block_of "$hctl")" --size 8M --generation 2
expect_ok xl-scsi detach g1 $vdev
iscsi --logout
B=$scsi_debug_disk

guest_sh g1 "touch /tmp/stop"
guest_wait_for g1 "grep -q END= /tmp/out"
expect_match "$(guest_sh g1 'cat /tmp/out')" '^END=0' "verified load on the other disk"
expect_eq "$(daemon_log | grep -c 'the device is gone: there is no SCSI device')" 6 "lines in the log that say so"

note "the guest loads its frontend anew while the device is away"
vdev=0:0:1:0
echo 1 >"$dir/delete"
is_away "there is no SCSI device $b"
guest_ok g1 'for d in /sys/bus/xen/drivers/*/vscsi-*; do echo "${d##*/}" >"${d%/*}/unbind"; done'
wait_until 10 "guest_sh g1 'rmmod xen-scsifront; ! grep -q ^xen_scsifront /proc/modules'" "the module to be unloaded"
guest_ok g1 "modprobe xen-scsifront"
guest_wait_disk g1 0:0:0:0
wait_until 20 'xl-scsi list g1 | grep -q "$vdev *3 gone\$"' "the guest does not take it: $(xl-scsi list g1)"
found_again
guest_wait_disk g1 $vdev
B=$GUEST_BLK
wait_until 10 'xl-scsi list g1 | grep -q "$vdev *4\$"' "the guest has it again: $(xl-scsi list g1)"
is_back 3
guest_ok g1 "iopat fill $B --generation 3 --depth 4"
expect_ok iopat verify "/dev/$(ls "$dir/block")" --generation 3
