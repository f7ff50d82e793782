#!/bin/bash
# Unknown options, missing and impossible values: status 2 or 1 and one clear line, before anything has happened.
# shellcheck source=tests/mock-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/mock-lib.sh"

for program in pvscsid pvscsictl xl-scsi vscsi-front mock-xen; do
    step "$program"
    "$BUILD/$program" --help >"$DIR/help" || fail "$program --help fails"
    grep -qi usage "$DIR/help" || fail "$program --help shows no usage"
    "$BUILD/$program" --version | grep -q '[0-9]\.[0-9]' || fail "$program --version shows no version"
    "$BUILD/$program" --no-such-option >"$DIR/out" 2>&1 </dev/null
    status=$?
    [ "$status" != 0 ] || fail "$program accepts --no-such-option"
    grep -q 'no-such-option' "$DIR/out" || fail "$program does not name the unknown option"
done

step "pvscsid: values"
run() { timeout 10 "$BUILD/pvscsid" --foreground --standalone "$DIR/none" --run-dir "$RUN_DIR" "$@"; }
for args in "--log-level loud" "--max-segments 5" "--max-segments x" "--config $DIR/does-not-exist" "--config $DIR" "stray"; do
    # shellcheck disable=SC2086
    out=$(run $args 2>&1 </dev/null)
    status=$?
    [ "$status" != 0 ] && [ "$status" != 124 ] || fail "pvscsid $args: status $status"
    [ -n "$out" ] || fail "pvscsid $args: no reason given"
done
printf 'no_such_setting = 1\n' >"$DIR/conf"
out=$(run --config "$DIR/conf" 2>&1 </dev/null) && fail "an unknown setting is accepted"
check_match "$out" 'no_such_setting' "the reason"
printf 'max_segments = \n' >"$DIR/conf"
out=$(run --config "$DIR/conf" 2>&1 </dev/null) && fail "a config with a syntax error is accepted"

step "no mock-xen at the socket"
out=$(run --config /dev/null 2>&1 </dev/null) && fail "it runs without mock-xen"
check_match "$out" "$DIR/none" "the reason"

step "pvscsictl without a daemon"
refuses 3 'cannot reach pvscsid' "$BUILD/pvscsictl" --run-dir "$RUN_DIR" status

step "vscsi-front"
refuses 2 'like' "$BUILD/vscsi-front" --like macos
refuses 2 'number' "$BUILD/vscsi-front" --domid x
refuses 1 'mock-xen' "$BUILD/vscsi-front" --standalone "$DIR/none" list
mock_start
guest_create 1
refuses 1 'attached' "$BUILD/vscsi-front" --standalone "$SOCK" --domid 1 --timeout 1 list
