#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# docs/confinement.md has exactly the system calls and requests that workers may use, with the same reasons.
set -u
# shellcheck source=tests/tree-lib.sh
. "$(dirname -- "$0")/tree-lib.sh"
source=$top_srcdir/src/worker/syscalls.c page=$top_srcdir/docs/confinement.md

# rows_of MACRO: "name | why" of each line of the table in the source.
rows_of() { sed -n "s/^ *$1(\([A-Za-z0-9_]*\), \"\(.*\)\"),\$/\1 | \2/p" "$source" | sort; }
# rows_after HEAD: the same of the table in the page.
rows_after() { sed -n "/^| $1 | for |/,/^\$/s/^| \`\([A-Za-z0-9_]*\)\` | \(.*\) |\$/\1 | \2/p" "$page" | sort; }
# Calls with conditions are rules of their own in the source.
conditional=$(sed -n 's/.*SCMP_ACT_ALLOW, SCMP_SYS(\([a-z0-9]*\)), [12],.*/\1/p' "$source" | sort -u)

calls=$(rows_of CALL) requests=$(rows_of REQUEST)
[ "$(wc -l <<<"$calls")" -gt 30 ] || fail "the calls in $source: $calls"
[ "$(wc -l <<<"$requests")" -ge 10 ] || fail "the requests in $source: $requests"
[ "$(wc -w <<<"$conditional")" = 8 ] || fail "the conditional calls in $source: $conditional"
listed=$(rows_after call)
for call in $conditional; do
    grep -q "^$call | " <<<"$listed" || fail "$page does not list $call"
    listed=$(grep -v "^$call | " <<<"$listed")
done
[ "$calls" = "$listed" ] ||
    fail "calls in the source (<) and in the page (>):"$'\n'"$(diff <(echo "$calls") <(echo "$listed"))"
listed=$(rows_after request)
[ "$requests" = "$listed" ] ||
    fail "requests in the source (<) and in the page (>):"$'\n'"$(diff <(echo "$requests") <(echo "$listed"))"
exit "$failed"
