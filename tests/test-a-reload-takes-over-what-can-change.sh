#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# SIGHUP and pvscsictl reload take over what can change in the config, under guests that run, and say what waits for a
# restart. A config with a mistake changes nothing. What the command line says stays.
# shellcheck source=tests/mock-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/mock-lib.sh"

ctl() { "$BUILD/pvscsictl" --run-dir "$RUN_DIR" "$@"; }
# config LINE...: the config has these lines, and is reloaded; the answer is in $SAID.
config() {
    printf '%s\n' "$@" >"$DIR/conf"
    SAID=$(ctl reload 2>&1) || fail "pvscsictl reload: $SAID"
}
granted() { ctl status | sed -n 's/.*, \([0-9]*\) KiB of granted buffers.*/\1/p' | awk '{ n += $1 } END { print n + 0 }'; }
# A disk whose guest may not send WRITE(10), and may again.
write="raw 0:0:0:0 none 0 2a 0 0 0 0 0 0 0 0 0"
sends() { front_try g "expect $1 $write"; }

mock_start
refuses 3 'cannot reach pvscsid' ctl reload
: >"$DIR/conf"
daemon_start --config "$DIR/conf"
guest_create 1
disk a 8
attach 1 "$DISK" 0:0:0:0 --no-wait
front_start g 1
front g "wait-dev 0:0:0:0 4"
front g "expect 00/02/6/29/00 raw 0:0:0:0 in 0 0 0 0 0 0 0"

step "nothing has changed"
config "# nothing"
check_eq "$SAID" "reloaded: nothing that is in force has changed" "the answer"
front g "expect 00/00 $write"

step "commands, at once, and for the next worker"
config 'deny = "disk:2a"' 'log_level = "error"'
check_eq "$SAID" "reloaded: deny in force" "the answer (the command line says log_level)"
daemon_says 'info: reloaded: deny in force$' || fail "the log does not say it"
check_eq "$(ctl policy 1 0:0:0:0 | sed -n 's/^  2a  *\([a-z]*\) .*/\1/p')" refused "what policy says"
front g "expect 00/02/5/20/00 $write"
worker=$(one_worker)
kill -KILL "$worker"
wait_until 25 sends 00/02/5/20/00
[ "$(one_worker)" != "$worker" ] || fail "no new worker"

step "a reload without a change says nothing again"
refusals() { grep -c 'is refused by the command policy' "$LOGS/pvscsid"; }
before=$(refusals)
[ "$before" -gt 0 ] || fail "no refusal is in the log"
config 'deny = "disk:2a"' 'log_level = "error"'
check_eq "$SAID" "reloaded: nothing that is in force has changed" "the answer"
front g "expect 00/02/5/20/00 $write"
check_eq "$(refusals)" "$before" "refusals in the log"

step "devices that are attached from now on"
config 'deny = "disk:2a"' 'pr = "deny"' 'max_luns = 2'
check_eq "$SAID" "reloaded: max_luns, pr for devices that are attached from now on" "the answer"
disk b 8
attach 1 "$DISK" 0:0:1:0
front g "wait-dev 0:0:1:0 4"
check_match "$(ctl status | grep 0:0:1:0)" 'pr:deny' "the new device"
check_no_match "$(ctl status | grep 0:0:0:0)" 'pr:deny' "the device that was there"
disk c 8
refuses 3 'as many as max_luns allows' xl_scsi attach 1 "file:$DISK" 0:0:2:0

step "buffers"
front g "load 0:0:0:0 rw=read bs=60k count=100"
granted_some() { [ "$(granted)" -gt 0 ]; }
wait_until 25 granted_some
config 'deny = "disk:2a"' 'pr = "deny"' 'max_luns = 2' 'granted_pages = 0'
check_eq "$SAID" "reloaded: granted_pages in force" "the answer"
granted_none() { [ "$(granted)" = 0 ]; }
wait_until 25 granted_none
front g "load 0:0:0:0 rw=read bs=60k count=100"

step "what waits for a restart"
config 'sandbox = "off"' 'deny = "all:2a"' 'poll = 0'
check_eq "$SAID" "reloaded: granted_pages, poll, deny in force; max_luns, pr for devices that are attached from now on
what waits for a restart of the daemon: sandbox (\"auto\" now, \"off\" then)" "the answer"
daemon_says 'warning: what waits for a restart of the daemon: sandbox' || fail "the log does not say it"

step "a mistake changes nothing"
printf '%s\n' 'policy = 0' 'max_luns = 0' >"$DIR/conf"
refuses 1 "^pvscsictl: $DIR/conf:2: max_luns = '0' is not valid; expected a number from 1 to 256; no setting is changed\$" \
    ctl reload
daemon_says "error: $DIR/conf:2: .*; no setting is changed" || fail "the log does not say it"
front g "expect 00/02/5/20/00 $write"

step "SIGHUP does the same"
echo 'sandbox = "off"' >"$DIR/conf"
kill -HUP "$DAEMON_PID"
wait_until 25 sends 00/00
daemon_says 'reloaded: poll, deny in force$' || fail "the log does not say it"

front_stop g
daemon_stop
