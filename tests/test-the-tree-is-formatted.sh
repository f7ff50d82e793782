#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# No line of a C file and no comment of a script has more than 120 columns, and clang-format leaves every C file of the
# tree as it is.
set -u
# shellcheck source=tests/tree-lib.sh
. "$(dirname -- "$0")/tree-lib.sh"

# too_long TREE: of the files on standard input. A comment of the form "# word: ..." is read by a program, line by line.
too_long() {
    (cd "$1" && xargs -d '\n' awk '
        FNR == 1 { script = FILENAME !~ /\.[ch]$/ }
        length($0) > 120 && (!script || /^ *# / && !/^# [a-z]+: /) { print FILENAME ":" FNR }')
}

mkdir -p "$tmp/src"
wide=$(printf '%0120d' 0)
printf '%s\n' "$wide" "$wide." >"$tmp/src/wide.c"
printf '%s\n' "# $wide" "echo $wide" "# about: $wide" >"$tmp/src/wide.sh"
found=$(printf '%s\n' src/wide.c src/wide.sh | too_long "$tmp" | xargs)
[ "$found" = "src/wide.c:2 src/wide.sh:1" ] || fail "the check of the columns finds '$found'"

scripts=$(cd "$top_srcdir" && tree_files | grep -v '\.[chm]d*$' | xargs -d '\n' grep -lE '^#!/bin/(ba)?sh|^# shellcheck shell=')
[ "$(wc -l <<<"$scripts")" -gt 150 ] || fail "only these scripts were found: $scripts"
files=$(tree_files | grep '\.[ch]$')
[ "$(wc -l <<<"$files")" -gt 150 ] || fail "only these files were found: $files"
wide=$(printf '%s\n' "$files" "$scripts" | too_long "$top_srcdir")
[ -z "$wide" ] || fail "more than 120 columns:"$'\n'"$wide"

# Each version of clang-format differs a little. This one is Debian 12's.
format=
for program in clang-format-14 clang-format; do
    case $("$program" --version 2>/dev/null) in
    *' version 14.'*) format=$program; break ;;
    esac
done
[ -n "$format" ] || [ "$failed" = 1 ] || skip "clang-format 14 is not installed (tools/install-deps installs it)"

[ -n "$format" ] || exit 1

cp "$top_srcdir/.clang-format" "$tmp"
printf 'int f(void)\n{\n  return 0;\n}\n' >"$tmp/src/bad.c"
! "$format" --dry-run -Werror "$tmp/src/bad.c" 2>/dev/null ||
    fail "the check does not see a line with two spaces before it"

wrong=$(cd "$top_srcdir" && xargs -d '\n' "$format" --dry-run -Werror <<<"$files" 2>&1 |
    sed -n 's/^\([^ :]*:[0-9]*\):.*/\1/p')
[ -z "$wrong" ] || fail "run clang-format -i on:"$'\n'"$(sort -u <<<"${wrong}" | head -n 20)"
exit "$failed"
