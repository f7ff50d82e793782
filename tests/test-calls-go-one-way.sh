#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# No two object files need one another's symbols, directly or by way of others. What goes up is a callback that was
# handed down: it has no symbol.
set -u
# shellcheck source=tests/tree-lib.sh
. "$(dirname -- "$0")/tree-lib.sh"
circles=$top_srcdir/tests/circles.awk
command -v nm >/dev/null || skip "nm is not installed"
# A make of its own, not a child of the one that runs the tests.
unset MAKEFLAGS MFLAGS MAKELEVEL

# needs: reads what `nm -A -g` prints; writes "OBJECT NEEDED SYMBOL". A folder under tools/ is one program or more: its
# symbols are for itself only, and the same name may mean something else in another folder.
needs() {
    awk '
        {
            object = $1; sub(/:.*/, "", object)
            folder = object; sub(/\/[^\/]*$/, "", folder)
            symbol = $NF; type = $(NF - 1)
        }
        type == "U" { wanted[++n] = object " " symbol; next }
        type ~ /[wv]/ { next }
        {
            here[folder, symbol] = object
            if (folder !~ /^tools\//) anywhere[symbol] = object
        }
        END {
            for (i = 1; i <= n; i++) {
                split(wanted[i], w, " ")
                folder = w[1]; sub(/\/[^\/]*$/, "", folder)
                if ((folder, w[2]) in here) print w[1], here[folder, w[2]], w[2]
                else if (w[2] in anywhere) print w[1], anywhere[w[2]], w[2]
            }
        }'
}

# First what the check says of a circle of three, and that a callback makes none.
made=$(printf '%s\n' 'src/a/x.o: 0 T x_go' 'src/a/x.o: U y_go' 'src/a/y.o: 0 T y_go' 'src/a/y.o: U z_go' \
    'src/b/z.o: 0 T z_go' 'src/b/z.o: U memcpy' 'tools/t/m.o: 0 T x_go' 'tools/t/m.o: U z_go')
[ "$(needs <<<"$made" | wc -l)" = 3 ] && needs <<<"$made" | awk -f "$circles" || fail "these calls go one way"
grep -q 'src/b/z.o needs src/a/x.o (x_go)' <<<"$( (echo "$made" && echo 'src/b/z.o: U x_go') | needs | awk -f "$circles")" ||
    fail "a circle of three was not found"

# Of what is built now: a build directory may hold objects of an earlier day. A source that several programs compile
# counts once.
objects=$(make -s -C "$BUILD" -f - print-objects <<'MAKE' | tr ' ' '\n' | grep -E '^(src|tools)/' | sort -u
include Makefile
print-objects:
	@echo $(foreach target,$(noinst_LIBRARIES) $(bin_PROGRAMS) $(sbin_PROGRAMS),$($(subst -,_,$(subst .,_,$(target)))_OBJECTS))
MAKE
)
[ "$(wc -l <<<"$objects")" -gt 80 ] || fail "the Makefile's list of objects: $objects"
# shellcheck disable=SC2086 # names of objects are words
symbols=$(cd "$BUILD" && nm -A -g $objects) || fail "nm"
found=$(needs <<<"$symbols")
[ "$(wc -l <<<"$found")" -gt 500 ] || fail "only these symbols are needed: $found"
wrong=$(awk -f "$circles" <<<"$found")
[ -z "$wrong" ] || fail "$wrong"
exit "$failed"
