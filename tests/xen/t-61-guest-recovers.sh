# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154,SC2016,SC2086
# about: a command that the device loses costs the guest a pause and a retry, never its disk (default time-outs)
# timeout: 500
# guests: kept
# scsi_debug never answers every 30th command; dom0 times it out and aborts it before the guest's own error handling
# starts.
need_project
scsi_debug_load dev_size_mb=64 delay=0
daemon_start
guest_start g1
expect_ok xl-scsi attach g1 "$DBG_HCTL" 0:0:0:0
guest_wait_disk g1 0:0:0:0
P=/sys/bus/pseudo/drivers/scsi_debug
guest_ok g1 "dd if=$GUEST_BLK of=/dev/null bs=4k count=4 iflag=direct"
echo 30 >$P/every_nth
echo 4 >$P/opts
note "every 30th command is lost"
guest_sh g1 "(i=0; while [ \$i -lt 35 ]; do dd if=$GUEST_BLK of=/dev/null bs=4k count=1 skip=\$i iflag=direct 2>/dev/null || echo read-error \$i; i=\$((i+1)); done; echo done-reads) >/tmp/reads 2>&1 & sleep 1"
sleep 20
echo 0 >$P/opts
echo 0 >$P/every_nth
guest_wait_for g1 "grep -q done-reads /tmp/reads" 120
note "after the wait: $(guest_sh g1 'cat /tmp/reads' | tr '\n' ' ')"
pvscsictl stats
expect_eq "$(guest_sh g1 "cat /sys/bus/scsi/devices/$GUEST_HCTL/state")" running "the disk in the guest"
expect_match "$(guest_sh g1 'cat /tmp/reads')" done-reads "the reads"
expect_no_match "$(guest_sh g1 'cat /tmp/reads')" read-error "the reads"
guest_ok g1 "dd if=$GUEST_BLK of=/dev/null bs=4k count=4 iflag=direct"
# The lost command is counted as what it was, and has one line in the log.
expect_match "$(pvscsictl stats)" 'time-out [1-9]' "the counters"
