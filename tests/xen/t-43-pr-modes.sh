# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: pr=deny, pr=direct without a helper, and what is refused before it reaches a helper
# timeout: 240
# guests: kept
need_project
lio_two_initiators 32
daemon_start
guest_start g1

# sg_persist in the guest: its status and what it says.
pr() {
    local wanted=$1 status=0
    shift
    ANSWER=$(guest_sh g1 "sg_persist -n $* $sg" 2>&1) || status=$?
    [ "$status" = "$wanted" ] || fail "sg_persist $*: status $status, wanted $wanted: $ANSWER"
}
attach() {
    expect_ok xl-scsi attach g1 "$LIO_A" "0:0:0:0${1:+,$1}"
    guest_wait_disk g1 0:0:0:0
    sg=$GUEST_SG
}
detach() {
    expect_ok xl-scsi detach g1 0:0:0:0
    guest_wait_gone g1 0:0:0:0
}

note "pr=deny"
attach pr=deny
pr 9 --in --read-keys
pr 9 --out --register --param-sark=0x11
expect_match "$(pvscsictl status)" 'pr:deny' "status"
detach

note "pr=direct: no helper runs here"
attach pr=direct
pr 0 --out --register --param-sark=0x11
pr 0 --out --reserve --param-rk=0x11 --prout-type=3
pr 0 --in --read-reservation
expect_match "$ANSWER" 'Exclusive Access' "the reservation"
expect_eq "$ANSWER" "$(sg_persist -n --in --read-reservation "$(sg_of "$LIO_B")" 2>&1)" "the same, seen from here"
# An allocation length of 16 KiB.
keys="5e 00 00 00 00 00 00 40 00 00"
out=$(guest_ok g1 "sg_raw -r 16384 $sg $keys 2>&1")
expect_match "$out" 'SCSI Status: Good' "READ KEYS with an allocation length of 16384"
expect_match "$out" '00 00 00 00 00 00 00 11' "the key"
expect_eq "$out" "$(sg_raw -r 16384 "$(sg_of "$LIO_B")" $keys 2>&1)" "the same, seen from here"
# The device itself refuses the other initiator.
sg_raw -r 512 "$(sg_of "$LIO_B")" 00 00 00 00 00 00 >/dev/null 2>&1
expect_fail 24 sg_raw -s 512 -i /dev/zero "$(sg_of "$LIO_B")" 2a 00 00 00 00 10 00 00 01 00
pr 24 --out --release --param-rk=0x99 --prout-type=3
pr 0 --out --release --param-rk=0x11 --prout-type=3
pr 0 --out --clear --param-rk=0x11
expect_match "$(pvscsictl status)" 'pr:direct' "status"
detach

note "pr=helper: refused here, because no helper runs that could have said so"
attach pr=helper
# The parameter list is zeros, but for the flags in byte 20.
refused() { # WHAT SENSE CDB LIST-LENGTH [FLAGS]
    local out status=0
    out=$(guest_sh g1 "head -c 65536 /dev/zero >/tmp/list
        printf '\\$(printf %03o "${5:-0}")' | dd of=/tmp/list bs=1 seek=20 conv=notrunc 2>/dev/null
        sg_raw -s $4 -i /tmp/list $sg $3" 2>&1) || status=$?
    expect_match "$out" "[Aa]dditional sense: $2" "$1 (status $status)"
    expect_match "$out" '[Ii]llegal [Rr]equest' "$1"
}
refused "a list of 23 bytes" 'Parameter list length error' "5f 00 00 00 00 00 00 00 17 00" 23
refused "a list of 28 bytes" 'Parameter list length error' "5f 00 00 00 00 00 00 00 1c 00" 28
refused "a list of 8193 bytes" 'Parameter list length error' "5f 00 00 00 00 00 00 20 01 00" 8193
refused "65560 bytes: byte 6 of the CDB" 'Parameter list length error' "5f 00 00 00 00 00 01 00 18 00" 65536
refused "a list longer than the data" 'Parameter list length error' "5f 00 00 00 00 00 00 00 18 00" 16
refused "service action 8" 'Invalid field in cdb' "5f 08 00 00 00 00 00 00 18 00" 24
refused "REGISTER AND MOVE" 'Invalid field in cdb' "5f 07 00 00 00 00 00 00 18 00" 24
refused "RESERVE of type 2" 'Invalid field in cdb' "5f 01 02 00 00 00 00 00 18 00" 24
refused "SPEC_I_PT" 'Invalid field in parameter list' "5f 00 00 00 00 00 00 00 18 00" 24 8
out=$(guest_sh g1 "sg_raw -r 8 $sg 5e 04 00 00 00 00 00 00 08 00" 2>&1)
expect_match "$out" 'Invalid field in cdb' "PERSISTENT RESERVE IN, service action 4"
expect_match "$(pvscsictl status)" 'pr-helper:idle' "the helper was not asked for"
