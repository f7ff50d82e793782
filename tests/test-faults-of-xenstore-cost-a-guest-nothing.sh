#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Each kind of xenstore's answers is an error, late or missing, at each place in a guest's whole life.
# shellcheck source=tests/faults-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/faults-lib.sh"

driver_start
for rule in \
    "read EIO" "write ENOSPC" "directory EIO" "transaction-start ENOSPC" "transaction-end EAGAIN" \
    "watch ENOSPC" "unwatch EIO" "is-domain-introduced EIO" "connect drop" "watch-event drop 4" "read drop" "read delay=100 8"; do
    each "$rule" life once
done
faults_end
