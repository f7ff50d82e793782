#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# clang-format leaves every C file of the tree as it is.
set -u
# shellcheck source=tests/tree-lib.sh
. "$(dirname -- "$0")/tree-lib.sh"
# Each version of clang-format differs a little. This one is Debian 12's.
format=
for program in clang-format-14 clang-format; do
    case $("$program" --version 2>/dev/null) in
    *' version 14.'*) format=$program; break ;;
    esac
done
[ -n "$format" ] || skip "clang-format 14 is not installed (tools/install-deps installs it)"

mkdir -p "$tmp/src"
cp "$top_srcdir/.clang-format" "$tmp"
printf 'int f(void)\n{\n  return 0;\n}\n' >"$tmp/src/bad.c"
! "$format" --dry-run -Werror "$tmp/src/bad.c" 2>/dev/null || fail "the check does not see a line with two spaces before it"

files=$(tree_files | grep '\.[ch]$')
[ "$(wc -l <<<"$files")" -gt 150 ] || fail "only these files were found: $files"
wrong=$(cd "$top_srcdir" && xargs -d '\n' "$format" --dry-run -Werror <<<"$files" 2>&1 | sed -n 's/^\([^ :]*:[0-9]*\):.*/\1/p')
[ -z "$wrong" ] || fail "run clang-format -i on:"$'\n'"$(sort -u <<<"${wrong}" | head -n 20)"
exit "$failed"
