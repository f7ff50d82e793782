#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# docs/persistent-reservations.md says that a test runs the commands of its example exactly as they are printed.
# So each line of its sh blocks must be in that test, in the same order.
set -eu
: "${top_srcdir:?}"
doc=$top_srcdir/docs/persistent-reservations.md
ran=$top_srcdir/tests/xen/t-41-cluster-example.sh
awk '
    FNR == 1 { file++ }
    file == 1 && /^```sh$/ { block = 1; next }
    file == 1 && /^```/ { block = 0; next }
    file == 1 && block { line[n++] = $0 }
    file == 2 && at < n && index($0, line[at]) { at++ }
    END {
        if (n < 20) { print "only " n " commands in the example: " n; exit 1 }
        if (at < n) { print "not run, or not in this order: " line[at]; exit 1 }
    }
' "$doc" "$ran"
