#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# No two object files need one another's symbols, directly or by way of others. What goes up is a callback that was
# handed down: it has no symbol. The table of the daemon's files in docs/architecture.md says what each of them calls.
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

# rows PAGE: "FOLDER FILES CALLED" of the table of files, FILES and CALLED with commas.
rows() {
    sed -n '/^## Files of the daemon/,/^## [^F]/p' "$1" | awk -F'|' '$2 ~ /^ [a-z]+\// {
        gsub(/ /, "", $2); gsub(/ /, "", $4)
        folder = files = $2; sub(/\/.*/, "", folder); sub(/[^\/]*\//, "", files)
        print folder, files, $4 == "" ? "-" : $4
    }'
}

# unlike PAGE: of the needs on standard input, prints what its rows do not say, and what they say too much: files of a
# row's folder by their name, other folders of src/ by theirs. What most files call is not named: src/common, and in
# src/control the model, the tables and the files in the run directory.
unlike() {
    awk '
        # path OBJECT: "folder/file" below src/, without what automake puts before the name.
        function path(object) {
            sub(/^src\//, "", object); sub(/\/([a-z]*_a|pvscsid)-/, "/", object); sub(/\.o$/, "", object)
            return object
        }
        function set(names, array, n, i, name) {
            split("", array); n = split(names, name, ",")
            for (i = 1; i <= n; i++) if (name[i] != "-") array[name[i]] = 1
        }
        given == "needs" {
            to = path($2)
            if ($2 ~ /^src\// && to !~ /^common\/|^control\/(model|.*-table|presence|run-files)$/)
                need[path($1)] = need[path($1)] " " to
            next
        }
        {
            set($2, own); set($3, named); split("", needed)
            for (name in own) {
                n = split(need[$1 "/" name], list, " ")
                for (i = 1; i <= n; i++) {
                    split(list[i], part, "/")
                    if (part[1] != $1) needed[part[1]] = 1
                    else if (!(part[2] in own)) needed[part[2]] = 1
                }
            }
            for (name in needed) if (!(name in named)) print $1 "/" $2 " calls " name ", and its row does not say so"
            for (name in named) if (!(name in needed)) print $1 "/" $2 " does not call " name ", as its row says"
        }' given=needs - given=rows <(rows "$1") | sort
}

made=$(printf '%s\n' src/a/x.o\ src/a/liba_a-{y,z}.o\ f src/a/liba_a-z.o\ src/{b/b,common/c,control/model}.o\ g)
# disagrees ROW TEXT...: with what is made, in these lines.
disagrees() {
    printf '%s\n' '## Files of the daemon' "$1" '## Next' >"$tmp/page.md"
    shift
    [ "$(unlike "$tmp/page.md" <<<"$made")" = "$(printf '%s\n' "$@")" ] ||
        fail "of the row: $(unlike "$tmp/page.md" <<<"$made")"
}
disagrees '| a/x, z | of this | y, b |'
disagrees '| a/x | of this | y, b |' "a/x calls z, and its row does not say so" "a/x does not call b, as its row says"

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
page=$top_srcdir/docs/architecture.md
[ "$(rows "$page" | wc -l)" -gt 25 ] || fail "docs/architecture.md has no table of files"
wrong=$(unlike "$page" <<<"$found")
[ -z "$wrong" ] || fail "the table of files in docs/architecture.md is not right:"$'\n'"$wrong"
exit "$failed"
