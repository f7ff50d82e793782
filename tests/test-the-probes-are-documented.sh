#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The probes of pvscsid are those in the table of docs/tracing.md, with as many arguments; the scripts for bpftrace use
# no others. If bpftrace is installed, it must understand the scripts.
set -u
# shellcheck source=tests/tree-lib.sh
. "$(dirname -- "$0")/tree-lib.sh"
command -v readelf >/dev/null || skip "readelf is not installed"
[ -x "$BUILD/pvscsid" ] || skip "pvscsid is not built"

# documented PAGE: "PROBE ARGUMENTS" of each row.
documented() {
    awk -F'|' '$2 ~ /^ `[a-z_]+` $/ && NF == 11 {
        n = 0
        for (i = 5; i <= 10; i++) if ($i ~ /[^ ]/) n = i - 4
        gsub(/[ `]/, "", $2); print $2, n
    }' "$1" | sort
}
# built FILE: the same of a program, from what readelf -n says. An operand may have blanks, but only one "@".
built() {
    awk '$1 == "Provider:" { provider = $2 }
        $1 == "Name:" { name = $2 }
        $1 == "Arguments:" && provider == "pvscsid" { print name, gsub(/@/, "") }' "$1" | sort -u
}
# used SCRIPT: "PROBE ARGUMENTS", for each probe the highest argument that the script reads, and one more.
used() {
    awk '
        function done() { if (probe != "") print probe, n }
        /^usdt:/ { done(); probe = $0; sub(/.*:/, "", probe); n = 0 }
        /^[A-Z]/ { done(); probe = "" }
        probe != "" {
            for (line = $0; match(line, /arg[0-9]+/); line = substr(line, RSTART + RLENGTH))
                if (substr(line, RSTART + 3, RLENGTH - 3) + 1 > n) n = substr(line, RSTART + 3, RLENGTH - 3) + 1
        }
        END { done() }' "$1"
}
# wrongly_used SCRIPT: uses that the list on standard input, of documented(), does not have.
wrongly_used() {
    awk 'NR == FNR { has[$1] = $2; next }
        !($1 in has) { print "the probe " $1; next }
        $2 > has[$1] { print "arg" $2 - 1 " of " $1 }' - <(used "$1")
}

cat >"$tmp/page" <<'END'
| probe | process | when | arg0 | arg1 | arg2 | arg3 | arg4 | arg5 |
| `one` | worker | now | domid | | | | | |
| `six_args` | worker | then | a | b | c | d | e | f |
END
cat >"$tmp/notes" <<'END'
    Provider: pvscsid
    Name: six_args
    Arguments: 2@32(%rbx) 4@36(%rbx) 8@[sp, 16] -4@%eax 4@$0 8@%rdx
    Provider: libc
    Name: setjmp
    Arguments: 8@%rdi
    Provider: pvscsid
    Name: one
    Arguments: 2@%ax
END
printf 'BEGIN\n{\n}\nusdt:/x:pvscsid:one\n/arg0 == 1/\n{\n    @a = arg1 + arg0;\n}\nusdt:/x:pvscsid:two\n{\n}\n' >"$tmp/script"
[ "$(documented "$tmp/page")" = $'one 1\nsix_args 6' ] || fail "the table is read wrongly: $(documented "$tmp/page")"
[ "$(built "$tmp/notes")" = $'one 1\nsix_args 6' ] || fail "notes are read wrongly: $(built "$tmp/notes")"
[ "$(documented "$tmp/page" | wrongly_used "$tmp/script")" = $'arg1 of one\nthe probe two' ] ||
    fail "the check does not see what a script uses wrongly"

page=$(documented "$top_srcdir/docs/tracing.md")
[ "$(wc -l <<<"$page")" -ge 8 ] || fail "docs/tracing.md has only these probes: $page"
for script in "$top_srcdir"/tools/trace/*.bt.in; do
    [ -n "$(used "$script")" ] || fail "$script uses no probe"
    wrong=$(wrongly_used "$script" <<<"$page")
    [ -z "$wrong" ] || fail "${script##*/} uses what docs/tracing.md does not have: $wrong"
done
# One-liners of the page.
while read -r probe; do
    grep -q "^$probe " <<<"$page" || fail "an example in docs/tracing.md uses the probe $probe, which is not there"
done < <(grep -o 'pvscsid:pvscsid:[a-z_]*' "$top_srcdir/docs/tracing.md" | sed 's/.*://' | sort -u)

if ! grep -q '^#define HAVE_USDT 1' "$BUILD/config.h"; then
    [ "$failed" = 0 ] || exit 1
    skip "this build has no probes: no sys/sdt.h (on Debian: systemtap-sdt-dev), or --disable-usdt"
fi
readelf -n "$BUILD/pvscsid" >"$tmp/notes" 2>/dev/null
program=$(built "$tmp/notes")
[ "$program" = "$page" ] ||
    fail "probes of pvscsid (<), and those in docs/tracing.md (>):"$'\n'"$(diff <(echo "$program") <(echo "$page"))"
# bpftrace does not understand a variable by its name, and reads something else.
case $(uname -m) in
x86_64)
    ! grep -E 'Arguments:.*@[^ ]*[A-Za-z_][A-Za-z0-9_.]*(\+[0-9]+)?\(%rip\)' "$tmp/notes" ||
        fail "an argument is a static variable, which bpftrace cannot read"
    ;;
esac

if [ "$(id -u)" = 0 ] && command -v bpftrace >/dev/null && bpftrace --info >/dev/null 2>&1; then
    for script in errors latency; do
        # As it is installed, but for this build's daemon. It lists the probes that it would attach.
        sed "s,@sbindir@,$(readlink -f "$BUILD"),g" "$top_srcdir/tools/trace/$script.bt.in" >"$tmp/$script.bt"
        # In newer versions -d wants a word.
        dry=-d
        ! bpftrace --help 2>&1 | grep -q -- --dry-run || dry=--dry-run
        said=$(bpftrace $dry "$tmp/$script.bt" 2>&1) || fail "bpftrace does not understand $script.bt: $said"
    done
    echo "bpftrace understands the scripts"
fi
exit "$failed"
