#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Many xl-scsi processes work on one guest at once. Each attaches its device, and no two devices get the same number.
. "${top_srcdir:-.}/tests/mock-lib.sh"
. "${top_srcdir:-.}/tests/toolstack-lib.sh"
mock_start
guest_create 5 web
peers 5

# all COMMAND: runs it with 1..12 in place of %, at once; each must succeed.
all() {
    local pids=() i
    for i in {1..12}; do
        # shellcheck disable=SC2086
        xl_scsi ${1//%/$i} >>"$LOGS/xl-scsi" 2>&1 &
        pids+=($!)
    done
    for i in "${!pids[@]}"; do
        wait "${pids[i]}" || fail "xl-scsi ${1//%/$((i + 1))}: $(tail -n 3 "$LOGS/xl-scsi")"
    done
}

step "twelve devices on a vhost that does not exist yet"
all "attach web /dev/nosuch% 0:0:0:%"
check_eq "$(xl_scsi list web | grep -c ' 4$')" 12 "connected devices"
check_eq "$(xenstore-list $BACKEND/5/0/vscsi-devs | sort -u | wc -l)" 12 "numbers"

step "the same v-dev twelve times: one gets it"
ok=0
for i in {1..12}; do
    xl_scsi attach web "/dev/again$i" 1:0:0:0 >"$DIR/out.$i" 2>&1 &
    pid[i]=$!
done
for i in {1..12}; do
    if wait "${pid[i]}"; then
        ok=$((ok + 1))
    else
        check_match "$(cat "$DIR/out.$i")" 'v-dev 1:0:0:0 has a device already' "the reason"
    fi
done
check_eq $ok 1 "successes"

step "attach and detach against each other"
all "attach web /dev/more% 0:1:0:%" &
mine=$!
all "detach web 0:0:0:%"
wait $mine || fail "the attaching half"
check_eq "$(xl_scsi list web | awk '$7 ~ /^0:0:/' | wc -l)" 0 "devices that were detached"
check_eq "$(xl_scsi list web | grep -c ' 0:1:0:.* 4$')" 12 "devices that were attached"

step "what is attached while the guest has not answered another change yet is taken in the same round"
peers off
xs_write $BACKEND/5/1/state 7
for i in 1 2; do
    xl_scsi attach web /dev/joins$i 1:0:0:$i >>"$LOGS/xl-scsi" 2>&1 &
    pid[i]=$!
done
for i in 1 2; do wait_until 25 xs_is $BACKEND/5/1/vscsi-devs/dev-$i/state 1; done
xs_is $BACKEND/5/1/state 7 || fail "the state of the other change is gone"
peers 5
for i in 1 2; do wait "${pid[i]}" || fail "attach: $(tail -n 3 "$LOGS/xl-scsi")"; done
check_eq "$(xl_scsi list web | grep -c ' 1:0:0:.* 4$')" 3 "devices of that vhost"

step "all gone"
all "detach web 0:1:0:%"
for i in 0 1 2; do xl_scsi detach web 1:0:0:$i || fail "detach"; done
no_nodes 5 "at the end"
