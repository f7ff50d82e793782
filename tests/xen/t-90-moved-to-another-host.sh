# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154,SC2016
# about: a guest moves to another host under load, and back, with its disk, a LUN that both hosts reach
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
guest_sh g1 "(iopat mix $GUEST_BLK --start 8M --size 8M --bs 4k-64k --until-file /tmp/stop; echo END=\$?) >/tmp/mix 2>&1 &"

note "to the other host, under load"
old=$(guest_domid g1)
other guest_receive
guest_send g1 $ADDRESS_2
other "guest_arrives; has g1 0:0:0:0; guest_wait_disk g1 0:0:0:0
    guest_ok g1 \"iopat verify \$GUEST_BLK --size 8M && touch /tmp/stop\"
    guest_wait_for g1 'grep -q END= /tmp/mix'
    expect_match \"\$(guest_sh g1 'cat /tmp/mix')\" ^END=0 'verified load across the move'
    guest_ok g1 \"iopat fill \$GUEST_BLK --size 8M --generation 2\""
wait_until 20 "! xenstore-exists /local/domain/0/backend/vscsi/$old" "this host's nodes go"
expect_eq "$(worker_pids)" "" "workers of this host"
# What it writes there is on the LUN that this host sees.
expect_ok iopat verify "$(block_of "$ISCSI_LUN")" --size 8M --generation 2

note "and back"
guest_receive
other "guest_send g1 $ADDRESS_1"
guest_arrives
has g1 0:0:0:0
guest_wait_disk g1 0:0:0:0
guest_ok g1 "iopat verify $GUEST_BLK --size 8M --generation 2 && iopat fill $GUEST_BLK --size 8M --generation 3"
other 'wait_until 20 "[ -z \"\$(worker_pids)\" ]" "the workers of the other host go"
    check_no_zombie'
guest_destroy g1
check_no_zombie
watch_stop
other watch_stop
other_end
