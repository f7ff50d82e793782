#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# systemd's watchdog: the main loop sends WATCHDOG=1 for as long as it goes round, and only then. Workers do not send.
. "$(dirname "$0")/mock-lib.sh"
[ -x /usr/bin/python3 ] || skip "/usr/bin/python3 is not installed (tools/install-deps installs it)"

# What the service manager is: a socket, and a line in $DIR/said for each message, with its sender.
cat >"$DIR/manager.py" <<'PY'
import os, socket, struct, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
s.bind(sys.argv[1] + "/notify")
said = open(sys.argv[1] + "/said", "w", buffering=1)
while True:
    text, controls, _, _ = s.recvmsg(4096, socket.CMSG_SPACE(12))
    pid = [struct.unpack("3i", c[2])[0] for c in controls if c[1] == socket.SCM_CREDENTIALS]
    said.write("%d %s\n" % (pid[0], text.decode().replace("\n", " ")))
PY
/usr/bin/python3 "$DIR/manager.py" "$DIR" &
MANAGER=$!
trap 'kill $MANAGER 2>/dev/null; finish' EXIT
wait_until 10 test -S "$DIR/notify"
said() { grep -c "^$1\$" "$DIR/said"; }
# more N TEXT: it was said more often than N times.
more() { [ "$(said "$2")" -gt "$1" ]; }

step "without a watchdog the daemon says when it serves, and no more"
mock_start
export NOTIFY_SOCKET=$DIR/notify
daemon_start
first=$DAEMON_PID
wait_until 10 more 0 "$first READY=1.*"
daemon_stop
wait_until 10 more 0 "$first STOPPING=1"
check_eq "$(said '.*WATCHDOG=1.*')" 0 "heart-beats"

step "with one it beats"
export WATCHDOG_USEC=300000
daemon_start
unset WATCHDOG_USEC NOTIFY_SOCKET
beat="$DAEMON_PID WATCHDOG=1"
guest_create 1
disk a 8
attach 1 "$DISK" 0:0:0:0 --no-wait
wait_until 10 one_worker
wait_until 10 more $(($(said "$beat") + 3)) "$beat"
! tr '\0' '\n' <"/proc/$(one_worker)/environ" | grep '^WATCHDOG_' || fail "a worker has the watchdog's environment"

step "a loop that is held up in xenstored does not"
hung() { mock_ctl faults | grep -q 'hang.* fired [1-9]'; }
mock_ctl fault "directory:$BACKEND* 1 hang *" >/dev/null || fail "cannot add the fault"
# Any change below the node makes the daemon read it again.
xs_write "$BACKEND/1/0/vscsi-devs/poke" 1
wait_until 10 hung
before=$(said "$beat")
sleep 1
[ "$(said "$beat")" -le $((before + 1)) ] || fail "it beats while its loop is held up"
faults
daemon_kill
check_eq "$(grep -cv "^\($first\|${beat%% *}\) " "$DIR/said")" 0 "messages of others"
