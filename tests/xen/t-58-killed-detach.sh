# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: a detach that was killed can be repeated; without a daemon a change says so within 10 seconds and harms nothing
# timeout: 180
# guests: kept

need_project
. /host/lib/toolstack.sh
scsi_debug_load dev_size_mb=16 delay=0 num_tgts=3
a=$(dbg_part 1 1) b=$(dbg_part 2 1) c=$(dbg_part 3 1)
daemon_start
guest_start g1
id=$(guest_domid g1)
be=/local/domain/0/backend/vscsi/$id/0
expect_ok xl-scsi attach g1 "$a" 0:0:0:0
expect_ok xl-scsi attach g1 "$b" 0:0:1:0

# killed VDEV STATE: a detach that is killed when the vhost has this state, while the guest cannot answer.
killed() {
    expect_ok "$REAL_XL" pause g1
    xl-scsi detach g1 "$1" &
    local pid=$!
    wait_until 20 "[ \"\$(xenstore-read $be/state)\" = $2 ]" "the detach begins"
    kill -9 $pid
    wait $pid 2>/dev/null
    expect_ok "$REAL_XL" unpause g1
}
note "one of two, and the last one: killed while the guest cannot answer"
killed 0:0:1:0 7
expect_ok xl-scsi detach g1 0:0:1:0
has g1 0:0:0:0
killed 0:0:0:0 5
expect_ok xl-scsi detach g1 0:0:0:0
expect_fail xenstore-exists "$be"
guest_wait_gone g1 0:0:0:0

note "a dead daemon, and a vhost that it served"
expect_ok xl-scsi attach g1 "$a" 0:0:0:0
expect_ok xl-scsi attach g1 "$b" 0:0:1:0
daemon_kill
away='pvscsid does not answer, because it does not run in this domain'
# in_time STATUS COMMAND...: it says so after 10 s, and the emulation needs its time for the rest.
in_time() {
    local begin out status
    begin=$(uptime_cs)
    out=$("$@" 2>&1)
    status=$?
    note "$(($(uptime_cs) - begin)) cs: $out"
    expect_eq $status 4 "exit status of $*"
    expect_match "$out" "$away" "what is said"
    [ $(($(uptime_cs) - begin)) -lt $((1000 + 500 * PATIENCE)) ] || fail "$* took longer than 10 seconds"
}
in_time xl-scsi attach g1 "$c" 0:0:2:0 &
attach=$!
# The guest answers, and the vhost stays at 7 until a daemon has settled it.
wait_until 10 "[ \"\$(xenstore-read $be/state /local/domain/$id/device/vscsi/0/state | tr -d '\n')\" = 77 ]" "the guest answers"
in_time xl-scsi detach g1 0:0:1:0
wait $attach || fail "the attach"
expect_eq "$(xenstore-read "$be/state")" 7 "state of the vhost"

note "the next daemon goes on"
daemon_start
expect_ok xl-scsi attach g1 "$c" 0:0:2:0
has g1 0:0:0:0 0:0:1:0 0:0:2:0
for vdev in 0:0:0:0 0:0:1:0 0:0:2:0; do expect_ok xl-scsi detach g1 $vdev; done
