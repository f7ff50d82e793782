#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every source file names its licence in its first lines, and the text of that licence is in COPYING.
set -u
# shellcheck source=tests/tree-lib.sh
. "$(dirname -- "$0")/tree-lib.sh"

# without_licence TREE: of the names on standard input, those whose first three lines do not say it. Prose, data of
# tests and files of one setting cannot say it, or need not.
without_licence() {
    while read -r name; do
        case $name in
        COPYING | NEWS | *.md | .gitignore | .editorconfig | .clang-format) ;;
        debian/source/format | tests/xen/.shellcheckrc | tests/fuzz/corpus-*/* | tests/*.expected) ;;
        *.o | *.a | */.deps/* | */.dirstamp | *.log | *.trs) ;;
        *) head -n 3 -- "$1/$name" | grep -q 'SPDX-License-Identifier: GPL-2\.0-or-later' || printf '%s\n' "$name" ;;
        esac
    done
}

printf '// SPDX-License-Identifier: GPL-2.0-or-later\n' >"$tmp/good.c"
printf '#!/bin/sh\n# SPDX-License-Identifier: MIT\n' >"$tmp/bad"
[ "$(printf '%s\n' good.c bad | without_licence "$tmp")" = bad ] ||
    fail "the check does not see a file without its licence"

files=$(tree_files)
[ "$(wc -l <<<"$files")" -gt 200 ] || fail "only these files were found: $files"
missing=$(without_licence "$top_srcdir" <<<"$files")
[ -z "$missing" ] || fail "no SPDX line in:"$'\n'"$missing"
grep -q 'GNU GENERAL PUBLIC LICENSE' "$top_srcdir/COPYING" && grep -q 'Version 2, June 1991' "$top_srcdir/COPYING" ||
    fail "COPYING is not version 2 of the GNU General Public License"
exit "$failed"
