#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The xl shim: what has nothing to do with SCSI devices reaches the real xl as it is.
. "${top_srcdir:-.}/tests/mock-lib.sh"
. "${top_srcdir:-.}/tests/toolstack-lib.sh"
mock_start
# A guest that is paused has no frontend.
peers 7 guest=absent
. "${top_srcdir:-.}/tests/played-xl.sh"

step "what is nothing to us reaches the real xl as it is, and its status comes back"
shim fail 'a b' '' "c'd" '$e' --long -x
check_eq "$?" 42 "exit status"
check_eq "$(calls)" "xl <fail> <a b> <> <c'd> <\$e> <--long> <-x>" "arguments"
shim -v list
check_eq "$(calls)" "xl <-v> <list>" "arguments"
shim; shim --help; shim -v
check_eq "$(calls)" $'xl\nxl <--help>\nxl <-v>' "arguments"
shim create "$DIR/without.cfg" -p 'name="x y"'
check_eq "$(calls)" "xl <create> <$DIR/without.cfg> <-p> <name=\"x y\">" "create without vscsi"
gone
{ shim create; shim create --help; shim create "$DIR/nosuch.cfg"; shim create a b c; } 2>/dev/null
check_eq "$(calls)" "xl <create>
xl <create> <--help>
xl <create> <$DIR/nosuch.cfg>
xl <create> <a> <b> <c>" "what is for the real xl to refuse"
gone
echo 'vscsi = [' >"$DIR/broken.cfg"
shim create "$DIR/broken.cfg"
check_eq "$(calls)" "xl <create> <$DIR/broken.cfg>" "a file that is no configuration"
gone

step "an xl that knows vscsi itself, as SUSE's does, keeps it"
export EXTRA_COMMANDS="scsi-attach x"
shim create "$DIR/with.cfg" || fail "create"
check_eq "$(calls | grep -v help)" "xl <create> <$DIR/with.cfg>" "calls"
shim scsi-list web || fail "scsi-list"
check_eq "$(calls | grep -v help)" "xl <scsi-list> <web>" "calls"
gone
shim create "$DIR/wrong.cfg" || fail "create with what only its own parser knows"
check_eq "$(calls | grep -v help)" "xl <create> <$DIR/wrong.cfg>" "calls"
gone
shim restore "$DIR/wrong.cfg" /nosuch || fail "restore with what only its own parser knows"
check_eq "$(calls | grep -v help)" "xl <restore> <$DIR/wrong.cfg> </nosuch>" "calls"
gone
check_eq "$(shim help)" "$("$DIR/real/xl" help)" "its list of commands"
gone

step "it is asked once what it knows, until its file changes or the answer is old"
helps() { shim scsi-list web >/dev/null && calls | grep -c '<help>'; }
touch "$DIR/real/xl"
check_eq "$(helps) $(helps)" "1 0" "times that it was asked"
touch "$DIR/real/xl"
check_eq "$(helps) $(helps)" "1 0" "times after its file has changed"
touch -d "-11 minutes" "$DIR/locks/real-xl"
check_eq "$(helps) $(helps)" "1 0" "times after eleven minutes"
touch -d "+2 minutes" "$DIR/locks/real-xl"
check_eq "$(helps) $(helps)" "1 0" "times after an answer of the future"

step "xl-scsi's own options before the command xl"
touch "$DIR/real/xl"
EXTRA_COMMANDS="" "$BUILD/xl-scsi" --run-dir "$DIR/locks" -t 5 xl "$DIR/real/xl" create -p "$DIR/with.cfg" || fail "xl-scsi -t 5 xl"
check_eq "$(EXTRA_COMMANDS="" calls | grep -v help)" "xl <create> <-p> <-f> <$DIR/with.cfg>" "calls"
gone
"$BUILD/xl-scsi" --run-dir "$DIR/locks" --timeout=5 xl "$DIR/real/xl" fail -t 7 --help
check_eq $? 42 "exit status"
check_eq "$(calls)" "xl <fail> <-t> <7> <--help>" "calls"

step "without our helper, or without a real xl"
sed -i "s|^helper=.*|helper=/nonexistent|" "$DIR/bin/xl"
shim create "$DIR/with.cfg" || fail "create without helper"
check_eq "$(calls)" "xl <create> <$DIR/with.cfg>" "calls"
if ! [ -e /usr/sbin/xl ] && ! [ -e /usr/bin/xl ] && ! [ -e /sbin/xl ]; then
    XEN_PVSCSI_REAL_XL=/nonexistent refuses 127 'the real xl is not installed' shim list
fi
gone
