# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash disable=SC2154
# The story of tools/demo --xen: runs in dom0 of a real Xen, see dom0.sh for the functions. Whatever goes wrong ends it
# there, with the step's name and a status that is not 0.
step() {
    STEP=$1
    printf '\n%s\n' "$1"
}
# In place of dom0.sh's, which its functions end in.
fail() {
    echo "FAIL: in step $STEP: $*" >&2
    [ -s "$JOB/reason" ] || printf '%s\n' "in step $STEP: $*" >"$JOB/reason"
    [ "${TEST_PID:-$$}" = $$ ] && kill -TERM $$
    exit 1
}
# No pipe: its status would be the last command's.
show() {
    local status=0
    "$@" >/tmp/demo.out 2>&1 || status=$?
    sed 's/^/    /' /tmp/demo.out
    [ $status = 0 ] || fail "exit status $status: $*"
}
run() {
    echo "  dom0# $*"
    show "$@"
}
guest_run() {
    echo "  guest# $1"
    show guest_sh web1 "$1"
}

step "1. A SCSI disk in dom0 (scsi_debug), and the daemon"
scsi_debug_load dev_size_mb=64 delay=0
run lsscsi -g
daemon_start

step "2. Guest web1 is made, paused, and given the disk before its first instruction"
guest_start web1 paused
run xl-scsi attach web1 "$DBG_HCTL" 0:0:0:0
guest_unpause web1
guest_wait_disk web1 0:0:0:0

step "3. What the guest's own kernel found"
guest_run "lsscsi -g"
guest_run "sg_inq $GUEST_SG"

step "4. Data written by the guest, checked in the guest and in dom0"
guest_run "iopat fill $GUEST_BLK --bs 512-508k --depth 8"
guest_run "iopat verify $GUEST_BLK --bs 508k --depth 4"
run iopat verify "$DBG_BLK"

step "5. The worker is killed three times under verified load"
guest_sh web1 "(iopat mix $GUEST_BLK --seconds 6 --depth 16; echo END=\$?) >/tmp/out 2>&1 &" ||
    fail "the load does not start"
for _ in 1 2 3; do
    sleep 1
    worker=$(worker_pids | head -n 1)
    [ -n "$worker" ] || fail "there is no worker"
    echo "  dom0# kill -9 $worker"
    kill -9 "$worker" || fail "the worker $worker is gone already"
done
wait_until 60 "guest_sh web1 'grep -q END= /tmp/out'" "the end of the load"
guest_run "cat /tmp/out"
grep -q '^END=0' /tmp/demo.out || fail "the load found wrong data or errors"

step "6. What the toolstack and the daemon say"
run xl-scsi list
run pvscsictl status
run pvscsictl stats

step "7. Detached again"
run xl-scsi detach web1 0:0:0:0
guest_wait_gone web1 0:0:0:0
run xl-scsi list
[ ! -s /tmp/demo.out ] || fail "the disk is still listed"
echo "    (no devices)"
