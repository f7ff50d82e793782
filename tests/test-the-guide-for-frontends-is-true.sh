#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The commands of docs/guide-frontend-developers.md run as they are printed, none fails, and they print what the page
# says: each line of its boxes without a language is a part of a line of the output.
# shellcheck source=tests/mock-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/mock-lib.sh"

mkdir "$DIR/bin"
for program in mock-xen pvscsid pvscsictl xl-scsi vscsi-front; do
    ln -s "$(readlink -f "$BUILD/$program")" "$DIR/bin/$program"
done

step "the commands"
boxes guide-frontend-developers.md sh >"$DIR/commands"
[ "$(wc -l <"$DIR/commands")" -ge 40 ] || fail "the page has only these commands: $(cat "$DIR/commands")"
# Its own directory is in this test's, so that what it leaves is found.
env -u XENSTORED_PATH TMPDIR="$DIR" PATH="$DIR/bin:$PATH" bash -e "$DIR/commands" >"$LOGS/output" 2>&1 ||
    fail "a command fails; the logs: $(tail -n 20 "$DIR"/tmp.*/*log "$DIR"/tmp.*/load 2>/dev/null)"
cat "$LOGS/output"

step "what they print"
boxes guide-frontend-developers.md "" >"$DIR/expected"
[ "$(wc -l <"$DIR/expected")" -ge 6 ] || fail "the page says only this of what they print: $(cat "$DIR/expected")"
while IFS= read -r line; do
    grep -qF -- "$line" "$LOGS/output" || fail "no line of the output has: $line"
done <"$DIR/expected"
check_no_match "$(cat "$LOGS/output")" 'VIOLATION|FAILED' "the output"
