# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: a device that goes offline while the guest's error handler tests it costs the guest an error, never its disk
# timeout: 240
# guests: kept
# A read that is lost twice brings Linux's error handler to its TEST UNIT READY. If that had a host byte, Linux would
# take the disk offline for good.
need_project
P=/sys/bus/pseudo/drivers/scsi_debug
scsi_debug_load dev_size_mb=16 delay=0
daemon_start
guest_start g1
expect_ok xl-scsi attach g1 "$DBG_HCTL" 0:0:0:0
guest_wait_disk g1 0:0:0:0
guest_ok g1 "dd if=$GUEST_BLK of=/dev/null bs=4096 count=1 iflag=direct"
guest_ok g1 "echo 6 >/sys/bus/scsi/devices/$GUEST_HCTL/timeout"
dir=/sys/bus/scsi/devices/$DBG_HCTL
given_up() { [ "$(pvscsictl stats | sed -n 's/.*time-out \([0-9]*\).*/\1/p')" = "$1" ]; }
echo 1 >$P/every_nth
echo 4 >$P/opts
guest_sh g1 "(dd if=$GUEST_BLK of=/dev/null bs=4096 count=1 iflag=direct; echo END=\$?) >/tmp/read 2>&1 &"
wait_until 60 "given_up 1" "dom0 gives the first read up"
# The guest has sent the read again. Its error handler begins after 6 s, and its ABORT waits.
sleep 10
echo 0 >$P/opts
echo 0 >$P/every_nth
echo offline >"$dir/state"
guest_wait_for g1 "grep -q END= /tmp/read" 120
log=$(guest_sh g1 'cat /tmp/read; dmesg | tail -n 8')
note "$log; $(pvscsictl stats)"
expect_match "$log" 'END=1' "the read from a device that is away"
given_up 2 || fail "the read was not lost twice: $(pvscsictl stats)"
expect_eq "$(guest_ok g1 "cat /sys/bus/scsi/devices/$GUEST_HCTL/state")" running "the disk in the guest"
echo running >"$dir/state"
wait_until 20 "guest_sh g1 'dd if=$GUEST_BLK of=/dev/null bs=4096 count=1 iflag=direct'" "the disk works again"
