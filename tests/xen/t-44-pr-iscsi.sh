# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: two guests over two iSCSI sessions: PREEMPT AND ABORT, REGISTER AND MOVE and SPEC_I_PT with their option
# timeout: 400
# guests: kept
need_project
lio_two_sessions 32
pr_helper_start
daemon_start
guest_start n1
guest_start n2
expect_ok xl-scsi attach n1 "$LIO_A" 0:0:0:0
expect_ok xl-scsi attach n2 "$LIO_B" 0:0:0:0,force
for g in n1 n2; do
    guest_wait_disk $g 0:0:0:0
    eval "sg_$g=$GUEST_SG blk_$g=$GUEST_BLK"
done
# expect_pr STATUS GUEST ARGS...
expect_pr() {
    local wanted=$1 g=$2 out status=0
    shift 2
    out=$(guest_sh "$g" "sg_persist -n $* $(eval echo "\$sg_$g")" 2>&1) || status=$?
    [ "$status" = "$wanted" ] || fail "$g: sg_persist $*: status $status, wanted $wanted: $out"
    ANSWER=$out
}
write_status() {
    local status=0
    guest_sh "$1" "dd if=/dev/zero of=$(eval echo "\$blk_$1") bs=4096 count=1 oflag=direct" 2>/dev/null || status=$?
    echo $status
}

note "PREEMPT AND ABORT"
expect_pr 0 n1 --out --register --param-sark=0x11
expect_pr 0 n2 --out --register --param-sark=0x22
expect_pr 0 n1 --out --reserve --param-rk=0x11 --prout-type=5
expect_eq "$(write_status n2)" 0 "a write of the other, registered"
guest_sh n2 "(iopat mix $blk_n2 --seconds 20 --depth 8; echo END=\$?) >/tmp/io 2>&1 &"
sleep 1
expect_pr 0 n1 --out --preempt-abort --param-rk=0x11 --param-sark=0x22 --prout-type=5
guest_wait_for n2 "grep -q END= /tmp/io"
expect_no_match "$(guest_sh n2 'cat /tmp/io')" 'END=0' "the load of the one that is fenced"
expect_eq "$(write_status n2)" 1 "a write of the one that is fenced"
expect_eq "$(write_status n1)" 0 "a write of the holder"
expect_pr 0 n1 --in --read-full-status
expect_match "$ANSWER" 'iqn.2003-01.org.example:a' "READ FULL STATUS names the initiator"
expect_eq "$ANSWER" "$(sg_persist -n --in --read-full-status "$(sg_of "$LIO_A")" 2>&1)" "the same, seen from here"

note "REGISTER AND MOVE and SPEC_I_PT: refused without pr-move"
move="--out --register-move --param-rk=0x11 --param-sark=0x33 --relative-target-port=1 \
    --transport-id=iqn.2003-01.org.example:b"
status=0
out=$(guest_sh n1 "sg_persist -n $move $sg_n1" 2>&1) || status=$?
expect_eq $status 5 "REGISTER AND MOVE without pr-move ($out)"

note "and allowed with it"
expect_pr 0 n1 --out --clear --param-rk=0x11
expect_ok xl-scsi detach n1 0:0:0:0
guest_wait_gone n1 0:0:0:0
expect_ok xl-scsi attach n1 "$LIO_A" 0:0:0:0,pr-move,force
guest_wait_disk n1 0:0:0:0
sg_n1=$GUEST_SG
# shellcheck disable=SC2034
blk_n1=$GUEST_BLK
guest_sh n1 "sg_turs $sg_n1" >/dev/null 2>&1
guest_sh n2 "sg_turs $sg_n2" >/dev/null 2>&1
# SPEC_I_PT: one initiator registers the other too.
expect_pr 0 n1 --out --register --param-sark=0x33 --transport-id=iqn.2003-01.org.example:b
expect_pr 0 n2 --in --read-full-status
expect_eq "$(echo "$ANSWER" | grep -c 'Key=0x33')" 2 "keys after SPEC_I_PT"
expect_match "$ANSWER" 'iqn.2003-01.org.example:b' "the initiator that was registered by the other"
# REGISTER AND MOVE: the holder passes the reservation to the other initiator, with a new key.
expect_pr 0 n1 --out --reserve --param-rk=0x33 --prout-type=1
expect_eq "$(write_status n2)" 1 "a write of the other before the move"
expect_pr 0 n1 --out --register-move --param-rk=0x33 --param-sark=0x44 --relative-target-port=1 \
    --transport-id=iqn.2003-01.org.example:b
expect_pr 0 n2 --in --read-reservation
expect_match "$ANSWER" 'Key=0x44' "the reservation's key after the move"
guest_sh n1 "sg_turs $sg_n1" >/dev/null 2>&1
guest_sh n2 "sg_turs $sg_n2" >/dev/null 2>&1
expect_eq "$(write_status n1)" 1 "a write of the one that gave it away"
expect_eq "$(write_status n2)" 0 "a write of the one that got it"
