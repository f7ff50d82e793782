#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A file of more than 800 lines says in its head why it is long: "Long because ...".
set -u
# shellcheck source=tests/tree-lib.sh
. "$(dirname -- "$0")/tree-lib.sh"

# unexplained TREE: of the names on standard input.
unexplained() {
    while read -r name; do
        case $name in
        *.c | *.h | *.sh | *.awk | *.mk | *.ac | tools/*) ;;
        *) continue ;;
        esac
        [ "$(wc -l <"$1/$name")" -le 800 ] || head -n 15 -- "$1/$name" | grep -q 'Long because ' ||
            printf '%s\n' "$name"
    done
}

seq 801 >"$tmp/long.c"
{ echo '/* Long because it is a list. */' && seq 900; } >"$tmp/explained.c"
seq 800 >"$tmp/short.c"
[ "$(printf '%s\n' long.c explained.c short.c | unexplained "$tmp")" = long.c ] ||
    fail "the check does not see a long file"

missing=$(tree_files | unexplained "$top_srcdir")
[ -z "$missing" ] || fail "longer than 800 lines, and no reason in the head:"$'\n'"$missing"
exit "$failed"
