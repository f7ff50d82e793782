#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A guest that sends events without requests is slowed down. Another guest is not.
# shellcheck source=tests/mock-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/mock-lib.sh"

mock_start
daemon_start
for domid in 1 2; do
    guest_create $domid
    disk d$domid 8
    attach $domid "$DISK" 0:0:0:0 --no-wait
    front_start g$domid $domid
    front g$domid "wait-dev 0:0:0:0 4"
    [ $domid = 1 ] && noisy=$(one_worker)
done
before=$(cut -d' ' -f1 "/proc/$noisy/schedstat")
front_tell g1 "bad events count=40000 interval=50"
front g2 "load 0:0:0:0 rw=read depth=1 bs=4k seconds=2"
front_answer g1 || fail "events: $ANSWER"
seconds=$(sed -n 's/.* in \([0-9]*\)\..*/\1/p' <<<"$ANSWER")
after=$(cut -d' ' -f1 "/proc/$noisy/schedstat")
used=$((after - before))
echo "the worker used $((used / 1000)) us of CPU in ${seconds} s of events"
[ "$seconds" -ge 1 ] || fail "the events were over too soon to measure"
[ "$used" -lt $((seconds * 50000000)) ] || fail "that is more than 5 % of a core"

step "and is served at once when it has work again"
front g1 "load 0:0:0:0 rw=read depth=4 bs=4k seconds=1"
front_stop g1
front_stop g2
