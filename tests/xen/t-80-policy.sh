# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154,SC2034
# about: what a guest may send to a disk, a tape and a changer by default, and with each option that widens or narrows it
# timeout: 240
# guests: kept
need_project
daemon_start
guest_start g1

# refused WHAT SENSE CDB [BYTES]: by the policy, with this sense; with BYTES, data-out in hex.
refused() {
    local out before
    before=$(refusals)
    out=$(guest_sh g1 "printf '%b' '$(echo "${4:-}" | sed 's/ *\([0-9a-f][0-9a-f]\)/\\x\1/g')' >/tmp/out
        sg_raw ${4:+-s \$(stat -c %s /tmp/out) -i /tmp/out} $GUEST_SG $3" 2>&1)
    expect_match "$out" '[Ii]llegal [Rr]equest' "$1"
    expect_match "$out" "$2" "$1"
    expect_eq "$(refusals)" $((before + 1)) "$1: not refused by the policy"
}
# passes WHAT CDB [BYTES]: the device's answer, whatever it is, and not the policy's.
passes() {
    local before after
    before=$(refusals)
    guest_sh g1 "printf '%b' '$(echo "${3:-}" | sed 's/ *\([0-9a-f][0-9a-f]\)/\\x\1/g')' >/tmp/out
        sg_raw ${3:+-s \$(stat -c %s /tmp/out) -i /tmp/out} $GUEST_SG $2" >/dev/null 2>&1
    after=$(refusals)
    expect_eq "$after" "$before" "$1: refused by the policy"
}
refusals() { pvscsictl stats | sed -n 's|.*refused by policy \([0-9]*\).*|\1|p' | awk '{ n += $1 } END { print n + 0 }'; }
attach() { # [OPTIONS]
    expect_ok xl-scsi attach g1 "$DBG_HCTL" "0:0:0:0${1:+,$1}"
    guest_wait_disk g1 0:0:0:0
    guest_sh g1 "for i in 1 2 3 4 5 6; do sg_turs $GUEST_SG && break; done" >/dev/null 2>&1
}
detach() {
    expect_ok xl-scsi detach g1 0:0:0:0
    guest_wait_gone g1 0:0:0:0
}
OPCODE='Invalid command operation code'
FIELD='Invalid field in cdb'

note "the commands of docs/guide-security.md: tests/test-the-examples-are-run.sh compares the lines"
expect_ok sh -e <<'END'
pvscsictl status
pvscsictl policy
pvscsictl policy tape
END

note "the first commands of docs/guide-troubleshooting.md"
mkdir -p /var/log/xen
ln -sf "$DAEMON_LOG" /var/log/xen/pvscsid.log
expect_ok sh -e <<'END'
xl-scsi list -l                   # each device of each guest, its options, its state, and the reason if it has one
pvscsictl status                  # in the backend domain: what the daemon serves
tail /var/log/xen/pvscsid.log     # or: journalctl -u pvscsid -u xl-scsi-watch
END
# It goes on until SIGTERM ends it.
expect_fail 143 timeout 1 sh -c 'pvscsictl events                  # what happens from now on, until Ctrl-C'
rm /var/log/xen/pvscsid.log

note "a disk as it is attached"
scsi_debug_load dev_size_mb=16 delay=0
held=$(cat /sys/module/scsi_debug/refcnt)
attach
expect_eq "$(refusals)" 0 "commands of Linux that the policy refused"
# What Linux and the tools send.
guest_ok g1 "sg_inq $GUEST_SG && sg_vpd $GUEST_SG && sg_readcap -l $GUEST_SG && sg_modes -a $GUEST_SG && sg_logs $GUEST_SG &&
    sg_opcodes $GUEST_SG && sg_turs $GUEST_SG && sg_luns $GUEST_SG && sg_requests $GUEST_SG" >/dev/null
guest_ok g1 "dd if=/dev/zero of=$GUEST_BLK bs=64k count=4 oflag=direct && sg_sync $GUEST_SG && sg_unmap -l 0 -n 8 --force $GUEST_SG" >/dev/null
expect_eq "$(refusals)" 0 "commands of the tools that the policy refused"
passes "a self-test" '1d 04 00 00 00 00'
passes "ATA IDENTIFY" '85 08 0e 00 00 00 01 00 00 00 00 00 00 00 ec 00'
passes "the caching page" '15 11 00 00 18 00' "00 00 00 00 08 12 04 00 ff ff 00 00 ff ff ff ff 80 14 00 00 00 00 00 00"
# What reaches further.
refused "WRITE BUFFER" "$OPCODE" '3b 02 00 00 00 00 00 00 10 00' "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"
refused "WRITE BUFFER again" "$OPCODE" '3b 02 00 00 00 00 00 00 10 00' "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"
refused "EXTENDED COPY" "$OPCODE" '83 00 00 00 00 00 00 00 00 00 00 00 00 10 00 00' "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"
refused "ATA WRITE SECTOR" "$FIELD" '85 06 0c 00 00 00 01 00 00 00 00 00 00 00 30 00'
refused "a vendor's command" "$OPCODE" 'c0 00 00 00 00 00 00 00 00 00'
refused "the control page" 'Invalid field in parameter list' '15 11 00 00 10 00' "00 00 00 00 0a 0a 00 00 00 00 00 00 00 00 00 00"
expect_eq "$(refusals)" 6 "refused commands, as counted"
expect_eq "$(daemon_log | grep -c '(3bh) is refused by the command policy')" 1 "lines of the log about WRITE BUFFER"
expect_match "$(daemon_log)" '(3bh).*allow=3b' "the log says what lets it pass"
expect_match "$(daemon_log)" '(83h).*third-party-copy' "the log says what lets EXTENDED COPY pass"
# Here scsi_debug says that it has WRITE BUFFER.
expect_match "$(sg_opcodes "$DBG_SG" 2>&1)" 'Write buffer' "REPORT SUPPORTED OPERATION CODES here"
expect_no_match "$(guest_ok g1 "sg_opcodes $GUEST_SG 2>&1")" 'Write buffer' "... and in the guest"
detach

note "allow and deny"
attach allow=3b+85,deny=42
passes "WRITE BUFFER" '3b 02 00 00 00 00 00 00 10 00' "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"
passes "ATA WRITE SECTOR" '85 06 0c 00 00 00 01 00 00 00 00 00 00 00 30 00'
refused "UNMAP" "$OPCODE" '42 00 00 00 00 00 00 00 18 00' "00 16 00 10 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01 00 00 00 00"
expect_match "$(guest_ok g1 "sg_opcodes $GUEST_SG 2>&1")" 'Write buffer' "REPORT SUPPORTED OPERATION CODES"
detach

note "options that change under the guest"
attach
expect_ok xl-scsi set g1 0:0:0:0 readonly=1
expect_fail guest_sh g1 "dd if=/dev/zero of=$GUEST_BLK bs=4k count=1 oflag=direct"
expect_match "$(guest_ok g1 "sg_modes $GUEST_SG 2>&1")" 'WP=1' "the mode parameters"
expect_ok xl-scsi set g1 0:0:0:0 readonly=0 allow=3b
guest_ok g1 "dd if=/dev/zero of=$GUEST_BLK bs=4k count=1 oflag=direct" >/dev/null
passes "WRITE BUFFER" '3b 02 00 00 00 00 00 00 10 00' "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"
expect_ok xl-scsi set g1 0:0:0:0 allow=none
refused "WRITE BUFFER" "$OPCODE" '3b 02 00 00 00 00 00 00 10 00' "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"
detach

note "feature-host, with and without third-party copy"
expect_ok xl-scsi attach g1 "$DBG_HCTL" 1:0:0:0,feature-host
guest_wait_disk g1 1:0:0:0
passes "a vendor's command" 'c0 00 00 00 00 00 00 00 00 00'
refused "EXTENDED COPY" "$OPCODE" '83 00 00 00 00 00 00 00 00 00 00 00 00 10 00 00' "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"
expect_ok xl-scsi detach g1 1:0:0:0
guest_wait_gone g1 1:0:0:0
attach third-party-copy
passes "EXTENDED COPY" '83 00 00 00 00 00 00 00 00 00 00 00 00 10 00 00' "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"
detach
changers_release
wait_until 10 "[ \$(cat /sys/module/scsi_debug/refcnt) -le $held ]" "the disk to be let go"
scsi_debug_unload

note "a tape"
scsi_debug_load dev_size_mb=16 delay=0 ptype=1
attach
# scsi_debug's tape is not ready after a rewind, and Linux' st waits for it, in dom0 too: what mt would send comes from
# sg_raw. What the tape says to it does not matter here.
guest_sh g1 "sg_inq $GUEST_SG; sg_modes -a $GUEST_SG; sg_logs -a $GUEST_SG; sg_opcodes $GUEST_SG" >/dev/null 2>&1
passes "TEST UNIT READY" '00 00 00 00 00 00'
passes "READ BLOCK LIMITS" '05 00 00 00 00 00'
passes "setblk" '15 10 00 00 0c 00' "00 00 10 08 00 00 00 00 00 00 02 00"
passes "eof" '10 00 00 00 01 00'
passes "fsf" '11 01 00 00 01 00'
passes "tell" '34 00 00 00 00 00 00 00 00 00'
passes "seek" '2b 00 00 00 00 00 01 00 00 00'
passes "densities" '44 00 00 00 00 00 00 00 04 00'
passes "erase" '19 00 00 00 00 00'
passes "rewind" '01 00 00 00 00 00'
passes "offline" '1b 00 00 00 00 00'
expect_eq "$(refusals)" 0 "commands for a tape that the policy refused"
refused "SECURITY PROTOCOL OUT" "$OPCODE" 'b5 20 00 10 00 00 00 00 00 04 00 00' "00 00 00 00"
detach
changers_release
wait_until 10 "[ \$(cat /sys/module/scsi_debug/refcnt) -le $held ]" "the tape to be let go"
scsi_debug_unload

note "a changer, for one guest and for two"
scsi_debug_load dev_size_mb=16 delay=0 ptype=8
attach
# scsi_debug has no robot and answers these as the policy does: the count tells who it was.
passes "REZERO UNIT" '01 00 00 00 00 00'
passes "POSITION TO ELEMENT" '2b 00 00 00 00 00 00 01 00 00'
passes "MOVE MEDIUM" 'a5 00 00 00 00 01 00 02 00 00 00 00'
guest_start g2
expect_ok xl-scsi attach g2 "$DBG_HCTL" 0:0:0:0,force
guest_wait_disk g2 0:0:0:0
guest_wait_disk g1 0:0:0:0
passes "READ ELEMENT STATUS" 'b8 00 00 00 00 01 00 00 00 00 00 00'
refused "REZERO UNIT" "$OPCODE" '01 00 00 00 00 00'
refused "POSITION TO ELEMENT" "$OPCODE" '2b 00 00 00 00 00 00 01 00 00'
refused "MOVE MEDIUM" "$OPCODE" 'a5 00 00 00 00 01 00 02 00 00 00 00'
expect_ok xl-scsi detach g2 0:0:0:0
guest_wait_gone g2 0:0:0:0
guest_wait_disk g1 0:0:0:0
passes "REZERO UNIT, alone again" '01 00 00 00 00 00'
detach
