# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154,SC2034
# about: a LUN that two guests have over one path: one initiator to the device, so no reservations of any form unless forced
# timeout: 240
# guests: kept
need_project
lio_two_initiators 32
pr_helper_start
daemon_start
guest_start g1
guest_start g2
expect_ok xl-scsi attach g1 "$LIO_A" 0:0:0:0
guest_wait_disk g1 0:0:0:0
sg_g1=$GUEST_SG blk_g1=$GUEST_BLK
# expect_pr STATUS GUEST ARGS... (9: invalid operation code)
expect_pr() {
    local wanted=$1 g=$2 out status=0
    shift 2
    out=$(guest_sh "$g" "sg_persist -n $* $(eval echo "\$sg_$g")" 2>&1) || status=$?
    [ "$status" = "$wanted" ] || fail "$g: sg_persist $*: status $status, wanted $wanted: $out"
}
attach_g2() {
    expect_ok xl-scsi attach g2 "$LIO_A" "0:0:0:0,$1"
    guest_wait_disk g2 0:0:0:0
    sg_g2=$GUEST_SG blk_g2=$GUEST_BLK
}
# reserve STATUS GUEST: what RESERVE and RELEASE (6) and (10) end with.
reserve() {
    local cdb status
    for cdb in "16 00 00 00 00 00" "17 00 00 00 00 00" "56 00 00 00 00 00 00 00 00 00" "57 00 00 00 00 00 00 00 00 00"; do
        status=0
        guest_sh "$2" "sg_raw $(eval echo "\$sg_$2") $cdb" >/tmp/reserve 2>&1 || status=$?
        [ $status = "$1" ] || fail "$2: $cdb: status $status, wanted $1: $(cat /tmp/reserve)"
    done
}
reserve 0 g1
expect_pr 0 g1 --out --register --param-sark=0x11
# The helper takes at most 8192 bytes. A longer allocation length gets what there is.
guest_ok g1 "sg_raw -r 65535 $sg_g1 5e 00 00 00 00 00 00 ff ff 00"

# The first guest was alone with the LUN until now. With a second one, neither may use reservations.
expect_fail xl-scsi attach g2 "$LIO_A" 0:0:0:0
attach_g2 force
expect_pr 9 g2 --out --register --param-sark=0x22
expect_pr 9 g2 --in --read-keys
expect_pr 9 g1 --out --reserve --param-rk=0x11 --prout-type=5
reserve 9 g1
reserve 9 g2
expect_match "$(pvscsictl status)" 'shared' "status"
guest_ok g1 "dd if=/dev/zero of=$blk_g1 bs=4096 count=1 oflag=direct"
guest_ok g2 "dd if=$blk_g2 of=/dev/null bs=4096 count=1 iflag=direct"

# The first guest is alone again.
expect_ok xl-scsi detach g2 0:0:0:0
expect_pr 0 g1 --out --reserve --param-rk=0x11 --prout-type=5
expect_no_match "$(pvscsictl status)" 'shared' "status"

# Forced for the second guest: the first one's key is its own too, because both are one initiator.
attach_g2 force,pr-force
expect_pr 0 g2 --in --read-keys
expect_pr 9 g1 --in --read-keys
expect_pr 0 g2 --out --clear --param-rk=0x11
