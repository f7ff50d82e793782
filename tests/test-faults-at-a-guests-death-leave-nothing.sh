#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Each kind of call fails, at each place where the daemon clears up after a guest that was destroyed.
# shellcheck source=tests/faults-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/faults-lib.sh"

# A guest is destroyed without a detach, and the daemon removes its nodes.
death() {
    attach 1 "$DISK" 0:0:0:0,backend=7 --no-wait
    "$BUILD/vscsi-front" --standalone "$SOCK" --domid 1 --abandon wait-dev 0:0:0:0 4 >>"$LOGS/front" 2>&1 || return 1
    guest_destroy 1
    wait_until "$PATIENCE" xs_gone "$BACKEND/1/0"
    wait_until 25 driver_holds_nothing
    guest_create 1
}
driver_start
for rule in "rm EIO" "rm drop" "directory EIO" "is-domain-introduced EIO" "read EIO" \
    "transaction-end EAGAIN" "unmap EINVAL"; do
    each "$rule" death
done
faults_end
