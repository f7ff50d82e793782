# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: a worker has a user of its own, no capability, a list of system calls, and only its guest's device nodes
# timeout: 120
need_project
scsi_debug_load dev_size_mb=32 max_luns=2
# What its systemd unit leaves the daemon: these capabilities, and a network of its own, which the kernel's events
# reach.
unit=$(find /usr /lib -name pvscsid.service | head -n 1)
set=$(sed -n 's/^CapabilityBoundingSet=//p' "$unit" | tr 'A-Z ' 'a-z,' | sed 's/cap_/+/g')
expect_match "$set" '^[+].*[+]sys_admin' "the unit's capabilities"
program=$(command -v pvscsid)
pvscsid() { exec unshare -n /usr/bin/setpriv --no-new-privs --bounding-set "-all,$set" -- "$program" "$@"; }
daemon_start
expect_match "$(cat "/proc/$DAEMON_PID/status")" 'CapEff:[[:space:]]00000000082e01e2' "the daemon's capabilities"
[ "$(readlink "/proc/$DAEMON_PID/ns/net")" != "$(readlink /proc/self/ns/net)" ] || fail "the daemon has dom0's network"
expect_match "$(pvscsictl status)" 'sandbox: full' "the status"
guest_start g1
expect_ok xl-scsi attach g1 "$DBG_HCTL" 0:0:0:0
guest_wait_disk g1 0:0:0:0
pid=$(worker_pids | head -n 1)
[ -n "$pid" ] || fail "no worker"
status=$(cat "/proc/$pid/status")
id=$((1879048192 + pid))
expect_match "$status" "Uid:[[:space:]]${id}[[:space:]]${id}[[:space:]]${id}[[:space:]]${id}" "its user"
expect_match "$status" "Gid:[[:space:]]${id}[[:space:]]${id}" "its group"
for set in CapInh CapPrm CapEff CapBnd CapAmb; do
    expect_match "$status" "$set:[[:space:]]0000000000000000" "its capabilities"
done
expect_match "$status" 'NoNewPrivs:[[:space:]]1' no_new_privs
expect_match "$status" 'Seccomp:[[:space:]]2' "its list of system calls"
for kind in mnt net ipc uts; do
    [ "$(readlink "/proc/$pid/ns/$kind")" != "$(readlink /proc/self/ns/$kind)" ] || fail "its $kind namespace is dom0's"
done
# The guest's device, and one that it gets now.
node() { printf 'c21:%s' "$(readlink -f "/sys/class/scsi_device/$1/device/scsi_generic/"* | sed 's/.*sg//')"; }
expect_eq "$(ls "/proc/$pid/root/")" "$(node "$DBG_HCTL")" "its file system"
second=${DBG_HCTL%:*}:1
expect_ok xl-scsi attach g1 "$second" 0:0:1:0
guest_wait_disk g1 0:0:1:0
expect_eq "$(ls "/proc/$pid/root/")" "$(printf '%s\n%s' "$(node "$DBG_HCTL")" "$(node "$second")" | sort)" "its file system with two LUNs"
guest_ok g1 "iopat fill $GUEST_BLK --generation 3 --depth 4"
dir=/sys/bus/scsi/devices/$second
echo 1 >"$dir/delete"
wait_until 10 "xl-scsi list g1 | grep -q '0:0:1:0 *4 gone$'" "the daemon learns that the device is gone"
echo "${second#*:}" | tr ':' ' ' >"/sys/class/scsi_host/host${second%%:*}/scan"
wait_until 3 "! xl-scsi list g1 | grep -q gone" "the daemon learns by the kernel's event that the device is back"
expect_ok xl-scsi detach g1 0:0:1:0
expect_eq "$(ls "/proc/$pid/root/")" "$(node "$DBG_HCTL")" "its file system after the detach"
expect_eq "$(worker_pids | head -n 1)" "$pid" "the worker"
