#!/bin/bash
# One daemon for one set of nodes: the second says so and leaves the first alone.
# shellcheck source=tests/mock-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/mock-lib.sh"

mock_start
daemon_start
guest_create 1
disk a 8
attach 1 "$DISK" 0:0:0:0 --no-wait
front_start g 1
front g "wait-dev 0:0:0:0 4"
second() { "$BUILD/pvscsid" --foreground --standalone "$SOCK" --run-dir "$RUN_DIR" --config /dev/null; }
refuses 1 'another pvscsid' second
refuses 1 'another pvscsid' second
front g "inquiry 0:0:0:0"
"$BUILD/pvscsictl" --run-dir "$RUN_DIR" status >/dev/null || fail "the first does not answer any more"
front_stop g

step "after a kill -9 nothing stale stands in the way"
daemon_kill
daemon_start
