#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The number of xenstore calls of one attach and one detach does not grow with the number of other guests.
. "${top_srcdir:-.}/tests/mock-lib.sh"
. "${top_srcdir:-.}/tests/toolstack-lib.sh"
mock_start
scsi() { "$BUILD/xl-scsi" "$1" --run-dir "$RUN_DIR" "${@:2}"; }
# guests FIRST LAST: each with four devices, as another tool wrote them.
guests() {
    local d l back front nodes
    for ((d = $1; d <= $2; d++)); do
        guest_create $d
        back=$BACKEND/$d/0 front=/local/domain/$d/device/vscsi/0 nodes=()
        for l in 0 1 2 3; do
            nodes+=("$back/vscsi-devs/dev-$l/p-dev" "naa.5000c500$(printf %07x%x $d $l)"
                "$back/vscsi-devs/dev-$l/v-dev" "0:0:0:$l" "$back/vscsi-devs/dev-$l/state" 4)
        done
        xs_write "${nodes[@]}" "$front/backend" "$back" "$front/backend-id" 0 "$front/state" 4 "$back/frontend" "$front" \
            "$back/frontend-id" $d "$back/online" 1 "$back/feature-host" 0 "$back/state" 4
    done
}
calls() { mock_ctl calls | awk '{ n += $2 } END { print n }'; }
# cost COMMAND...: the calls that it makes, in $COST. With -n, xl-scsi alone makes them; without, the peers answer, and
# how often they look is chance.
cost() {
    local before i n
    COST=""
    # A transaction that meets another one is run again: the least of three is what it costs.
    for i in 1 2 3; do
        before=$(calls)
        "$@" >"$DIR/out" || fail "$*"
        n=$(($(calls) - before))
        [ -n "$COST" ] && [ "$COST" -le $n ] || COST=$n
    done
}
both() { scsi attach 900 /dev/nosuch1 0:0:0:1 && scsi detach 900 0:0:0:1; }
# costs: of an attach and a detach that write nothing, and of both as they are.
costs() {
    cost scsi attach -n 900 /dev/nosuch1 0:0:0:1
    DRY=$COST
    cost scsi detach -n 900 0:0:0:0
    DRY_DETACH=$COST
    cost both
}

guest_create 900 web
peers 900
step "few guests"
guests 1 5
scsi attach 900 /dev/nosuch0 0:0:0:0 || fail "attach"
costs
few="$DRY $DRY_DETACH"

step "many guests: the first attach reads, once, what other tools have made"
guests 6 65
scsi attach 900 /dev/nosuch1 0:0:0:1 || fail "attach"
scsi detach 900 0:0:0:1 || fail "detach"

step "... and the next ones cost what they cost with few"
costs
echo "calls of attach and detach with -n: $few with 5 guests, $DRY $DRY_DETACH with 65; of both as they are: $COST"
check_eq "$DRY $DRY_DETACH" "$few" "calls with 65 guests"
[ "$DRY" -le 80 ] || fail "an attach that writes nothing makes $DRY calls"
[ "$COST" -le 1500 ] || fail "an attach and a detach make $COST calls"

step "what another tool has given is in use, whichever guest has it"
refuses 5 'p-dev naa.5000c50000000413 is in use: it is 0:0:0:3 of guest guest65 .domain 65.; option force' \
    scsi attach 900 naa.5000c50000000413 0:0:0:7
refuses 5 'is in use: it is 0:0:0:0 of this guest' scsi attach 900 /dev/nosuch0 0:0:0:7

step "... until its nodes are gone; a name in the index is only a hint"
guest_destroy 65
xenstore-rm $BACKEND/65
scsi attach 900 naa.5000c50000000413 0:0:0:7 || fail "attach of what nobody has any more"
scsi detach 900 0:0:0:7 || fail "detach"

step "a domain number that is used again by another tool's guest"
guests 65 65
refuses 5 'is in use: it is 0:0:0:3 of guest guest65' scsi attach 900 naa.5000c50000000413 0:0:0:7

step "a dry run writes nothing, into the index neither, and sees what is in use"
guests 66 66
before=$(xenstore-ls -f /)
refuses 5 'is in use: it is 0:0:0:1 of guest guest66' scsi attach -n 900 naa.5000c50000000421 0:0:0:7
scsi attach -n 900 /dev/nosuch9 0:0:0:7 >/dev/null || fail "attach -n"
check_eq "$(xenstore-ls -f /)" "$before" "the store after a dry run"

step "two at once for one device: one gets it"
guest_create 901 db
peers 901
for i in 1 2 3; do
    scsi attach -w 900 /dev/same$i 0:0:1:$i >"$DIR/a" 2>&1 &
    a=$!
    scsi attach -w 901 /dev/same$i 0:0:1:$i >"$DIR/b" 2>&1 &
    b=$!
    got=0
    wait $a && got=$((got + 1))
    wait $b && got=$((got + 1))
    [ $got -le 1 ] || fail "both have /dev/same$i"
    [ "$(cat "$DIR/a" "$DIR/b" | grep -c 'is in use')" = 1 ] || fail "nobody was refused: $(cat "$DIR/a" "$DIR/b")"
done
