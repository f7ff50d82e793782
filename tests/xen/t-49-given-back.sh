# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154,SC2016,SC2046,SC2086
# about: what a guest has locked or reserved ends with it: at detach, when it unloads its frontend, at destroy, and with no daemon there
# timeout: 300
need_project
# opts=1: scsi_debug logs each CDB.
scsi_debug_load dev_size_mb=16 delay=0 ptype=5 removable=1 opts=1
modprobe sr_mod
daemon_start
# The CDBs that scsi_debug got since MARK, by opcode and first byte that matters: of 1e byte 4.
seen() {
    dmesg |
        awk -v mark="$1" 'index($0, mark) { n = 0; on = 1; t = "" } on && /cmd (1e|16|17|56|57) / { sub(/.*cmd /, ""); t = t "[" $1 " " $5 "]" } END { print t }'
}
lock() {
    guest_domid g1 >/dev/null || guest_start g1
    expect_ok xl-scsi attach g1 "$DBG_HCTL" 0:0:0:0
    guest_wait_disk g1 0:0:0:0
    guest_sh g1 "for i in 1 2 3 4 5 6; do sg_turs $GUEST_SG && break; done" >/dev/null 2>&1
    echo "locks: $1" >/dev/kmsg
    guest_ok g1 "sg_raw $GUEST_SG 1e 00 00 00 01 00"
    # scsi_debug knows neither; they arrive, and that is what counts.
    [ -z "${2:-}" ] || guest_sh g1 "sg_raw $GUEST_SG $2" >/dev/null 2>&1
    expect_match "$(seen "locks: $1")" '\[1e 01\]' "the guest's lock reached the device"
}
# dom0's cdrom driver unlocks the drive too when the claim ends. RELEASE comes only from the daemon.
unlocked() { wait_until 15 "seen 'locks: $1' | grep -q '\\[1e 01\\]\\[16 00\\].*\\[1e 00\\].*\\[17 00\\]'" "the medium is free again: $1"; }

lock detached "16 00 00 00 00 00"
expect_ok xl-scsi detach g1 0:0:0:0
# The detach has ended, so it is done.
out=$(seen "locks: detached")
note "$out"
expect_match "$out" '\[1e 01\]\[16 00\].*\[1e 00\].*\[17 00\]' "lock and reservation are undone"

lock "and unlocked"
note "a guest's own unlock is not repeated"
guest_ok g1 "sg_raw $GUEST_SG 1e 00 00 00 00 00"
undone=$(grep -c 'is undone' $DAEMON_LOG)
expect_ok xl-scsi detach g1 0:0:0:0
expect_eq "$(grep -c 'is undone' $DAEMON_LOG)" "$undone" "what is undone after the guest's own unlock"

lock "frontend unloaded" "16 00 00 00 00 00"
# The ring ends, and the guest keeps the device. A bound device holds a reference to the frontend's module.
guest_ok g1 'for d in /sys/bus/xen/drivers/*/vscsi-*; do echo "${d##*/}" >"${d%/*}/unbind"; done'
wait_until 10 "guest_sh g1 'rmmod xen-scsifront; ! grep -q ^xen_scsifront /proc/modules'" "the module to be unloaded"
unlocked "frontend unloaded"
guest_ok g1 "modprobe xen-scsifront"
guest_wait_disk g1 0:0:0:0
expect_ok xl-scsi detach g1 0:0:0:0

lock "worker killed" "16 00 00 00 00 00"
kill -9 $(worker_pids)
wait_until 20 'pvscsictl status --json | grep -q "\"restarts\": *1"' "a new worker" || true
sleep 2
expect_no_match "$(seen "locks: worker killed")" '\[1e 01\].*\[1e 00\]' "a new worker keeps the guest's lock"
guest_destroy g1
unlocked "worker killed"

lock "no daemon" "16 00 00 00 00 00"
daemon_kill
wait_until 20 '[ -z "$(worker_pids)" ]' "the end of the worker"
guest_destroy g1
daemon_start
unlocked "no daemon"
daemon_stop
