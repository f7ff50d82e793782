#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every #include of one folder from another is an arrow of the list in docs/architecture.md, every arrow there is
# used, and there is no circle: neither between folders nor between the files of a folder, a file x being x.c and x.h.
set -u
# shellcheck source=tests/tree-lib.sh
. "$(dirname -- "$0")/tree-lib.sh"
circles=$top_srcdir/tests/circles.awk

# includes TREE: "FILE INCLUDED", as paths in the tree. Headers of the system and config.h are left out. A header in
# angle brackets is of the system, unless the tree has it.
includes() {
    local folders
    folders=$(cd "$1" && ls -d include src tools 2>/dev/null)
    # shellcheck disable=SC2086 # folders are words
    (cd "$1" && find $folders -name '*.[ch]' | sort && echo && grep -rH --include='*.[ch]' '^ *# *include *["<]' $folders) | awk '
        !headers_read && $0 == "" { headers_read = 1; next }
        !headers_read { exists[$0] = 1; next }
        {
            file = $0; sub(/:.*/, "", file)
            name = $0; system_header = name ~ /^[^"<]*</
            sub(/^[^"<]*["<]/, "", name); sub(/[">].*/, "", name)
            folder = file; sub(/\/[^\/]*$/, "", folder)
            if (name == "config.h") next
            n = split(folder " src tools include", root, " ")
            for (i = 1; i <= n && !((root[i] "/" name) in exists); i++);
            if (i > n && system_header) next
            print file, i <= n ? root[i] "/" name : "?" name
        }'
}

# arrows PAGE: "FROM TO" of the list.
arrows() {
    sed -n '/^```arrows$/,/^```$/p' "$1" | awk '$2 == "->" { for (i = 3; i <= NF; i++) print $1, $i }'
}

# check TREE PAGE: prints what is wrong.
check() {
    local found drawn
    found=$(includes "$1") drawn=$(arrows "$2")
    awk '$2 ~ /^\?/ { print $1 " includes " substr($2, 2) ", which is not in the tree" }' <<<"$found"
    awk 'function folder(path) { sub(/\/[^\/]*$/, "", path); return path }
        $1 == "arrow" { drawn[$2 " " $3] = 1; next }
        $2 ~ /^\?/ { next }
        folder($1) != folder($2) {
            arrow = folder($1) " " folder($2); used[arrow] = 1
            if (!(arrow in drawn)) print $1 " includes " $2 ", and the list has no arrow " folder($1) " -> " folder($2)
        }
        END { for (arrow in drawn) if (!(arrow in used)) print "no file needs the arrow of the list from " arrow }
    ' <(sed -n 's/./arrow &/p' <<<"$drawn") <(printf '%s\n' "$found")
    awk '{ print $1, $2, "in-the-list" }' <<<"$drawn" | awk -f "$circles"
    awk 'function file(path) { sub(/\.[ch]$/, "", path); return path }
        $2 !~ /^\?/ { print file($1), file($2), $1 }' <<<"$found" | awk -f "$circles"
}

# First what the check would say of a tree that is wrong in each way.
mkdir -p "$tmp"/src/{high,low} "$tmp/include/pvscsi"
echo '#include "low/a.h"' >"$tmp/src/high/main.c"
echo '#include "low/b.h"' >"$tmp/src/low/a.c"
touch "$tmp"/src/low/{a,b}.h
# page LINE...: a list.
page() { { echo '```arrows'; printf '%s\n' "$@"; echo '```'; } >"$tmp/page.md"; }
# says TEXT: of the made tree.
says() { grep -qF -- "$1" <<<"$(check "$tmp" "$tmp/page.md")" || fail "the check did not say '$1'"; }
page "src/high -> src/low"
[ -z "$(check "$tmp" "$tmp/page.md")" ] || fail "a tree without a fault: $(check "$tmp" "$tmp/page.md")"
page "src/high ->"
says "src/high/main.c includes src/low/a.h, and the list has no arrow src/high -> src/low"
page "src/high -> src/low include/pvscsi"
says "no file needs the arrow of the list from src/high include/pvscsi"
page "src/high -> src/low" "src/low -> src/high"
says "src/low needs src/high (in-the-list)"
page "src/high -> src/low"
echo '#include "a.h"' >"$tmp/src/low/b.c"
says "src/low/b needs src/low/a (src/low/b.c)"
printf '#include <%s>\n' stdio.h high/main.h >"$tmp/src/low/b.c"
touch "$tmp/src/high/main.h"
says "src/low/b.c includes src/high/main.h, and the list has no arrow src/low -> src/high"
echo '#include "nowhere.h"' >"$tmp/src/low/b.c"
says "src/low/b.c includes nowhere.h, which is not in the tree"

found=$(includes "$top_srcdir")
[ "$(wc -l <<<"$found")" -gt 200 ] || fail "only these includes were found: $found"
[ "$(arrows "$top_srcdir/docs/architecture.md" | wc -l)" -gt 20 ] || fail "docs/architecture.md has no list of arrows"
wrong=$(check "$top_srcdir" "$top_srcdir/docs/architecture.md")
[ -z "$wrong" ] || fail "$wrong"
exit "$failed"
