#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# pvscsictl events tells of attach, detach, errors, refused commands, dead workers and the daemon's restart. A follower
# that does not read holds nobody up, and learns how many events it has lost.
# shellcheck source=tests/mock-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/mock-lib.sh"

# follow NAME [OPTION...]: its lines are in $DIR/NAME, its process is $FOLLOWER.
follow() {
    "$BUILD/pvscsictl" --run-dir "$RUN_DIR" "${@:2}" events >"$DIR/$1" 2>&1 &
    FOLLOWER=$!
    wait_until 25 grep -q following "$DIR/$1"
}
# happens ERE: the text says so, after the time.
happens() { wait_until 25 grep -Eq "^20[0-9-]+T[0-9:]+\.[0-9]{3}Z $1" "$DIR/text"; }
# refuse_many NAME: the guest tries a hundred opcodes that the policy refuses.
refuse_many() {
    local opcode
    for opcode in $(seq 32 95) $(seq 192 255); do
        front_try "$1" "raw 0:0:0:0 in 0 $(printf %x "$opcode") 0 0 0 0 0 0 0 0 0" >/dev/null
    done
}

mock_start
daemon_start
follow text
text=$FOLLOWER
follow json --json
json=$FOLLOWER
happens 'following  : pvscsid [0-9.]+, pid '"$DAEMON_PID"'$'

step "a guest gets a device"
guest_create 1 web
disk a 8
attach 1 "$DISK" 0:0:0:0 --no-wait
front_start g 1
front g "wait-dev 0:0:0:0 4"
front g "load 0:0:0:0 rw=write bs=4k count=10"
happens 'attach      web \(1\) 0:0:0:0 dev-0: '
happens 'connect     web \(1\): the ring is connected$'

step "commands that fail, or that the policy refuses"
front g "expect 00/02/5/21/00 raw 0:0:0:0 in 512 28 0 0 1 0 0 0 0 1 0"
happens 'error       web \(1\) 0:0:0:0 dev-0: Read\(10\): illegal request: .*\(05/21/00\)$'
front g "expect 00/02/5/20/00 raw 0:0:0:0 in 0 3b 2 0 0 0 0 0 0 0 0"
happens 'refused     web \(1\) 0:0:0:0 dev-0: Write buffer.* \(3bh\) is refused by the command policy$'

step "a device that cannot be opened"
xl_scsi attach --no-wait 1 "file:$DIR/none.img" 0:0:1:0 >/dev/null 2>&1
happens 'error       web \(1\) 0:0:1:0 dev-1: it cannot be used: .*No such file'

step "a worker dies, then the daemon is restarted"
kill -KILL "$(one_worker)"
happens 'restart     web \(1\): the worker died: signal 9 \(Killed\); a new one is started$'
happens 'connect     web \(1\): a new worker goes on with the ring$'
daemon_stop
happens 'daemon-away: pvscsid has ended'
daemon_start
happens 'restart    : pvscsid was restarted$'
happens 'following  : pvscsid [0-9.]+, pid '"$DAEMON_PID"'$'

step "a follower that does not read"
kill -STOP "$text"
refuse_many g
for guest in 2 3; do
    guest_create $guest
    disk $guest 8
    attach $guest "$DISK" 0:0:0:0 --no-wait
    front_start g$guest $guest
    front g$guest "wait-dev 0:0:0:0 4"
    refuse_many g$guest
done
front g "load 0:0:0:0 rw=write bs=4k count=10"
wait_until 25 grep -q '"guest":"guest3".*"text":".*(ffh) is refused' "$DIR/json"
check_eq "$(grep -c '"lost"' "$DIR/json")" 0 "what a follower that reads has lost"
kill -CONT "$text"
happens 'lost       : [0-9]+ events, because they were not read in time$'
happens 'refused     guest3 \(3\) 0:0:0:0 dev-0: .*\(ffh\)'

step "the guest returns the device"
front_stop g
happens 'disconnect  web \(1\): '
guest_destroy 1
happens 'detach      web \(1\) 0:0:0:0 dev-0: '
check_eq "$(grep -c 'attach      web (1) 0:0:0:0' "$DIR/text")" 1 "attaches of one device"
front_stop g2
front_stop g3

step "each line of JSON is an object"
if command -v python3 >/dev/null; then
    python3 - "$DIR/json" <<'PYTHON' || fail "$(cat "$DIR/json")"
import json, sys
with open(sys.argv[1]) as file:
    events = [json.loads(line) for line in file]
attach = [e for e in events if e["event"] == "attach"]
for e in events:
    assert e["time"].endswith("Z") and e["event"], e
assert attach[0]["guest"] == "web" and attach[0]["domid"] == 1 and attach[0]["vdev"] == "0:0:0:0", attach
assert attach[0]["dev"] == "dev-0" and attach[0]["pdev"].startswith("file:") and attach[0]["vhost"] == 0, attach
PYTHON
fi

step "a follower ends when it is told to"
kill "$json" "$text"
wait "$json" 2>/dev/null
wait "$text" 2>/dev/null
check_eq $? 143 "its exit status"
