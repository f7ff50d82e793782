#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# pvscsictl and pvscsictl(8) have the same options, commands and exit statuses, and pvscsictl gives each status in the
# case that the page describes.
# shellcheck source=tests/mock-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/mock-lib.sh"

page=${top_srcdir:-$(dirname -- "$0")/..}/docs/pvscsictl.8
[ -e "$page" ] || page=$page.in
ctl() { "$BUILD/pvscsictl" --run-dir "$RUN_DIR" "$@"; }
help=$(ctl --help)

step "options and commands"
same() { # WHAT LEFT RIGHT
    [ -n "$2" ] || fail "$1: none found"
    [ "$2" = "$3" ] || fail "$1: $(diff <(echo "$2") <(echo "$3"))"
}
same "options of --help and of the page" \
    "$(sed -nE 's/^ *(-([a-z]), )?--([a-z-]+)( ([A-Z]+))?  .*/\3 \2 \5/p' <<<"$help" | sort)" \
    "$(sed -nE 's/^\.It Fl (([a-z]) , )?-([a-z-]+)( Ar ([A-Z]+))?$/\3 \2 \5/p' "$page" | sort)"
same "commands of --help and of the page" "$(sed -nE 's/^  ([a-z]+) .*/\1/p' <<<"$help" | sort)" \
    "$(sed -nE '/^\.Sh DESCRIPTION/,/^\.It Fl/s/^\.It Cm ([a-z]+)$/\1/p' "$page" | sort)"
same "the default run directory" "$(sed -nE 's/.*--run-dir DIR .*\[(.*)\]$/\1/p' <<<"$help")" \
    "$(sed -nE '/^\.It Fl -run-dir/,/^\.It/s/^\.Pa (.*) \.$/\1/p' "$page")"
# Each long option is one that the program takes, with a value or without.
while read -r name value; do
    # Any answer is right except getopt's refusal.
    "$BUILD/pvscsictl" "--$name" ${value:+"$DIR"} >"$DIR/out" 2>&1
    check_no_match "$(cat "$DIR/out")" 'option' "what --$name gives"
done < <(sed -nE 's/^\.It Fl (. , )?-([a-z-]+)( Ar ([A-Z]+))?$/\2 \4/p' "$page")

step "status 2: wrong usage"
statuses=$(sed -nE '/^\.Sh EXIT STATUS/,/^\.Sh/s/^\.It ([0-9]+)$/\1/p' "$page")
check_eq "$(echo $statuses)" "0 1 2 3 4" "the statuses in the page"
refuses 2 "no command; expected 'status', 'stats', 'metrics', 'events', 'top', 'policy' or 'reload'" ctl
refuses 2 "unknown command 'stat'; expected 'status', 'stats', 'metrics', 'events', 'top', 'policy' or 'reload'" ctl stat
refuses 2 "too many arguments; expected 'status' alone" ctl status stats
refuses 2 "too many arguments; expected 'metrics' alone" ctl metrics stats
refuses_at_length 2 'unrecognized option' ctl --no-such status
refuses_at_length 2 'requires an argument.*see pvscsictl --help' "$BUILD/pvscsictl" status --run-dir
refuses 2 "--json does not go with 'metrics'" ctl --json metrics
refuses 2 "--json does not go with 'reload'" ctl --json reload
refuses 2 "too many arguments; expected 'reload' alone" ctl reload now
refuses 2 "--format does not go with 'stats'" ctl --format openmetrics stats
refuses 2 "--output does not go with 'status'" ctl --output "$DIR/out" status
refuses 2 "--format 'xml': expected 'prometheus' or 'openmetrics'" ctl --format xml metrics
refuses 2 "too many arguments; expected 'policy', 'policy TYPE' or 'policy GUEST VDEV'" ctl policy 1 0:0:0:0 x

step "status 3: no daemon"
refuses 3 "cannot reach pvscsid at $RUN_DIR/pvscsid.sock: No such file or directory \(is it running\?\)" ctl status
refuses 3 'cannot reach pvscsid' ctl stats
refuses_at_length 3 'cannot reach pvscsid' ctl metrics
refuses 3 'cannot reach pvscsid' ctl events

step "status 4: it runs but does not serve yet"
mock_start
faults "directory@0:$BACKEND 1 EIO *" >/dev/null
daemon_start_only
answers() { ctl stats; }
wait_until 25 answers
ctl status >"$DIR/out" 2>&1
check_eq $? 4 "exit status of status"
check_match "$(cat "$DIR/out")" ': starting' "what status says"
ctl --json status >"$DIR/out" 2>&1
check_eq $? 4 "exit status of --json status"
ctl stats >/dev/null || fail "stats of a daemon that does not serve yet: $?"

step "status 0: it serves"
faults >/dev/null
wait_until 25 daemon_ready
for args in status stats "--json status" "--json stats" metrics "--format openmetrics metrics" "-b -n 1 -d 0.1 top" --version --help -h; do
    # shellcheck disable=SC2086
    ctl $args >"$DIR/out" 2>"$DIR/err" || fail "pvscsictl $args: status $?"
    [ -s "$DIR/out" ] && [ ! -s "$DIR/err" ] || fail "pvscsictl $args: $(cat "$DIR/err")"
done

step "status 1: no permission"
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    cp "$BUILD/pvscsictl" "$DIR/pvscsictl"
    chmod 711 "$DIR" "$RUN_DIR"
    refuses 1 'cannot reach pvscsid at .*: Permission denied \(root only\)' \
        setpriv --reuid 65534 --regid 65534 --clear-groups "$DIR/pvscsictl" --run-dir "$RUN_DIR" status
else
    echo "SKIP of this step: it needs root and setpriv"
fi

step "status 1: the answer cannot be written"
for what in status metrics events; do
    ctl $what >/dev/full 2>&1
    check_eq $? 1 "exit status of $what with a full disk"
done
refuses 1 "cannot write $DIR/none/x.prom: No such file or directory" ctl --output "$DIR/none/x.prom" metrics

step "status 1: no usable answer"
# The daemon is stopped, pvscsictl waits in its queue, and then the daemon is killed.
kill -STOP "$DAEMON_PID"
ctl status >"$DIR/out" 2>&1 &
pid=$!
asked() { [ "$(grep -c " $RUN_DIR/pvscsid.sock$" /proc/net/unix)" = 2 ]; }
wait_until 25 asked
daemon_kill
wait "$pid"
check_eq $? 1 "exit status"
check_match "$(cat "$DIR/out")" '^pvscsictl: no usable answer from pvscsid: ' "what is said"
# Its socket is still there.
refuses 3 'Connection refused \(is it running\?\)' ctl status
