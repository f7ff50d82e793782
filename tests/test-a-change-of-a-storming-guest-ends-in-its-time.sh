#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A guest writes to its own nodes as fast as it can while its devices are attached and detached. Whether that succeeds
# is in the guest's hands; it ends in its time, and --force removes the device.
. "${top_srcdir:-.}/tests/mock-lib.sh"
mock_start
daemon_start
guest_create 5
disk a 4
attach 5 "$DISK" 0:0:0:0 --no-wait
front_start noisy 5
front noisy "wait-dev 0:0:0:0 4"
front_tell noisy "storm 100000000 children=300"
disk b 4

# ends SECONDS COMMAND...
ends() {
    local most=$1 begin=$SECONDS out
    shift
    out=$(timeout 60 "$BUILD/xl-scsi" "$1" --run-dir "$DIR/locks" "${@:2}" 2>&1)
    STATUS=$?
    echo "$1: exit status $STATUS: $out"
    [ $((SECONDS - begin)) -le "$most" ] || fail "$1 took $((SECONDS - begin)) s"
}
# An attach that fails has 5 s to take back what it wrote, and a transaction 10 s until nobody interferes.
for _ in 1 2 3; do
    ends 30 attach -t 3 5 "file:$DISK" 0:0:0:2
    ends 15 list 5
    ends 20 detach -t 3 5 0:0:0:2
done
ends 20 detach -f -t 3 5 0:0:0:0
check_eq $STATUS 0 "exit status of detach --force"
front_kill noisy
daemon_kill
