# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: two guests with two initiators fight for a LUN through every type of reservation; fail-over by PREEMPT
# timeout: 600
# guests: kept
need_project
lio_two_initiators 32
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
# For each guest two functions. access prints "r=STATUS w=STATUS" of a READ(10) and a WRITE(10), as sg_raw ends: 0 good,
# 24 reservation conflict; "ua=XX/YY" before, for each unit attention that came first. pr STATUS ARGS... is sg_persist,
# which has to end with this status.
for g in n1 n2; do
    guest_ok $g 'cat >/tmp/pr <<"END"
try() {
    n=0
    while [ $n -lt 5 ]; do
        out=$(sg_raw "$@" 2>&1)
        status=$?
        [ $status = 6 ] || break
        printf "ua=%s " "$(echo "$out" | sed -n "s/.*[Aa]dditional sense: *//p" | tr " " -)"
        n=$((n + 1))
    done
}
access() {
    try -r 512 $SG 28 00 00 00 00 10 00 00 01 00
    printf "r=%s " $status
    try -s 512 -i /dev/zero $SG 2a 00 00 00 00 10 00 00 01 00
    echo "w=$status"
}
pr() {
    wanted=$1
    shift
    out=$(sg_persist -n "$@" $SG 2>&1)
    status=$?
    [ $status = $wanted ] && return
    echo "sg_persist $*: status $status, wanted $wanted: $out"
    exit 1
}
END'
done
# in_guest GUEST COMMANDS: sets OUT to what they print, and RW to what is no unit attention.
in_guest() {
    OUT=$(guest_sh "$1" "SG=$(eval echo "\$sg_$1"); . /tmp/pr
$2") || fail "guest $1: $OUT"
    RW=r=${OUT#*r=}
}
# reserve_in SG: the commands that print all four answers, in dom0 and in a guest.
reserve_in() {
    echo "for what in --read-keys --read-reservation --report-capabilities --read-full-status; do
        echo \"\$what:\"
        sg_persist -n --in \$what $1 2>&1
    done"
}

# What the other initiator may do, registered or not: SPC-5 table 65.
#     type  registered      not registered
set -- 1 "r=0 w=24"  "r=0 w=24" \
       3 "r=24 w=24" "r=24 w=24" \
       5 "r=0 w=0"   "r=0 w=24" \
       6 "r=0 w=0"   "r=24 w=24" \
       7 "r=0 w=0"   "r=0 w=24" \
       8 "r=0 w=0"   "r=24 w=24"
in_guest n1 access
in_guest n2 access
while [ $# -gt 0 ]; do
    type=$1
    in_guest n1 "pr 0 --out --register --param-sark=0x11
        pr 0 --out --reserve --param-rk=0x11 --prout-type=$type
        access"
    expect_eq "$RW" "r=0 w=0" "type $type: the holder"
    in_guest n2 "access
        pr 24 --out --reserve --param-rk=0x22 --prout-type=$type
        pr 0 --out --register --param-sark=0x22"
    expect_eq "$RW" "$3" "type $type: the other, not registered"
    # Each PERSISTENT RESERVE IN gives the guest the same answer as dom0.
    here=$(sh -c "$(reserve_in "$(sg_of "$LIO_B")")")
    expect_match "$here" '0x11' "type $type: the holder's key in dom0"
    in_guest n2 "access"
    expect_eq "$RW" "$2" "type $type: the other, registered"
    in_guest n2 "$(reserve_in "$sg_n2")"
    expect_eq "$OUT" "$here" "type $type: PERSISTENT RESERVE IN"
    # Fail-over: the second initiator preempts the first.
    in_guest n2 "pr 0 --out --preempt --param-rk=0x22 --param-sark=0x11 --prout-type=$type
        access"
    expect_eq "$RW" "r=0 w=0" "type $type: the new holder"
    in_guest n1 access
    note "type $type: after PREEMPT: $OUT"
    expect_match "$OUT" 'ua=(Registrations|Reservations)-preempted' "type $type: unit attention of the one that lost"
    expect_eq "$RW" "$3" "type $type: the one that lost"
    # The first one preempts it back and releases it; registered initiators get a unit attention. (PREEMPT AND ABORT:
    # t-44.)
    in_guest n1 "pr 0 --out --register-ignore --param-sark=0x11
        pr 0 --out --preempt --param-rk=0x11 --param-sark=0x22 --prout-type=$type
        access"
    expect_eq "$RW" "r=0 w=0" "type $type: preempted back"
    in_guest n2 "access
        pr 0 --out --register --param-sark=0x22"
    in_guest n1 "pr 0 --out --release --param-rk=0x11 --prout-type=$type"
    in_guest n2 access
    note "type $type: after RELEASE: $OUT"
    case $type in
    5 | 6 | 7 | 8) expect_match "$OUT" 'ua=Reservations-released' "type $type: unit attention" ;;
    esac
    expect_eq "$RW" "r=0 w=0" "type $type: the other, released"
    in_guest n1 "pr 0 --out --clear --param-rk=0x11
        sg_persist -n --in --read-keys \$SG"
    expect_match "$OUT" 'NO registered' "type $type: keys at the end"
    in_guest n2 access
    shift 3
done

# The block layer reports the conflict at once, without endless retries.
in_guest n1 "pr 0 --out --register --param-sark=0x11; pr 0 --out --reserve --param-rk=0x11 --prout-type=5"
status=0
GUEST_TIMEOUT=20 guest_sh n2 "dd if=/dev/zero of=$blk_n2 bs=4096 count=1 oflag=direct" || status=$?
expect_eq $status 1 "dd's status at a fenced disk"
guest_ok n2 "dd if=$blk_n2 of=/dev/null bs=4096 count=1 iflag=direct"
guest_ok n1 "dd if=/dev/zero of=$blk_n1 bs=4096 count=1 oflag=direct"
# An allocation length above the 8192 bytes that the helper takes.
for length in 2001 4000 ffff; do
    cdb="5e 00 00 00 00 00 00 $(echo $length | sed 's/../& /g')00"
    out=$(guest_ok n1 "sg_raw -r $((0x$length)) $sg_n1 $cdb 2>&1")
    expect_match "$out" 'SCSI Status: Good' "READ KEYS with an allocation length of 0x$length"
    expect_eq "$(echo "$out" | grep ' 11 ')" "$(sg_raw -r $((0x$length)) "$(sg_of "$LIO_A")" $cdb 2>&1 | grep ' 11 ')" "the keys"
done
# The status shows one connection for each LUN.
expect_eq "$(pvscsictl status | grep -c 'pr-helper:connected')" 2 "LUNs whose helper is connected"
