#!/bin/bash
# Each kind of call to xenstore and to the hypervisor fails, at each place where it occurs: the guest is served in the end, and nothing leaks.
MOCK_TIMEOUT=120
# shellcheck source=tests/mock-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/mock-lib.sh"

# The daemon's calls only: it is domain 0, and so are xl-scsi and xenstore-write; hence the paths.
mock_start
daemon_start
guest_create 1
disk a 8

guest() {
    "$BUILD/vscsi-front" --standalone "$SOCK" --domid 1 --timeout 10 wait-dev 0:0:0:0 4 , \
        write 0:0:0:0 0 64 seed=1 , verify 0:0:0:0 0 64 seed=1 , load 0:0:0:0 rw=mix depth=4 count=50 verify \
        >>"$LOGS/front" 2>&1 || { tail -n 3 "$LOGS/front"; return 1; }
}
# One guest's whole life; with faults under way each step may be repeated, as a person would.
life() {
    local ok=no
    for _ in 1 2 3; do
        if xl_scsi attach --no-wait 1 "file:$DISK" 0:0:0:0 >>"$LOGS/xl-scsi" 2>&1; then ok=yes; break; fi
    done
    [ $ok = yes ] || fail "attach does not succeed, not even at the third try: $(tail -n 1 "$LOGS/xl-scsi")"
    # A guest whose ring could not be mapped for a reason that looks like its own fault has to come again.
    guest || { [ "$1" = guest-may-fail ] && guest; } || return 1
    for _ in 1 2 3; do
        xl_scsi detach 1 0:0:0:0 >>"$LOGS/xl-scsi" 2>&1 && break
    done
    wait_until 10 xs_gone "$BACKEND/1/0"
    wait_until 10 nothing_held
}

kinds_seen=0
for rule in \
    "read@0:/local/domain/1/*|EIO" "read@0:/local/domain/0/backend/vscsi/1/*|EAGAIN" "write@0:*/backend/vscsi/1/0/state|EIO" \
    "write@0:*/feature-sg-grant|ENOSPC" "directory@0:/local/domain/0/backend/vscsi*|EIO" \
    "transaction-end@0|EAGAIN" "transaction-start@0|ENOSPC" "map@0|ENOMEM" "map@0|EINVAL" "bind@0|ENOMEM" \
    "unmap@0|EINVAL" "unbind@0|EINVAL" "copy@0|ENOMEM" "copy@0|EFAULT" "copy-segment@0|general_error" \
    "copy-segment@0|eagain" "copy-segment@0|bad_gntref" "unmask@0|EINVAL" "pending@0|EIO" "hello@0|ENOMEM" \
    "memory@0|ENOMEM" "is-domain-introduced@0|EIO" "watch@0|ENOSPC" "set-perms@0|EIO" "rm@0|EIO" \
    "restrict@0|EACCES" "connect@0|drop" "watch-event@0|drop"; do
    kind=${rule%|*} what=${rule#*|}
    for nth in 1 2 4; do
        faults "$kind $nth $what"
        case $kind$what in map*EINVAL) may=guest-may-fail ;; *) may="" ;; esac
        life "$may" || fail "with '$kind $nth $what'"
    done
    kinds_seen=$((kinds_seen + 1))
done
faults
life "" || fail "without faults"
[ "$(workers | wc -l)" = 0 ] || fail "workers left"
echo "$kinds_seen kinds of faults"
