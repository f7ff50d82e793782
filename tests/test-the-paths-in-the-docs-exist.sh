#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The numbered paths in docs/architecture.md name functions, as `file:function()`. Each function is defined in that
# file. Each file of src/control and src/worker has its place in the table of files.
# The terms of the glossary are in alphabetical order, each once.
set -u
# shellcheck source=tests/tree-lib.sh
. "$(dirname -- "$0")/tree-lib.sh"

# steps PAGE: "FILE FUNCTION" of each step.
steps() { grep -o '`[a-z/_-]*\.c:[a-z0-9_]*()`' "$1" | sed 's/`\(.*\):\(.*\)()`/\1 \2/'; }
# absent TREE: of the steps on standard input. A definition begins a line and has its name before "(".
absent() {
    while read -r file function; do
        grep -qsE "^[a-z].*\b$function\(" "$1/$file" || printf '%s:%s()\n' "$file" "$function"
    done
}

mkdir -p "$tmp/src"
printf 'static int there(void)\n{\n    gone();\n}\n' >"$tmp/src/a.c"
printf '1. `src/a.c:there()` and `src/a.c:gone()`\n2. `src/b.c:there()`\n' >"$tmp/page.md"
[ "$(steps "$tmp/page.md" | absent "$tmp")" = $'src/a.c:gone()\nsrc/b.c:there()' ] ||
    fail "the check does not see what is absent"

page=$top_srcdir/docs/architecture.md
for title in 'The path of one READ' 'The path of one attach'; do
    part=$(sed -n "/^## $title/,/^## [^T]/p" "$page")
    [ "$(steps <(echo "$part") | wc -l)" -ge 10 ] || fail "'$title' has too few steps"
done
wrong=$(steps "$page" | absent "$top_srcdir")
[ -z "$wrong" ] || fail "docs/architecture.md names functions that are not there: $wrong"

# unplaced FILE...: those that the first column of the table on standard input does not have. A row is "folder/name,
# name".
unplaced() {
    local placed file
    placed=$(awk -F'|' '$2 ~ /\// {
        n = split($2, name, /[ ,]+/); folder = ""
        for (i = 1; i <= n; i++) {
            if (name[i] ~ /\//) { folder = name[i]; sub(/\/.*/, "", folder); sub(/.*\//, "", name[i]) }
            if (name[i] != "") print folder "/" name[i]
        }
    }')
    for file; do
        file=${file%.c}
        grep -qxF -- "$(basename "$(dirname "$file")")/${file##*/}" <<<"$placed" || printf '%s\n' "$file"
    done
}
[ "$(unplaced src/worker/{a,b,c}.c src/control/b.c <<<'| worker/a, c | what b does | b |')" = $'src/worker/b\nsrc/control/b' ] ||
    fail "the check does not see a file without a place"
wrong=$(unplaced "$top_srcdir"/src/{control,worker}/*.c < <(sed -n '/^## Files of the daemon/,/^## A round/p' "$page"))
[ -z "$wrong" ] || fail "the table of files in docs/architecture.md does not have: $wrong"

terms=$(sed -n '/^## Glossary/,$s/^| \([^|]*\) |.*/\1/p' "$page" | sed 1d)
[ "$(wc -l <<<"$terms")" -ge 20 ] || fail "the glossary has only these terms: $terms"
[ "$terms" = "$(LC_ALL=C sort -fu <<<"$terms")" ] ||
    fail "terms out of order, or twice: $(diff <(echo "$terms") <(LC_ALL=C sort -fu <<<"$terms"))"
exit "$failed"
