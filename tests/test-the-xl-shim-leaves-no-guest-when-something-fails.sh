#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The xl shim: what goes wrong leaves no guest, and a dry run makes none.
. "${top_srcdir:-.}/tests/mock-lib.sh"
. "${top_srcdir:-.}/tests/toolstack-lib.sh"
mock_start
# A guest that is paused has no frontend.
peers 7 guest=absent
. "${top_srcdir:-.}/tests/played-xl.sh"

step "a dry run prints what the real xl prints, and makes nothing"
check_eq "$(shim create -n "$DIR/with.cfg")" '{ "dry": "run" }' "output"
check_eq "$(calls | grep -v help)" "xl <create> <-n> <$DIR/with.cfg>" "calls"
check_eq "$(shim -N create "$DIR/with.cfg" | wc -l)" 0 "output with -N"
check_eq "$(calls | grep -v help)" "xl <-N> <create> <$DIR/with.cfg>" "calls"
gone
refuses 1 "vscsi entry 2 \\('nosuch2,0:0:0:1'\\): p-dev 'nosuch2'" shim create -n "$DIR/wrong.cfg"

step "what goes wrong leaves no guest"
refuses 1 "$DIR/wrong.cfg: vscsi entry 2" shim create "$DIR/wrong.cfg"
check_eq "$(calls | grep -v help)" "" "calls"
GUEST_STATUS=3 refuses 3 'cannot create' shim create "$DIR/with.cfg"
check_eq "$(calls | grep -v help)" "xl <create> <-p> <-f> <$DIR/with.cfg>" "calls"
peers 7 refuse='no such device'
# Which of the two is refused first is the backend's business.
refuses 1 'guest web is not started: v-dev 0:0:0:[01] was refused by the backend: p-dev /dev/nosuch[12]: no such device' \
    shim create "$DIR/with.cfg"
check_eq "$(calls | grep -v help)" $'xl <create> <-p> <-f> <'"$DIR"$'/with.cfg>\nxl <destroy> <7>' "calls"
xs_gone /local/domain/7 || fail "the guest is there"
gone
refuses 1 'guest web is not started' shim create -F "$DIR/with.cfg"
xs_gone /local/domain/7 || fail "the guest is there"
gone
peers 7 guest=absent
UNPAUSE_STATUS=3 refuses 1 'guest web is not started: xl cannot unpause it' shim create "$DIR/with.cfg"
check_eq "$(calls | grep -v help)" "xl <create> <-p> <-f> <$DIR/with.cfg>
xl <unpause> <7>
xl <destroy> <7>" "calls"
xs_gone /local/domain/7 || fail "the guest is there"
gone

step "no backend: a terminal shows what create waits for, and a log does not"
peers off
printf '#!/bin/sh\nexec "%s" --run-dir "%s" -t 3 "$@"\n' "$BUILD/xl-scsi" "$DIR/locks" >"$DIR/bin/xl-scsi"
if command -v script >/dev/null; then
    script -qec "'$DIR/bin/xl' create '$DIR/with.cfg'" /dev/null </dev/null >"$DIR/terminal" 2>&1
    check_eq $? 1 "exit status"
    check_match "$(cat "$DIR/terminal")" \
        $'\rxl-scsi: waiting for the backend to [a-z ]*, [23] s of at most 3 s \r +\r.*guest web is not started: time-out for v-dev' \
        "what a terminal shows"
    xs_gone /local/domain/7 || fail "the guest is there"
    gone
fi
refuses 1 '^xl-scsi: guest web is not started: time-out for v-dev' shim create "$DIR/with.cfg"
peers 7

step "an xl that fails after it has made the domain"
mkdir "$DIR/hyp"
shim_helper "$BUILD/xl-scsi-fake-hyp"
for options in "" -F; do
    # shellcheck disable=SC2086
    FAKE_HYP=$DIR/hyp BUILD_S=0.2 MAKES_JSON=no FAIL_LATE=4 shim create $options "$DIR/with.cfg"
    check_eq $? 4 "exit status with '$options'"
    xs_gone /local/domain/7 || fail "the guest is there"
    gone
done
