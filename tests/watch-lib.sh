# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# After toolstack-lib.sh: the service (xl-scsi watch) over a hypervisor that is a directory, and domains that libxl
# made.

[ -x "$BUILD/xl-scsi-fake-hyp" ] || skip "$BUILD/xl-scsi-fake-hyp is not built"
export FAKE_HYP=$DIR/hyp
mkdir "$FAKE_HYP"
WATCH_PID="" watch_status=0
trap 'watch_status=$?; [ -z "$WATCH_PID" ] || kill -9 "$WATCH_PID"; [ -z "$PEERS_PID" ] || kill "$PEERS_PID"; (exit $watch_status); finish' EXIT
watch_start() {
    "$BUILD/xl-scsi-fake-hyp" watch --run-dir "$RUN_DIR" -t "$1" >>"$LOGS/watch" 2>&1 &
    WATCH_PID=$!
}
watch_kill() {
    kill -KILL "$WATCH_PID"
    wait "$WATCH_PID" 2>/dev/null
    WATCH_PID=""
}
watch_stop() {
    kill -TERM "$WATCH_PID"
    wait "$WATCH_PID"
    check_eq $? 0 "exit status of the service"
    WATCH_PID=""
}
# domain ID NAME PAUSES ENTRY...: with a pause count of its own, and what libxl noted (each its own p-dev).
domain() {
    local id=$1 name=$2 i=0
    echo "$3" >"$FAKE_HYP/$1"
    shift 3
    for entry; do
        xs_write "/local/domain/$id/pvscsi/$i" "$entry"
        i=$((i + 1))
    done
    guest_create "$id" "$name"
}
pauses_are() { [ "$(cat "$FAKE_HYP/$1")" = "$2" ]; }
jobs_of() { pgrep -P "$WATCH_PID" -f "resume $1\$"; }
