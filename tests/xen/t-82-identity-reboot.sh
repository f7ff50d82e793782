# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2034,SC2046,SC2154
# about: after a reboot, or save and restore, of the guest its VDEV has the same unit or none, whatever its PDEV leads to
# timeout: 240
# scsi_debug says that it is another unit, see 71-identity. Here the kernel knows it: it has asked again.
need_project
. /host/lib/toolstack.sh
scsi_debug_load dev_size_mb=16 delay=0 add_host=2
# The disk of the second host: then it says that it is the first one's.
# shellcheck disable=SC2046
set -- $(echo "$DBG_ALL" | sed -n 2p)
DBG_HCTL=$1 DBG_BLK=/dev/$2 DBG_SG=/dev/$3
remap() {
    echo "$1" >/sys/bus/pseudo/drivers/scsi_debug/vpd_use_hostno || fail "vpd_use_hostno"
    echo 1 >"/sys/bus/scsi/devices/$DBG_HCTL/rescan"
}
wwid=$(cat "/sys/bus/scsi/devices/$DBG_HCTL/wwid")
daemon_start
watch_start
guest_start g1
expect_ok xl-scsi attach g1 "$DBG_BLK" 0:0:0:0
has g1 0:0:0:0
id=$(guest_domid g1)
dev=/local/domain/0/backend/vscsi/$id/0/vscsi-devs/dev-0
expect_eq "$(xenstore-read "$dev/p-dev") $(xenstore-read "$dev/p-devname")" "$DBG_HCTL $DBG_BLK" "p-dev and p-devname"
expect_eq "$(xenstore-read "$dev/p-hctl") $(xenstore-read "$dev/p-wwid")" "$DBG_HCTL $wwid" "p-hctl and p-wwid"
expect_match "$(cat $(userdata))" "\"pvscsi/0\": ?\"$DBG_BLK,0:0:0:0,unit=$wwid\"" "what is noted"
expect_match "$(xl-scsi list --json g1)" "\"wwid\": ?\"$wwid\"" "list --json"

note "reboot"
remap 0
other=$(cat "/sys/bus/scsi/devices/$DBG_HCTL/wwid")
[ "$other" != "$wwid" ] || fail "the kernel has not noticed"
guest_sh g1 'reboot -f' >/dev/null 2>&1 &
guest_reboots g1 "$id" 60
wait_until 60 "xl-scsi list -l g1 2>/dev/null | grep -q 'because: .* it is the unit $other; expected $wwid'" \
    "the reason: $(xl-scsi list -l g1 2>&1)"
expect_no_match "$(xl-scsi list g1)" '0:0:0:0 +[34]$' "the guest has no other unit"

note "its own unit is back, and the service tries again"
remap 1
has g1 0:0:0:0

note "save and restore"
is_other="because: .* it is the unit $other; expected $wwid"
expect_ok "$REAL_XL" save g1 /tmp/saved
remap 0
expect_ok "$REAL_XL" restore /tmp/saved
wait_until 60 "xl-scsi list -l g1 2>/dev/null | grep -q '$is_other'" "the reason: $(xl-scsi list -l g1 2>&1)"
expect_no_match "$(xl-scsi list g1)" '0:0:0:0 +[34]$' "the restored guest has no other unit"
remap 1
has g1 0:0:0:0

note "by hand, the guest gets the other one, and keeps that"
expect_ok xl-scsi detach g1 0:0:0:0
remap 0
expect_ok xl-scsi attach g1 "$DBG_BLK" 0:0:0:0
expect_match "$(cat $(userdata))" "unit=$other\"" "what is noted now"
# Its kernel waits without end for the disk that it had when it was saved.
guest_destroy g1
watch_stop
