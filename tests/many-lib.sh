# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# After toolstack-lib.sh (and watch-lib.sh): many guests at a time, each with played peers of its own.

MANY_PIDS=() MANY_STARTED=0
many_status=0
trap 'many_status=$?; many_end; [ -z "${WATCH_PID:-}" ] || kill -9 "$WATCH_PID"; [ -z "$PEERS_PID" ] || kill "$PEERS_PID"; (exit $many_status); finish' EXIT
many_end() {
    local pid
    for pid in ${MANY_PIDS[@]+"${MANY_PIDS[@]}"}; do
        kill "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
    done
    MANY_PIDS=()
}
# many_peers FIRST LAST [as fake-peers]: for each of these domains.
many_peers() {
    local first=$1 last=$2 d
    shift 2
    for ((d = first; d <= last; d++)); do
        "$BUILD/fake-peers" $d "$@" >>"$LOGS/many-peers" 2>&1 &
        MANY_PIDS+=($!)
    done
    MANY_STARTED=$((MANY_STARTED + last - first + 1))
    # shellcheck disable=SC2016
    wait_until 60 eval '[ "$(grep -c ready "$LOGS/many-peers")" = $MANY_STARTED ]'
}
# many_guests FIRST LAST: these domains have four devices each, as another tool wrote them.
many_guests() {
    local d l back front nodes=()
    for ((d = $1; d <= $2; d++)); do
        back=$BACKEND/$d/0 front=/local/domain/$d/device/vscsi/0
        for l in 0 1 2 3; do
            nodes+=("$back/vscsi-devs/dev-$l/p-dev" "naa.5000c500$(printf %07x%x $d $l)"
                "$back/vscsi-devs/dev-$l/v-dev" "0:0:0:$l" "$back/vscsi-devs/dev-$l/state" 4)
        done
        nodes+=("$front/backend" "$back" "$front/backend-id" 0 "$front/state" 4 "$back/frontend" "$front"
            "$back/frontend-id" "$d" "$back/online" 1 "$back/feature-host" 0 "$back/state" 4)
        # Many nodes in one write, but not more than fit into a command.
        if [ $((d % 10)) = 0 ] || [ $d = "$2" ]; then
            xs_write "${nodes[@]}"
            nodes=()
        fi
    done
}
# in_state_4 FIRST LAST: how many devices of these domains are in state 4.
in_state_4() {
    local from=$BACKEND
    [ "$1" != "$2" ] || from=$BACKEND/$1
    xenstore-ls -f "$from" | awk -F/ -v first="$1" -v last="$2" \
        '$7 >= first && $7 <= last && $9 == "vscsi-devs" && $11 == "state = \"4\"" { n++ } END { print n + 0 }'
}
# each_guest FIRST LAST COMMAND...: waits for each of these domains until the command, given its number, succeeds.
each_guest() {
    local first=$1 last=$2 d
    shift 2
    for ((d = first; d <= last; d++)); do wait_until 120 "$@" $d; done
}
# has_in_state_4 N DOMID
has_in_state_4() { [ "$(in_state_4 "$2" "$2")" = "$1" ]; }
