# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: a worker dies while a device keeps its command: only that LUN waits, until the command has ended; the other is served at once
# timeout: 240
# guests: kept
need_project
scsi_debug_load dev_size_mb=16 delay=0 num_tgts=2
P=/sys/bus/pseudo/drivers/scsi_debug
# shellcheck disable=SC2046
set -- $(echo "$DBG_ALL" | cut -d' ' -f1)
a=$1 b=$2
daemon_start
guest_start g1
expect_ok xl-scsi attach g1 "$a" 0:0:0:0
expect_ok xl-scsi attach g1 "$b" 0:0:1:0
guest_wait_disk g1 0:0:0:0
A=$GUEST_BLK
state=/sys/bus/scsi/devices/$GUEST_HCTL/state
guest_wait_disk g1 0:0:1:0
B=$GUEST_BLK
# The two disks have one store: A has the first half of it, B the second.
guest_ok g1 "iopat fill $A --size 8M; iopat fill $B --start 8M --size 8M"
# busy: what is at A. held VDEV: whether the daemon holds the LUN back.
busy() { cat "/sys/bus/scsi/devices/$a/device_busy"; }
held() { pvscsictl status | grep -E "$1 .*held"; }

# The device loses a write. dom0 gives up after the least time of a disk's write, 25 s.
echo 1 >$P/every_nth
echo 4 >$P/opts
guest_sh g1 "(iopat fill $A --size 4k --bs 4k --generation 2 --depth 1; echo END=\$?) >/tmp/out 2>&1 &"
wait_until 10 "[ \$(busy) = 1 ]" "a command at the device"
echo 0 >$P/opts
echo 0 >$P/every_nth
lost=$(uptime_cs)
old=$(worker_pids)
kill -9 "$old"
wait_until 5 "worker_pids | grep -qvx $old" "a new worker"
guest_ok g1 "iopat verify $B --start 8M --size 1M; iopat fill $B --start 8M --size 1M --generation 2; iopat verify $B --start 8M --size 1M --generation 2"
took=$((($(uptime_cs) - lost) / 100))
note "the other LUN was served within $took s"
[ $took -lt 20 ] || fail "the other LUN waited for $took s"
expect_eq "$(busy)" 1 "commands at the device that has one of the dead worker"
expect_match "$(held 0:0:0:0)" held "the LUN whose device is busy"
expect_eq "$(held 0:0:1:0)" "" "the other LUN"
wait_until 60 "[ \$(busy) = 0 ]" "dom0 gives the command up"
ended=$((($(uptime_cs) - lost) / 100))
wait_until 10 "[ -z \"\$(held 0:0:0:0)\" ]" "the LUN is served again"
guest_wait_for g1 "grep -q END= /tmp/out"
note "dom0 gave the command up after $ended s: $(guest_sh g1 'cat /tmp/out')"
[ $ended -ge 10 ] || fail "the command that was to be lost ended after $ended s"
expect_match "$(guest_sh g1 'cat /tmp/out')" '^END=0' "the write that was lost and sent again"
guest_ok g1 "iopat verify $A --size 4k --bs 4k --generation 2; iopat verify $B --start 9M --size 7M"
expect_eq "$(guest_ok g1 "cat $state")" running "the disk"
expect_match "$(daemon_log)" 'dev-0: goes on' "the log"
expect_eq "$(worker_pids | wc -l)" 1 "workers"
