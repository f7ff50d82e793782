#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The xl shim: a signal while the guest is being made ends the real xl, and no guest stays.
. "${top_srcdir:-.}/tests/mock-lib.sh"
. "${top_srcdir:-.}/tests/toolstack-lib.sh"
mock_start
# A guest that is paused has no frontend.
peers 7 guest=absent
. "${top_srcdir:-.}/tests/played-xl.sh"

step "a signal while the guest is being made ends the real xl"
for options in "" -F -c; do
    # shellcheck disable=SC2086
    SLOW=40 shim create $options "$DIR/with.cfg" &
    pid=$!
    wait_until 25 test -e "$XL_LOG.making"
    kill -TERM "$(shim_pid $pid)"
    end=$((SECONDS + 25))
    while kill -0 $pid 2>/dev/null; do
        [ $SECONDS -le $end ] || fail "create $options goes on after SIGTERM"
        sleep 0.05
    done
    wait $pid
    check_eq $? 143 "exit status of create $options after SIGTERM"
    check_match "$(calls)" "terminated" "the real xl's end"
    xs_gone /local/domain/7 || fail "the guest is there"
done

step "... and what it has made so far is destroyed"
shim_helper "$BUILD/xl-scsi-fake-hyp"
mkdir "$DIR/hyp"
export FAKE_HYP=$DIR/hyp
# With -F it stays, without libxl's last file: not complete.
MAKES_JSON=no shim create -F "$DIR/with.cfg" &
pid=$!
wait_until 25 grep -q '^made 7' "$XL_LOG"
sleep 0.5
check_no_match "$(cat "$XL_LOG")" unpause "calls so far"
kill -TERM "$(shim_pid $pid)"
wait $pid
check_eq $? 143 "exit status"
check_match "$(calls)" '<destroy> <7>' "calls"
xs_gone /local/domain/7 || fail "the half-made guest is there"
gone
