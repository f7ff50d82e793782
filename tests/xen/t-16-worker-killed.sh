# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: the worker is killed again and again under verified load: the guest sees pauses, no error, no wrong byte
# timeout: 300
# vcpus: 2
# guests: kept
need_project
# shellcheck source=lib/load.sh
. /host/lib/load.sh
scsi_debug_load dev_size_mb=16 delay=0 max_queue=32
daemon_start
guest_start g1
expect_ok xl-scsi attach g1 "$DBG_HCTL" 0:0:0:0
guest_wait_disk g1 0:0:0:0
guest_ok g1 "dmesg -c >/dev/null"
scsi_debug_delay 50
load 512-128k
n=0
while [ $n -lt 9 ]; do
    # So far most commands were at the device when the worker died. Now large ones are being copied.
    if [ $n = 6 ]; then
        load_end "$n kills"
        scsi_debug_delay 1
        load 480k
    fi
    pid=$(worker_pids)
    [ -n "$pid" ] || fail "no worker"
    # shellcheck disable=SC2086
    kill -9 $pid
    wait_until 5 "new=\$(worker_pids); [ -n \"\$new\" ] && [ \"\$new\" != \"$pid\" ]" "a new worker"
    sleep 0.$((n % 7 + 1))
    n=$((n + 1))
done
load_end "$n kills"
expect_no_match "$(guest_sh g1 'dmesg')" 'I/O error|Buffer I/O|offline' "the guest's kernel log"
expect_match "$(pvscsictl status --json)" "\"restarts\": *$n([^0-9]|\$)" "each kill is counted"
# What dead workers had granted to dom0 came back: the last one has its own again, within the limits of the module and
# the daemon.
expect_match "$(pvscsictl status)" '[1-9][0-9]* KiB of granted buffers' "the last worker's buffers"
scsi_debug_delay 0
guest_ok g1 "iopat fill $GUEST_BLK --generation 3 --depth 4"
expect_ok iopat verify "$DBG_BLK" --generation 3
expect_ok xl-scsi detach g1 0:0:0:0
wait_until 10 "! pvscsictl status | grep -q 'granted buffers'" "no granted buffers without a device"
