#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Text that a driver domain writes is escaped before it reaches a terminal, a log or JSON, and no part of a reason is
# lost.
. "${top_srcdir:-.}/tests/mock-lib.sh"
. "${top_srcdir:-.}/tests/toolstack-lib.sh"
mock_start
guest_create 5 web
# raw WHAT TEXT: nothing but printable ASCII and line ends
raw() { ! LC_ALL=C grep -q '[^ -~]' <<<"$2" || fail "$1: $(cat -v <<<"$2")"; }
evil=$'no \e[31mred\e[m \xff\xc3 \x9b2J device'

step "the reason of a refusal"
peers 5 refuse="$evil"
refuses 3 'p-dev /dev/nosuch: no \\x1b\[31mred\\x1b\[m \\xff\\xc3 \\x9b2J device$' xl_scsi attach web /dev/nosuch 0:0:0:0
raw "the message" "$REFUSAL"

step "a p-dev that stands in the way"
peers 5
xl_scsi attach web /dev/nosuch 0:0:0:0 || fail "attach"
for node in p-dev p-devname p-hctl p-wwid; do xs_write $BACKEND/5/0/vscsi-devs/dev-0/$node "$evil"; done
refuses 5 'has a device already \(p-dev no \\x1b\[31mred' xl_scsi attach web /dev/other 0:0:0:0
raw "the message" "$REFUSAL"
xs_write $BACKEND/5/0/vscsi-devs/dev-0/v-dev $'0:0:0:0' $BACKEND/5/0/vscsi-devs/dev-0/error "$evil"

step "lists"
for how in "" --long --json; do
    # shellcheck disable=SC2086
    text=$(xl_scsi list $how web) || fail "list $how"
    raw "list $how" "$text"
done
if command -v jq >/dev/null; then
    xl_scsi list --json web | jq -e '.[0].devices[0].error | startswith("no \\x1b[31mred")' >/dev/null ||
        fail "the reason in JSON"
    raw "what jq makes of it" "$(xl_scsi list --json web | jq -r '.[0].devices[0].error')"
fi

step "what is missing, too"
xs_write /local/domain/5/pvscsi/0 "/dev/gone,0:0:0:7" /local/domain/5/pvscsi/0/error "$evil"
for how in "" --long --json; do
    # shellcheck disable=SC2086
    raw "list $how" "$(xl_scsi list $how web)"
done

step "a long reason is there to its end"
long=$(printf 'because %.0s' {1..60})end
xs_write $BACKEND/5/0/vscsi-devs/dev-0/error "$long" /local/domain/5/pvscsi/0/error "$long"
check_eq "$(xl_scsi list --long web | grep -c "because end$")" 2 "reasons that are whole"
