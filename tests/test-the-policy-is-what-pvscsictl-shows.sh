#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A guest's commands meet the policy that pvscsictl shows: the default, the config's rules, and the options of a device.
# The log names each refused opcode once, with what lets it pass.
# shellcheck source=tests/mock-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/mock-lib.sh"

ctl() { "$BUILD/pvscsictl" --run-dir "$RUN_DIR" "$@"; }
# line COMMAND [ARGUMENT...]: what `pvscsictl policy ARGUMENT...` says of a command.
line() { ctl policy "${@:2}" | sed -n "s|^  $1  *\([a-z]*\) .*|\1|p"; }
scsi() { "$BUILD/xl-scsi-fake-hyp" "$1" --run-dir "$RUN_DIR" "${@:2}"; }
refusals() { ctl stats | grep -o 'refused by policy [0-9]*' | grep -o '[0-9]*$' || echo 0; }

mock_start
daemon_start --deny "disk:42" --allow "tape:b5/20" --permit "disk:3b+c0+3f/01"
guest_create 1 "web server"
disk a 8
attach 1 "$DISK" 0:0:0:0 --no-wait
front_start g 1
front g "wait-dev 0:0:0:0 4"

step "what is in force for a type of device"
check_eq "$(line 28 disk)" allowed "READ(10)"
check_eq "$(line 3b disk)" refused "WRITE BUFFER"
check_eq "$(line 04 disk)" alone "FORMAT UNIT"
check_eq "$(line 1b disk)" partly "START STOP UNIT"
check_eq "$(line 42 disk)" refused "UNMAP, which the config denies"
check_eq "$(line a3/0a disk)" allowed "REPORT TARGET PORT GROUPS"
check_eq "$(line a3/1f disk)" "" "a service action that nothing names"
check_eq "$(line b5 tape)" partly "SECURITY PROTOCOL OUT of a tape, which the config allows in part"
check_eq "$(line b5/20 tape)" allowed "the part that the config allows"
check_eq "$(line a5 changer)" alone "MOVE MEDIUM"
check_match "$(ctl policy disk)" '^disk \(type 0, disk\)' "the head"
check_match "$(ctl policy disk)" ' 3b +refused +Write buffer' "the name of WRITE BUFFER"
check_match "$(ctl policy)" 'optical \(type 5' "each type"
check_eq "$(ctl policy | grep -c '^  others refused')" 5 "the number of types"
refuses 1 "no such type 'disks'; expected disk, tape, optical, changer or other" ctl policy disks
refuses 1 "no such type 'all'" ctl policy all
if command -v python3 >/dev/null; then
    ctl policy --json | python3 -m json.tool >/dev/null || fail "policy --json is not JSON"
    ctl policy --json 1 0:0:0:0 | python3 -m json.tool >/dev/null || fail "policy --json of a LUN is not JSON"
fi

step "a guest with a device as it is"
check_eq "$(line 3b 1 0:0:0:0)" refused "WRITE BUFFER"
check_eq "$(ctl policy "web server" 0:0:0:0)" "$(ctl policy 1 0:0:0:0)" "the same guest by its name"
front g "expect 00/02/6/29/00 raw 0:0:0:0 in 0 0 0 0 0 0 0"
before=$(refusals)
front g "expect 00/02/5/20/00 raw 0:0:0:0 in 0 3b 2 0 0 0 0 0 0 0 0"
front g "expect 00/02/5/20/00 raw 0:0:0:0 in 0 3b 2 0 0 0 0 0 0 0 0"
front g "expect 00/02/5/20/00 raw 0:0:0:0 in 0 42 0 0 0 0 0 0 0 0 0"
front g "expect 00/02/5/24/00 raw 0:0:0:0 in 0 1d 0 0 0 0 0"
check_eq "$(($(refusals) - before))" 4 "refused commands"
check_eq "$(grep -c '(3bh) is refused by the command policy' "$LOGS/pvscsid")" 1 "lines about WRITE BUFFER"
check_match "$(cat "$LOGS/pvscsid")" '\(3bh\).*the option allow=3b of the device' "what lets it pass"
check_match "$(cat "$LOGS/pvscsid")" '\(42h\).*deny names it' "why UNMAP is refused"
front g "load 0:0:0:0 rw=write bs=4k count=10"
refuses 1 'guest 1 has no LUN 0:0:0:1 here; pvscsictl status shows' ctl policy 1 0:0:0:1
refuses 1 "no such guest '2' here; expected the name or number" ctl policy 2 0:0:0:0
refuses 1 "no such guest 'one' here; expected the name or number" ctl policy one 0:0:0:0
refuses 1 "'0:0:0' is no v-dev; expected h:c:t:l" ctl policy 1 0:0:0
refuses 2 'the words are too long, or hold a line break' ctl policy one $'0:0:0:0\n'

step "options of a device, as far as the config permits them"
disk b 8
attach 1 "$DISK" 0:0:0:1,allow=3b+85,deny=2a
front g "wait-dev 0:0:0:1 4"
check_eq "$(line 3b 1 0:0:0:1)" allowed "WRITE BUFFER, permitted"
check_eq "$(line 85 1 0:0:0:1)" partly "ATA PASS-THROUGH, not permitted"
check_eq "$(line 2a 1 0:0:0:1)" refused "WRITE(10), denied"
check_match "$(cat "$LOGS/pvscsid")" 'does not permit all that .* stays refused: allow=85;' "the log of what is not permitted"
front g "expect 00/02/6/29/00 raw 0:0:0:1 in 0 0 0 0 0 0 0"
before=$(refusals)
front g "expect 00/02/5/20/00 raw 0:0:0:1 in 0 3b 2 0 0 0 0 0 0 0 0"
check_eq "$(refusals)" "$before" "WRITE BUFFER came to the disk, which has no such command"

step "a change of options holds as it is asked for, or not at all"
refuses 3 'permits only 3f/01 of allow=3f: ask for that' scsi set 1 0:0:0:1 allow=3b+3f
refuses 3 'denies 42, which allow=42 asks for' scsi set 1 0:0:0:1 allow=3b+42
check_eq "$(line 3f 1 0:0:0:1)" refused "WRITE LONG, after the refusal"
scsi set 1 0:0:0:1 allow=3b+3f/01 >/dev/null || fail "xl-scsi set allow=3b+3f/01: $?"
check_eq "$(line 3f 1 0:0:0:1)" partly "WRITE LONG"
check_eq "$(line 3f/01 1 0:0:0:1)" allowed "the part of WRITE LONG that is permitted"
front_stop g
daemon_stop
