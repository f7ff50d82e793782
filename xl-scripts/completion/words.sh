# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Word completion: which words can stand next on a command line of this project's programs. This is the part that bash
# and zsh share; complete.bash.in and complete.zsh.in are what each shell adds.
#
# Nothing here names an option or a command. The programs' own --help says which there are, what value an option takes
# ("--pr MODE  ...: auto, helper, direct or deny [auto]"), which command an option is for ("(top)" at its end), and what
# the arguments of a command are ("attach  DOMAIN PDEV VDEV[,option...]"). The first half, in awk, reads this. It
# answers with words, and with the names of what only the running system knows, such as DOMAIN. The second half asks for
# these.
#
# Words of guests, backends and files are foreign: they are compared and printed, and never evaluated.

# _xen_pvscsi_grammar PROGRAM CUR WORD...: reads the help from standard input. One answer a line, with a unit separator
# (octal 37: read would take tabs in a row for one) between its fields: "w WORD TEXT", a word; "p WORD TEXT", a word to
# which more must be added; "t TYPE PREFIX GUEST", words of this type, each after PREFIX; "o OPTION VALUE", an option of
# the line that says where to ask.
_xen_pvscsi_grammar() {
    local program=$1 cur=$2
    shift 2
    PROGRAM=$program CUR=$cur WORDS=$(printf '%s\n' "$@") awk '
function trim(s) { sub(/^ +/, "", s); sub(/ +$/, "", s); return s }
function say(kind, a, b, c) { printf "%s\037%s\037%s\037%s\n", kind, a, b, c }
function word(prefix, w, text) { say(w ~ /[=,:]$/ ? "p" : "w", prefix w, text) }

# An option line: its names, its value, its text.
function option_line(s,   name, meta, names, n, i) {
    names = ""; meta = ""
    s = trim(s)
    while (match(s, /^--?[A-Za-z][A-Za-z-]*/)) {
        names = names " " substr(s, 1, RLENGTH)
        s = substr(s, RLENGTH + 1)
        if (s !~ /^, -/)
            break
        s = substr(s, 3)
    }
    if (s ~ /^=/ || s ~ /^ [^ ]/) {
        s = substr(s, 2)
        meta = s
        sub(/ .*/, "", meta)
        s = substr(s, length(meta) + 1)
    }
    n = split(names, name, " ")
    last_option = ""
    for (i = 1; i <= n; i++) {
        option_meta[name[i]] = meta
        option_text[name[i]] = trim(s)
        option_same[name[i]] = name[n]
        if (name[i] ~ /^--/) {
            option_name[++n_options] = name[i]
            last_option = name[i]
        }
    }
}

# A command line: its name, its arguments (what looks like grammar), its text.
function command_line(s,   name, args, depth, c, i) {
    s = trim(s)
    name = s
    sub(/ .*/, "", name)
    command_name[++n_commands] = name
    command_parent[n_commands] = parent
    last_command = n_commands
    last_option = ""
    s = trim(substr(s, length(name) + 1))
    args = ""
    while (s ~ /^[\[A-Z]/ || s ~ /^[a-z]+\|/) {
        depth = 0
        for (i = 1; i <= length(s); i++) {
            c = substr(s, i, 1)
            depth += (c == "[") - (c == "]")
            if (c == " " && depth <= 0)
                break
        }
        args = args " " substr(s, 1, i - 1)
        s = substr(s, i)
        if (s ~ /^  /)
            break
        s = trim(s)
    }
    command_args[n_commands] = trim(args)
    command_text[n_commands] = trim(s)
}

/^[A-Z][a-z]*( of [a-z]+)?[:,]/ {
    section = tolower($1)
    sub(/[:,].*/, "", section)
    parent = $2 == "of" ? substr($3, 1, length($3) - 1) : ""
    last_option = last_command = ""
}
/ Options: .*\.$/ { device_options = $0; sub(/.* Options: /, "", device_options); sub(/\.$/, "", device_options) }
/^ ? ? ? ? ? ?-/ { option_line($0); next }
/^  [a-z]/ {
    if (section == "" || section == "usage" || section == "commands")
        command_line($0)
    else
        listed[section] = listed[section] " " $1
    next
}
/^        +\[/ && last_command != "" { command_args[last_command] = command_args[last_command] " " trim($0); next }
/^            +/ && last_option != "" { option_text[last_option] = option_text[last_option] " " trim($0) }
/^            +/ && last_option == "" && last_command != "" {
    command_text[last_command] = trim(command_text[last_command] " " trim($0))
}

# The commands for which an option is, from the end of its text: 0 means that it is not for this one.
function fits(o, command,   text, n, part, i, names) {
    text = option_text[o]
    if (command == "" || !match(text, /\([^()]*\)$/))
        return 1
    text = substr(text, RSTART + 1, RLENGTH - 2)
    names = sub(/^not /, "", text)
    n = split(text, part, ", ")
    if (!(part[1] in known))
        return 1
    for (i = 1; i <= n; i++)
        if (part[i] == command)
            return !names
    return names
}

# Words of "a, b or c", or of "[a]", in an option text.
function of_text(prefix, text, ending,   n, part, i, seen) {
    if (match(text, /[A-Za-z][A-Za-z-]*(, [A-Za-z][A-Za-z-]*)* or [A-Za-z][A-Za-z-]*/)) {
        text = substr(text, RSTART, RLENGTH)
        sub(/ or /, ", ", text)
        n = split(text, part, ", ")
        for (i = 1; i <= n; i++)
            word(prefix, part[i] ending, "")
    } else if (match(text, /\[[a-z-]+\]/)) {
        word(prefix, substr(text, RSTART + 1, RLENGTH - 2) ending, "")
    }
}

function value(o, prefix,   meta, n, part, i) {
    meta = option_meta[o]
    if (meta ~ /^(FILE|PATH|SOCKET)$/)
        say("t", "FILE", prefix)
    else if (meta == "DIR")
        say("t", "DIR", prefix)
    else if (meta ~ /\|/) {
        n = split(meta, part, "|")
        for (i = 1; i <= n; i++)
            word(prefix, part[i], "")
    } else if ((tolower(meta) "s") in listed) {
        n = split(listed[tolower(meta) "s"], part, " ")
        for (i = 1; i <= n; i++)
            word(prefix, part[i], "")
    } else if (meta !~ /^(N|FD|SECONDS|N,.*)$/)
        of_text(prefix, option_text[o], meta ~ /=/ ? "=" : "")
}

function options(command,   i, o) {
    for (i = 1; i <= n_options; i++) {
        o = option_name[i]
        if (fits(o, command) && !(ENVIRON["PROGRAM"] == "xl" && o ~ /^--(dry-run|run-dir|version)$/))
            word("", o (option_meta[o] != "" ? "=" : ""), option_text[o])
    }
}

function commands(of,   i) {
    for (i = 1; i <= n_commands; i++)
        if (command_parent[i] == of)
            word("", command_name[i], command_text[i])
}

# What one name of the grammar stands for.
function offer(name, prefix, now,   n, part, i) {
    if (name == "COMMAND")
        commands(command_of_commands)
    else if (name == "option") {
        n = split(device_options, part, " ")
        for (i = 1; i <= n; i++)
            named(part[i], prefix, now)
    } else if (match(command_text[number], name " \\([^)]*\\)"))
        of_text(prefix, substr(command_text[number], RSTART, RLENGTH), "")
    else if (name ~ /^[A-Z]/)
        say("t", name, prefix, guest)
    else
        word(prefix, name, "")
}

# "name", "name=a|b" or "name=TYPE": `now` is what stands there so far.
function named(text, prefix, now,   name, n, part, i) {
    if (index("," prefix, "," text ","))
        return
    if (!match(text, /=/)) {
        word(prefix, text, "")
        return
    }
    name = substr(text, 1, RSTART)
    n = split(substr(text, RSTART + 1), part, "|")
    if (part[1] !~ /^[A-Z]/)
        for (i = 1; i <= n; i++)
            word(prefix, name part[i], "")
    else if (index(now, name) != 1)
        word(prefix, name, "")
    else if (part[1] ~ /^(PATH|FILE|DOMAIN)$/)
        say("t", part[1], prefix name)
}

# The names for argument `at` of `args` are in place[1..n_places]; named arguments in extra[1..n_extras].
function places(args, at,   s, token, depth, c, i, k, n, alt, m, w, plain, more) {
    n_places = n_extras = k = 0
    s = args " "
    token = ""
    depth = 0
    for (i = 1; i <= length(s); i++) {
        c = substr(s, i, 1)
        depth += (c == "[") - (c == "]")
        if (c != " " || depth > 0) {
            token = token c
            continue
        }
        if (token == "")
            continue
        more = sub(/\.\.\.$/, "", token)
        plain = token !~ /^\[/
        if (!plain) {
            token = substr(token, 2, length(token) - 2)
            more = sub(/\.\.\.$/, "", token) || more
        }
        if (token ~ /^[a-z][a-z-]*=/ || (!plain && token !~ /[A-Z]/)) {
            n = split(token, alt, / \| /)
            for (m = 1; m <= n; m++)
                extra[++n_extras] = alt[m]
        } else {
            n = split(token, alt, "|")
            for (m = 1; m <= n; m++) {
                split(alt[m], w, " ")
                # An alternative of two words stands at two places.
                if ((more && at >= k) || at == k)
                    place[++n_places] = w[1]
                else if (at == k + 1 && split(alt[m], w, " ") > 1)
                    place[++n_places] = w[2]
            }
            k++
        }
        token = ""
    }
}

# One place, which may be a list with commas: "VDEV[,option...]".
function at_place(name, now,   n, part, prefix, c, items, lists) {
    lists = index(name, ",")
    items = name
    if (!lists) {
        offer(name, "", now)
        return
    }
    # What is free is offered for a new device, what is there for others.
    gsub(/\[|\]/, "", items)
    gsub(/\.\.\./, "", items)
    n = split(items, part, ",")
    prefix = now
    sub(/[^,]*$/, "", prefix)
    c = gsub(/,/, ",", prefix) + 1
    if (c > n)
        c = n
    if (part[c] == "VDEV")
        part[c] = "FREEVDEV"
    # A p-dev with a comma after it.
    offer(part[c], prefix, substr(now, length(prefix) + 1))
}

function find(name, of,   i) {
    for (i = 1; i <= n_commands; i++)
        if (command_name[i] == name && command_parent[i] == of)
            return i
    return 0
}

END {
    cur = ENVIRON["CUR"]
    n_words = split(ENVIRON["WORDS"], typed, "\n")
    for (i = 1; i <= n_commands; i++)
        known[command_name[i]] = 1
    n_given = 0
    pending = ""
    only_args = 0
    for (i = 1; i <= n_words; i++) {
        w = typed[i]
        if (pending != "") {
            say("o", pending, w)
            option_value[pending] = w
            pending = ""
        } else if (only_args || w !~ /^-./) {
            if (w == "," && ENVIRON["PROGRAM"] == "vscsi-front")
                n_given = 0
            else
                given[++n_given] = w
        } else if (w == "--")
            only_args = 1
        else if (match(w, /^--[a-z-]+=/)) {
            o = substr(w, 1, RLENGTH - 1)
            option_value[o] = substr(w, RLENGTH + 1)
            say("o", o, option_value[o])
        } else if (option_meta[w] != "")
            pending = option_same[w]
    }
    if (pending != "") {
        value(pending, "")
        exit
    }
    # "ctl status", "expect CODE read": the command is behind another one.
    first = 1
    of = ""
    number = n_given >= 1 ? find(given[1], "") : 0
    while (number) {
        command_of_commands = find_parent(command_name[number])
        n = n_given - first
        found = 0
        for (k = 0; k < n && !found; k++) {
            places(command_args[number], k)
            for (p = 1; p <= n_places; p++)
                if (place[p] == "COMMAND")
                    found = k + 1
        }
        if (!found)
            break
        first += found
        number = find(given[first], command_of_commands)
    }
    top = n_given >= 1 ? given[1] : ""
    if (!only_args && match(cur, /^--[a-z-]+=/)) {
        value(substr(cur, 1, RLENGTH - 1), substr(cur, 1, RLENGTH))
        exit
    }
    # These two take options before their commands only.
    if (!only_args && (cur ~ /^-/ || n_commands == 0)) {
        if (n_given == 0 || ENVIRON["PROGRAM"] !~ /^(mock-xen|vscsi-front)$/)
            options(top)
        exit
    }
    if (n_given == 0) {
        commands("")
        exit
    }
    if (!number)
        exit
    at = n_given - first
    # The guest whose v-devs are asked for.
    guest = option_value["--domid"]
    for (k = 0; k < at; k++) {
        places(command_args[number], k)
        for (p = 1; p <= n_places; p++)
            if (place[p] ~ /^(DOMAIN|GUEST)$/)
                guest = given[first + k + 1]
    }
    # Named arguments have no place of their own.
    for (k = first + 1; k <= n_given; k++) {
        there[given[k]] = 1
        if (given[k] ~ /^[a-z]+=/)
            at--
    }
    places(command_args[number], at)
    for (p = 1; p <= n_places; p++)
        at_place(place[p], cur)
    for (p = 1; p <= n_extras; p++)
        if (!(extra[p] in there))
            named(extra[p], "", cur)
}

# The commands that a command such as "ctl" has; "" for the ordinary ones.
function find_parent(name,   i) {
    for (i = 1; i <= n_commands; i++)
        if (command_parent[i] == name)
            return name
    return ""
}
'
}

# The guests that run, by their names.
_xen_pvscsi_guests() {
    xenstore-list /local/domain 2>/dev/null | while read -r id; do
        [ "$id" = 0 ] || xenstore-read "/local/domain/$id/name" 2>/dev/null
    done
}

# The v-devs of a guest, from the table's seventh column.
_xen_pvscsi_vdevs() { xl-scsi list -- "$1" 2>/dev/null | awk '$7 ~ /^[0-9]+:/ { print $7 }'; }

# The first LUN of target 0:0:0 that the guest does not have.
_xen_pvscsi_free_vdev() {
    _xen_pvscsi_vdevs "$1" | awk '{ used[$1] = 1 }
        END { for (i = 0; i < 255 && ("0:0:0:" i) in used; i++); print "0:0:0:" i }'
}

# The p-devs that scan proposes.
_xen_pvscsi_pdevs() { xl-scsi scan --json 2>/dev/null | sed -n 's/^ *"p-dev":"\([^"]*\)",*$/\1/p'; }

# The domains of the mock-xen at this socket.
_xen_pvscsi_domids() {
    mock-xen --socket "${XENSTORED_PATH-}" ctl status 2>/dev/null | awk '$1 == "domain" { print $2 }'
}

# _xen_pvscsi_served KEY GUEST DIR: what the daemon serves: guests, or the v-devs of one, by its name or number.
_xen_pvscsi_served() {
    pvscsictl --run-dir "$3" --json status 2>/dev/null | KEY=$1 GUEST=$2 awk -F '"' '
        BEGIN { key = ENVIRON["KEY"]; guest = ENVIRON["GUEST"] }
        $2 == "guest" { name = $4; if (key == "guest") print name }
        $2 == "domid" { id = $3; gsub(/[^0-9]/, "", id) }
        $2 == "v_dev" && key == "v_dev" && (name == guest || id == guest) { print $4 }' |
        sort -u
}

# _xen_pvscsi_words CUR PROGRAM WORD...: the words that can stand where CUR does, in a line that begins with these. One
# a line, with a unit separator between its fields: "w WORD TEXT"; "p WORD TEXT" if more must be added to it; "f PREFIX"
# and "d PREFIX" for the names of files and of directories, after PREFIX.
_xen_pvscsi_words() {
    local cur=$1 typed=$2 program=${2##*/} unit run_dir=/run/pvscsid kind word text guest each help
    local PATH=$PATH:@sbindir@:/usr/sbin:/sbin
    shift 2
    unit=$(printf '\037')
    case $typed in \~/*) typed=$HOME/${typed#??} ;; esac
    if [ "$program" = xl ]; then
        # The shim's own commands are those of xl-scsi.
        while [ $# -gt 0 ]; do
            case $1 in
            -*) shift ;;
            *) break ;;
            esac
        done
        case ${1-} in
        "")
            "$typed" help 2>/dev/null </dev/null | CUR=$cur awk '
                BEGIN { cur = ENVIRON["CUR"] }
                /^ [^ ]/ && substr($1, 1, length(cur)) == cur { w = $1; $1 = ""; print "w\037" w "\037" substr($0, 2) }'
            return
            ;;
        scsi-attach | scsi-detach | scsi-set | scsi-list) each=${1#scsi-} ;;
        *)
            printf 'f\037\n'
            return
            ;;
        esac
        shift
        set -- "$each" "$@"
        typed=xl-scsi
    fi
    help=$("$typed" --help 2>/dev/null </dev/null)
    case $help in *--commands*) help="$help
$("$typed" --commands 2>/dev/null </dev/null)" ;; esac
    printf '%s\n' "$help" | _xen_pvscsi_grammar "$program" "$cur" "$@" |
        while IFS=$unit read -r kind word text guest; do
            case $kind:$word in
            o:--socket | o:--standalone) export XENSTORED_PATH="$text" ;;
            o:--run-dir) run_dir=$text ;;
            o:*) ;;
            w:* | p:*)
                case $word in "$cur"*) printf '%s\037%s\037%s\n' "$kind" "$word" "$text" ;; esac
                ;;
            t:DIR) printf 'd\037%s\n' "$text" ;;
            t:FILE | t:PATH | t:SCRIPT | t:XL | t:ARGUMENTS) printf 'f\037%s\n' "$text" ;;
            t:PDEV)
                case ${cur#"$text"} in
                file:*) printf 'f\037%sfile:\n' "$text" ;;
                /* | .*) printf 'f\037%s\n' "$text" ;;
                *) _xen_pvscsi_pdevs | _xen_pvscsi_each "$cur" "$text" ;;
                esac
                ;;
            t:*)
                case $program:$word in
                *:DOMAIN) _xen_pvscsi_guests ;;
                *:FREEVDEV) _xen_pvscsi_free_vdev "$guest" ;;
                pvscsictl:GUEST) _xen_pvscsi_served guest "" "$run_dir" ;;
                pvscsictl:VDEV) _xen_pvscsi_served v_dev "$guest" "$run_dir" ;;
                vscsi-front:H:C:T:L) _xen_pvscsi_vdevs "${guest:-1}" ;;
                *:VDEV) _xen_pvscsi_vdevs "$guest" ;;
                mock-xen:DOMID) _xen_pvscsi_domids ;;
                esac | _xen_pvscsi_each "$cur" "$text"
                ;;
            esac
        done
}

# _xen_pvscsi_each CUR PREFIX: those of the words of standard input that fit. One with a blank or a control character
# cannot be typed as one word without care: it is left out.
_xen_pvscsi_each() {
    local each
    while IFS= read -r each; do
        case $each in
        "" | *[![:print:]]* | *[[:blank:]]*) ;;
        *) case $2$each in "$1"*) printf 'w\037%s\037\n' "$2$each" ;; esac ;;
        esac
    done
}
