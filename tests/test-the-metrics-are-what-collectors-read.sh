#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# pvscsictl metrics: both formats are read strictly and say what the guest did, whatever bytes its name has. The file
# for the textfile collector is replaced as a whole. pvscsictl(8) and the dashboard know the metrics that there are.
# shellcheck source=tests/mock-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/mock-lib.sh"
[ -x /usr/bin/python3 ] || skip "/usr/bin/python3 is not installed (tools/install-deps installs it)"

top=${top_srcdir:-$(dirname -- "$0")/..}
ctl() { "$BUILD/pvscsictl" --run-dir "$RUN_DIR" "$@"; }
# strictly FORMAT FILE [NAME]
strictly() { /usr/bin/python3 "$top/tests/metrics-read.py" "$@" || fail "$1: $(cat "$2")"; }
# refused TEXT...: what a collector would refuse; else the reading proves nothing.
refused() {
    printf '%b' "$2" >"$DIR/wrong"
    ! /usr/bin/python3 "$top/tests/metrics-read.py" "$1" "$DIR/wrong" >/dev/null 2>&1 || fail "$1 takes $2"
}

step "the reader refuses what is wrong"
printf '# HELP a x\n# TYPE a gauge\na{b="c"} 1\n' >"$DIR/right"
check_eq "$(strictly prometheus "$DIR/right")" "a gauge 1" "what is right"
head='# HELP a x\n# TYPE a gauge\n'
for wrong in 'a{b="c"} 1' 'a{b="c"} 1\na{b="c"} 2\n' 'a{b="c\\d"} 1\n' 'a{b="c"d"} 1\n' 'a{b="\xff"} 1\n' 'a_total 1\n' 'b 1\n'; do
    refused prometheus "$head$wrong"
done
refused prometheus '# HELP a x\n# TYPE a counter\na 1\n'
refused prometheus '# TYPE a gauge\na 1\n'
refused openmetrics '# HELP a x\n# TYPE a gauge\na 1\n'
refused openmetrics '# HELP a_total x\n# TYPE a_total counter\na_total 1\n# EOF\n'
refused openmetrics '# HELP a x\n# TYPE a histogram\na_bucket{le="1"} 1\na_sum 1\na_count 1\n# EOF\n'

step "without a daemon: it is not up"
ctl metrics >"$DIR/none" 2>/dev/null
check_eq $? 3 "exit status"
check_eq "$(strictly prometheus "$DIR/none" pvscsi_up)" " 0" "pvscsi_up"

step "a guest with a name of hostile bytes"
mock_start
daemon_start
guest_create 1
# xenstore-write makes one backslash of two.
xs_write /local/domain/1/name "$(printf 'q"b\\\\c\nx\377')"
xs_write /local/domain/1/vm /vm/6f5c-1
disk a 8
attach 1 "$DISK" 0:0:0:0 --no-wait
front_start g 1
front g "wait-dev 0:0:0:0 4"
front g "load 0:0:0:0 rw=write bs=4k count=100"
front g "expect 00/02/5/21/00 raw 0:0:0:0 in 512 28 0 0 1 0 0 0 0 1 0"
ctl metrics >"$DIR/prometheus" || fail "metrics: $?"
ctl --format openmetrics metrics >"$DIR/openmetrics" || fail "metrics: $?"
families=$(strictly prometheus "$DIR/prometheus")
check_eq "$(strictly openmetrics "$DIR/openmetrics" | sed -E 's/^(.*) info/\1_info gauge/; s/^(.*) counter/\1_total counter/')" \
    "$families" "families of OpenMetrics"
check_no_match "$families" ' 0($|'$'\n'')' "families without a sample"
# of NAME [LABEL]: the values of its samples, of those with this label.
of() { strictly prometheus "$DIR/prometheus" "$1" | grep -F -- "${2:-}" | sed 's/.* //'; }
check_eq "$(of pvscsi_up) $(of pvscsi_xenstore_connected) $(of pvscsi_vhost_up) $(of pvscsi_lun_up) $(of pvscsi_lun_state)" \
    "1 1 1 1 4" "what is up"
check_eq "$(of pvscsi_written_bytes_total)" 409600 "written bytes"
check_eq "$(of pvscsi_errors_total 'kind=illegal request')" 1 "errors"
[ "$(of pvscsi_successes_total kind=good)" -ge 101 ] || fail "successes: $(of pvscsi_successes_total kind=good)"
[ "$(of pvscsi_latency_seconds _count)" -ge 102 ] || fail "latency: $(of pvscsi_latency_seconds _count)"
check_match "$(of pvscsi_latency_seconds _sum)" '^0\.[0-9]*[1-9]' "sum of the latencies"
grep -Fq 'domid="1",vhost="0",guest="q\"b\\x5cc\\x0ax\\xff",uuid="6f5c-1",dev="dev-0",vdev="0:0:0:0",device="' \
    "$DIR/prometheus" || fail "labels: $(cat "$DIR/prometheus")"
check_eq "$(strictly prometheus "$DIR/prometheus" pvscsi_build_info)" \
    "version=$(ctl --version | cut -d' ' -f2) 1" "the version"

step "a killed worker is counted"
kill -KILL "$(one_worker)"
taken_over() { ctl metrics | grep -q '^pvscsi_ring_takeovers_total.* 1$'; }
wait_until 25 taken_over
ctl --output "$DIR/x.prom" metrics || fail "--output: $?"
cp "$DIR/x.prom" "$DIR/prometheus"
strictly prometheus "$DIR/x.prom" >/dev/null
check_eq "$(of pvscsi_worker_restarts_total) $(of pvscsi_ring_takeovers_total)" "1 1" "restarts and take-overs"
check_eq "$(cd "$DIR" && stat -c "%a %n" x.prom*)" "644 x.prom" "the file"

step "the manual has each metric, and no other"
check_eq "$(sed -n 's/^\.It Li \(pvscsi_[a-z_]*\)$/\1/p' "$top/docs/pvscsictl.8")" "$(cut -d' ' -f1 <<<"$families")" \
    "metrics in pvscsictl(8)"

step "the dashboard asks for metrics and labels that there are"
/usr/bin/python3 - "$top/docs/grafana-dashboard.json" "$DIR/prometheus" <<'PYTHON' || fail "grafana-dashboard.json"
import json, re, sys
with open(sys.argv[1]) as file:
    board = json.load(file)
with open(sys.argv[2]) as file:
    samples = re.findall(r"^(pvscsi_\w+)(?:\{(.*)\})? ", file.read(), re.M)
names = {name for name, labels in samples}
labels = {label for name, text in samples for label in re.findall(r'(\w+)="', text)} | {"instance"}
asked = [t["expr"] for p in board["panels"] for t in p["targets"]]
asked += [v["query"] for v in board["templating"]["list"] if v["type"] == "query"]
legends = [t["legendFormat"] for p in board["panels"] for t in p["targets"]]
used = {name for text in asked for name in re.findall(r"\bpvscsi_\w+", text)}
by = {label for text in asked for names_in in re.findall(r"by \(([^)]*)\)", text) for label in names_in.split(", ")}
by |= {label for text in asked for label in re.findall(r'(\w+)=~?"', text)}
by |= {label for text in asked for label in re.findall(r"label_values\(.*, (\w+)\)", text)}
by |= {label for text in legends for label in re.findall(r"\{\{(\w+)\}\}", text)}
if len(used) < 20 or len(by) < 4:
    sys.exit("the dashboard asks for %s by %s" % (used, by))
if used - names or by - labels:
    sys.exit("there are no metrics %s, no labels %s" % (used - names, by - labels))
if len({p["id"] for p in board["panels"]}) != len(board["panels"]):
    sys.exit("two panels have one id")
PYTHON
front_stop g
