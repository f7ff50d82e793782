# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# After mock-lib.sh: a backend and a guest that are states only (tests/fake-peers.c), for xl-scsi's tests.

PEERS_PID=""
# peers DOMID [as fake-peers]: replaces those that were there; none with "off".
peers() {
    if [ -n "$PEERS_PID" ]; then
        kill "$PEERS_PID"
        wait "$PEERS_PID" 2>/dev/null
        PEERS_PID=""
    fi
    [ "$1" != off ] || return 0
    rm -f "$LOGS/peers" # "ready" of the last one
    "$BUILD/fake-peers" "$@" >"$LOGS/peers" 2>&1 &
    PEERS_PID=$!
    wait_until 25 grep -q ready "$LOGS/peers"
}
[ -x "$BUILD/fake-peers" ] || skip "$BUILD/fake-peers is not built"
# Ends the peers whatever comes; mock-lib's own end follows.
peers_status=0
trap 'peers_status=$?; [ -z "$PEERS_PID" ] || kill "$PEERS_PID"; (exit $peers_status); finish' EXIT

# All of a guest's vscsi nodes, on both sides.
nodes() { xenstore-ls -f /local/domain | grep -E "^/local/domain/(0/backend/vscsi/$1|$1/device/vscsi)" || true; }
# no_nodes DOMID WHAT
no_nodes() { check_eq "$(nodes "$1")" "" "nodes that are left $2"; }
