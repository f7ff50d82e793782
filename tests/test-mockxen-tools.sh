#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The real xenstore tools work with mock-xen. mock-xen reports mistakes on its command line, and its man page names all
# options and commands.
set -u
mock=${top_builddir:-.}/mock-xen
src=${top_srcdir:-.}
for tool in ls read write rm list chmod exists watch; do
    command -v xenstore-$tool >/dev/null ||
        { echo "SKIP: xenstore-$tool is not installed (Debian: xenstore-utils)"; exit 77; }
done
dir=$(mktemp -d) || exit 1
pid=
failed=0
finish() {
    [ -n "$pid" ] && kill "$pid" 2>/dev/null && wait "$pid"
    rm -rf "$dir"
}
trap finish EXIT

# is WHAT EXPECTED GOT
is() {
    if [ "$2" = "$3" ]; then return; fi
    echo "FAILED: $1: expected <$2>, got <$3>"
    failed=1
}
# fails WHAT STATUS PATTERN COMMAND...: one line on stderr that matches
fails() {
    what=$1 status=$2 pattern=$3; shift 3
    out=$("$@" 2>&1 >/dev/null); got=$?
    is "$what: exit status" "$status" "$got"
    case $out in
    *"
"*) echo "FAILED: $what: more than one line: $out"; failed=1 ;;
    *$pattern*) ;;
    *) echo "FAILED: $what: <$out> does not say <$pattern>"; failed=1 ;;
    esac
}

# --- command line ---
fails "no socket" 2 "--socket PATH is missing" "$mock"
fails "socket in no directory" 1 "cannot listen on $dir/none/xs: No such file" "$mock" --socket "$dir/none/xs"
fails "a path that is too long" 1 "File name too long" "$mock" --socket "/tmp/$(printf '%0120d' 0)"
fails "pages" 2 "power of two" "$mock" --socket "$dir/xs" --pages 100
fails "quota" 2 "expected NAME=NUMBER" "$mock" --socket "$dir/xs" --quota nodes=x
fails "log level" 2 "expected a level" "$mock" --socket "$dir/xs" --log-level loud
fails "ready fd" 2 "file descriptor was expected" "$mock" --socket "$dir/xs" --ready-fd x
fails "domains" 1 "domain number up to" "$mock" --socket "$dir/xs" --domains 1,x
fails "domain twice" 1 "cannot create domain 1: File exists" "$mock" --socket "$dir/xs" --domains 1,1
fails "argument" 2 "only \"ctl\" was expected" "$mock" --socket "$dir/xs" start
fails "no fault script" 1 "No such file" "$mock" --socket "$dir/xs" --faults "$dir/none"
echo "read 1 EWHAT" > "$dir/bad"
fails "bad fault script" 1 'line 1: "EWHAT"' "$mock" --socket "$dir/xs" --faults "$dir/bad"
fails "ctl without command" 2 "a command was expected" "$mock" --socket "$dir/xs" ctl
fails "ctl: unknown" 2 "ctl frob: there is no such command; expected status, create, destroy," "$mock" --socket "$dir/xs" ctl frob
fails "ctl: too few" 2 "ctl create: missing arguments; expected: create DOMID " "$mock" --socket "$dir/xs" ctl create
fails "ctl: too many" 2 "ctl calls: too many arguments; expected: calls" "$mock" --socket "$dir/xs" ctl calls 1
fails "ctl: no number" 2 'ctl destroy: "x" is not a domain number; expected 0 to 32751' "$mock" --socket "$dir/xs" ctl destroy x
fails "ctl: no kind" 2 '"reed" is not a kind of call; expected one of: control, directory, read, ' \
    "$mock" --socket "$dir/xs" ctl fault "reed 1 EIO"
fails "ctl: no fault of this kind" 2 '"EIO" cannot happen to copy-segment; expected one of: general_error, bad_domain, ' \
    "$mock" --socket "$dir/xs" ctl fault "copy-segment 1 EIO"
fails "ctl: bad fault script" 2 'ctl faults: line 1: "EWHAT" cannot happen to read; expected one of: drop, hang, delay=MS, ' \
    "$mock" --socket "$dir/xs" ctl faults "$dir/bad"
fails "ctl without server" 1 "no mock-xen listens on" "$mock" --socket "$dir/xs" ctl status
is "nothing left behind by failed starts" "bad" "$(ls "$dir")"
is "version" "mock-xen (xen-pvscsi)" "$("$mock" --version | sed 's/ [0-9.]*$//')"

# --- the man page and --help name the same options ---
options=$("$mock" --help | sed -n 's/^  \(--[a-z-]*\).*/\1/p' | sort)
is "options of the man page" "$options" \
    "$(sed -n 's/^\.BI\{0,1\} \(--[a-z-]*\).*/\1/p' "$src/docs/mock-xen.1" | sort)"

# --- the tools ---
"$mock" --socket "$dir/xs" --domains 3,7 --report "$dir/report" --log-level error > "$dir/out" &
pid=$!
for _ in $(seq 600); do [ -S "$dir/xs" ] && break; sleep 0.05; done
is "domains have their sockets" "yes" "$([ -S "$dir/xs.d3" ] && [ -S "$dir/xs.d7" ] && echo yes)"
fails "a second one on the same socket" 1 "another mock-xen serves it" "$mock" --socket "$dir/xs"
for command in status destroy shutdown; do
    fails "$command of no domain" 1 "ctl $command: there is no domain 9; " "$mock" --socket "$dir/xs" ctl $command 9
done
fails "a domain twice" 1 "ctl create: domain 3 exists already" "$mock" --socket "$dir/xs" ctl create 3
fails "domain 0 is destroyed" 1 "ctl destroy: domain 0 stays" "$mock" --socket "$dir/xs" ctl destroy 0
export XENSTORED_PATH="$dir/xs"

xenstore-write /test/a 1 /test/b/c "two words" || failed=1
is "read" "1
two words" "$(xenstore-read /test/a /test/b/c)"
is "list" "a
b" "$(xenstore-list /test)"
is "ls" 'a = "1"
b = ""
 c = "two words"' "$(xenstore-ls /test)"
xenstore-exists /test/a || { echo "FAILED: exists"; failed=1; }
xenstore-exists /test/none && { echo "FAILED: exists though it does not"; failed=1; }
fails "read of nothing" 1 "couldn't read path /test/none" xenstore-read /test/none
xenstore-chmod -r /test n0 r3 || failed=1
is "ls with permissions" '/test/a = "1"   (n0,r3)
/test/b = ""   (n0,r3)
/test/b/c = "two words"   (n0,r3)' "$(xenstore-ls -fp /test)"
is "a guest reads what it may" "1" "$(XENSTORED_PATH=$dir/xs.d3 xenstore-read /test/a)"
fails "another guest does not" 1 "couldn't read path" env XENSTORED_PATH="$dir/xs.d7" xenstore-read /test/a
XENSTORED_PATH=$dir/xs.d3 xenstore-write data/key value || failed=1
is "a guest's node is its own" '/local/domain/3/data/key = "value"   (n3)' \
    "$(xenstore-ls -fp /local/domain/3/data)"
fails "a guest renames itself" 1 "" env XENSTORED_PATH="$dir/xs.d3" xenstore-write name x

xenstore-watch -n 4 /test @releaseDomain > "$dir/events" &
watcher=$!
for _ in $(seq 600); do [ "$(wc -l < "$dir/events")" -ge 2 ] && break; sleep 0.05; done
xenstore-write /test/b/d x
"$mock" --socket "$dir/xs" ctl destroy 3 > /dev/null || failed=1
wait $watcher
is "events" "/test
@releaseDomain
/test/b/d
@releaseDomain" "$(cat "$dir/events")"
is "what a dead guest owned is gone" "device
domid
name" "$(xenstore-list /local/domain/3)"
xenstore-rm /test || failed=1
xenstore-exists /test && { echo "FAILED: exists after rm"; failed=1; }

# --- every command is in the man page ---
for command in $("$mock" --socket "$dir/xs" ctl help | sed 's/^  \([a-z]*\) .*/\1/'); do
    grep -Eq "^\.(B|BR) $command( |\$)" "$src/docs/mock-xen.1" ||
        { echo "FAILED: no $command in the man page"; failed=1; }
done

# --- the end ---
kill "$pid"; wait "$pid"
is "exit status" 0 $?
pid=
is "sockets after the end" "bad
events
out
report" "$(ls "$dir")"
is "ready line" "mock-xen: ready on $dir/xs" "$(cat "$dir/out")"
is "report" "connections 0" "$(sed -n 1p "$dir/report")"

# --- a stale socket is no obstacle, --keep-orphans keeps ---
"$mock" --socket "$dir/xs" --domains 3 --keep-orphans > "$dir/out" & pid=$!
for _ in $(seq 600); do [ -S "$dir/xs" ] && break; sleep 0.05; done
XENSTORED_PATH=$dir/xs.d3 xenstore-write data/key value
"$mock" --socket "$dir/xs" ctl destroy 3 > /dev/null
is "orphan" '/local/domain/3/data/key = "value"   (n0)' "$(xenstore-ls -fp /local/domain/3/data)"
kill -9 "$pid"; wait "$pid" 2>/dev/null
"$mock" --socket "$dir/xs" > "$dir/out" & pid=$!
for _ in $(seq 600); do grep -q ready "$dir/out" && break; sleep 0.05; done
is "after kill -9" "0" "$(xenstore-read domid)"
exit $failed
