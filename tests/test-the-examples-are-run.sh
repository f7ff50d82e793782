#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Pages say which tests run the commands of their boxes exactly as they are printed, most of them on a real Xen. So each
# line of their sh blocks is in these tests, in the same order. Commands that no test runs are indented, not in such a
# block.
set -u
# shellcheck source=tests/tree-lib.sh
. "$(dirname -- "$0")/tree-lib.sh"

# not_run LEAST PAGE TEST...: what is wrong.
not_run() {
    awk -v least="$1" -v n=0 -v at=0 '
        FNR == 1 { file++ }
        { gsub(/^ +| +$/, "") }
        file == 1 && /^```sh$/ { block = 1; next }
        file == 1 && /^```/ { block = 0; next }
        file == 1 && block && /./ { line[n++] = $0 }
        # As a line of its own, or as the whole of a word in quotes that a function of the test gets.
        file >= 2 && at < n && ($0 == line[at] || index($0, "\047" line[at] "\047")) { at++ }
        END {
            if (n < least) print "only " n + 0 " commands"
            if (at < n) print "not run, or not in this order: " line[at]
        }' "${@:2}"
}
printf '%s\n' '```sh' one two '```' 'not this' >"$tmp/page"
printf '%s\n' two "on g1 'one'" >"$tmp/test"
[ "$(not_run 3 "$tmp/page" "$tmp/test")" = $'only 2 commands\nnot run, or not in this order: two' ] ||
    fail "the check does not see a line that is not run"
printf '%s\n' "on g1 'one'" 'two hundred' >"$tmp/test"
[ "$(not_run 2 "$tmp/page" "$tmp/test")" = 'not run, or not in this order: two' ] ||
    fail "the check takes a part of a line for the line"

printf '%s\n' one >"$tmp/first"
printf '%s\n' '    two' >"$tmp/test"
[ "$(not_run 2 "$tmp/page" "$tmp/first" "$tmp/test")" = "" ] || fail "the check takes no second test"

cd "$top_srcdir" || exit 1
pages=""
while read -r page least tests; do
    pages+=$page$'\n'
    files=""
    for test in $tests; do
        case $test in
        */*) file=tests/$test ;;
        *) file=tests/xen/t-$test.sh ;;
        esac
        grep -qF "$file" "$page" || fail "$page does not name $file"
        files+=" $file"
    done
    # shellcheck disable=SC2086 # names of files are words
    wrong=$(not_run "$least" "$page" $files)
    [ -z "$wrong" ] || fail "$page and $tests: $wrong"
done <<'END'
README.md 4 36-pdev-forms
docs/comparison.md 3 22-kernel-backend
docs/guide-burner.md 2 48-optical-claimed
docs/guide-driver-domain.md 5 35-driver-domain-backend
docs/guide-file-disk.md 18 36-pdev-forms
docs/guide-moving.md 7 84-systemd-units 53-restore package/run package/upgrade.sh
docs/guide-multipath.md 3 86-multipath
docs/guide-security.md 3 80-policy
docs/guide-tape-library.md 11 66-tape-data
docs/guide-troubleshooting.md 4 80-policy
docs/libvirt.md 2 85-libvirt
docs/persistent-reservations.md 20 41-cluster-example
END
# These tests take the commands out of the page and run them.
while read -r page test; do
    pages+=$page$'\n'
    grep -q "boxes ${page##*/} sh" "$test" || fail "$test does not run $page"
    grep -qF "$test" "$page" || fail "$page does not name $test"
done <<'END'
docs/guide-frontend-developers.md tests/test-the-guide-for-frontends-is-true.sh
docs/guide-windows.md tests/test-all-frontends-are-served.sh
END
others=$(grep -l '^```sh' docs/*.md ./*.md | sed 's,^\./,,' | grep -vxF "$pages")
[ -z "$others" ] || fail "an sh block that no test runs: $others"
exit "$failed"
