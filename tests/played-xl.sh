# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# After toolstack-lib.sh, with mock-xen running: an xl that is played, and the shim before it. The played xl notes its
# arguments, makes domain 7 (the first that is free from there on) and destroys it, and says what it sees when it
# unpauses. $XL_LOG.making is there when it has xl's lock and can be ended by a signal. As the real one it makes domains
# under one lock, refuses a name that is taken, and gives the domain the uuid of the configuration's last uuid=.
# Set by tests: GUEST_STATUS (what create ends with), MAKES (guest or nothing), SLOW (seconds before the domain is
# there), BUILD_S (and until it is complete), BUILD_UNTIL (a file: not complete before it is there), MAKES_JSON=no (it
# never is), FAIL_LATE (status after it is complete), EXTRA_COMMANDS (in help), FAKE_HYP (a directory: the hypervisor of
# xl-scsi-fake-hyp), UNPAUSE_STATUS (what unpause ends with).

mkdir "$DIR/real" "$DIR/bin"
export XL_LOG=$DIR/xl.log MOCK_XEN="$BUILD/mock-xen" SOCK GUEST_STATUS=0 MAKES=guest SLOW=0 BUILD_S=0 FAIL_LATE=0
export UNPAUSE_STATUS=0 XL_LOCK=$DIR/xl-lock WITH_LOCK=$BUILD/with-posix-lock
cat >"$DIR/real/xl" <<'XL'
#!/bin/bash
if [ -z "$LOCKED" ]; then
    line=${0##*/}
    for a; do line+=" <$a>"; done
    echo "$line" >>"$XL_LOG"
fi
whole=("$@")
while :; do case $1 in -*) shift ;; *) break ;; esac; done
ctl() { "$MOCK_XEN" --socket "$SOCK" ctl "$@" >/dev/null; }
command=${1-}
[ $# = 0 ] || shift
# of KEY: its value in the file and in the arguments; the last one counts.
of() {
    local a file=""
    for a; do [ ! -e "$a" ] || [[ $a = *saved ]] || file=$a; done
    { [ -z "$file" ] || cat "$file"; printf '%s\n' "$@"; } | sed -n "s/^$key *= *['\"]\(.*\)['\"]\$/\1/p" | tail -n 1
}
case $command in
help) printf 'Usage xl\n\nxl full list of subcommands:\n\n'
    printf ' %-19s %s\n' create x config-update x list x destroy x shutdown x save x restore x sched-credit x $EXTRA_COMMANDS ;;
create | restore)
    console="" foreground=""
    for a; do case $a in -F) foreground=yes ;; -c) console=yes ;; -n) echo '{ "dry": "run" }'; exit 0 ;; esac; done
    [ "$GUEST_STATUS" = 0 ] || { echo "xl: cannot create" >&2; exit "$GUEST_STATUS"; }
    if [ -z "$LOCKED" ]; then
        LOCKED=yes exec "$WITH_LOCK" "$XL_LOCK" "$0" "${whole[@]}"
    fi
    # As the real one: -e ends it at once, whatever -F says.
    for a; do case $a in -e) foreground= ;; esac; done
    sleep "$SLOW" &
    trap 'kill $! 2>/dev/null; echo "terminated" >>"$XL_LOG"; trap - TERM; kill $$' TERM
    : >"$XL_LOG.making"
    wait $!
    [ "$MAKES" = guest ] || exit 0
    [ -z "$console" ] || echo "the boot loader's menu"
    key=name; name=$(of "$@")
    key=uuid; uuid=$(of "$@")
    if [ "$command" = restore ]; then
        [ -n "$uuid" ] || uuid=$(grep -ao '"uuid": "[^"]*"' "${whole[-1]}" | cut -d'"' -f4)
    fi
    : "${name:=web}" "${uuid:=10000000-0000-0000-0000-000000000000}"
    for id in $(xenstore-list /local/domain); do
        [ "$(xenstore-read "/local/domain/$id/name" 2>/dev/null)" != "$name" ] ||
            { echo "libxl: error: Domain with name \"$name\" already exists." >&2; exit 1; }
    done
    for ((id = 7; ; id++)); do xenstore-exists "/local/domain/$id" || break; done
    ctl create $id "$name"
    xenstore-write "/local/domain/$id/vm" "/vm/$uuid"
    [ -z "$FAKE_HYP" ] || { echo "$uuid" >"$FAKE_HYP/$id.uuid"; echo 1 >"$FAKE_HYP/$id"; }
    [ "$command" = create ] || xenstore-write "/local/domain/$id/pvscsi/0" /dev/nosuch1,0:0:0:0
    sleep "$BUILD_S" &
    wait $!
    while [ -n "$BUILD_UNTIL" ] && [ ! -e "$BUILD_UNTIL" ]; do sleep 0.05; done
    [ -z "$FAKE_HYP" ] || [ "$MAKES_JSON" = no ] ||
        echo '{ "c_info": { "name": "'"$name"'" } }' >"$FAKE_HYP/userdata-d.$id.$uuid.libxl-json"
    echo "made $id" >>"$XL_LOG"
    exec 9>&-
    [ "$FAIL_LATE" = 0 ] || exit "$FAIL_LATE"
    if [ -n "$console" ]; then
        while xenstore-exists /local/domain/$id && ! grep -q unpause "$XL_LOG"; do sleep 0.05; done
        echo "the console"
        exit 0
    fi
    if [ -n "$foreground" ]; then
        while xenstore-exists /local/domain/$id; do sleep 0.05; done
        exit 5
    fi ;;
unpause)
    [ "$UNPAUSE_STATUS" = 0 ] || exit "$UNPAUSE_STATUS"
    [ -z "$FAKE_HYP" ] || echo 0 >"$FAKE_HYP/$1"
    echo "devices at unpause: $(for d in $(xenstore-list "/local/domain/0/backend/vscsi/$1/0/vscsi-devs"); do
        xenstore-read "/local/domain/0/backend/vscsi/$1/0/vscsi-devs/$d/state"; done | tr '\n' ' ')" >>"$XL_LOG" ;;
destroy)
    ctl destroy "$1"
    xenstore-rm "/local/domain/$1"
    [ -z "$FAKE_HYP" ] || rm -f "$FAKE_HYP/$1" "$FAKE_HYP/$1.uuid" "$FAKE_HYP/userdata-d.$1."* ;;
fail) exit 42 ;;
esac
exit 0
XL
chmod +x "$DIR/real/xl"
export XEN_PVSCSI_REAL_XL="$DIR/real/xl"
# shim_helper PROGRAM: what the shim starts, with a run directory of the test's own.
shim_helper() {
    printf '#!/bin/sh\nexec "%s" --run-dir "%s" "$@"\n' "$1" "$DIR/locks" >"$DIR/bin/xl-scsi"
    sed -e "s|^helper=.*|helper='$DIR/bin/xl-scsi'|" "$BUILD/xl-scripts/xl" >"$DIR/bin/xl"
    chmod +x "$DIR/bin/xl-scsi" "$DIR/bin/xl"
}
shim_helper "$BUILD/xl-scsi"
shim() { "$DIR/bin/xl" "$@"; }
# shim_pid PID: the helper of a shim in the background.
shim_pid() { pgrep -P "$1" -f xl-scsi || echo "$1"; }
# calls: what the real xl was called with since the last time, a line each; without the uuid that the shim gives, and
# without what the played xl says of itself.
calls() {
    sed -e 's/ <uuid="[-0-9a-f]*">$//' -e '/^made /d' "$XL_LOG"
    : >"$XL_LOG"
    rm -f "$XL_LOG.making"
}
: >"$XL_LOG"
# Domain 7 and what is noted of it go, as libxl destroys; the nodes of backends are the toolstack's.
gone() {
    if xenstore-exists /local/domain/7 2>/dev/null; then
        guest_destroy 7
        xenstore-rm /local/domain/7
    fi
    xenstore-rm "$BACKEND/7" 2>/dev/null
    [ -z "${FAKE_HYP:-}" ] || rm -rf "${FAKE_HYP:?}"/*
    : >"$XL_LOG"
    rm -f "$XL_LOG.making"
}
printf 'name = "web"\nvscsi = [ "/dev/nosuch1,0:0:0:0", "/dev/nosuch2,0:0:0:1,readonly" ]\n' >"$DIR/with.cfg"
printf 'name = "web"\nmemory = 64\n' >"$DIR/without.cfg"
printf 'name = "web"\nvscsi = [ "/dev/nosuch1,0:0:0:0", "nosuch2,0:0:0:1" ]\n' >"$DIR/wrong.cfg"
