#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Each kind of call to the hypervisor fails, at each place in a guest's whole life.
# shellcheck source=tests/faults-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/faults-lib.sh"

driver_start
for rule in \
    "hello ENOMEM" "memory ENOMEM" "map ENOMEM" "bind ENOMEM" "unmap EINVAL" "unbind EINVAL" "copy ENOMEM" "copy EFAULT 8" \
    "unmask EINVAL" "pending EIO" "map delay=100"; do
    each "$rule" life once
done
# A ring that could not be mapped for a reason that looks like the guest's own fault; pages that could not be written,
# beside others of the same command that could, which vscsi-front does not forgive; an event that never came.
for rule in "map EINVAL" "copy-segment general_error" "copy-segment eagain 8" \
    "copy-segment bad_gntref 8" "notify EINVAL 4" "notify drop 4"; do
    each "$rule" life again
done
faults_end
