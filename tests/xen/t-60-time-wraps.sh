# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154,SC2016,SC2086,SC2217
# about: a command whose time-out needs more than the ring's 16 bits of seconds is not cut short
# timeout: 240
# guests: kept
# `mt erase` asks for 112000 s, sg_format -w for 72000 s and more; vscsiif has 16 bits, and the frontend cuts the
# number.
need_project
scsi_debug_load dev_size_mb=16 delay=0
daemon_start
guest_start g1
expect_ok xl-scsi attach g1 "$DBG_HCTL" 0:0:0:0
guest_wait_disk g1 0:0:0:0
guest_sh g1 "for i in 1 2 3 4 5 6; do sg_turs $GUEST_SG && break; done" >/dev/null 2>&1
hz=250
# 18 s a command: more than the number on the ring below, less than the 25 s that a disk's medium access gets at least.
# The delay can be set only while nothing is under way.
wait_until 20 "echo $((18 * hz)) >/sys/bus/pseudo/drivers/scsi_debug/delay" "scsi_debug takes a delay"
read10="28 00 00 00 00 00 00 00 08 00"
began=$(uptime_cs)
status=0
GUEST_TIMEOUT=120 guest_sh g1 "sg_raw -t 60 -r 4096 $GUEST_SG $read10" >/tmp/out 2>&1 || status=$?
note "60 s asked: status $status after $((($(uptime_cs) - began) / 100)) s"
expect_eq "$status" 0 "a slow READ that has 60 s"
began=$(uptime_cs)
status=0
# 65540 s is 4 s on the ring.
GUEST_TIMEOUT=120 guest_sh g1 "sg_raw -t 65540 -r 4096 $GUEST_SG $read10" >/tmp/out 2>&1 || status=$?
note "65540 s asked: status $status after $((($(uptime_cs) - began) / 100)) s: $(grep -iE 'host|sense|status' /tmp/out | tr '\n' ';')"
wait_until 40 "echo 0 >/sys/bus/pseudo/drivers/scsi_debug/delay" "scsi_debug is idle"
expect_eq "$status" 0 "the same READ that has 65540 s"
