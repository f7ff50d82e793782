#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Workers grant buffers to their own domain as far as the budget goes, and give them back at a disconnect and when they
# die. The data is right with granted buffers, without, and with both.
# shellcheck source=tests/mock-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/mock-lib.sh"

# granted DOMID: KiB of granted buffers of the guest's worker, as status tells; 0 when it has none. "[0-9]*": of all
# together.
granted() {
    "$BUILD/pvscsictl" --run-dir "$RUN_DIR" status |
        sed -n "s/^  guest $1 vhost .*, \([0-9]*\) KiB of granted buffers.*/\1/p" |
        awk '{ n += $1 } END { print n + 0 }'
}
has() { [ "$(granted "$1")" = "$2" ]; }
has_at_least() { [ "$(granted "$1")" -ge "$2" ]; }
# 146 pages.
within_budget() {
    local all
    all=$(granted '[0-9]*')
    [ "$all" -le 584 ] || fail "together $all KiB, more than 584"
}
loads() {
    front "$1" "load 0:0:0:0 rw=mix depth=4 bs=60k verify count=300"
    front "$1" "load 0:0:0:0 rw=mix depth=2 bs=300k verify count=50"
}

mock_start
# Room for one large buffer and one small one, or eight small ones.
daemon_start --granted-pages 146
for guest in 1 2; do
    guest_create $guest
    disk "d$guest" 16
    attach $guest "$DISK" 0:0:0:0 --no-wait
    front_start g$guest $guest
    front g$guest "wait-dev 0:0:0:0 4"
done
step "the first guest takes what it needs"
loads g1
# A small one has 68 KiB, a large one 516 KiB. The guest uses four at a time.
wait_until 25 has_at_least 1 136
within_budget

step "the second guest has the rest, and its data is right"
loads g2
within_budget

step "a worker that dies gives all back, and its successor takes it again"
for _ in 1 2 3 4 5 6; do
    for pid in $(workers); do kill -KILL "$pid"; done
    loads g2
    loads g1
    within_budget
done

step "a guest that disconnects gives all back"
front_stop g1
wait_until 25 has 1 0
loads g2
# All is free for it.
wait_until 25 has_at_least 2 136
front_stop g2
daemon_stop

step "without a budget all goes by way of plain memory"
daemon_start --granted-pages 0
front_start g2 2
front g2 "wait-dev 0:0:0:0 4"
loads g2
check_eq "$(granted 2)" 0 "without a budget"
front_stop g2
