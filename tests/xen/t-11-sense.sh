# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: sense, status and residual in the guest are those of the bare device
# timeout: 180
# guests: kept
need_project
scsi_debug_load dev_size_mb=16 delay=0 opts=2
daemon_start
guest_start g1
expect_ok xl-scsi attach g1 "$DBG_HCTL" 0:0:0:0
guest_wait_disk g1 0:0:0:0
# The first command is answered with the unit attention of the attach.
guest_sh g1 "sg_turs $GUEST_SG; sg_turs $GUEST_SG" >/dev/null
sg_turs "$DBG_SG" >/dev/null 2>&1
sg_turs "$DBG_SG" >/dev/null 2>&1

# Each command runs in dom0 and in the guest. All that sg_raw prints must be the same.
compare() {
    here=$(sg_raw -v "$@" "$DBG_SG" $cdb 2>&1; echo "status $?")
    there=$(guest_sh g1 "sg_raw -v $* $GUEST_SG $cdb 2>&1; echo status \$?")
    there=$(echo "$there" | sed "s|$GUEST_SG|$DBG_SG|g")
    [ "$here" = "$there" ] || fail "$what: here: $here; in the guest: $there"
    note "$what: $(echo "$here" | grep -iE 'sense key|SCSI Status|status' | tr '\n' ';')"
}
# scsi_debug opts=2: LBA 0x1234..0x123d gives MEDIUM ERROR 11h/00h
what="unrecovered read error" cdb="28 00 00 00 12 34 00 00 08 00"; compare -r 4096
what="read across the bad block" cdb="28 00 00 00 12 30 00 00 08 00"; compare -r 4096
what="LBA out of range" cdb="28 00 ff ff ff 00 00 00 08 00"; compare -r 4096
what="invalid opcode" cdb="ff 00 00 00 00 00"; compare
what="invalid field" cdb="12 01 ee 00 fc 00"; compare -r 252
what="short INQUIRY data" cdb="12 00 00 00 fc 00"; compare -r 252
what="VPD page 83h" cdb="12 01 83 00 fc 00"; compare -r 252
what="READ CAPACITY(16)" cdb="9e 10 00 00 00 00 00 00 00 00 00 00 00 20 00 00"; compare -r 32
what="MODE SENSE(6)" cdb="1a 00 3f 00 fc 00"; compare -r 252
what="TEST UNIT READY" cdb="00 00 00 00 00 00"; compare

# The block layer in the guest: the read of the bad block fails, reads beside it do not.
guest_ok g1 "dd if=$GUEST_BLK of=/dev/null bs=512 skip=4000 count=8 iflag=direct"
status=0
guest_sh g1 "dd if=$GUEST_BLK of=/dev/null bs=512 skip=4660 count=8 iflag=direct" 2>/dev/null || status=$?
[ $status != 0 ] || fail "the bad block was read without an error"
guest_ok g1 "dd if=$GUEST_BLK of=/dev/null bs=512 skip=4700 count=8 iflag=direct"
