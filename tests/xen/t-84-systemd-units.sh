# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: daemon, service and PR helper under their systemd units serve a guest, and come back when they are killed
# timeout: 300
need_project
. /host/lib/toolstack.sh
. /host/lib/systemd.sh
lio_two_initiators 32
systemd_start pvscsid.service xl-scsi-watch.service pvscsid-pr-helper.service
unit_start pvscsid-pr-helper.socket pvscsid.service xl-scsi-watch.service
daemon=$(process_of pvscsid)
for pid in $daemon "$(process_of xl-scsi)"; do
    expect_match "$(cat "/proc/$pid/status")" 'Seccomp:[[:space:]]2' "process $pid: the unit's system calls"
    expect_match "$(cat "/proc/$pid/cgroup")" '^0::/units/system.slice/' "process $pid: its cgroup, which has the unit's devices"
done
expect_match "$(pvscsictl status)" 'sandbox: full' "the status"
# As docs/guide-moving.md has it: tests/test-the-examples-are-run.sh compares the lines.
expect_ok eval 'systemctl is-active pvscsid xl-scsi-watch'
expect_eq "$(cat "/tmp/expect.$$")" "active
active" "what it prints"
expect_ok eval 'xl-scsi scan'

note "a guest reads, writes and reserves"
guest_start g1
expect_no_match "$(xl-scsi attach g1 "$LIO_A" 0:0:0:0 2>&1)" 'not running' "attach"
guest_wait_disk g1 0:0:0:0
guest_ok g1 "iopat fill $GUEST_BLK --size 2M"
guest_ok g1 "sg_persist -n --out --register --param-sark=0x11 $GUEST_SG && sg_persist -n --out --reserve --param-rk=0x11 --prout-type=5 $GUEST_SG"
expect_match "$(sg_persist -n --in --read-reservation "$(sg_of "$LIO_B")")" 'Key=0x11' "the reservation, as another initiator sees it"
expect_match "$(pvscsictl status)" 'pr-helper:connected' "the way that it took"
expect_match "$(cat "/proc/$(process_of qemu-pr-helper)/status")" 'Seccomp:[[:space:]]2' "the helper's system calls"

note "the worker, the daemon and the helper are killed"
kill -9 "$(worker_pids | head -n 1)"
guest_ok g1 "iopat verify $GUEST_BLK --size 2M"
kill -9 "$(process_of qemu-pr-helper)"
kill -9 "$daemon"
wait_until 20 "pvscsictl status" "systemd starts the daemon again"
[ "$(process_of pvscsid)" != "$daemon" ] || fail "the daemon was not killed"
guest_ok g1 "iopat verify $GUEST_BLK --size 2M && iopat fill $GUEST_BLK --size 2M --generation 2"
wait_until 20 "guest_sh g1 'sg_persist -n --in --read-keys $GUEST_SG' | grep -q 0x11" "the helper answers again"

note "the service gives a new domain its device: it pauses and unpauses by hypercalls"
uuid=4dea22b3-1d52-d8f3-2516-782e98ab3fa1
expect_ok xl-scsi expect "$uuid" "$LIO_B,0:0:0:0,force"
expect_ok "$REAL_XL" create -q -p "$(guest_config g2 "uuid = \"$uuid\"")"
wait_until 20 "xl-scsi list g2 | grep -q ' 0:0:0:0 *3\$'" "the backend has the device: $(tail -n 2 /tmp/xl-scsi-watch.log)"
wait_until 20 "! xenstore-exists /local/domain/$(guest_domid g2)/pvscsi" "the service has done its work: $(tail -n 2 /tmp/xl-scsi-watch.log)"
expect_eq "$("$REAL_XL" list g2 | awk 'NR == 2 { print $5 }')" "--p---" "xl's own pause of g2"

guest_destroy g2
guest_destroy g1
unit_stop xl-scsi-watch.service pvscsid.service pvscsid-pr-helper.service pvscsid-pr-helper.socket
systemd_stop
check_no_zombie
