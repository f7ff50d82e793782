#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# `make dist` packs every file that git tracks, except files that only git reads.
set -u
top_srcdir=${top_srcdir:-$(dirname -- "$0")/..}
BUILD=${top_builddir:-.}
skip() { printf 'SKIP: %s\n' "$*"; exit 77; }

top_srcdir=$(readlink -f -- "$top_srcdir")
command -v git >/dev/null || skip "git is not installed"
# An unpacked tarball may be inside another repository.
[ "$(git -C "$top_srcdir" rev-parse --show-toplevel 2>/dev/null)" = "$top_srcdir" ] ||
    skip "this is no git checkout (or not one that git trusts)"
# A make of its own, not a child of the one that runs the tests.
unset MAKEFLAGS MFLAGS MAKELEVEL
packed=$(make -s -C "$BUILD" print-distfiles | tr ' ' '\n' | sed "s,^$top_srcdir/,,; s,^\.\./,," | grep . | sort -u)
[ "$(wc -l <<<"$packed")" -gt 100 ] || { echo "FAIL: the Makefile's list of files: $packed"; exit 1; }

# A name in the list may be a directory, which is packed whole.
missing=$(git -C "$top_srcdir" ls-files | grep -v '^\.git' | awk -v packed="$packed" '
    BEGIN { n = split(packed, names, "\n"); for (i = 1; i <= n; i++) have[names[i]] = 1 }
    {
        for (path = $0; path != "" && !(path in have); ) if (!sub("/[^/]*$", "", path)) path = ""
        if (path == "") print
    }')
if [ -n "$missing" ]; then
    echo "FAIL: tracked, and not in the tarball:"
    echo "$missing"
    exit 1
fi
