# SPDX-License-Identifier: GPL-2.0-or-later
"""
Reads metrics as strictly as a collector: metrics-read.py prometheus|openmetrics FILE. Says what is wrong and exits with
1, or prints "NAME TYPE SAMPLES" of each family, and with a third argument NAME its samples instead.

Prometheus' text format 0.0.4 as node_exporter's textfile collector reads it, and OpenMetrics 1.0. What these allow and
pvscsictl does not use is refused too: comments, time stamps, exemplars, units.
"""
import math
import re
import sys

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(,|$)')
NUMBER = re.compile(r"\+Inf|[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?")
SUFFIXES = {
    "prometheus": {"counter": [""], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"]},
    "openmetrics": {"counter": ["_total"], "gauge": [""], "info": ["_info"],
                    "histogram": ["_bucket", "_sum", "_count"]},
}


class Wrong(Exception):
    pass


def labels_of(text):
    labels, at = {}, 0
    while at < len(text):
        match = LABEL.match(text, at)
        if not match:
            raise Wrong("labels at: " + text[at:])
        if match[1] in labels:
            raise Wrong("the label %s twice" % match[1])
        labels[match[1]] = match[2]
        at = match.end()
    return labels


def check_histogram(name, samples):
    series = {}
    for suffix, labels, value in samples:
        bound = labels.pop("le", None)
        if (suffix == "_bucket") != (bound is not None):
            raise Wrong("%s%s and the label le" % (name, suffix))
        one = series.setdefault(tuple(sorted(labels.items())), {"buckets": []})
        if bound is None:
            one[suffix] = value
        else:
            one["buckets"].append((math.inf if bound == "+Inf" else float(bound), value))
    for key, one in series.items():
        buckets = one["buckets"]
        if not buckets or buckets[-1][0] != math.inf:
            raise Wrong("%s: no last bucket +Inf: %s" % (name, key))
        if any(a[0] >= b[0] or a[1] > b[1] for a, b in zip(buckets, buckets[1:])):
            raise Wrong("%s: buckets go down: %s" % (name, buckets))
        if one.get("_count") != buckets[-1][1] or "_sum" not in one:
            raise Wrong("%s: _count, _sum: %s" % (name, one))


def read(form, text):
    families, current, seen = {}, None, set()
    if not text.endswith("\n"):
        raise Wrong("the last line has no end")
    lines = text[:-1].split("\n")
    if form == "openmetrics" and lines.pop() != "# EOF":
        raise Wrong("the last line is not # EOF")
    helped = None
    for line in lines:
        match = re.fullmatch(r"# HELP (%s) (.+)" % NAME, line)
        if match:
            helped = match[1]
            continue
        match = re.fullmatch(r"# TYPE (%s) ([a-z]+)" % NAME, line)
        if match:
            current = match[1]
            if helped != current:
                raise Wrong("no HELP before the TYPE of " + current)
            if current in families:
                raise Wrong("the family %s twice" % current)
            if match[2] not in SUFFIXES[form]:
                raise Wrong("the type %s" % match[2])
            if form == "prometheus" and match[2] == "counter" and not current.endswith("_total"):
                raise Wrong("a counter whose name does not end in _total: " + current)
            families[current] = (match[2], [])
            continue
        match = re.fullmatch(r"(%s)(?:\{(.*)\})? (\S+)" % NAME, line)
        if not match:
            raise Wrong("the line: " + line)
        kind, samples = families.get(current, (None, None))
        suffix = match[1][len(current or ""):]
        if kind is None or match[1] != current + suffix or suffix not in SUFFIXES[form][kind]:
            raise Wrong("%s does not belong to %s" % (match[1], current))
        if not NUMBER.fullmatch(match[3]):
            raise Wrong("the value: " + line)
        labels = labels_of(match[2] or "")
        key = (match[1], tuple(sorted(labels.items())))
        if key in seen:
            raise Wrong("twice: " + line)
        seen.add(key)
        samples.append((suffix, labels, float(match[3])))
    for name, (kind, samples) in families.items():
        if kind == "histogram":
            check_histogram(name, [(s, dict(labels), v) for s, labels, v in samples])
    return families


def main():
    form, path = sys.argv[1:3]
    with open(path, "rb") as file:
        families = read(form, file.read().decode("utf-8"))
    if len(sys.argv) == 3:
        for name, (kind, samples) in families.items():
            print(name, kind, len(samples))
    else:
        for suffix, labels, value in families[sys.argv[3]][1]:
            print(suffix + ",".join("%s=%s" % item for item in labels.items()), "%.10g" % value)


try:
    main()
except (Wrong, UnicodeDecodeError, OSError) as wrong:
    sys.exit("metrics-read.py: %s" % wrong)
