# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: the PR helper absent, killed, restarted and hung: each costs the command that it hits, and no other I/O
# timeout: 420
# guests: kept
need_project
SOCKET=/run/qemu-pr-helper.sock
helper_start() {
    qemu-pr-helper -k $SOCKET &
    HELPER=$!
}
helper_kill() { # SIGNAL
    local i=0
    kill "-$1" $HELPER
    # On SIGTERM it first ends what it works on. Sometimes it does not end at all.
    while [ -e /proc/$HELPER/exe ] && [ $i -lt 100 ]; do
        sleep 0.1
        i=$((i + 1))
    done
    if [ -e /proc/$HELPER/exe ]; then
        note "the helper does not end on SIG$1; worker: $(cut -d' ' -f3,14,15 "/proc/$(worker_pids | head -n 1)/stat")"
        sleep 2
        note "worker: $(cut -d' ' -f3,14,15 "/proc/$(worker_pids | head -n 1)/stat")"
        kill -KILL $HELPER
    fi
    wait $HELPER 2>/dev/null
}
helper_is() { pvscsictl status | grep -q "pr-helper:$1"; }

lio_two_initiators 32
daemon_start --pr=helper --pr-deadline=8
guest_start g1
expect_ok xl-scsi attach g1 "$LIO_A" 0:0:0:0
guest_wait_disk g1 0:0:0:0
sg=$GUEST_SG blk=$GUEST_BLK
# pr STATUS ARGS...: sg_persist in the guest ends with this status (11: ABORTED COMMAND). TOOK: its seconds.
pr() {
    local wanted=$1 out status=0 began
    shift
    began=$(uptime_cs)
    out=$(guest_sh g1 "sg_persist -n $* $sg" 2>&1) || status=$?
    TOOK=$((($(uptime_cs) - began) / 100))
    [ "$status" = "$wanted" ] || fail "sg_persist $*: status $status, wanted $wanted: $out"
    ANSWER=$out
}
generation() { sg_persist -n --in --read-keys "$(sg_of "$LIO_B")" | sed -n 's/.*PR generation=\(0x[0-9a-f]*\).*/\1/p'; }
reserved_by() { sg_persist -n --in --read-reservation "$(sg_of "$LIO_B")" | sed -n 's/.*Key=\(0x[0-9a-f]*\).*/\1/p'; }

# --- absent
helper_is idle || fail "the helper's state before it was needed: $(pvscsictl status)"
pr 11 --out --register --param-sark=0x11
note "absent: failed after $TOOK s"
[ $TOOK -ge 4 ] || fail "no BUSY for the first 5 s: failed after $TOOK s"
[ $TOOK -le 30 ] || fail "BUSY for too long: $TOOK s"
pr 11 --in --read-keys
[ $TOOK -le 4 ] || fail "known to be absent, and still busy for $TOOK s"
helper_is away || fail "the helper's state while it is absent: $(pvscsictl status)"
guest_ok g1 "iopat mix $blk --seconds 1"

# --- it starts: noticed without a command
helper_start
wait_until 15 "helper_is connected" "the helper is found by itself"
pr 0 --out --register --param-sark=0x11
[ $TOOK -le 5 ] || fail "a register takes $TOOK s"

# --- killed: its socket file stays, and no process listens
helper_kill KILL
[ -S $SOCKET ] || fail "the socket file is gone"
wait_until 10 "helper_is away" "its end is noticed"
helper_start
wait_until 15 "helper_is connected" "the next one is found"
before=$(generation)
helper_kill KILL
# Nothing else may take a part of the 5 s: on a slow computer the helper's own start needs seconds.
(sleep 0.5; exec qemu-pr-helper -k $SOCKET) &
HELPER=$!
pr 0 --out --register --param-rk=0x11 --param-sark=0x12
note "came back within the 5 s: served after $TOOK s"
expect_eq $(($(generation))) $((before + 1)) "PR generation after one register"

# --- ended in order and started again while idle
helper_kill TERM
wait_until 10 "helper_is away" "its end is noticed"
helper_start
wait_until 10 "helper_is connected" "the new one is found"
pr 0 --out --reserve --param-rk=0x12 --prout-type=5
expect_eq "$(reserved_by)" 0x12 "the holder"

# --- hung: one command waits until the deadline, and no other does
kill -STOP $HELPER
guest_sh g1 "(sg_persist -n --in --read-reservation $sg; echo END=\$?) >/tmp/hung 2>&1 &"
sleep 0.5
guest_ok g1 "dd if=$blk of=/dev/null bs=64k count=64 iflag=direct 2>/dev/null; ! grep END= /tmp/hung"
wait_until 20 "guest_sh g1 'grep -q END= /tmp/hung'" "the end of the command that hangs"
expect_match "$(guest_sh g1 'cat /tmp/hung')" 'END=11' "what the hung command got"
kill -CONT $HELPER
pr 0 --in --read-reservation
expect_match "$ANSWER" 'Key=0x12' "after the hang"

# --- killed and restarted again and again under reservation commands and verified I/O
guest_sh g1 "(iopat mix $blk --until-file /tmp/stop --depth 8; echo END=\$?) >/tmp/io 2>&1 &
    (while [ ! -e /tmp/stop ]; do sg_persist -n --in --read-keys $sg >/dev/null 2>&1; echo in \$?
        sg_persist -n --out --register-ignore --param-sark=0x12 $sg >/dev/null 2>&1; echo out \$?
        done; echo END) >/tmp/pr 2>&1 &"
n=0
while [ $n -lt 6 ]; do
    sleep 1
    case $n in 1 | 4) helper_kill TERM ;; *) helper_kill KILL ;; esac
    sleep 0.3
    helper_start
    n=$((n + 1))
done
guest_wait_for g1 "tail -n 1 /tmp/pr | grep -q ' 0$'" 60 # a helper that stays serves again
guest_sh g1 'touch /tmp/stop'
wait_until 90 "guest_sh g1 'grep -q END /tmp/io && grep -q END /tmp/pr'" "the end of the load"
expect_match "$(guest_sh g1 'cat /tmp/io')" '^END=0' "verified I/O"
ends=$(guest_sh g1 'grep -v END /tmp/pr | sort | uniq -c | tr "\n" ";"')
note "how the commands ended: $ends"
expect_no_match "$(guest_sh g1 'cat /tmp/pr')" '(in|out) ([1-9]|1[02-9]|[2-9].)$' "a status other than good and aborted: $ends"
expect_match "$ends" '(in|out) 0' "some were served"
expect_eq "$(reserved_by)" 0x12 "the holder at the end"
expect_no_match "$(pvscsictl status)" 'restarts' "no worker was restarted"
note "$(daemon_log | grep -c 'PR helper') lines in the log"
