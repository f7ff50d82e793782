#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The table in docs/testing.md says where each promise is tested: every test is in it, and every test that it names is
# there.
set -u
TOP=$(readlink -f -- "${top_srcdir:-$(dirname -- "$0")/..}")
fail() { printf 'FAIL: %s\n' "$*"; exit 1; }

table=$(sed -n '/^## Where each promise is tested/,/^## /p' "$TOP/docs/testing.md" | grep '^|')
names=$(grep -o '`[^`]*`' <<<"$table" | tr -d '`' | sort -u)
[ "$(wc -l <<<"$names")" -gt 50 ] || fail "the names in the table: $names"
# glob_of NAME: the file or files that it stands for.
glob_of() {
    case $1 in
    [0-9]*) printf 'tests/xen/t-%s.sh' "$1" ;;
    test-*) printf 'tests/%s.sh' "$1" ;;
    check_*) printf 'tests/%s.c' "$1" ;;
    *) return 1 ;;
    esac
}
cd "$TOP" || exit 1
placed=""
while read -r name; do
    glob=$(glob_of "$name") || fail "docs/testing.md: '$name' is no name of a test"
    files=$(compgen -G "$glob") || fail "docs/testing.md names $name, and there is no $glob"
    placed+=$files$'\n'
done <<<"$names"
without=$(printf '%s\n' tests/check_*.c tests/test-*.sh tests/xen/t-*.sh | grep -vxF -f <(grep . <<<"$placed"))
[ -z "$without" ] || fail "not in the table of docs/testing.md: $without"
echo "$(wc -l <<<"$names") names"
