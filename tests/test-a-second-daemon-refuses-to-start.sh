#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Only one daemon serves the nodes of a xenstore: a second one reports this, ends, and does not disturb the first.
# shellcheck source=tests/mock-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/mock-lib.sh"

mock_start
daemon_start
guest_create 1
disk a 8
attach 1 "$DISK" 0:0:0:0 --no-wait
front_start g 1
front g "wait-dev 0:0:0:0 4"
# second SOCKET RUN-DIR
second() { "$BUILD/pvscsid" --foreground --standalone "$1" --run-dir "$2" --config /dev/null; }
refuses 1 "^pvscsid: another pvscsid \(pid $DAEMON_PID\) is running with the run directory [^"$'\n'"]*$" second "$SOCK" "$RUN_DIR"
refuses 1 'another pvscsid' second "$SOCK" "$RUN_DIR"

step "it also refuses with another run directory, and with another path to the same xenstore"
serves="^pvscsid: another pvscsid \(pid $DAEMON_PID\) serves the nodes in this xenstore[^"$'\n'"]*$"
refuses 1 "$serves" second "$SOCK" "$DIR/other"
ln -s . "$DIR/link"
refuses 1 "$serves" second "$DIR/link/xen" "$DIR/other"
front g "inquiry 0:0:0:0"
"$BUILD/pvscsictl" --run-dir "$RUN_DIR" status >/dev/null || fail "the first does not answer any more"
front_stop g

step "after a kill -9 no stale lock prevents a start"
daemon_kill
daemon_start
