#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The tables of measurements in docs/performance.md are those that tests/xen/bench --table prints: with the bench's
# points, in its form, and with ratios that follow from the figures beside them.
set -u
# shellcheck source=tests/tree-lib.sh
. "$(dirname -- "$0")/tree-lib.sh"
bench=$top_srcdir/tests/xen/bench
table() { awk -v only=pvscsid,scsiback,blkback,device -v table="$1" -f "$top_srcdir/tests/xen/bench-table.awk"; }

# page_table PAGE HEAD: its table that begins so. results: what the bench must have measured if the tables on standard
# input are its own.
page_table() { sed -n "/^| $2 /,/^\$/p" "$1" | grep '^|'; }
results() {
    awk -F ' *[|] *' '
        function point(name, value) { print "POINT " name " " words " bench iops=" value " ok: " }
        function quiet(name, p50, p99, largest, busy) {
            print "POINT " name " quiet-" words " bench max_us=" largest " p50_us=" p50 " p99_us=" p99 " ok: "
            if (busy != "-")
                print "BESIDE " name " quiet-" words " bench mb_per_s=" busy " ok: "
        }
        $2 == "alone" || $2 ~ / vhosts?$/ {
            words = $2
            gsub(/ KiB, depth /, "k-d", words)
            gsub(/, /, "-", words)
            sub(/ vhosts?$/, "", words)
            gsub(/,/, "")
            quiet("pvscsid", $3, $4, $5, $6); quiet("scsiback", $7, $8, $9, $10)
            next
        }
        $2 ~ / KiB, / {
            words = $2
            gsub(/ KiB, depth /, "k-d", words)
            gsub(/, /, "-", words)
            gsub(/,/, "")
            point("pvscsid", $3); point("scsiback", $4); point("blkback", $6); point("device", $8)
        }'
}

cat >"$tmp/out" <<'X'
noise
POINT pvscsid 4k-d1-read bench iops=9999 mb_per_s=1 latency_us=91.7 max_us=1 ok: 1 reads
POINT pvscsid 496k-d4-write bench iops=1051 mb_per_s=1 ok: 1 reads
POINT blkback 4k-d1-read bench iops=20000 mb_per_s=1 ok: 1 reads
POINT device 4k-d1-read bench iops=123456 mb_per_s=1 ok: 1 reads
POINT scsiback 4k-d1-read bench iops=10000 mb_per_s=1 ok: 1 reads
POINT scsiback 496k-d4-write bench iops=1000 mb_per_s=1 ok: 1 reads
POINT pvscsid quiet-alone bench iops=9999 mb_per_s=1 latency_us=91.7 max_us=1234 p50_us=90 p99_us=120 ok: 1 reads
POINT pvscsid quiet-256k-d4-write-two bench iops=99 mb_per_s=1 latency_us=91.7 max_us=7 p50_us=5 p99_us=6 ok: 1 reads
BESIDE pvscsid quiet-256k-d4-write-two bench iops=1000 mb_per_s=262.1 latency_us=9.7 max_us=9 ok: 0 reads, 9 writes
POINT scsiback quiet-256k-d4-write-two bench iops=99 mb_per_s=1 latency_us=91.7 max_us=9 p50_us=7 p99_us=8 ok: 1 reads
BESIDE scsiback quiet-256k-d4-write-two bench iops=1000 mb_per_s=99.9 latency_us=9.7 max_us=9 ok: 0 reads, 9 writes
X
cat >"$tmp/expected" <<'X'
| measurement | pvscsid | xen-scsiback | ratio | xen-blkback | ratio | the device in dom0 |
|---|---|---|---|---|---|---|
| 4 KiB, depth 1, read | 9,999 | 10,000 | 1.00 | 20,000 | 0.50 | 123,456 |
| 496 KiB, depth 4, write | 1,051 | 1,000 | 1.05 | - | - | - |

| beside it | pvscsid: p50 | p99 | largest | busy MB/s | xen-scsiback: p50 | p99 | largest | busy MB/s |
|---|---|---|---|---|---|---|---|---|
| alone | 90 | 120 | 1,234 | - | - | - | - | - |
| 256 KiB, depth 4, write, two vhosts | 5 | 6 | 7 | 262 | 7 | 8 | 9 | 99 |
X
table yes <"$tmp/out" >"$tmp/got" || fail "the table of good results ends with status $?"
diff "$tmp/expected" "$tmp/got" || fail "the table differs from the expected one"
results <"$tmp/expected" | table yes >"$tmp/again"
diff "$tmp/expected" "$tmp/again" || fail "this test cannot read the table"
table no <"$tmp/out" | grep -Eq '^4k-d1-read +9999 +10000 +1\.000 +20000 +0\.500 +123456$' || fail "the table for a terminal"
table no <"$tmp/out" | grep -Eq '^quiet-256k-d4-write-two +scsiback +7 +8 +9 +99\.9$' ||
    fail "the latencies for a terminal"
sed '/^BESIDE scsiback/s/ ok: / I\/O ERRORS: /' "$tmp/out" | table no >"$tmp/got" &&
    fail "a busy LUN with errors ends with status 0"
grep -q '^quiet-256k-d4-write-two .* ERRORS: scsiback' "$tmp/got" || fail "a busy LUN with errors is not marked"
! table no </dev/null >/dev/null || fail "nothing measured, and no failure"
sed 's/ ok: 1 reads/ failed: 1 errors/' "$tmp/out" | table no >"$tmp/got" && fail "failed measurements end with status 0"
grep -q '^4k-d1-read .* ERRORS: pvscsid' "$tmp/got" || fail "failed measurements are not marked"

page=$top_srcdir/docs/performance.md
{ page_table "$page" "measurement | pvscsid | xen-scsiback"; echo; page_table "$page" "beside it"; } >"$tmp/page"
results <"$tmp/page" >"$tmp/results"
table yes <"$tmp/results" | diff "$tmp/page" - ||
    fail "docs/performance.md: the tables are not what tests/xen/bench --table prints"
diff <("$bench" --list | cut -d' ' -f1) <(awk '$1 == "POINT" && $2 == "pvscsid" { print $3 }' "$tmp/results") ||
    fail "docs/performance.md: the points are not those of tests/xen/bench --list"
exit $failed
