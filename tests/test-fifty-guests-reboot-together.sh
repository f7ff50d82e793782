#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# 50 guests with devices are destroyed and made again together. The service gives each its devices and lets it go;
# guests that do not answer, and one that writes its nodes without end, delay no other guest.
. "${top_srcdir:-.}/tests/mock-lib.sh"
. "${top_srcdir:-.}/tests/toolstack-lib.sh"
. "${top_srcdir:-.}/tests/watch-lib.sh"
. "${top_srcdir:-.}/tests/many-lib.sh"
GUESTS=50
# made FIRST LAST NAME-OFFSET: domains as libxl makes them, each with two devices that were noted for its guest.
made() {
    local d n
    for ((d = $1; d <= $2; d++)); do
        n=$((d - $3))
        domain $d web$n 0 /dev/nosuch${n}a,0:0:0:0 /dev/nosuch${n}b,0:0:0:1
    done
}
# let_go DOMID: the service has nothing more to do for it, and it is not paused.
let_go() { xs_gone "/local/domain/$1/pvscsi" && pauses_are "$1" 0; }
# all_run FIRST LAST: they run and have their devices.
all_run() {
    each_guest "$1" "$2" let_go
    each_guest "$1" "$2" has_in_state_4 2
}
# shellcheck disable=SC2119
mock_start
step "$GUESTS guests with two devices each"
many_peers 1 $GUESTS
watch_start 250
made 1 $GUESTS 0
all_run 1 $GUESTS

step "all of them are destroyed"
many_end
for ((d = 1; d <= GUESTS; d++)); do guest_destroy $d; done
for ((d = 1; d <= GUESTS; d++)); do xenstore-rm $BACKEND/$d; done

step "... and made again, after guests that do not answer"
# 98: its backend does not answer, so that it keeps its process. 99: its frontend never appears.
many_peers 98 98 backend=mute
many_peers 99 99 guest=absent
many_peers 101 $((100 + GUESTS))
domain 98 stuck 0 /dev/stuck98a,0:0:0:0 /dev/stuck98b,1:0:0:0
domain 99 absent 0 /dev/absent99a,0:0:0:0 /dev/absent99b,1:0:0:0
wait_until 60 jobs_of 98
wait_until 60 pauses_are 98 1
made 101 $((100 + GUESTS)) 100
all_run 101 $((100 + GUESTS))

step "all of them run while the one that does not answer is still waited for"
jobs_of 98 >/dev/null || fail "the service waits for it no more: $(tail -n 3 "$LOGS/watch")"
pauses_are 98 1 || fail "it was let go without its devices"
xenstore-exists /local/domain/98/pvscsi/0 || fail "its devices are no longer wanted"
step "... and the one without a frontend has not been waited for"
wait_until 60 let_go 99

step "a guest that writes its nodes without end delays no other: one that is let go, and one that the service waits for"
# 99 says anything, also that it refuses its devices. 98 does not, so that the service goes on waiting.
front_start storm 99 --no-connect
front storm open
front_tell storm "storm 100000000 children=200"
front_start waited 98 --no-connect
front waited open
front_tell waited "storm 100000000 children=200 below=4"
for d in 98 99; do wait_until 60 xenstore-exists /local/domain/$d/device/vscsi/0/vscsi-devs/dev-150/state; done
many_peers 201 205
made 201 205 100
all_run 201 205
jobs_of 98 >/dev/null || fail "the service waits for it no more: $(tail -n 3 "$LOGS/watch")"
pauses_are 98 1 || fail "it was let go without its devices"
for front in storm waited; do
    kill -0 "${FRONT_PID[$front]}" || fail "the storm has ended: $(tail -n 3 "$LOGS/front-$front")"
    front_kill $front
done

step "the wait for the one without an answer ends with its domain"
guest_destroy 98
xenstore-rm $BACKEND/98
wait_until 60 eval '! jobs_of 98'
watch_stop
many_end
