#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Each worker gives up what it does not need; the setting says how far; a call that is not allowed costs a guest what
# any death of its worker costs.
# shellcheck source=tests/mock-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/mock-lib.sh"
! nm "$BUILD/pvscsid" 2>/dev/null | grep -q ' __asan_init' || skip "a build with sanitizers is not confined"
[ "$(id -u)" = 0 ] || skip "root is needed"

status_of() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"; }
sandbox() { "$BUILD/pvscsictl" --run-dir "$RUN_DIR" status | sed -n 's/^  sandbox: //p'; }

mock_start
daemon_start
if [ "$(sandbox)" != "best-effort, and nothing is missing" ]; then
    skip "this machine cannot confine: $(sandbox)"
fi
faults "restrict 1 EACCES"
for guest in 1 2; do
    guest_create $guest
    disk "a$guest" 16
    attach $guest "$DISK" 0:0:0:0 --no-wait
    front_start g$guest $guest
    front g$guest "wait-dev 0:0:0:0 4"
done

step "a worker whose event channels cannot be restricted to its guest does not serve"
daemon_says 'cannot restrict event channels to the guest' || fail "the log"

step "what a worker is"
users=""
for pid in $(workers); do
    user=$(status_of "$pid" Uid)
    check_eq "$user" "$(printf '%d\t%d\t%d\t%d' $((1879048192 + pid)) $((1879048192 + pid)) $((1879048192 + pid)) $((1879048192 + pid)))" "user"
    check_eq "$(status_of "$pid" Gid)" "$user" "group"
    check_eq "$(status_of "$pid" Groups)" "" "other groups"
    for set in CapInh CapPrm CapEff CapBnd CapAmb; do
        check_eq "$(status_of "$pid" $set)" 0000000000000000 $set
    done
    check_eq "$(status_of "$pid" NoNewPrivs)" 1 NoNewPrivs
    check_eq "$(status_of "$pid" Seccomp)" 2 Seccomp
    check_eq "$(ls -A "/proc/$pid/root/")" "" "its file system"
    for kind in mnt net ipc uts; do
        [ "$(readlink "/proc/$pid/ns/$kind")" != "$(readlink "/proc/self/ns/$kind")" ] || fail "$kind namespace"
    done
    for limit in "Max core file size *0 *0 " "Max processes *0 *0 " "Max locked memory *0 *0 " "Max open files *2048 *2048 " \
        "Max data size *67108864 *67108864 " "Max address space *1073741824 *1073741824 "; do
        grep -q "^$limit" "/proc/$pid/limits" || fail "no '$limit' in $(cat "/proc/$pid/limits")"
    done
    users+="$user"$'\n'
done
check_eq "$(sort -u <<<"$users" | grep -c .)" 2 "users of two workers"

step "what the daemon keeps: the capabilities of its systemd unit, of those that this test has"
kept=$(printf '%016x' $((0x$(status_of self CapEff) & 0x82e01e2)))
for set in CapPrm CapEff CapBnd; do check_eq "$(status_of "$DAEMON_PID" $set)" "$kept" "$set of the daemon"; done

step "killed for a system call under load"
front_tell g1 "load 0:0:0:0 rw=mix depth=16 bs=4k verify seconds=3"
for _ in 1 2; do
    working 1
    kill -SYS "$(one_worker)"
done
front_answer g1 || fail "the load: $ANSWER"
check_match "$ANSWER" 'errors=0 wrong=0' "the load"
daemon_says 'the worker died: signal 31 \(Bad system call\), its confinement allows no such system call' ||
    fail "the log"
front_stop g1
front_stop g2
daemon_stop

step "sandbox = full, off"
daemon_start --sandbox full
check_eq "$(sandbox)" full "status"
daemon_stop
daemon_start --sandbox off
check_eq "$(sandbox)" off "status"
wait_until 25 one_worker
check_eq "$(status_of "$(one_worker)" Uid)" "$(printf '0\t0\t0\t0')" "user of a worker that is not confined"
daemon_stop

step "sandbox = best-effort, where neither file systems nor networks can be made"
setpriv --bounding-set -sys_admin "$BUILD/pvscsid" --foreground --standalone "$SOCK" --run-dir "$RUN_DIR" \
    --config /dev/null --log-level verbose --sandbox best-effort >>"$LOGS/pvscsid" 2>&1 &
DAEMON_PID=$!
wait_until 25 daemon_ready
check_match "$(sandbox)" '^best-effort, without file system of its own \(Operation not permitted\), network' "status"
front_start g1 1
front g1 "wait-dev 0:0:0:0 4"
front g1 "load 0:0:0:0 rw=mix bs=4k count=50 verify"
check_eq "$(status_of "$(one_worker)" Seccomp)" 2 "the list of system calls, which is possible"
front_stop g1
daemon_stop

step "without capabilities"
refuses 1 "workers cannot be confined: file system of its own \(Operation not permitted\)" \
    setpriv --bounding-set -all --inh-caps -all "$BUILD/pvscsid" --foreground --standalone "$SOCK" --run-dir "$RUN_DIR" \
    --config /dev/null --sandbox full
