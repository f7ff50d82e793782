# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154,SC2016,SC2086
# about: while a guest has an optical drive, dom0 does not poll it, and no program has it exclusively
# timeout: 240
# guests: kept
need_project
# opts=1: scsi_debug logs each CDB.
scsi_debug_load dev_size_mb=16 delay=0 ptype=5 removable=1 opts=1
modprobe sr_mod
wait_until 10 "[ -b \"\$(block_of $DBG_HCTL)\" ]" "the drive's block device"
blk=$(block_of "$DBG_HCTL")
polling=/sys/class/block/${blk#/dev/}/events_poll_msecs
# As udev sets it.
echo 500 >$polling
commands() { dmesg |
    awk -v mark="$1" 'index($0, mark) { n = 0; on = 1 } on && /cmd [0-9a-f][0-9a-f] / { n++ } END { print n + 0 }'; }
count() {
    echo "quiet: $1" >/dev/kmsg
    sleep 2
    commands "quiet: $1"
}
[ "$(count before)" -gt 0 ] || skip "the drive is not polled at all"
daemon_start
guest_start g1
# As docs/guide-burner.md has it: tests/test-the-examples-are-run.sh compares the lines. Before, the disc is mounted.
expect_eq "$blk" /dev/sr0 "the drive's name"
truncate -s 512K /tmp/disc
expect_ok mke2fs -q -F /tmp/disc
expect_ok sg_dd if=/tmp/disc of="$DBG_SG" bs=512 count=1024
mkdir -p /mnt/a
expect_ok mount -t ext4 -o ro "$blk" /mnt/a
expect_fail 5 xl-scsi attach g1 "$blk" 0:0:0:0
expect_match "$(cat "/tmp/expect.$$")" 'it is mounted on /mnt/a' "why it is refused"
expect_ok env GUEST=g1 sh -e <<'END'
umount /dev/sr0
xl-scsi attach $GUEST /dev/sr0 0:0:0:0
END
guest_wait_disk g1 0:0:0:0
# The guest's own drivers have looked at it.
sleep 1
expect_eq "$(count attached)" 0 "commands to the drive that nobody sent"
expect_eq "$(cat $polling)" 0 "the interval of the polling"
# As eject and the programs that burn discs open it.
excl() { sg_dd if="$blk" iflag=excl of=/dev/null bs=2048 count=1 2>&1; }
status=0
out=$(excl) || status=$?
[ $status != 0 ] || fail "dom0 can have the guest's drive exclusively"
expect_match "$out" 'busy' "why it cannot be opened exclusively"
daemon_stop
daemon_start
wait_until 20 '[ -n "$(worker_pids)" ]' "a worker of the new daemon"
sleep 1
expect_eq "$(count restarted)" 0 "commands to the drive after a restart of the daemon"
expect_fail excl
expect_ok xl-scsi detach g1 0:0:0:0
[ "$(cat $polling)" != 0 ] || fail "the polling is not put back"
expect_ok excl
