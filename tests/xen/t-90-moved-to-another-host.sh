# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154,SC2016
# about: a guest moves to another host with its disk, a LUN that both hosts reach
# timeout: 400
# lane: two-hosts

need_project
. /host/lib/toolstack.sh
. /host/lib/hosts.sh
other_start
lio_init iscsi_target_mod iscsi_tcp
lio_iscsi_target "$(lio_ramdisk shared 32)" $ADDRESS_1
iscsi_login a $ADDRESS_1
other "iscsi_login b $ADDRESS_1; daemon_start; watch_start"
daemon_start
watch_start
# Both hosts have the same identifier for it.
pdev=$(xl-scsi scan --json | awk -F'"' -v lun="$ISCSI_LUN" '$2 == "p-hctl" { here = ($4 == lun) } here && $2 == "p-dev" { print $4 }')
[ -n "$pdev" ] || fail "no PDEV for $ISCSI_LUN: $(xl-scsi scan --json)"
expect_match "$(other "xl-scsi scan")" "$pdev" "the scan of the other host"
guest_start g1
expect_ok xl-scsi attach g1 "$pdev" 0:0:0:0
has g1 0:0:0:0
guest_wait_disk g1 0:0:0:0
guest_ok g1 "iopat fill $GUEST_BLK --size 8M"

# This Xen cannot send a PV guest live, so the stream is that of a save. The receiver's nc would end the sender's if
# nothing kept its input open.
note "to the other host"
old=$(guest_domid g1)
other 'mkfifo /tmp/received
    nc -l -p 8002 <>/run/nothing >/tmp/received &
    (expect_ok "$REAL_XL" restore /tmp/received; : >/tmp/restored) &'
mkfifo /tmp/sent
while ! nc $ADDRESS_2 8002; do pause 0.3; done </tmp/sent &
expect_ok "$REAL_XL" save g1 /tmp/sent
other "wait_until 60 '[ -e /tmp/restored ]' 'the guest arrives'; has g1 0:0:0:0; guest_wait_disk g1 0:0:0:0
    guest_ok g1 \"iopat verify \$GUEST_BLK --size 8M && iopat fill \$GUEST_BLK --size 8M --generation 2\""
wait_until 20 "! xenstore-exists /local/domain/0/backend/vscsi/$old" "this host's nodes go"
expect_eq "$(worker_pids)" "" "workers of this host"
# What it writes there is on the LUN that this host sees.
expect_ok iopat verify "$(block_of "$ISCSI_LUN")" --size 8M --generation 2

other "guest_destroy g1; check_no_zombie"
watch_stop
other "watch_stop"
other_end
