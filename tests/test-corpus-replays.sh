#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154
# Each corpus file goes through its replay_* program, so a fault that a fuzzer once found cannot return unnoticed.
set -eu
n=0
for corpus in "$top_srcdir"/tests/fuzz/corpus-*; do
    program=$top_builddir/replay_${corpus##*/corpus-}
    if [ ! -x "$program" ]; then
        echo "no program for $corpus"
        exit 1
    fi
    for file in "$corpus"/*; do
        "$program" "$file" || { echo "failed: $program $file"; exit 1; }
        n=$((n + 1))
    done
done
[ "$n" -gt 0 ]
