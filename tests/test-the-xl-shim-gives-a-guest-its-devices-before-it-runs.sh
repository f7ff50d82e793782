#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The xl shim: a guest with vscsi= has its devices before it runs, whatever options create has.
. "${top_srcdir:-.}/tests/mock-lib.sh"
. "${top_srcdir:-.}/tests/toolstack-lib.sh"
mock_start
# A guest that is paused has no frontend.
peers 7 guest=absent
. "${top_srcdir:-.}/tests/played-xl.sh"

step "create: paused, devices, unpause"
shim -v create "$DIR/with.cfg" -q 'memory=1' || fail "create"
check_eq "$(calls)" "xl <help>
xl <-v> <create> <-p> <-q> <-f> <$DIR/with.cfg> <memory=1>
xl <-v> <unpause> <7>
devices at unpause: 3 3 " "calls"
gone
shim cr -p "$DIR/with.cfg" || fail "create -p by prefix"
check_eq "$(calls | grep -v help)" "xl <create> <-p> <-f> <$DIR/with.cfg>" "calls"
check_eq "$(xl_scsi list web | grep -c ' 3$')" 2 "devices"
gone
check_eq "$(shim create -c "$DIR/with.cfg")" "the boot loader's menu
the console" "output of create -c"
check_eq "$(calls | grep -v help)" "xl <create> <-p> <-c> <-f> <$DIR/with.cfg>
xl <unpause> <7>
devices at unpause: 3 3 " "calls of create -c"
gone
shim create /dev/null 'name="web"' "vscsi=['/dev/nosuch3,0:0:0:5']" || fail "create from arguments"
check_match "$(calls)" "devices at unpause: 3 $" "devices from arguments"
gone
shim create "$DIR/with.cfg" "vscsi=[]" || fail "create with vscsi taken away"
check_eq "$(calls)" "xl <create> <$DIR/with.cfg> <vscsi=[]>" "calls"
gone
shim create <(cat "$DIR/with.cfg") || fail "create from a pipe"
check_match "$(calls)" 'xl <create> <-p> <-f> </proc/self/fd/[0-9]+>.*devices at unpause: 3 3 ' "calls"
gone
shim create -d <(cat "$DIR/without.cfg") || fail "create without vscsi from a pipe"
check_match "$(calls)" '^xl <create> <-d> <-f> </proc/self/fd/[0-9]+>$' "calls"
gone

step "create -F: stays, and ends as the real xl ends"
shim create -F "$DIR/with.cfg" &
pid=$!
wait_until 25 grep -q 'devices at unpause: 3 3' "$XL_LOG"
kill -0 $pid || fail "create -F has ended"
guest_destroy 7
xenstore-rm /local/domain/7
wait $pid
check_eq $? 5 "exit status of create -F"
gone

step "-e: xl ends at once, with -F too, and the guest has its devices nevertheless"
for options in "-e" "-F -e" "-Fe" "-e -F"; do
    # shellcheck disable=SC2086
    shim create $options "$DIR/with.cfg" || fail "create $options"
    check_match "$(calls)" "devices at unpause: 3 3 " "devices with $options"
    gone
done
MAKES=nothing refuses 1 'real/xl ended, but there is no guest web$' shim create -F -e "$DIR/with.cfg"
MAKES=nothing refuses 1 'real/xl ended, but there is no guest web$' shim create "$DIR/with.cfg"
gone

step "on a hypervisor, and its next domain is to have them too"
shim_helper "$BUILD/xl-scsi-fake-hyp"
mkdir "$DIR/hyp"
export FAKE_HYP=$DIR/hyp
shim create "$DIR/with.cfg" 2>/dev/null || fail "create"
check_match "$(calls)" "devices at unpause: 3 3 " "a complete one"
check_match "$(tr -d '\0' <"$(echo "$DIR"/hyp/*libxl-json)")" 'pvscsi/1' "what is noted for its next domain"
gone
