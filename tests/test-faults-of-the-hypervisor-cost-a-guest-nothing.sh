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
# A ring that cannot be mapped, with an error that a guest's own mistake would give too. Pages that cannot be written,
# while other pages of the same command can; vscsi-front reports that. An event that is lost.
for rule in "map EINVAL" "copy-segment general_error" "copy-segment eagain 8" \
    "copy-segment bad_gntref 8" "notify EINVAL 4" "notify drop 4"; do
    each "$rule" life again
done
faults_end
