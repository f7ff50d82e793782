# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: the daemon is restarted (SIGTERM) and killed (SIGKILL) under verified load; a successor takes the live rings over
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
while [ $n -lt 4 ]; do
    # So far most commands were at the device when the workers ended. Now large ones are being copied.
    if [ $n = 3 ]; then
        load_end "$((n * 2)) restarts"
        scsi_debug_delay 1
        load 480k
    fi
    daemon_stop
    sleep 0.5
    daemon_start
    sleep 1
    daemon_kill
    sleep 0.3
    daemon_start
    sleep 1
    n=$((n + 1))
done
load_end "$((n * 2)) restarts"
expect_no_match "$(guest_sh g1 'dmesg')" 'I/O error|Buffer I/O|offline' "the guest's kernel log"
expect_ok xl-scsi detach g1 0:0:0:0
