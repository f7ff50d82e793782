#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The DIAGNOSTICS of the manual pages quote every warning, every error and every reason that a program gives, and they
# quote nothing else. A quote is a line of a literal display; it is a part of the message, with "..." for what differs
# from case to case. What follows the display says what the message means and what to do.
set -u
shopt -s extglob
# shellcheck source=tests/tree-lib.sh
. "$(dirname -- "$0")/tree-lib.sh"
cd "$top_srcdir" || exit 1

# messages CALLS FILE...: the text of each message, from the format strings of these calls.
messages() {
    local calls=$1 file
    shift
    for file; do
        # Comments away, one statement on a line, as far as the calls go.
        sed -E -e 's,(^| )/\*.*\*/,,; /(^| )\/\*/,/\*\//d; s,^//.*,,; s,\\$,,' "$file" | tr '\n' ' ' | tr -s ' ' |
            grep -oE "\\<($calls)(\"([^\"\\\\]|\\\\.)*\"|[^\";])*;" | text_of
    done | sort -u
}

# Each text of a statement. A literal is joined with those that follow it. A macro between them, and a conversion,
# differ from case to case. The first text counts if it has two words of its own; with fewer it is a frame for other
# texts. One that follows it counts from five words on; a shorter one is a part of the first.
text_of() {
    awk '{
        rest = $0
        least = 2
        while (match(rest, /"([^"\\]|\\.)*"( *[A-Za-z0-9_]* *"([^"\\]|\\.)*")*/)) {
            text = substr(rest, RSTART + 1, RLENGTH - 2)
            rest = substr(rest, RSTART + RLENGTH)
            gsub(/" *PRI[a-zA-Z0-9]* *"/, "", text)
            gsub(/" +"/, "", text)
            gsub(/" *[A-Z_]+ *"/, "...", text)
            gsub(/%%/, "\001", text)
            gsub(/%[-0-9.*]*[lzjh]*[a-zA-Z]?/, "...", text)
            gsub(/\001/, "%", text)
            gsub(/\\n$/, "", text)
            words = text
            gsub(/[^a-zA-Z ]/, "", words)
            if (split(words, unused, " ") >= least)
                print text
            least = 5
        }
    }'
}

# quotes PAGE: what its DIAGNOSTICS quote.
quotes() { sed -n '/^\.Sh DIAGNOSTICS/,/^\.Sh [^D]/{/^\.Bd -literal/,/^\.Ed/{/^\./!p}}' "$1"; }

# compare PAGE: the messages on standard input have their quotes, and the quotes their messages.
compare() {
    awk -v page="$1" '
        NR == FNR { quote[NR] = $0; n = NR; next }
        { found = 0; for (i = 1; i <= n; i++) if (index($0, quote[i])) { used[i] = 1; found = 1 }
          if (!found) { print "FAIL: " page " has no entry for: " $0; bad = 1 } }
        END { for (i = 1; i <= n; i++)
                if (!used[i]) { print "FAIL: " page " quotes what no program says: " quote[i]; bad = 1 }
              exit bad }' <(quotes "$1") -
}

# check PAGE LEAST-MESSAGES CALLS FILE...
check() {
    local page=$1 least=$2
    shift 2
    messages "$@" >"$tmp/messages"
    [ "$(wc -l <"$tmp/messages")" -ge "$least" ] || fail "$page: only these messages are found: $(cat "$tmp/messages")"
    compare "$page" <"$tmp/messages" || failed=1
}

# The functions that say something, up to the text or what may stand before it.
daemon='log_(warn|err)\(|log_(limited|msg)\([^"]*(XTL_(NOTICE|WARN|ERROR)|level),|complain\(|fprintf\(err,|wrong\('
daemon+='|device_say\('
daemon+='|snprintf\( ?[a-z]*(->)?(why|error|text)\>|(lose|broken|not_connected|give_up_ring)\(|define QUOTA_TEXT '
toolstack='complain\(|change_(failed|refused|locked)\(|wrong(_too)?\(|snprintf\( ?[a-z]*(\.|->)?(err|why|error|safe)\>'
client='fprintf\(stderr|wrong\(|strf\('
check docs/pvscsid.8.in 150 "$daemon" src/control/!(policy-report).[ch] src/{device,worker,pr,scsi}/*.c
check docs/xl-scsi.8 95 "$toolstack" tools/xl-scsi/*.c
check docs/pvscsictl.8 10 "$client" tools/pvscsictl/*.c src/control/{ctlsock,policy-report}.c
exit "$failed"
