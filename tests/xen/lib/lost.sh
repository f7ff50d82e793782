# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash disable=SC2154
# Reads in a guest while commands are lost, for tests inside dom0, after dom0.sh. The disk is scsi_debug's, filled by
# `iopat fill`, and guest_wait_disk has found it in the guest.

# reads_begin GUEST OPTIONS: a verified read with these options of iopat, in the background.
reads_begin() {
    guest_sh "$1" "(iopat verify $GUEST_BLK $2; echo END=\$?) >/tmp/reads 2>&1 &"
}

# reads_begin_lossy GUEST: 64 reads, of which scsi_debug never answers every 20th: three are lost. While nothing comes
# back there is nothing new to lose.
reads_begin_lossy() {
    local debug=/sys/bus/pseudo/drivers/scsi_debug
    echo 20 >$debug/every_nth
    echo 4 >$debug/opts
    reads_begin "$1" "--size 1M --bs 16k --depth 4"
    sleep 10
    echo 0 >$debug/opts
    echo 0 >$debug/every_nth
}

# reads_end GUEST LEAST: until the reads end. All are right, the slowest took LEAST milliseconds or more (SLOWEST), and
# the guest's disk runs.
reads_end() {
    local out
    guest_wait_for "$1" "grep -q END= /tmp/reads" 150
    out=$(guest_sh "$1" "cat /tmp/reads")
    note "$1: $out"
    expect_match "$out" 'END=0' "the reads in $1"
    SLOWEST=$(echo "$out" | sed -n 's/.*slowest \([0-9]*\) ms.*/\1/p')
    [ "${SLOWEST:-0}" -ge "$2" ] || fail "$1: no time-out: the slowest read took ${SLOWEST:-no} ms"
    expect_eq "$(guest_ok "$1" "cat /sys/bus/scsi/devices/$GUEST_HCTL/state")" running "the disk in $1"
}
