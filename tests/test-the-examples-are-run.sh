#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Some pages say that a test on a real Xen runs the commands of their examples exactly as they are printed. So each line
# of their sh blocks is in that test, in the same order. Commands that no test runs are indented, not in an sh block.
set -u
# shellcheck source=tests/tree-lib.sh
. "$(dirname -- "$0")/tree-lib.sh"

# not_run PAGE TEST LEAST: what is wrong.
not_run() {
    awk -v least="$3" '
        FNR == 1 { file++ }
        file == 1 && /^```sh$/ { block = 1; next }
        file == 1 && /^```/ { block = 0; next }
        file == 1 && block { line[n++] = $0 }
        file == 2 && at < n && index($0, line[at]) { at++ }
        END {
            if (n < least) print "only " n + 0 " commands"
            if (at < n) print "not run, or not in this order: " line[at]
        }' "$1" "$2"
}
printf '%s\n' '```sh' one two '```' 'not this' >"$tmp/page"
printf '%s\n' 'run two' 'run one' >"$tmp/test"
[ "$(not_run "$tmp/page" "$tmp/test" 3)" = $'only 2 commands\nnot run, or not in this order: two' ] ||
    fail "the check does not see a line that is not run"

pages=""
while read -r page test least; do
    pages+="docs/$page.md"$'\n'
    wrong=$(not_run "$top_srcdir/docs/$page.md" "$top_srcdir/tests/xen/t-$test.sh" "$least")
    [ -z "$wrong" ] || fail "docs/$page.md and $test: $wrong"
    grep -q "tests/xen/t-$test.sh" "$top_srcdir/docs/$page.md" || fail "docs/$page.md does not name $test"
done <<'END'
persistent-reservations 41-cluster-example 20
guide-file-disk 36-pdev-forms 18
guide-tape-library 66-tape-data 11
END
others=$(cd "$top_srcdir" && grep -l '^```sh' docs/*.md README.md | grep -vxF "$pages")
[ -z "$others" ] || fail "an sh block that no test runs: $others"
exit "$failed"
