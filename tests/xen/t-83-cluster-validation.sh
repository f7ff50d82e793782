# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: what the validation of a Windows failover cluster sends, from two guests with SUSE's frontend for Windows
# timeout: 400
# guests: kept
need_project
lio_two_sessions 32
pr_helper_start
daemon_start

# In each guest, `front LINE...` gives lines to one vscsi-front, prints what it answers, and fails if one of them does.
node_start() {
    guest_start "$1"
    guest_ok "$1" "rmmod xen-scsifront; modprobe -a xen-gntalloc xen-evtchn"
    expect_ok xl-scsi attach --no-wait "$1" "$2" "$3"
    guest_ok "$1" 'mkfifo /run/in
: >/run/out
vscsi-front --like vmdp </run/in >>/run/out 2>&1 &
sleep 100000 >/run/in &
cat >/usr/local/bin/front <<"END"
#!/bin/sh
ended() { grep -cE "^(ok|FAILED)" /run/out; }
seen=$(wc -l </run/out)
for line; do
    n=$(ended)
    echo "$line" >/run/in
    while [ "$(ended)" = "$n" ]; do sleep 0.05; done
done
tail -n +$((seen + 1)) /run/out
! tail -n +$((seen + 1)) /run/out | grep -q ^FAILED
END
chmod 755 /usr/local/bin/front'
    guest_ok "$1" "front 'wait-dev 0:0:0:0 4'"
}
# tells NODE LINE...: all must succeed. What they print is in $SAID.
tells() {
    local node=$1 line words=""
    shift
    for line; do words="$words '$line'"; done
    SAID=$(guest_sh "$node" "front $words") || fail "$node: $*: $SAID"
}
# Unit attentions that the other node's commands have left are taken by a command that may fail.
settle() { guest_sh "$1" "front 'tur 0:0:0:0'; front 'tur 0:0:0:0'" >/dev/null 2>&1 || true; }

# The lines of commands. A and B are the keys of the nodes, 0 is none; the type is 5: write exclusive, registrants only.
A=000000000000000a B=000000000000000b NONE=0000000000000000
# out CODE ACTION KEY SERVICE-ACTION-KEY
out() { echo "expect $1 raw 0:0:0:0 out 24 5f $2 05 00 00 00 00 00 18 00 data=$3${4}0000000000000000"; }
GOOD=00/00 CONFLICT=00/18
REGISTER=00 RESERVE=01 RELEASE=02 CLEAR=03 PREEMPT=04 PREEMPT_AND_ABORT=05 REGISTER_ANYWAY=06
read_keys="raw 0:0:0:0 in 255 5e 00 00 00 00 00 00 00 ff 00"
read_reservation="raw 0:0:0:0 in 255 5e 01 00 00 00 00 00 00 ff 00"
write="raw 0:0:0:0 out 512 2a 00 00 00 00 08 00 00 01 00"
read="raw 0:0:0:0 in 512 28 00 00 00 00 08 00 00 01 00"
bytes() { echo "$SAID" | sed -n 's/^  \(00[0-9a-f]0\)  \(.\{47\}\).*/\2/p' | tr -d ' \n'; }
# keys NODE KEYS: what READ KEYS lists, after the generation.
keys() {
    tells "$1" "expect $GOOD $read_keys"
    expect_eq "$(bytes | cut -c 9-)" "$2" "the keys that $1 reads"
}
# reserved NODE BYTES: what READ RESERVATION says, after the generation.
reserved() {
    tells "$1" "expect $GOOD $read_reservation"
    expect_eq "$(bytes | cut -c 9-)" "$2" "the reservation that $1 reads"
}
held_by() { echo "00000010${1}0000000000050000"; }

node_start n1 "$LIO_A" 0:0:0:0
node_start n2 "$LIO_B" 0:0:0:0,force
settle n1
settle n2

note "both nodes register, the first one reserves"
tells n1 "$(out $GOOD $REGISTER_ANYWAY $NONE $A)"
tells n2 "$(out $GOOD $REGISTER_ANYWAY $NONE $B)"
keys n1 "00000010$A$B"
keys n2 "00000010$A$B"
tells n1 "$(out $GOOD $RESERVE $A $NONE)"
tells n2 "$(out $CONFLICT $RESERVE $B $NONE)"
reserved n2 "$(held_by $A)"
tells n1 "expect $GOOD $write"
tells n2 "expect $GOOD $write"
tells n2 "$(out $CONFLICT $REGISTER $A $B)"

note "a node without a key may read and not write"
tells n2 "$(out $GOOD $REGISTER $B $NONE)" "expect $CONFLICT $write" "expect $GOOD $read"
keys n1 "00000008$A"
tells n2 "$(out $CONFLICT $PREEMPT $B $A)"

note "PREEMPT: the second node takes over"
tells n2 "$(out $GOOD $REGISTER_ANYWAY $NONE $B)" "$(out $GOOD $PREEMPT $B $A)"
settle n1
tells n1 "expect $CONFLICT $write"
keys n1 "00000008$B"
reserved n1 "$(held_by $B)"
tells n2 "expect $GOOD $write"

note "PREEMPT AND ABORT: the first node takes it back"
tells n1 "$(out $GOOD $REGISTER_ANYWAY $NONE $A)" "$(out $GOOD $PREEMPT_AND_ABORT $A $B)"
settle n2
tells n2 "expect $CONFLICT $write"
keys n2 "00000008$A"
reserved n2 "$(held_by $A)"
tells n1 "expect $GOOD $write"

note "RELEASE and CLEAR"
tells n1 "$(out $GOOD $RELEASE $A $NONE)"
reserved n1 00000000
settle n2
tells n2 "expect $GOOD $write" "$(out $GOOD $REGISTER_ANYWAY $NONE $B)" "$(out $CONFLICT $CLEAR $A $NONE)"
tells n1 "$(out $GOOD $RESERVE $A $NONE)"
tells n2 "$(out $GOOD $CLEAR $B $NONE)"
settle n1
keys n1 00000000
reserved n2 00000000
tells n1 "expect $GOOD $write"
tells n2 "expect $GOOD $write"
