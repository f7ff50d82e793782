# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the mock tests share: mock-xen, the daemon, guests and frontends in a directory of
# the test's own, with nothing left over. Source it first; it starts the test's
# clock (MOCK_TIMEOUT seconds, default 300; enough for a slow machine with other work).
#
# A test is a sequence of steps; the first that fails ends it and shows the logs. When
# it comes to its end, the daemon is stopped and everything that it held in
# mock-xen must be gone.

set -u
if [ -z "${MOCK_CLOCK:-}" ]; then
    MOCK_CLOCK=started exec timeout -k 5 "${MOCK_TIMEOUT:-300}" "$0" "$@"
fi

BUILD=${top_builddir:-.}
DIR=$(mktemp -d "${TMPDIR:-/tmp}/pvscsi-test.XXXXXX")
SOCK=$DIR/xen
LOGS=$DIR/logs
RUN_DIR=$DIR/run
mkdir "$LOGS" "$RUN_DIR"
export XENSTORED_PATH=$SOCK
# glibc fills fresh memory with this value, so that uninitialised bytes show. The sanitizers have their own way.
export MALLOC_PERTURB_=167
DAEMON_PID="" MOCK_PID="" MOCK_STATUS=""
declare -A FRONT_PID FRONT_IN FRONT_OUT

# The status is kept in a variable, because a test's own EXIT trap may run before finish and change $?.
skip() { printf 'SKIP: %s\n' "$*"; MOCK_STATUS=77; exit 77; }
fail() { printf 'FAIL: %s\n' "$*"; MOCK_STATUS=1; exit 1; }
step() { printf -- '-- %s\n' "$*"; }

for program in mock-xen pvscsid pvscsictl xl-scsi vscsi-front; do
    [ -x "$BUILD/$program" ] || skip "$BUILD/$program is not built"
done
for program in xenstore-ls xenstore-read xenstore-write xenstore-rm xenstore-exists; do
    command -v "$program" >/dev/null || skip "$program (package xenstore-utils) is not installed"
done

# --- waiting and comparing ---

# wait_until SECONDS COMMAND...: until it succeeds; fails the test otherwise. 25 seconds are right for all that
# the daemon does: they are enough for a slow machine, and what the daemon has missed it sees after 30 seconds, in its
# next look at all nodes.
wait_until() {
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -le "$end" ] || fail "time-out waiting until: $*"
        sleep 0.02
    done
}
# check_eq GOT WANTED WHAT
check_eq() { [ "$1" = "$2" ] || fail "$3: expected '$2', got '$1'"; }
# check_match TEXT ERE WHAT
check_match() { [[ $1 =~ $2 ]] || fail "$3: expected a match of '$2' in '$1'"; }
check_no_match() { [[ ! $1 =~ $2 ]] || fail "$3: expected no match of '$2' in '$1'"; }
# refuses STATUS ERE COMMAND...: exits with this status and says why, in exactly one line.
refuses() {
    refuses_at_length "$@"
    shift 2
    [[ -n $REFUSAL && $REFUSAL != *$'\n'* ]] || fail "output of '$*': expected one line, got: $REFUSAL"
}
# The same where several lines are right: a usage, or a hint after the reason. The text is also in $REFUSAL.
refuses_at_length() {
    local want=$1 text=$2 got
    shift 2
    REFUSAL=$("$@" 2>&1 </dev/null)
    got=$?
    [ "$got" = "$want" ] || fail "exit status of '$*': expected $want, got $got: $REFUSAL"
    check_match "$REFUSAL" "$text" "output of '$*'"
}

# boxes PAGE LANGUAGE: what stands in the boxes of this language in docs/PAGE. "": in those without a language.
boxes() {
    awk -v fence="\`\`\`$2" '/^```/ { wanted = !inside && $0 == fence; inside = !inside; next } wanted' \
        "${top_srcdir:-$(dirname -- "$0")/..}/docs/$1"
}

# --- mock-xen ---

mock_ctl() { "$BUILD/mock-xen" --socket "$SOCK" ctl "$@"; }
mock_start() {
    "$BUILD/mock-xen" --socket "$SOCK" "$@" >"$LOGS/mock-xen" 2>&1 &
    MOCK_PID=$!
    wait_until 25 mock_ctl status
}
# faults RULE...: each "KIND[@DOMID][:GLOB] NTH WHAT [COUNT|*]"; none at all without arguments.
faults() { printf '%s\n' "$@" >"$DIR/faults" && mock_ctl faults "$DIR/faults"; }

xs_read() { xenstore-read "$1" 2>/dev/null; }
xs_write() { xenstore-write "$@" || fail "cannot write $*"; }
xs_gone() { ! xenstore-exists "$1" 2>/dev/null; }
xs_is() { [ "$(xs_read "$1")" = "$2" ]; }

# --- the daemon ---

daemon_ready() { "$BUILD/pvscsictl" --run-dir "$RUN_DIR" status; }
# daemon_start_only [OPTION...], daemon_start [OPTION...]: of an option that is given twice, the last one counts, so
# `--standalone "$SOCK.d2"` starts the daemon of domain 2.
daemon_start_only() {
    "$BUILD/pvscsid" --foreground --standalone "$SOCK" --run-dir "$RUN_DIR" --config /dev/null \
        --log-level "${LOG_LEVEL:-verbose}" "$@" >>"$LOGS/pvscsid" 2>&1 &
    DAEMON_PID=$!
}
daemon_start() {
    daemon_start_only "$@"
    wait_until 25 daemon_ready
}
# SIGTERM ends it with status 0, within 25 seconds; otherwise $WHY says what happened.
daemon_end() {
    local pid=$DAEMON_PID status end=$((SECONDS + 25))

    [ -n "$pid" ] || return 0
    DAEMON_PID=""
    kill -TERM "$pid" 2>/dev/null || { WHY="the daemon is not there any more"; return 1; }
    while kill -0 "$pid" 2>/dev/null; do
        [ "$SECONDS" -le "$end" ] || { kill -KILL "$pid"; WHY="the daemon ignores SIGTERM"; return 1; }
        sleep 0.02
    done
    wait "$pid"
    status=$?
    [ "$status" = 0 ] || { WHY="the daemon's exit status is $status"; return 1; }
}
daemon_stop() { daemon_end || fail "$WHY"; }
daemon_kill() {
    kill -KILL "$DAEMON_PID"
    wait "$DAEMON_PID" 2>/dev/null
    DAEMON_PID=""
}
# daemon_says ERE: its log has such a line.
daemon_says() { grep -Eq -- "$1" "$LOGS/pvscsid"; }
# The workers' process ids, oldest first.
workers() { pgrep -P "$DAEMON_PID" | sort -n; }
# The oldest of them; fails when there is none.
one_worker() { workers | head -n 1 | grep .; }
no_workers() { ! workers | grep -q .; }

# working DOMID: waits until 50 more of the guest's commands have their answers, so until its load is under way.
working() {
    local goal
    goal=$(($(answered "$1") + 50))
    wait_until 25 answered "$1" "$goal"
}
# answered DOMID [GOAL]: how many of the guest's commands have their answers, or whether GOAL of them have.
answered() {
    local n
    n=$("$BUILD/pvscsictl" --run-dir "$RUN_DIR" metrics |
        awk -v guest="{domid=\"$1\"," '/^pvscsi_latency_seconds_count/ && index($0, guest) { n += $NF } END { print n + 0 }')
    if [ $# = 1 ]; then echo "$n"; else [ "$n" -ge "$2" ]; fi
}

# rss_kb PID, fds PID: what a process holds.
rss_kb() { sed -n 's/^VmRSS: *\([0-9]*\) kB/\1/p' "/proc/$1/status"; }
fds() { find "/proc/$1/fd" -mindepth 1 | wc -l; }
# cpu_ms PID: CPU time so far, of its first thread.
cpu_ms() { echo $(($(cut -d' ' -f1 "/proc/$1/schedstat") / 1000000)); }

# --- guests ---

BACKEND=/local/domain/0/backend/vscsi
guest_create() { mock_ctl create "$1" "${2:-guest$1}" >/dev/null || fail "cannot create domain $1"; }
# As libxl does: the domain goes, then its home in xenstore.
guest_destroy() {
    mock_ctl destroy "$1" >/dev/null || fail "cannot destroy domain $1"
    xenstore-rm "/local/domain/$1"
}

# disk NAME MIB: an image file; its path in $DISK.
disk() {
    DISK=$DIR/$1.img
    [ -e "$DISK" ] || truncate -s "$2M" "$DISK"
}
# With locks of the test's own: domains of other tests that run at this moment have the same numbers.
xl_scsi() {
    case ${1:-} in
    attach | detach) "$BUILD/xl-scsi" "$1" --run-dir "$DIR/locks" "${@:2}" ;;
    *) "$BUILD/xl-scsi" "$@" ;;
    esac
}
# attach DOMID IMAGE VDEV[,OPTION...] [xl-scsi option...]
attach() {
    local domid=$1 image=$2 vdev=$3
    shift 3
    xl_scsi attach "$@" "$domid" "file:$image" "$vdev" >>"$LOGS/xl-scsi" 2>&1 ||
        fail "xl-scsi attach $domid $image $vdev: $(tail -n 1 "$LOGS/xl-scsi")"
}
# connected DOMAIN N: so many of its devices are in state 4. xl-scsi attach returns at state 4 when the guest runs; for
# a guest that is paused, and for what the service does, state 4 comes after the end of the attach.
connected() { [ "$(xl_scsi list "$1" | grep -c ' 4$')" = "$2" ]; }
detach() { xl_scsi detach "$1" "$2" >>"$LOGS/xl-scsi" 2>&1 ||
    fail "xl-scsi detach $1 $2: $(tail -n 1 "$LOGS/xl-scsi")"; }

# --- frontends: each a vscsi-front that is given one line at a time ---

# front_start NAME DOMID [option...]: connects; see front().
front_start() {
    local name=$1 domid=$2
    shift 2
    mkfifo "$DIR/$name.in" "$DIR/$name.out"
    "$BUILD/vscsi-front" --standalone "$SOCK" --domid "$domid" --timeout 25 "$@" \
        <"$DIR/$name.in" >"$DIR/$name.out" 2>"$LOGS/front-$name" &
    FRONT_PID[$name]=$!
    exec {fd}>"$DIR/$name.in"
    FRONT_IN[$name]=$fd
    exec {fd}<"$DIR/$name.out"
    FRONT_OUT[$name]=$fd
    rm "$DIR/$name.in" "$DIR/$name.out"
}
# front_tell NAME LINE: gives the line and does not wait.
front_tell() { printf '%s\n' "$2" >&"${FRONT_IN[$1]}"; }
# front_answer NAME: everything up to "ok" or "FAILED"; its status. The text is also in $ANSWER.
front_answer() {
    local line
    ANSWER=""
    while IFS= read -r -u "${FRONT_OUT[$1]}" line; do
        printf '   [%s] %s\n' "$1" "$line"
        case $line in
        ok) return 0 ;;
        FAILED*) ANSWER+="$line"; return 1 ;;
        esac
        ANSWER+="$line"$'\n'
    done
    printf '   [%s] ended: %s\n' "$1" "$(tail -n 1 "$LOGS/front-$1")"
    return 1
}
front_try() { front_tell "$1" "$2" && front_answer "$1"; }
# front NAME LINE: the command must succeed.
front() {
    printf '   [%s] > %s\n' "$1" "$2"
    front_try "$1" "$2" || fail "frontend $1: $2: $ANSWER"
}
# The orderly end of a frontend; its exit status says whether the backend ever misbehaved.
front_stop() {
    local pid=${FRONT_PID[$1]} status
    front_tell "$1" quit
    front_gone "$1" || true
    wait "$pid"
    status=$?
    # 1: some command failed, and a test that cares has seen that already.
    [ "$status" = 0 ] || [ "$status" = 1 ] || fail "frontend $1 ended with $status (3: the backend misbehaved)"
}
# Reads what is left of its output and closes both ends.
front_gone() {
    local line in=${FRONT_IN[$1]} out=${FRONT_OUT[$1]}
    exec {in}>&-
    while IFS= read -r -u "$out" line; do printf '   [%s] %s\n' "$1" "$line"; done
    exec {out}<&-
    unset "FRONT_PID[$1]" "FRONT_IN[$1]" "FRONT_OUT[$1]"
}
# A guest that dies where it stands.
front_kill() {
    local pid=${FRONT_PID[$1]}
    kill -KILL "$pid"
    wait "$pid" 2>/dev/null
    front_gone "$1"
}

# --- the end ---

# nothing_left [DOMID...]: the daemon holds no grant and no port, and no nodes of these guests are left.
nothing_left() {
    local domid
    for domid; do
        wait_until 25 xs_gone "$BACKEND/$domid"
    done
    wait_until 25 nothing_held
}
nothing_held() {
    local status
    status=$(mock_ctl status) && [[ $status =~ (^|$'\n')mapped\ 0($|$'\n') &&
        $status =~ domain\ 0\ [^$'\n']*\ ports\ 0\  ]]
}

finish() {
    local status=$? pid leftover end others=""
    trap - EXIT
    status=${MOCK_STATUS:-$status}
    if [ "$status" = 0 ] && [ -n "$DAEMON_PID" ]; then
        daemon_end || { printf 'FAIL: %s\n' "$WHY"; status=1; }
        if [ -n "$MOCK_PID" ] && ! nothing_held; then
            printf 'FAIL: the daemon left these in mock-xen:\n'
            mock_ctl status
            status=1
        fi
    fi
    # After a failure other programs of the test may run, or be stopped. After a success it has ended them itself.
    [ "$status" = 0 ] || others=$(jobs -p)
    for pid in ${FRONT_PID[@]+"${FRONT_PID[@]}"} $DAEMON_PID $MOCK_PID $others; do
        kill -KILL "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
    done
    # Every process of this test names its directory. Some are still ending.
    end=$((SECONDS + 25))
    while leftover=$(pgrep -f -- "$DIR" | grep -vx "$$") && [ "$status" = 0 ]; do
        if [ "$SECONDS" -gt "$end" ]; then
            printf 'FAIL: processes left over: %s\n' "$leftover"
            status=1
        fi
        sleep 0.05
    done
    if [ "$status" = 0 ] && grep -EH 'AddressSanitizer|LeakSanitizer|runtime error:' "$LOGS"/*; then
        printf 'FAIL: a sanitizer spoke\n'
        status=1
    fi
    if [ "$status" != 0 ] && [ "$status" != 77 ]; then
        for log in "$LOGS"/*; do
            printf '=== %s\n' "${log##*/}"
            tail -n 80 "$log"
        done
    fi
    rm -rf "$DIR"
    exit "$status"
}
trap finish EXIT
trap 'fail "terminated (time limit ${MOCK_TIMEOUT:-300} s?)"' TERM INT
