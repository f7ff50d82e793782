#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Each node that the daemon reads gets each kind of wrong value. The value is refused or ignored, and everything else
# works.
# shellcheck source=tests/mock-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/mock-lib.sh"

mock_start
daemon_start
guest_create 1
guest_create 2
disk good 4
attach 2 "$DISK" 0:0:0:0 --no-wait
front_start good 2
front good "wait-dev 0:0:0:0 4"
disk a 4

digits=$(printf '9%.0s' $(seq 2048))
nonsense=("" " " "-1" "+1" "0x1" "1 " " 1" "4294967296" "18446744073709551617" "$digits" "x" "1.5" $'1\n' "%s%n")

back=$BACKEND/1/0
front_dir=/local/domain/1/device/vscsi/0

# A vhost by hand, every node right.
nodes() {
    xenstore-rm "$back" 2>/dev/null
    xenstore-rm "$front_dir" 2>/dev/null
    xenstore-write "$front_dir/backend" "$back" "$front_dir/backend-id" 0 "$front_dir/state" 1 \
        "$back/frontend" "$front_dir" "$back/frontend-id" 1 "$back/online" 1 "$back/feature-host" 0 \
        "$back/vscsi-devs/dev-0/p-dev" "file:$DISK" "$back/vscsi-devs/dev-0/v-dev" 0:0:0:0 \
        "$back/vscsi-devs/dev-0/state" 1
    xenstore-chmod "$front_dir" n1 r0 2>/dev/null
    for node in "$front_dir" "$front_dir/state" "$front_dir/backend" "$front_dir/backend-id"; do
        xenstore-chmod "$node" n1 r0
    done
}
alive() {
    "$BUILD/pvscsictl" --run-dir "$RUN_DIR" status >/dev/null || fail "the daemon does not answer after $1"
}

step "the backend's nodes, before the vhost appears"
for node in frontend frontend-id online feature-host vscsi-devs/dev-0/p-dev vscsi-devs/dev-0/v-dev \
    vscsi-devs/dev-0/state; do
    for value in "${nonsense[@]}"; do
        nodes
        xenstore-write "$back/$node" "$value"
        xenstore-write "$back/state" 1
        xenstore-write "$front_dir/state" 3 "$front_dir/ring-ref" 8 "$front_dir/event-channel" 1
    done
    alive "$node"
done

step "the backend's state, and nodes of a vhost that exists"
nodes
xenstore-write "$back/state" 1
wait_until 25 xs_is "$back/state" 2
for value in "${nonsense[@]}" 0 5 6 8 9 99; do xenstore-write "$back/state" "$value"; done
for value in "${nonsense[@]}" 0 2 3 4 5 6 7 8; do xenstore-write "$back/vscsi-devs/dev-0/state" "$value"; done
for value in "${nonsense[@]}"; do xenstore-write "$back/online" "$value"; done
alive "state"

step "the frontend's nodes"
for node in state ring-ref event-channel protocol backend backend-id vscsi-devs/dev-0/state; do
    for value in "${nonsense[@]}" 0 1 2 3 7 8 2147483647 4294967295; do
        xenstore-write "$front_dir/$node" "$value" "$front_dir/state" 3
    done
    alive "$node of the frontend"
done

step "nodes are removed one by one, then all at once"
for node in frontend frontend-id online vscsi-devs/dev-0/p-dev vscsi-devs/dev-0/v-dev vscsi-devs/dev-0/state \
    vscsi-devs/dev-0 vscsi-devs; do
    nodes
    xenstore-write "$back/state" 1
    xenstore-rm "$back/$node"
done
alive "vanishing nodes"

step "names that are no numbers, devices that are no devices"
xenstore-write "$BACKEND/x/0/state" 1 "$BACKEND/1/y/state" 1 "$BACKEND/99999999999/0/state" 1 \
    "$BACKEND/1/4294967296/state" 1 "$BACKEND/-1/0/state" 1 "$back/vscsi-devs/z/state" 1
for i in $(seq 300); do printf '%s\n' "$back/vscsi-devs/dev-$i/state"; done | while read -r node; do
    xenstore-write "$node" 1
done
alive "strange names"
for junk in x 99999999999 -1 1; do xenstore-rm "$BACKEND/$junk"; done
xenstore-rm "$front_dir"

step "after all this the same guest gets its disk, and the other guest was not disturbed"
wait_until 25 xs_gone "$back"
attach 1 "$DISK" 0:0:0:0 --no-wait
front_start g 1
front g "wait-dev 0:0:0:0 4"
front g "write 0:0:0:0 0 8 seed=1"
front g "verify 0:0:0:0 0 8 seed=1"
front good "load 0:0:0:0 rw=mix verify depth=4 count=500"
[ "$(wc -l <"$LOGS/pvscsid")" -lt 2000 ] || fail "$(wc -l <"$LOGS/pvscsid") lines of log"
front_stop g
front_stop good
