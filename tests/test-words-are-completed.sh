#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Word completion in bash: the words for each line, also on a terminal. They are the options, commands and values that
# the programs have. test-zsh-completes-the-same-words.sh is about zsh.
# shellcheck source=tests/completion-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/completion-lib.sh"

for name in pvscsid pvscsictl xl-scsi mock-xen vscsi-front; do
    # shellcheck disable=SC1090
    . "$COMPLETION/bash/$name" || fail "bash/$name"
    check_match "$(complete -p "$name")" '-F _xen_pvscsi ' "what is said to bash of $name"
done
check_match "$(complete -p xl)" '-F _xen_pvscsi ' "what is said to bash of xl"
# offered LINE: the words, in $OFFERED.
offered() {
    # shellcheck disable=SC2034
    COMP_LINE=$1 COMP_POINT=${#1}
    _xen_pvscsi
    OFFERED=${COMPREPLY[*]}
}

step "the words for each line"
n=0
while IFS='|' read -r line words; do
    offered "$line"
    check_eq "$OFFERED" "$words" "offered for '$line'"
    n=$((n + 1))
done < <(completions)
[ $n -gt 60 ] || fail "only $n lines"
COMP_WORDBREAKS=$' \t\n' offered "xl-scsi detach web 3:"
check_eq "$OFFERED" "3:0:0:7" "offered where readline does not break words at colons"

step "p-devs"
# Without SCSI devices here, xl-scsi is played: what it prints of two of them.
scan() {
    printf '[\n  {\n    "hctl":"2:0:0:0",\n    "p-dev":"naa.5000c50012345678",\n    "use":null\n  },\n'
    printf '  {\n    "hctl":"2:0:1:0",\n    "p-dev":"2:0:1:0"\n  }\n]\n'
}
xl-scsi() { if [ "$*" = "scan --json" ]; then scan; else command xl-scsi "$@"; fi; }
offered "xl-scsi attach web "
check_eq "$OFFERED" "naa.5000c50012345678 2:0:1:0" "offered as p-devs"
offered "xl-scsi attach web 2:0"
check_eq "$OFFERED" "0:1:0" "offered as p-devs behind a colon"
unset -f xl-scsi

step "words of guests are quoted, and never evaluated"
offered "xl-scsi attach "
printf -v quoted %q "$EVIL"
check_eq "$OFFERED" "web db $quoted" "the guests"
offered "pvscsictl --run-dir $RUN_DIR policy \$"
check_eq "$OFFERED" "$quoted" "the guest that begins so"
for name in "$quoted" "'$EVIL'"; do
    offered "pvscsictl --run-dir $RUN_DIR policy $name 0"
    check_eq "$OFFERED" "0:0:0:0" "the LUNs of the guest $name"
    offered "xl-scsi detach $name 0:0"
    check_eq "$OFFERED" "0:0:0" "the LUNs of the guest $name"
done
[ ! -e "$DIR/evaluated" ] || fail "a guest's name was evaluated"

# same WHAT LEFT RIGHT: lists of words, in any order.
same() {
    [ -n "$2" ] || fail "$1: none"
    check_eq "$(tr ' ' '\n' <<<"$2" | sort | tr '\n' ' ')" "$(tr ' ' '\n' <<<"$3" | sort | tr '\n' ' ')" "$1"
}

step "options are those that the programs take"
# For an abbreviation of all of them, glibc's getopt prints the list. pvscsid does not let it: check_option_pages
# compares its --help with its table.
for program in pvscsictl xl-scsi mock-xen vscsi-front; do
    taken=$("$program" --=x 2>&1 | sed -n "s/.*possibilities: //p" | tr -d "'")
    [ -n "$taken" ] || { echo "getopt does not print the options: those of $program are not compared"; continue; }
    offered "$program -"
    same "options of $program" "$(tr -d = <<<"$OFFERED")" "$(xargs <<<"$taken")"
done
offered "pvscsid "
same "options of pvscsid" "$OFFERED" \
    "$(pvscsid --help | sed -nE 's/^ +(-., )?(--[a-z-]+)( [A-Z0-9|]+)?  .*/\2\3/p' | sed 's/ .*/=/' | xargs)"

step "each command is offered the options that it takes"
# takers PROGRAM REFUSAL: commands and options, each with each.
takers() {
    local of=$1 refusal=$2 commands options option command said
    offered "$of "
    commands=$OFFERED
    offered "$of -"
    options=$OFFERED
    for command in $commands; do
        offered "$of $command -"
        for option in $options; do
            case $option in --help | --version | --run-dir=) continue ;; esac
            said=$(XENSTORED_PATH=$DIR/none "$of" "${option/=/=1}" --run-dir="$DIR/none" "$command" none 2>&1)
            case " $OFFERED ":$said in
            *" $option "*:*$refusal*) fail "$of $command is offered $option: $said" ;;
            *" $option "*:* | *:*$refusal*) ;;
            *) fail "$of $command is not offered $option, and takes it: $said" ;;
            esac
        done
    done
}
takers xl-scsi 'takes no option'
takers pvscsictl 'does not go with'
printf '#!/bin/sh\necho " create x"\n' >"$DIR/real-xl"
chmod +x "$DIR/real-xl"
for command in attach detach list; do
    offered "xl scsi-$command -"
    # As the shim's usage has them: "[-f] [-w] [-t SECONDS]", "[--long|--json]".
    usage=$(xl-scsi xl "$DIR/real-xl" help "scsi-$command" | grep -oE -- '-[a-z-]+' | grep -E '^--?[a-z]' |
        sed 's/^-t$/--timeout=/; s/^-f$/--force/; s/^-w$/--no-wait/' | grep -vxE -- '-(scsi|attach|detach|list)')
    same "options of xl scsi-$command" "$OFFERED" "--help $(xargs <<<"$usage")"
done

step "values are those that the programs take"
# values TEXT COMMAND...: the words for the last option, and what a wrong value is told to be.
values() {
    local expected
    offered "$* "
    expected=$("$@" none-such 2>&1 | sed -nE 's/.*expected (a level from )?//p' | tr -d "'" |
        sed 's/ or /, /; s/, / /g')
    same "values of $*" "$OFFERED" "$expected"
}
for option in log-level pr sandbox device-reset policy; do values pvscsid --$option; done
values pvscsictl metrics --format
values pvscsictl top --by
values pvscsictl top --sort
for option in log-level poll permit allow deny; do
    offered "pvscsid --$option "
    for word in $OFFERED; do
        pvscsid --$option "$word" --config /dev/null --dump-config >/dev/null || fail "pvscsid --$option $word"
    done
done
offered "mock-xen --log-level "
for word in $OFFERED; do mock-xen --log-level "$word" --version >/dev/null || fail "mock-xen --log-level $word"; done
offered "mock-xen --quota "
for word in $OFFERED; do mock-xen --quota "${word}1" --version >/dev/null || fail "mock-xen --quota $word"; done
offered "vscsi-front --like "
for word in $OFFERED; do vscsi-front --like "$word" --commands >/dev/null || fail "vscsi-front --like $word"; done
offered "vscsi-front "
same "commands of vscsi-front" "$OFFERED" "$(vscsi-front --commands | sed -n 's/^  \([a-z-]*\).*/\1/p' | xargs)"
offered "mock-xen --socket $SOCK ctl "
for word in $OFFERED; do
    check_no_match "$(mock_ctl "$word" 2>&1)" 'no such command' "mock-xen ctl $word"
done
offered "pvscsictl policy "
for word in $OFFERED; do
    pvscsictl --run-dir "$RUN_DIR" policy "$word" >/dev/null || fail "pvscsictl policy $word"
done
offered "xl-scsi attach web /dev/sda 0:0:0:0,"
same "options of a device" "$(tr ' ' '\n' <<<"${OFFERED//0,/}" | sed 's/=.*/=/' | sort -u | xargs)" \
    "$(xl-scsi --help | sed -n 's/.*Options: \(.*\)\.$/\1/p' | tr ' ' '\n' | sed 's/=.*/=/' | sort -u | xargs)"

step "a terminal"
# bash-completion finds the file by the command's name. Without it, each file is read.
mkdir -p "$DIR/share/bash-completion"
ln -s "$COMPLETION/bash" "$DIR/share/bash-completion/completions"
cat >"$DIR/bashrc" <<'BASHRC'
unset HISTFILE
bind 'set bell-style none'
bind 'set enable-bracketed-paste off'
bind -x '"\C-g": printf "%s\n" "$READLINE_LINE" >"$REPORT"'
if [ -r /usr/share/bash-completion/bash_completion ]; then
    BASH_COMPLETION_USER_DIR=$SHARE/bash-completion
    . /usr/share/bash-completion/bash_completion
else
    for file in "$SHARE"/bash-completion/completions/*; do . "$file"; done
fi
complete -p xl >/dev/null 2>&1 || . "$SHARE/bash-completion/completions/xl-scsi"
echo ready >"$REPORT"
BASHRC
FOREIGN='$'
SHARE=$DIR/share typed bash --noprofile --rcfile "$DIR/bashrc" -i
