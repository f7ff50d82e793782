#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The scripts for bpftrace count what pvscsictl counts: every command of the guest's LUN, and its errors by their sense.
# shellcheck source=tests/mock-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/mock-lib.sh"
SCRIPTS=${top_srcdir:-$(dirname -- "$0")/..}/tools/trace

grep -q '^#define HAVE_USDT 1' "$BUILD/config.h" || skip "this build has no probes (package systemtap-sdt-dev)"
command -v bpftrace >/dev/null || skip "bpftrace is not installed"
bpftrace -e 'BEGIN { exit(); }' >/dev/null 2>&1 || skip "bpftrace does not work here: it must be root, on a kernel with BPF and uprobes"

# The probes of a file are watched in all its processes. This is a file that no other test runs.
mkdir "$DIR/bin"
for program in mock-xen pvscsictl xl-scsi vscsi-front; do ln -s "$(readlink -f "$BUILD/$program")" "$DIR/bin/$program"; done
cp "$BUILD/pvscsid" "$DIR/bin/"
BUILD=$DIR/bin

declare -A TRACER
for script in latency errors; do
    sed "s,@sbindir@,$BUILD,; s,@pkgdatadir@,/usr/share/xen-pvscsi," "$SCRIPTS/$script.bt.in" >"$DIR/$script.bt"
    [ "$script" = latency ] || for probe in lun_added lun_removed; do
        printf 'usdt:%s/pvscsid:pvscsid:%s { @%s[arg0] = count(); }\n' "$BUILD" $probe $probe >>"$DIR/$script.bt"
    done
    bpftrace -B none "$DIR/$script.bt" 1 >"$DIR/$script" 2>"$LOGS/bpftrace-$script" &
    TRACER[$script]=$!
done
# What the script prints first is seen after all probes are attached.
for script in latency errors; do wait_until 60 grep -q '^Tracing' "$DIR/$script"; done

mock_start
daemon_start
guest_create 1
guest_create 2
disk a 8
attach 1 "$DISK" 0:0:0:0 --no-wait
disk b 8
attach 2 "$DISK" 0:0:0:0 --no-wait
front_start g 1
front_start h 2
front g "wait-dev 0:0:0:0 4"
front h "wait-dev 0:0:0:0 4"
front g "load 0:0:0:0 rw=write bs=4k count=100"
front g "load 0:0:0:0 rw=read bs=8k count=50"
front h "load 0:0:0:0 rw=read bs=8k count=50"
for _ in 1 2 3; do front g "expect 00/02/5/21/00 raw 0:0:0:0 in 512 28 0 0 1 0 0 0 0 1 0"; done
front h "expect 00/02/5/21/00 raw 0:0:0:0 in 512 28 0 0 1 0 0 0 0 1 0"

# counted NAME: of guest 1.
counted() {
    "$BUILD/pvscsictl" --run-dir "$RUN_DIR" metrics |
        awk -v name="pvscsi_$1{domid=\"1\"," 'index($0, name) == 1 { n += $NF } END { print n + 0 }'
}
answered=$(counted commands_total)
errors=$(counted errors_total)
detach 2 0:0:0:0
one_left() { [ "$(workers | wc -l)" = 1 ]; }
wait_until 25 one_left
for script in latency errors; do
    kill -INT "${TRACER[$script]}"
    wait "${TRACER[$script]}" || fail "bpftrace ended with $?: $(tail -n 3 "$LOGS/bpftrace-$script")"
done

step "latency.bt has every answer, by opcode"
# histogram WHAT: the sum of the counts of those histograms of guest 1 whose names begin with this.
histogram() {
    awk -v name="@us[1, 0, 0, 0, 0, $1" '
        /^@/ { on = index($0, name) == 1 }
        /^@/ || !on { next }
        { sub(/\|.*/, ""); n += $NF }
        END { print n + 0 }' "$DIR/latency"
}
[ "$answered" -ge 153 ] || fail "pvscsictl has only $answered answers"
check_eq "$(histogram '')" "$answered" "answers in the histograms"
check_eq "$(histogram '42]')" 100 "WRITE(10)"
[ "$(histogram '40]')" -ge 53 ] || fail "READ(10): $(histogram '40]')"
check_eq "$(grep '^@us' "$DIR/latency" | sort | uniq -d)" "" "histograms with the same name"
! grep -q '@us\[2' "$DIR/latency" || fail "another guest is in the histograms: $(grep '@us' "$DIR/latency")"

step "errors.bt has every error, with its sense data"
check_eq "$(grep -c 'domain 1, LUN 0:0:0:0, opcode 28h: status 02h, host byte 0, sense 05/21/00$' "$DIR/errors")" 3 "lines"
check_eq "$(sed -n 's/^@errors\[1, 0, 0, 0, 0, 5, 33, 0\]: //p' "$DIR/errors")" 3 "the count of 05/21/00"
check_eq "$(awk '/^@errors\[1,/ { n += $NF } END { print n + 0 }' "$DIR/errors")" "$errors" "all errors"
! grep -qE 'domain 2|@errors\[2' "$DIR/errors" || fail "another guest is among the errors"

step "a worker tells of its last LUN, too, that it has let go of it"
check_eq "$(grep '^@lun_' "$DIR/errors" | sort | xargs)" "@lun_added[1]: 1 @lun_added[2]: 1 @lun_removed[2]: 1" "LUNs"
front_stop g
front_stop h
