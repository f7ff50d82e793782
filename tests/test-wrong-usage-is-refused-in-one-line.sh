#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Unknown options, missing values and impossible values give status 2. A start that is impossible gives status 1. There
# is one clear line, before anything has been changed.
# shellcheck source=tests/mock-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/mock-lib.sh"

for program in pvscsid pvscsictl xl-scsi vscsi-front mock-xen; do
    step "$program"
    "$BUILD/$program" --help >"$DIR/help" || fail "$program --help fails"
    grep -qi usage "$DIR/help" || fail "$program --help shows no usage"
    "$BUILD/$program" --version | grep -q '[0-9]\.[0-9]' || fail "$program --version shows no version"
    # The line of getopt() has a hint or the usage behind it.
    refuses_at_length 2 "$program: un[a-z]* option '--no-such-option'" "$BUILD/$program" --no-such-option
    check_match "$REFUSAL" '--help|usage: ' "what $program says is right"
done

step "words that are no command"
refuses 2 "^pvscsid: unexpected argument 'nonsense'; .*--help" "$BUILD/pvscsid" nonsense
refuses 2 "^pvscsictl: unknown command 'nonsense'; .*--help" "$BUILD/pvscsictl" nonsense
refuses 2 "^xl-scsi: unknown command 'nonsense' .*--help" "$BUILD/xl-scsi" nonsense
refuses 2 '^mock-xen: argument "nonsense": .*--help' "$BUILD/mock-xen" --socket "$DIR/none" nonsense
refuses 2 "^mock-xen: --socket PATH is missing .*--help" "$BUILD/mock-xen"

step "xl-scsi: options"
refuses 2 "^xl-scsi: unknown option '--no-such' \(xl-scsi --help\)$" "$BUILD/xl-scsi" watch --no-such
refuses 2 "^xl-scsi: unknown option '-x' \(xl-scsi --help\)$" "$BUILD/xl-scsi" list -jx 1
refuses 2 "^xl-scsi: --json takes no value \(xl-scsi --help\)$" "$BUILD/xl-scsi" list --json=1
refuses 2 "^xl-scsi: --timeout needs a value: SECONDS \(xl-scsi --help\)$" "$BUILD/xl-scsi" watch -t
refuses 2 "^xl-scsi: watch takes no option -j: expected -t " "$BUILD/xl-scsi" watch -j

step "what is wrong in a unit file has its priority in the journal"
# What systemd gives a service: standard error is a stream, and JOURNAL_STREAM names its device and inode.
mkfifo "$DIR/stream"
exec 9<>"$DIR/stream"
stream=$(stat -c %d:%i "$DIR/stream")
for wrong in "--no-such watch" "watch --no-such" "watch --timeout=0" "watch -j" "watch stray" "wacth" ""; do
    # shellcheck disable=SC2086
    JOURNAL_STREAM=$stream "$BUILD/xl-scsi" $wrong 2>&9
    check_eq "$?" 2 "exit status of xl-scsi $wrong"
    read -r -t 5 said <&9 || fail "xl-scsi $wrong says nothing"
    check_match "$said" '^<3>xl-scsi: ' "what the journal gets of xl-scsi $wrong"
done
exec 9>&-
# Not the time, as a log would have it: a user's script keeps this.
"$BUILD/xl-scsi" nonsense 2>"$DIR/said"
check_match "$(cat "$DIR/said")" '^xl-scsi: unknown command' "the line in a file"

step "pvscsid: options and config file"
run() { timeout 60 "$BUILD/pvscsid" --foreground --standalone "$DIR/none" --run-dir "$RUN_DIR" "$@"; }
refuses 2 "^pvscsid: --log-level: 'loud' is not valid; expected debug, " run --log-level loud
refuses 2 "^pvscsid: --max-segments: '5' is not valid; expected a number from 26 to 128$" run --max-segments 5
refuses 2 "^pvscsid: --max-segments: 'x' is not valid; expected a number from 26 to 128$" run --max-segments x
refuses 2 "^pvscsid: --max-luns needs a value: N$" run --max-luns
refuses 2 "^pvscsid: unexpected argument 'stray'" run stray
refuses 2 "^pvscsid: cannot read the config file $DIR/does-not-exist: No such file" run --config "$DIR/does-not-exist"
refuses 2 "^pvscsid: cannot read the config file $DIR: Is a directory$" run --config "$DIR"
printf '\nno_such_setting = 1\n' >"$DIR/conf"
refuses 2 "^pvscsid: $DIR/conf:2: unknown key 'no_such_setting'" run --config "$DIR/conf"
printf 'max_segments = \n' >"$DIR/conf"
refuses 2 "^pvscsid: $DIR/conf:1: syntax error; expected max_segments = VALUE and no more" run --config "$DIR/conf"
check_eq "$(ls -A "$RUN_DIR")" "" "what these left in the run directory"

step "pvscsid: no xenstored"
no_xenstored="^pvscsid: cannot connect to xenstored: No such file or directory; expected it at $DIR/none$"
refuses 1 "$no_xenstored" run --config /dev/null
background() {
    timeout 60 "$BUILD/pvscsid" --standalone "$DIR/none" --run-dir "$RUN_DIR" --config /dev/null --log-file "$DIR/log"
}
refuses 1 "$no_xenstored" background

# The daemon as on Xen, in a mount namespace of its own: on a machine without Xen, modules, xenstored.
real() { # FILES USER: these files are in /dev/xen, root's alone; the daemon runs as this user
    # shellcheck disable=SC2016
    env -u XENSTORED_PATH unshare -m sh -c 'mount -t tmpfs none /dev && mount -t tmpfs none /run && mkdir /dev/xen || exit 99
        for file in $1; do : >"/dev/xen/$file"; chmod 600 "/dev/xen/$file"; done
        exec timeout 60 setpriv --reuid "$2" --regid "$2" --clear-groups "$3/pvscsid" --foreground --run-dir "$3/run-$2" \
            --config "$3/empty" --sandbox off' sh "$1" "$2" "$DIR"
}
if [ "$(id -u)" != 0 ] || ! command -v setpriv >/dev/null || ! unshare -m mount -t tmpfs none /dev 2>/dev/null; then
    echo "SKIP of some steps: only root with mount namespaces and setpriv can try a machine with and without /dev/xen"
else
    # Where any user can run it.
    cp "$BUILD/pvscsid" "$DIR/pvscsid"
    chmod 711 "$DIR"
    : >"$DIR/empty"
    mkdir "$DIR/run-65534"
    chown 65534:65534 "$DIR/run-65534"
    step "pvscsid: no Xen"
    no_node() { # NAME
        echo "^pvscsid: cannot use /dev/xen/$1: No such file or directory; expected a Xen domain with the module xen-$1 loaded$"
    }
    refuses 1 "$(no_node gntdev)" real "" 0
    refuses 1 "$(no_node evtchn)" real "gntdev" 0
    step "pvscsid: Xen, but no xenstored"
    refuses 1 "^pvscsid: cannot connect to xenstored: .*; expected it at /run/xenstored/socket or behind /dev/xen/xenbus" \
        real "gntdev evtchn" 0
    step "pvscsid: no permission"
    refuses 1 "^pvscsid: cannot use /dev/xen/gntdev: Permission denied; expected .*, and root's rights$" \
        real "gntdev evtchn" 65534
    rm -r "$DIR/run-65534"
    refuses 1 "^pvscsid: cannot use the run directory $DIR/run-65534: Permission denied; expected .*\(are you root\?\)$" \
        real "gntdev evtchn" 65534
fi

step "pvscsictl without a daemon"
refuses 3 'cannot reach pvscsid' "$BUILD/pvscsictl" --run-dir "$RUN_DIR" status

step "vscsi-front"
refuses 2 'like' "$BUILD/vscsi-front" --like macos
refuses 2 'number' "$BUILD/vscsi-front" --domid x
refuses 1 'mock-xen' "$BUILD/vscsi-front" --standalone "$DIR/none" list
mock_start
guest_create 1
refuses 1 'attached' "$BUILD/vscsi-front" --standalone "$SOCK" --domid 1 --timeout 1 list
