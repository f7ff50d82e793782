#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Some pages say that a test on a real Xen runs the commands of their examples exactly as they are printed. So each line
# of their sh blocks is in that test, in the same order. Commands that no test runs are indented, not in an sh block.
set -u
# shellcheck source=tests/tree-lib.sh
. "$(dirname -- "$0")/tree-lib.sh"

# not_run PAGE TEST LEAST: what is wrong.
not_run() {
    awk -v least="$3" -v n=0 -v at=0 '
        FNR == 1 { file++ }
        file == 1 && /^```sh$/ { block = 1; next }
        file == 1 && /^```/ { block = 0; next }
        file == 1 && block && /./ { line[n++] = $0 }
        # As a line of its own, or as the whole of a word in quotes that a function of the test gets.
        file == 2 && at < n && ($0 == line[at] || index($0, "\047" line[at] "\047")) { at++ }
        END {
            if (n < least) print "only " n + 0 " commands"
            if (at < n) print "not run, or not in this order: " line[at]
        }' "$1" "$2"
}
printf '%s\n' '```sh' one two '```' 'not this' >"$tmp/page"
printf '%s\n' two "on g1 'one'" >"$tmp/test"
[ "$(not_run "$tmp/page" "$tmp/test" 3)" = $'only 2 commands\nnot run, or not in this order: two' ] ||
    fail "the check does not see a line that is not run"
printf '%s\n' "on g1 'one'" 'two hundred' >"$tmp/test"
[ "$(not_run "$tmp/page" "$tmp/test" 2)" = 'not run, or not in this order: two' ] ||
    fail "the check takes a part of a line for the line"

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
guide-driver-domain 35-driver-domain-backend 4
guide-moving 53-restore 2
guide-multipath 86-multipath 3
guide-security 80-policy 3
END
# This test takes the commands out of the page and runs them.
pages+=docs/guide-frontend-developers.md$'\n'
grep -q 'boxes sh >' "$top_srcdir/tests/test-the-guide-for-frontends-is-true.sh" || fail "no test runs the guide for frontends"
others=$(cd "$top_srcdir" && grep -l '^```sh' docs/*.md README.md | grep -vxF "$pages")
[ -z "$others" ] || fail "an sh block that no test runs: $others"
exit "$failed"
