#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What docs/guide-*.md and docs/comparison.md quote is there: messages in the DIAGNOSTICS of the manual pages, commands
# in --help, ratios in the table of docs/performance.md. Entries of vscsi=[...] are right. Each guide says at its head
# what was tried and what was not. README.md names all pages.
set -u
# shellcheck source=tests/tree-lib.sh
. "$(dirname -- "$0")/tree-lib.sh"
cd "$top_srcdir" || exit 1

# quoted PAGE: "KIND QUOTE" for what stands in backticks in the first column of its tables of messages ("message": the
# quote is a whole one) and of what a reader sees ("you see": it may be a part).
quoted() {
    awk -F'|' '
        !/^\|/ { table = ""; next }
        table == "" { table = $2; gsub(/^ +| +$/, "", table); next }
        table == "message" || table == "you see" {
            cell = $2
            while (match(cell, /`[^`]*`/)) {
                print (table == "message" ? "whole" : "part") " " substr(cell, RSTART + 1, RLENGTH - 2)
                cell = substr(cell, RSTART + RLENGTH)
            }
        }' "$1"
}
# unknown DIAGNOSTICS: of the quotes on standard input, those that are no line of the file, or no part of one.
unknown() {
    awk 'NR == FNR { line[$0]; all = all $0 "\n"; next }
        { kind = $1; sub(/^[a-z]+ /, "") }
        kind == "whole" && !($0 in line) || kind == "part" && !index(all, $0)' "$1" -
}
printf '%s\n' 'message one' 'message two' >"$tmp/known"
# shellcheck disable=SC2016
printf '%s\n' '| message | do |' '|---|---|' '| `message one` or `message` | `x` |' '' '| you see | do |' '| `two`, `three` | |' '' \
    '| else |' '| `four` |' >"$tmp/page.md"
[ "$(quoted "$tmp/page.md" | unknown "$tmp/known")" = $'message\nthree' ] || fail "the check of messages finds: $(quoted "$tmp/page.md" | unknown "$tmp/known")"

for page in docs/pvscsid.8.in docs/xl-scsi.8 docs/pvscsictl.8; do
    sed -n '/^\.Sh DIAGNOSTICS/,/^\.Sh [^D]/{/^\.Bd -literal/,/^\.Ed/{/^\./!p}}' "$page"
done >"$tmp/known"
[ "$(wc -l <"$tmp/known")" -ge 150 ] || fail "only these messages are documented: $(cat "$tmp/known")"
for page in docs/guide-*.md; do
    wrong=$(quoted "$page" | unknown "$tmp/known")
    [ -z "$wrong" ] || fail "$page quotes what DIAGNOSTICS does not have: $wrong"
    head=$(sed -n '2,8p' "$page")
    [[ $head = *$'\n- Tried: '*$'\n- Not tried: '* ]] || fail "$page does not begin with what was tried and what was not"
done
for page in docs/*.md HACKING.md; do
    grep -qF "$page" README.md || fail "README.md does not name $page"
done
[ "$(quoted docs/guide-troubleshooting.md | wc -l)" -ge 25 ] || fail "docs/guide-troubleshooting.md has too few messages"

for path in $(grep -oh 'tests/[a-zA-Z0-9/-]*\.sh' docs/guide-*.md docs/comparison.md | sort -u); do
    [ -e "$path" ] || fail "a guide names $path, which is not there"
done

# The commands of the programs.
for program in xl-scsi pvscsictl; do
    known=$("$BUILD/$program" --help | sed -n 's/^  \([a-z]*\) .*/\1/p')
    # shellcheck disable=SC2013
    for word in $(grep -ohE "(^ +|\`)$program [a-z]+" docs/guide-*.md docs/comparison.md | sed 's/.* //' | sort -u); do
        grep -qx "$word" <<<"$known" || fail "a guide has '$program $word', which --help does not have"
    done
done

# Entries of vscsi=[...]: xl-scsi takes them. That of xend, which is there to be changed, is none.
# entries FILE...: each in a line.
entries() {
    awk 'FNR == 1 { at = "" }
        at != "" { at = at " " $0 }
        at == "" && match($0, /vscsi *= *\[( |$)/) { at = substr($0, RSTART); xend = /# xend$/ }
        match(at, /\]/) { if (!xend) print substr(at, 1, RSTART); at = "" }' "$@" | grep -vi "'pdev,vdev"
}
entries docs/*.md README.md docs/vscsi.7 >"$tmp/entries"
[ "$(wc -l <"$tmp/entries")" -ge 15 ] || fail "only these entries are found: $(cat "$tmp/entries")"
while IFS= read -r entry; do
    printf '%s\n' "$entry" >"$tmp/entry"
    said=$("$BUILD/xl-scsi" check "$tmp/entry" 2>&1) || fail "a page has $entry: $said"
done <"$tmp/entries"

# ratios COLUMN: least and greatest of that column of the table.
ratios() {
    awk -F'|' -v column="$1" '/^\| [0-9]+ KiB, depth [0-9]+, (read|write) \|/ && NF > 7 {
            r = $column + 0; n++
            if (n == 1 || r < least) least = r
            if (n == 1 || r > most) most = r
        }
        END { printf "pvscsid does %.2f to %.2f of its IOPS", least, most }' docs/performance.md
}
for column in 5 7; do
    grep -qF "| $(ratios $column) |" docs/comparison.md || fail "docs/comparison.md does not have: $(ratios $column)"
done
exit "$failed"
