#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The frontends that users have are served from the handshake to the end: Linux's, the two older ones of Linux, and two
# of Windows. For each: what it writes, its data, errors and resets, LUNs that come and go, its restart, the daemon's
# restart and a worker's death under load, the toolstack's end of the connection, and the guest's death.
# shellcheck source=tests/mock-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/mock-lib.sh"

# What each does, from its source. node: one more node of the frontend; added, removed: what it writes for a device
# (-: nothing); errors: host byte and status that it sees, here of an address without a device.
#  name        node                  segments added removed aborts resets luns errors
frontends="
linux          -                     128      4     6      yes    yes    yes  01/02
xenlinux       -                     26       4     6      no     yes    yes  01/02
linux-2.6.18   vhostno=0             26       3     5      no     yes    yes  01/02
vmdp           protocol=x86_64-abi   26       4     6      no     yes    no   00/02
gplpv          -                     26       4     -      no     no     yes  01/02
"
case $(uname -m) in
i?86) frontends=${frontends//x86_64-abi/x86_32-abi} ;;
arm* | aarch64) frontends=${frontends//x86_64-abi/arm-abi} ;;
esac
check_eq "$(awk 'NF { print $1 }' <<<"$frontends")" \
    "$("$BUILD/vscsi-front" --help | sed -n '/^Frontends:/,/^$/s/^  \([^ ]*\).*/\1/p')" "frontends"

mock_start
daemon_start
disk a 8
disk b 8
disk c 8

# can yes|no LINE: the frontend does it, or says that it never does.
can() {
    if [ "$1" = yes ]; then
        front f "$2"
    else
        ! front_try f "$2" || fail "$name: $2: it must not be able to"
        check_match "$ANSWER" 'sends no|itself' "$name: $2"
    fi
}
both_at_4() {
    front f "wait-dev 0:0:0:0 4"
    front f "wait-dev 0:0:1:3 4"
}

id=0
while read -r name node segments added removed aborts resets luns errors; do
    [ -n "$name" ] || continue
    id=$((id + 1))
    own=/local/domain/$id/device/vscsi/0
    step "$name: the handshake"
    guest_create $id
    attach $id "$DIR/a.img" 0:0:0:0 --no-wait --force
    attach $id "$DIR/b.img" 0:0:1:3 --no-wait --force
    front_start f $id --like "$name"
    both_at_4
    front f status
    check_match "$ANSWER" "at most $segments segments" "$name: status"
    check_eq "$(xs_read $own/vscsi-devs/dev-0/state)" "$added" "$name: the state of a device"
    [ "$node" = - ] || check_eq "$(xs_read "$own/${node%=*}")" "${node#*=}" "$name: ${node%=*}"

    step "$name: data, errors, resets"
    front f "write 0:0:0:0 0 2000 seed=$id"
    front f "verify 0:0:0:0 0 2000 seed=$id"
    can "$luns" "luns 0:0:1:3"
    # A failure must show without the host byte too.
    front f "expect $errors/5/25/00 tur 0:0:7:0"
    for bad in segments-27 direction-4; do
        front f "expect ${errors/#01/07}/5/24/00 bad $bad"
    done
    can "$aborts" "abort 0:0:0:0"
    can "$resets" "reset 0:0:0:0"
    front f "load 0:0:0:0,0:0:1:3 rw=mix verify depth=16 bs=64k seconds=1"
    check_match "$ANSWER" 'errors=0 wrong=0' "$name: load"

    if [ "$removed" != - ]; then
        step "$name: a disk comes and goes"
        attach $id "$DIR/c.img" 0:0:2:0 --force
        front f "wait-dev 0:0:2:0 4"
        front f "write 0:0:2:0 0 10"
        dev=$(xenstore-list "$BACKEND/$id/0/vscsi-devs" | tail -n 1)
        xs_is "$own/vscsi-devs/$dev/state" "$added" || fail "$name: $dev is not the new disk"
        xs_write "$BACKEND/$id/0/vscsi-devs/$dev/state" 5 "$BACKEND/$id/0/state" 7
        wait_until 25 xs_is "$own/vscsi-devs/$dev/state" "$removed"
        wait_until 25 xs_is "$BACKEND/$id/0/vscsi-devs/$dev/state" 6
        front f "wait-dev 0:0:2:0 gone"
        detach $id 0:0:2:0
    fi

    step "$name: it starts again"
    front f "write 0:0:0:0 0 64 seed=3"
    for _ in 1 2; do
        front f disconnect
        wait_until 25 xs_is "$BACKEND/$id/0/state" 2
        front f connect
        both_at_4
        front f "verify 0:0:0:0 0 64 seed=3"
    done

    step "$name: a worker dies, the daemon restarts"
    front_tell f "load 0:0:0:0,0:0:1:3 rw=mix verify depth=8 bs=16k seconds=3"
    working $id
    kill -KILL "$(one_worker)"
    working $id
    daemon_kill
    daemon_start
    front_answer f || fail "$name: the load: $ANSWER"
    check_match "$ANSWER" 'errors=0 wrong=0' "$name: load"

    if [ "$removed" != - ]; then
        step "$name: the toolstack ends the connection"
        detach $id 0:0:1:3
        detach $id 0:0:0:0
        nothing_left $id
        front_stop f
        attach $id "$DIR/a.img" 0:0:0:0 --no-wait --force
        front_start f $id --like "$name"
        front f "wait-dev 0:0:0:0 4"
    else
        step "$name: it keeps its devices, and xl-scsi says why"
        refuses_at_length 4 'the guest did not answer' xl_scsi detach --timeout 1 $id 0:0:1:3
        front f "read 0:0:0:0 0 64 quiet"
    fi

    step "$name: the guest dies at work"
    front_tell f "load 0:0:0:0 rw=mix depth=16 bs=64k seconds=60"
    working $id
    guest_destroy $id
    front_kill f
    xenstore-rm "$BACKEND/$id"
    nothing_left $id
done <<<"$frontends"

step "the commands of docs/guide-windows.md, with SUSE's frontend"
id=$((id + 1))
guest_create $id
attach $id "$DIR/b.img" 0:0:1:3 --no-wait
front_start f $id --like vmdp
front f "wait-dev 0:0:1:3 4"
boxes guide-windows.md sh >"$DIR/commands"
check_eq "$(wc -l <"$DIR/commands")" 2 "commands of the page"
xl-scsi() { xl_scsi "$@"; }
# shellcheck disable=SC2034 # the commands use them
GUEST=$id PDEV=file:$DIR/a.img
# shellcheck disable=SC1091
(set -e; . "$DIR/commands") >"$DIR/said" 2>&1 || fail "a command fails: $(cat "$DIR/said")"
check_match "$(cat "$DIR/said")" ' 0:0:0:0 +4($|'$'\n'')' "the list"
front f "read 0:0:0:0 0 64 quiet"
detach $id 0:0:0:0
detach $id 0:0:1:3
front_stop f
