#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# xl-scsi set changes options of a device that a guest uses: they hold for its next command, for the next worker, for
# the next daemon, and for the guest's next domain. What is refused, or gets no answer, changes nothing.
# shellcheck source=tests/mock-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/mock-lib.sh"

export FAKE_HYP=$DIR/hyp
mkdir "$FAKE_HYP"
uuid=6a7e3f2c-0b4d-4c5e-9f10-2a3b4c5d6e7f
json=$FAKE_HYP/userdata-d.1.$uuid.libxl-json
echo "$uuid" >"$FAKE_HYP/1.uuid"
echo 0 >"$FAKE_HYP/1"
echo 1 >"$FAKE_HYP/pvscsid"
echo '{ "c_info": { "name": "web" } }' >"$json"
scsi() { "$BUILD/xl-scsi-fake-hyp" "$1" --run-dir "$DIR/locks" "${@:2}"; }
sets() { scsi set 1 0:0:0:0 "$@" >"$DIR/out" 2>&1 || fail "xl-scsi set $*: $? $(cat "$DIR/out")"; }
noted() {
    check_match "$(tr -d ' \n\0' <"$json" | sed "s/,unit=[^\",]*//")" "\"pvscsi/0\":\"file:$DISK,0:0:0:0$1\"" "what is noted for a reboot"
}
# sets_late CHANGE...: begins while there is no daemon that answers.
sets_late() {
    before=$(xs_read "$DEV/change")
    scsi set -t 20 1 0:0:0:0 "$@" >"$DIR/late" 2>&1 &
    late=$!
    wait_until 25 asked
}
asked() { [ "$(xs_read "$DEV/change")" -gt "$before" ]; }
late_fails() { # STATUS ERE
    wait "$late"
    check_eq "$?" "$1" "the exit status of the change"
    check_match "$(cat "$DIR/late")" "$2" "what it says"
}
# The options of the device, as nodes.
options() {
    xenstore-ls -f "$DEV" | sed -nE "s,^$DEV/(readonly|pr|pr-move|pr-force|allow|deny|third-party-copy) = \"(.*)\",\1=\2,p" |
        LC_ALL=C sort | tr '\n' ' '
}
DEV=$BACKEND/1/0/vscsi-devs/dev-0
write="raw 0:0:0:0 none 0 2a 0 0 0 0 0 0 0 0 0"
changed="expect 00/02/6/2a/01 raw 0:0:0:0 none 0 0 0 0 0 0 0"
protected="expect 00/02/7/27/00 $write"
writable="expect 00/00 $write"
reserve="raw 0:0:0:0 in 8 5e 0 0 0 0 0 0 0 8 0" # PERSISTENT RESERVE IN, READ KEYS

mock_start
daemon_start
guest_create 1 web
disk a 8
scsi attach --no-wait 1 "file:$DISK" 0:0:0:0 >>"$LOGS/xl-scsi" 2>&1 || fail "attach: $(cat "$LOGS/xl-scsi")"
front_start g 1
front g "wait-dev 0:0:0:0 4"
front g "expect 00/02/6/29/00 raw 0:0:0:0 none 0 0 0 0 0 0 0"
front g "$writable"

step "readonly comes and goes"
sets readonly=1
check_eq "$(grep -v '^xl-scsi: note: the service' "$DIR/out")" "" "what is said"
front g "$changed"
front g "$protected"
xs_is "$DEV/changed" 1 || fail "the answer: $(xs_read "$DEV/changed")"
check_match "$(scsi list --json 1 | tr -d '\n')" '"readonly":true' "what list says"
noted ",readonly"
sets readonly=0
front g "$changed"
front g "$writable"
noted ""

step "reservations and commands"
sets pr=deny deny=42+2a
front g "expect 00/02/5/20/00 $reserve"
front g "expect 00/02/5/20/00 $write"
check_eq "$(options)" "deny=42+2a pr=deny " "nodes"
noted ",pr=deny,deny=42\\+2a"
sets deny=none
front g "$writable"
check_eq "$(options)" "pr=deny " "nodes"

step "limits"
sets iops=20 burst=1
begin=$(date +%s%N)
front g "load 0:0:0:0 rw=read bs=4k count=50"
[ $(($(date +%s%N) - begin)) -ge 1400000000 ] || fail "50 commands took less than 1.4 s"
noted ",pr=deny,iops=20,burst=1"
refuses 3 "option 'burst=' without a limit: give iops= or bps= too" scsi set 1 0:0:0:0 iops=none burst=5
check_eq "$(xs_read "$DEV/iops") $(xs_read "$DEV/burst")" "20 1" "the nodes after a refusal"
sets iops=none
check_eq "$(xs_read "$DEV/iops")$(xs_read "$DEV/burst")" "" "the nodes"
noted ",pr=deny"

step "what a list shows of them, with what is noted for the guest's next start"
cp "$json" "$DIR/noted"
sed -i 's/0:0:0:0,pr=deny/&,optional/' "$json"
check_match "$(scsi list -l 1)" $'\n    options pr=deny,optional\n' "the long list"
check_match "$(scsi list -j 1)" '"need":"optional"' "JSON"
cp "$DIR/noted" "$json"
check_match "$(scsi list -j 1)" '"need":null' "JSON of a device that is neither"

step "what is refused changes nothing"
sets readonly=1
front g "$changed"
refuses 3 'the backend does not change device 0:0:0:0: the guest.s worker got no way to the PR helper' \
    scsi set 1 0:0:0:0 readonly=0 pr=helper
front g "$protected"
check_eq "$(options)" "pr=deny readonly=1 " "nodes"
noted ",readonly,pr=deny"
refuses 2 "option 'pr=off': expected pr=auto" scsi set 1 0:0:0:0 pr=off
refuses 2 "option 'feature-host' cannot change while the guest has the device" scsi set 1 0:0:0:0 feature-host=1
refuses 2 "unknown option 'writable=1': expected one of readonly=0\|1" scsi set 1 0:0:0:0 writable=1
refuses 2 'wrong number of arguments' scsi set 1 0:0:0:0
refuses 1 'domain 1 has no device 0:0:0:5 \(it has 0:0:0:0\)' scsi set 1 0:0:0:5 readonly=1
refuses 1 "domain '7' does not exist" scsi set 7 0:0:0:0 readonly=1
check_match "$(scsi set -n 1 0:0:0:0 readonly=0 pr=direct)" 'pr = "direct"' "--dry-run"
check_eq "$(options)" "pr=deny readonly=1 " "nodes after --dry-run"

step "a file that another guest may write"
guest_create 2 other
scsi attach --no-wait 2 "file:$DISK" 0:0:0:0 >>"$LOGS/xl-scsi" 2>&1 || fail "attach: $(tail -n 1 "$LOGS/xl-scsi")"
refuses 5 "p-dev file:$DISK is in use: it is 0:0:0:0 of guest other \(domain 2\); make it readonly there first, or detach it here and attach it again with option force" \
    scsi set 1 0:0:0:0 readonly=0
check_eq "$(options)" "pr=deny readonly=1 " "nodes"
scsi set 2 0:0:0:0 readonly=1 >>"$LOGS/xl-scsi" 2>&1 || fail "the only writer: $(tail -n 1 "$LOGS/xl-scsi")"
sets readonly=0
sets readonly=1
front g "$changed"
detach 2 0:0:0:0

step "a worker that dies, and a daemon that is started again"
worker=$(one_worker)
kill -KILL "$worker"
new_worker() { [ "$(one_worker)" != "$worker" ]; }
wait_until 25 new_worker
front g "$protected"
daemon_stop
sets_late readonly=0 pr-move=1
daemon_start
wait "$late" || fail "a change while the daemon was away: $? $(cat "$DIR/late")"
front g "$writable"
noted ",pr=deny,pr-move"

step "a daemon that does not answer"
kill -STOP "$DAEMON_PID"
faults 'transaction-end@0 2 EAGAIN' >/dev/null # the nodes are put back at the second try
refuses 4 'time-out: the backend did not answer: is pvscsid running there, and no older than xl-scsi' \
    scsi set -t 1 1 0:0:0:0 readonly=1
check_match "$(mock_ctl faults)" 'fired 1' "the conflict"
check_eq "$(options)" "pr-move=1 pr=deny " "nodes"

step "a device that changes meanwhile"
sets_late readonly=1
refuses 4 "time-out: another xl-scsi is changing this guest's devices all the time; try again" \
    scsi set -t 1 1 0:0:0:0 readonly=0
faults 'transaction-end@0 1 ENOSPC' >/dev/null
xs_write "$DEV/state" 6
late_fails 3 'device 0:0:0:0 is in state 6 \(Closed\): expected one .*; xenstore keeps the new options, because .*No space'
faults >/dev/null
check_eq "$(options)" "pr-move=1 pr=deny readonly=1 " "nodes that are not put back"
xs_write "$DEV/state" 4
xenstore-rm "$DEV/readonly"
sets_late readonly=1
xs_write "$DEV/v-dev" 0:0:0:7
late_fails 1 'domain 1 has no device 0:0:0:0 any more'
check_eq "$(options)" "pr-move=1 pr=deny " "nodes"
xs_write "$DEV/v-dev" 0:0:0:0
kill -CONT "$DAEMON_PID"
sets pr-move=0 # after what was put back
front g "$writable"
noted ",pr=deny"

step "the guest's next domain"
sets readonly=1
entry=$(sed -n 's/.*"pvscsi\/0": *"\(.*\)".*/\1/p' "$json")
front_stop g
guest_destroy 1
nothing_left 1
guest_create 1 web
xs_write /local/domain/1/pvscsi/0 "$entry"
"$BUILD/xl-scsi" resume -t 90 --run-dir "$DIR/locks" web >>"$LOGS/resume" 2>&1 &
resume=$!
wait_until 25 xs_is "$DEV/state" 3
front_start g 1
front g "wait-dev 0:0:0:0 4"
wait "$resume" || fail "xl-scsi resume: $? $(cat "$LOGS/resume")"
front g "expect 00/02/6/29/00 raw 0:0:0:0 none 0 0 0 0 0 0 0"
front g "$protected"

step "a device that is gone"
scsi detach 1 0:0:0:0 >>"$LOGS/xl-scsi" 2>&1 || fail "detach: $(tail -n 1 "$LOGS/xl-scsi")"
refuses 1 'has no device 0:0:0:0 \(it has none\)' scsi set 1 0:0:0:0 readonly=0
front_stop g
daemon_stop
