#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# 40 attaches at the same moment, on a host with 200 guests that have four devices each: all of them succeed.
. "${top_srcdir:-.}/tests/mock-lib.sh"
. "${top_srcdir:-.}/tests/toolstack-lib.sh"
. "${top_srcdir:-.}/tests/many-lib.sh"
GUESTS=200
# attaches: waits for all in STARTED; each must have succeeded.
attaches() {
    local d bad=""
    for d in "${!STARTED[@]}"; do
        wait "${STARTED[$d]}" || bad+="$d: status $?: $(cat "$DIR/said-$d")"$'\n'
    done
    STARTED=()
    [ -z "$bad" ] || fail "attaches that failed:"$'\n'"$bad"
}
# start KEY GUEST P-DEV V-DEV: in the background. The limit is long, because all of them share this machine's
# processors.
start() {
    "$BUILD/xl-scsi" attach --run-dir "$RUN_DIR" -t 100 "$2" "$3" "$4" >"$DIR/said-$1" 2>&1 &
    STARTED[$1]=$!
}
declare -A STARTED=()
mock_start --domains "$(seq -s, 1 $GUESTS)"
step "$GUESTS guests with four devices each"
many_guests 1 $GUESTS
many_peers 1 40

step "40 guests get a device at once: nobody has made an index of what is in use yet"
for d in {1..40}; do start "$d" "$d" "/dev/nosuch$d" 0:0:0:4; done
attaches
check_eq "$(in_state_4 1 40)" 200 "devices in state 4"

step "... and another one, in a virtual host of its own"
for d in {1..40}; do start "$d" "$d" "/dev/other$d" 1:0:0:0; done
attaches
# A guest that connects a new virtual host takes its devices after that.
each_guest 1 40 has_in_state_4 6

step "eight at once to one guest: it has them all, at different places"
for l in {1..8}; do start "$l" 7 "/dev/seven$l" "0:0:1:$l"; done
attaches
check_eq "$(in_state_4 7 7)" 14 "devices of the guest in state 4"

step "nothing of the other guests has changed"
check_eq "$(in_state_4 41 $GUESTS)" $(((GUESTS - 40) * 4)) "devices of the others in state 4"
check_eq "$(in_state_4 1 $GUESTS)" $((GUESTS * 4 + 40 + 40 + 8)) "all devices in state 4"
many_end
