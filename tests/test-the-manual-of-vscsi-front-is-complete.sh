#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vscsi-front and its manual page have the same options and commands.
set -u
BUILD=${top_builddir:-.}
page=${top_srcdir:-$(dirname -- "$0")/..}/tools/vscsi-front/vscsi-front.1
fail() { printf 'FAIL: %s\n' "$*"; exit 1; }
[ -x "$BUILD/vscsi-front" ] || { echo "SKIP: vscsi-front is not built"; exit 77; }

options=$("$BUILD/vscsi-front" --help | grep -o -- '--[a-z-]*' | sort -u)
documented=$(grep -o -- '--[a-z-]*' "$page" | grep -v -x -e --socket -e --domains -e --run-dir -e --no-wait | sort -u)
[ "$options" = "$documented" ] || fail "options: $(diff <(echo "$options") <(echo "$documented"))"

commands=$("$BUILD/vscsi-front" --commands | sed -n 's/^  \([a-z][a-z-]*\).*/\1/p' | sort -u)
[ "$(wc -l <<<"$commands")" -gt 20 ] || fail "only these commands: $commands"
for command in $commands; do
    sed -n '/^.SH COMMANDS/,/^.SH EXIT/p' "$page" | grep -Eq "(^|[ \".])$command(\$|[ \",])" ||
        fail "the command $command is not in the page"
done
# The commands that the page only lists exist.
for command in $(sed -n '/^.SS Connection/,/^.SS Load/p' "$page" | grep '^\.BR' | tr -d '",' | sed 's/^\.BR//'); do
    grep -qx -- "$command" <<<"$commands" || fail "the page has the command $command, the program has not"
done
