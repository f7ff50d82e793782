#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The service has tried some devices so often that it waits for long before the next try. When their backend is back,
# the daemon of this domain or a driver domain, it tries them soon.
MOCK_TIMEOUT=120
. "${top_srcdir:-.}/tests/mock-lib.sh"
. "${top_srcdir:-.}/tests/toolstack-lib.sh"
. "${top_srcdir:-.}/tests/watch-lib.sh"
mock_start

step "the tries come after 5, 10 and 20 seconds, the next one after 40"
echo 0 >"$FAKE_HYP/pvscsid"
peers 5 refuse-pdev=/dev/gone
watch_start 5
domain 5 web 0 /dev/gone,0:0:0:0
domain 6 db 0 /dev/nosuch,0:0:0:0,backend=storage
for id in 5 6; do wait_until 25 xenstore-exists /local/domain/$id/pvscsi/0/error; done
sleep 37

step "a driver domain returns"
guest_create 30 storage
wait_until 15 jobs_of 6
step "the daemon returns; while it starts, it is neither there nor away"
rm "$FAKE_HYP/pvscsid"
sleep 7
xenstore-exists /local/domain/5/pvscsi/0/error || fail "the device was attached without a daemon"
peers 5
echo 1 >"$FAKE_HYP/pvscsid"
wait_until 15 xs_gone /local/domain/5/pvscsi
wait_until 5 connected 5 1
watch_stop
