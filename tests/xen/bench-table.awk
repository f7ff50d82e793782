# SPDX-License-Identifier: GPL-2.0-or-later
# What tests/xen/bench measured, as tables: its lines POINT NAME POINT iopat's-result, and for a busy LUN beside that
# point BESIDE NAME POINT iopat's-result. Variables: only (the names that were measured, with commas between), table
# (yes: Markdown, as in docs/performance.md; no: for a terminal). The exit status is 1 if a measurement had errors or if
# there is none.
BEGIN { n_names = split(only, names, ",") }
$1 == "POINT" || $1 == "BESIDE" {
    prefix = $1 == "BESIDE" ? "busy_" : ""
    for (i = 4; i <= NF; i++)
        if (split($i, kv, "=") == 2)
            v[$2, $3, prefix kv[1]] = kv[2]
    if (!($3 in seen)) {
        seen[$3] = 1
        if ($3 ~ /^quiet-/)
            quiet[++n_quiet] = $3
        else
            point[++n] = $3
    }
    if (!/ ok: /)
        bad[$3] = bad[$3] " " $2
}
# The words of docs/performance.md for 64k-d4-read.
function words(p, part) {
    split(p, part, "-")
    return sprintf("%s KiB, depth %s, %s", substr(part[1], 1, length(part[1]) - 1), substr(part[2], 2), part[3])
}
# For quiet-256k-d4-write-one.
function words_quiet(p, part) {
    if (p == "quiet-alone")
        return "alone"
    split(p, part, "-")
    return words(part[2] "-" part[3] "-" part[4]) ", " part[5] " vhost" (part[5] == "two" ? "s" : "")
}
function value(name, p, key) { return (name, p, key) in v ? v[name, p, key] : 0 }
function iops(name, p) { return (name, p, "iops") in v ? v[name, p, "iops"] : 0 }
function thousands(x, digits) {
    digits = x > 0 ? sprintf("%d", x) : "-"
    return length(digits) > 3 ? substr(digits, 1, length(digits) - 3) "," substr(digits, length(digits) - 2) : digits
}
function ratio(p, name, digits) {
    return iops(name, p) > 0 && iops("pvscsid", p) > 0 ? sprintf("%.*f", digits, iops("pvscsid", p) / iops(name, p)) : "-"
}
function markdown(   i, p) {
    print "| measurement | pvscsid | xen-scsiback | ratio | xen-blkback | ratio | the device in dom0 |"
    print "|---|---|---|---|---|---|---|"
    for (i = 1; i <= n; i++) {
        p = point[i]
        printf "| %s | %s | %s | %s | %s | %s | %s |\n", words(p), thousands(iops("pvscsid", p)),
            thousands(iops("scsiback", p)), ratio(p, "scsiback", 2), thousands(iops("blkback", p)), ratio(p, "blkback", 2),
            thousands(iops("device", p))
    }
}
function markdown_quiet(   i, j, p, name) {
    print "| beside it | pvscsid: p50 | p99 | largest | busy MB/s | xen-scsiback: p50 | p99 | largest | busy MB/s |"
    print "|---|---|---|---|---|---|---|---|---|"
    for (i = 1; i <= n_quiet; i++) {
        p = quiet[i]
        printf "| %s |", words_quiet(p)
        for (j = 1; j <= 2; j++) {
            name = j == 1 ? "pvscsid" : "scsiback"
            printf " %s | %s | %s | %s |", thousands(value(name, p, "p50_us")), thousands(value(name, p, "p99_us")),
                thousands(value(name, p, "max_us")), thousands(value(name, p, "busy_mb_per_s"))
        }
        print ""
    }
}
function plain_quiet(   i, j, p, name) {
    printf "%-26s %-10s %8s %8s %8s %10s\n", "latency, us", "", "p50", "p99", "largest", "busy MB/s"
    for (i = 1; i <= n_quiet; i++) {
        p = quiet[i]
        for (j = 1; j <= n_names; j++) {
            name = names[j]
            if (value(name, p, "max_us") > 0)
                printf "%-26s %-10s %8s %8s %8s %10s%s\n", p, name, value(name, p, "p50_us"), value(name, p, "p99_us"),
                    value(name, p, "max_us"), (value(name, p, "busy_mb_per_s") > 0 ? value(name, p, "busy_mb_per_s") : "-"),
                    (p in bad) ? "  ERRORS:" bad[p] : ""
        }
    }
}
function plain(   i, j, p, name) {
    printf "%-14s", "IOPS"
    for (j = 1; j <= n_names; j++)
        printf " %10s%s", names[j], names[j] == "pvscsid" || names[j] == "device" ? "" : "  ratio"
    print ""
    for (i = 1; i <= n; i++) {
        p = point[i]
        printf "%-14s", p
        for (j = 1; j <= n_names; j++) {
            name = names[j]
            printf " %10s", (iops(name, p) > 0 ? iops(name, p) : "-")
            if (name != "pvscsid" && name != "device")
                printf "  %5s", ratio(p, name, 3)
        }
        print (p in bad) ? "  ERRORS:" bad[p] : ""
    }
}
END {
    if (n && table == "yes")
        markdown()
    else if (n)
        plain()
    if (n && n_quiet)
        print ""
    if (n_quiet && table == "yes")
        markdown_quiet()
    else if (n_quiet)
        plain_quiet()
    for (i in bad)
        failed = 1
    exit failed || n + n_quiet == 0
}
