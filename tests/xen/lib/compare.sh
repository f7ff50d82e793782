# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash disable=SC2154
# A device in dom0 and the same device in a guest: what both answer must be the same, but for the differences that the
# table in docs/scsi.md lists. For tests inside dom0, after dom0.sh.

DIFFERENCES=/tmp/differences

# differences_read: the table "Differences from the bare device" of docs/scsi.md into lines "TYPE CDB WHEN MAY" with
# tabs between. Fails when there is none: a test that allows nothing, or everything, by mistake is of no use.
differences_read() {
    awk -F'|' '
        /^## / { on = /Differences from the bare device/ }
        on && /^\| / && $2 !~ /^ (type|-)/ {
            for (i = 2; i <= 5; i++) gsub(/^ +| +$|`/, "", $i)
            gsub(/ /, "", $3)
            print $2 "\t" $3 "\t" $4 "\t" $5
        }' /host/scsi.md >$DIFFERENCES
    [ "$(wc -l <$DIFFERENCES)" -ge 5 ] || fail "no table of differences in docs/scsi.md"
    # "Host bytes" into "NUMBER:DISK:TAPE:OTHER:HOST-BYTE-TO-THE-GUEST" for each row with a number.
    HOST_BYTES=$(awk -F'|' '
        /^##/ { on = /Host bytes/ }
        on && $2 ~ /^ [0-9]+ $/ { gsub(/ /, ""); printf "%s:%s:%s:%s:%s ", $2, $4, $5, $6, $7 }' /host/scsi.md)
    case $HOST_BYTES in "1:05/25/00:"*) ;; *) fail "no table of host bytes in docs/scsi.md" ;; esac
}

# differences_check WHAT TYPE BARE GUEST [LEAST]: compares two outputs of cdbs, line by line. TYPE: disk, tape, or
# another word. At least LEAST lines (10) must be the same.
differences_check() {
    cut -d: -f1 "$3" >"$3.cdbs"
    cut -d: -f1 "$4" >"$4.cdbs"
    cmp -s "$3.cdbs" "$4.cdbs" || fail "$1: not the same commands: $(wc -l <"$3") and $(wc -l <"$4") lines"
    awk -F'\t' -v type="$2" -v host_bytes="$HOST_BYTES" -v least="${5:-10}" '
        FILENAME == ARGV[1] { n++; t[n] = $1; cdb[n] = $2; when[n] = $3; may[n] = $4; next }
        FILENAME == ARGV[2] { bare[FNR] = $0; next }
        bare[FNR] == $0 { same++; next }
        {
            other = 1
            b = bare[FNR]
            # In emulation a regular expression is dear. All of the table begin with an opcode, or with "..", for all.
            opcode = substr(b, 1, 2)
            if (!(opcode in rows)) {
                rows[opcode] = ""
                for (i = 1; i <= n; i++)
                    if ((t[i] == "all" || t[i] == type || t[i] == "not tape" && type != "tape") && (cdb[i] ~ /^[.][.]/ || substr(cdb[i], 1, 2) == opcode))
                        rows[opcode] = rows[opcode] " " i
            }
            m = split(rows[opcode], row, " ")
            for (j = 1; j <= m && other; j++) {
                i = row[j]
                if ((length(cdb[i]) == 2 || match(b, "^(" cdb[i] ")")) && holds(when[i], b) && fits(may[i], b, $0)) {
                    other = 0
                    used[i]++
                }
            }
            if (!other) { allowed++; next }
            if (wrong++ < 40) print "bare:  " b "\nguest: " $0
        }
        # field(LINE, NAME): the value of " NAME=value".
        function field(line, name,    at) {
            if (!(at = index(line, " " name "="))) return ""
            line = substr(line, at + length(name) + 2)
            return (at = index(line, " ")) ? substr(line, 1, at - 1) : line
        }
        # The line without these fields.
        function without(line, names,    list, k, m, at, end) {
            m = split(names, list, " ")
            for (k = 1; k <= m; k++) {
                if (!(at = index(line, " " list[k] "="))) continue
                end = index(substr(line, at + 1), " ")
                line = substr(line, 1, at - 1) (end ? substr(line, at + end) : "")
            }
            return line
        }
        # asc(LINE): the sense of a CHECK CONDITION as KK/AA/QQ.
        function asc(line,    s) {
            s = field(line, "sense")
            if (length(s) < 28) return "none"
            return "0" substr(s, 6, 1) "/" substr(s, 25, 2) "/" substr(s, 27, 2)
        }
        function asked(line) { match(line, / [0-9]+[-<>]/); return substr(line, RSTART + 1, RLENGTH - 2) }
        # The data in hex; with "bytes 2-3, 5" these become dots. A hash stays, and must be the same.
        function masked(data, what,    list, range, k, m, i) {
            if (data ~ /:/) return data
            m = split(substr(what, 7), list, /, */)
            for (k = 1; k <= m; k++) {
                range[2] = ""
                split(list[k], range, "-")
                if (range[2] == "") range[2] = range[1]
                for (i = range[1]; i <= range[2] && 2 * i + 2 <= length(data); i++)
                    data = substr(data, 1, 2 * i) ".." substr(data, 2 * i + 3)
            }
            return data
        }
        # Is this answer of the guest the one of the table "Host bytes"?
        function by_host_byte(host, g,    rows, row, k, n, want) {
            n = split(host_bytes, rows, " ")
            for (k = 1; k <= n; k++) {
                split(rows[k], row, ":")
                if (row[1] != host) continue
                want = row[type == "disk" ? 2 : type == "tape" ? 3 : 4]
                if (field(g, "host") != row[5] || field(g, "resid") != asked(g)) return 0
                return want == "BUSY" ? field(g, "status") == "08" : field(g, "status") == "02" && asc(g) == tolower(want)
            }
            return 0
        }
        function holds(condition, line) {
            if (condition == "always") return 1
            if (condition == "GOOD") return field(line, "status") == "00"
            if (condition == "an error") return field(line, "status") == "02" || field(line, "host") != "0"
            # As the table "Data-in that comes with CHECK CONDITION" has it.
            if (condition == "CHECK CONDITION without data-in")
                return field(line, "status") == "02" && line ~ /^[0-9a-f]+ [0-9]+</ && asc(line) !~ (type == "disk" ? "^01" : "^0[01348df]")
            if (condition == "a host byte") return field(line, "host") != "0" && asc(line) == "none"
            if (condition == "a host byte and sense data") return field(line, "host") != "0" && asc(line) != "none"
            if (condition == "a status that SAM-5 does not have") return field(line, "status") !~ /^(00|02|04|08|10|14|18|28|30|40)$/
            return 0
        }
        function fits(what, b, g) {
            if (what == "its row in \"Host bytes\"") return by_host_byte(field(b, "host"), g)
            if (what == "host byte 0, data, residual")
                return without(b, "host data resid") == without(g, "host data resid") && field(g, "host") == "0"
            if (what == "GOOD") return field(g, "status") == "00" && field(g, "host") == "0" && field(g, "sense") == "-"
            if (what ~ /^bytes /)
                return without(b, "data") == without(g, "data") && masked(field(b, "data"), what) == masked(field(g, "data"), what)
            if (what == "data") return without(b, "data") == without(g, "data")
            if (what == "data, residual") return without(b, "data resid") == without(g, "data resid")
            if (what == "no data, residual all")
                return without(b, "data resid") == without(g, "data resid") && field(g, "resid") == asked(g) && field(g, "data") == "-"
            if (what == "host byte 0, no data, residual all")
                return without(b, "host data resid") == without(g, "host data resid") && field(g, "host") == "0" && field(g, "resid") == asked(g) && field(g, "data") == "-"
            if (what ~ /^[0-9A-F]+\/[0-9A-F]+\/[0-9A-F]+$/)
                return field(g, "status") == "02" && field(g, "host") == "0" && asc(g) == tolower(what) && field(g, "resid") == asked(g)
            return 0
        }
        END {
            printf "%d the same, %d other as documented, %d other\n", same, allowed, wrong
            for (i = 1; i <= n; i++) if (used[i]) printf "  %d by: %s %s: %s: %s\n", used[i], t[i], cdb[i], when[i], may[i]
            exit wrong != 0 || same < least
        }' $DIFFERENCES "$3" "$4" >/tmp/compared || {
        cat /tmp/compared
        fail "$1: $(grep -c '^bare' /tmp/compared) answers differ, the first: $(head -n 2 /tmp/compared | tr '\n' ' ')"
    }
    note "$1: $(cat /tmp/compared)"
}

# answers WHICH SG-NODE FILE: the answers in dom0. guest_answers GUEST WHICH SG-NODE FILE. WHICH: table, blocks,
# opcodes, or a file with a list of commands. "table,42,9e" is the table without these opcodes.
answers() {
    # shellcheck disable=SC2046
    case $1 in
    table* | blocks* | opcodes*) cdbs "${1%%,*}" "$2" $(left_out "$1") >"$3" ;;
    *) cdbs list "$2" <"$1" >"$3" ;;
    esac || fail "cdbs $1 $2"
}

left_out() { echo "$1" | tr ',' '\n' | sed 1d; }

guest_answers() {
    case $2 in
    table* | blocks* | opcodes*) guest_sh "$1" "cdbs ${2%%,*} $3 $(left_out "$2" | tr '\n' ' ')" >"$4" ;;
    *) guest_sh "$1" "cdbs list $3 <<'END'
$(cat "$2")
END" >"$4" ;;
    esac || fail "guest $1: cdbs $2 $3: $(tail -n 1 "$4")"
}

# same_answers WHAT TYPE GUEST WHICH...: the device DBG_HCTL with the node DBG_SG in dom0, then attached to the guest as
# 0:0:0:0.
same_answers() {
    local what=$1 kind=$2 g=$3 which n=0
    shift 3
    differences_read
    for which; do
        n=$((n + 1))
        # The first time may find another content on the medium.
        answers "$which" "$DBG_SG" /tmp/bare.again
        answers "$which" "$DBG_SG" /tmp/bare.$n
    done
    # Nothing is refused by the command policy. Reservations go where all other commands go, not to the helper.
    expect_ok xl-scsi attach "$g" "$DBG_HCTL" 0:0:0:0,pr=direct,feature-host,third-party-copy
    guest_wait_disk "$g" 0:0:0:0
    n=0
    for which; do
        n=$((n + 1))
        guest_answers "$g" "$which" "$GUEST_SG" /tmp/guest.$n
        differences_check "$what, ${which##*/}" "$kind" /tmp/bare.$n /tmp/guest.$n 5
    done
    expect_ok xl-scsi detach "$g" 0:0:0:0
    guest_wait_gone "$g" 0:0:0:0
}

# let_go: unloads scsi_debug when nobody has its device any more. HELD: the module's use count before anyone had.
let_go() {
    changers_release
    wait_until 20 "[ \$(cat /sys/module/scsi_debug/refcnt) -le ${HELD:-0} ]" "the device to be let go"
    scsi_debug_unload
}
