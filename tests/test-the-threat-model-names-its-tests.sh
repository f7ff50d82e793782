#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# docs/threat-model.md: each line of its tables of attempts names tests, or says "no test"; each of these tests exists
# and is run.
set -u
# shellcheck disable=SC2016 # backticks are the page's
# shellcheck source=tests/tree-lib.sh
. "$(dirname -- "$0")/tree-lib.sh"

# rows PAGE: the last column of each row below "shown by".
rows() {
    awk -F' *[|] *' '!/^\|/ { on = 0 } on && !/^\|---/ { print $(NF - 1) } /\| shown by \|$/ { on = 1 }' "$1"
}
# absent TREE: of the columns on standard input, the words that are no test there.
absent() {
    local row name file
    while read -r row; do
        [ "$row" != "no test" ] || continue
        for name in $row; do
            case $name in
            '`'*'`') name=${name#\`} name=${name%\`} ;;
            *) echo "$name"; continue ;;
            esac
            file=$1/tests/${name%%:*}.c
            case $name in
            check_*:*)
                grep -qs "^START_TEST(${name#*:})" "$file" &&
                    grep -Eq "^ +(tcase_add_[a-z_]*|LOOP)\([a-z]*, ${name#*:}\b" "$file" || echo "$name" ;;
            check_*) [ -e "$file" ] || echo "$name" ;;
            test-*) [ -x "$1/tests/$name.sh" ] || echo "$name" ;;
            [0-9][0-9]-*) [ -e "$1/tests/xen/t-$name.sh" ] || echo "$name" ;;
            *) echo "$name" ;;
            esac
        done
    done
}

mkdir -p "$tmp/tests/xen"
printf 'START_TEST(one)\n{\n}\nSTART_TEST(forgotten)\n{\n}\n    tcase_add_loop_test(t, one, 0, 5);\n' >"$tmp/tests/check_a.c"
touch "$tmp/tests/xen/t-10-b.sh" "$tmp/tests/test-c.sh"
chmod +x "$tmp/tests/test-c.sh"
printf '%s\n' '| what | can |' '|---|---|' '| x | `check_z` |' '' '| attempt | happens | shown by |' '|---|---|---|' \
    '| x | y | `check_a:one` `10-b` `test-c` `check_a` |' '| x | y | no test |' '| x | y | `check_a:two` `check_a:forgotten` `11-b` |' \
    '| x | y | `test-d` `check_b` other |' '| x | y | |' >"$tmp/page.md"
[ "$(rows "$tmp/page.md" | absent "$tmp" | xargs)" = "check_a:two check_a:forgotten 11-b test-d check_b other" ] ||
    fail "the check does not see what is absent: $(rows "$tmp/page.md" | absent "$tmp" | xargs)"
[ "$(rows "$tmp/page.md" | grep -c '^$')" = 1 ] || fail "the check does not see a row without a word"

page=$top_srcdir/docs/threat-model.md
[ "$(rows "$page" | wc -l)" -ge 40 ] || fail "$page has only $(rows "$page" | wc -l) rows of attempts"
! rows "$page" | grep -qx '' || fail "$page: a row has neither a test nor 'no test'"
wrong=$(rows "$page" | absent "$top_srcdir")
[ -z "$wrong" ] || fail "$page names tests that are not there, or not run: $wrong"
exit "$failed"
