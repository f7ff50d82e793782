# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154,SC2153,SC2034,SC2119,SC2086
# about: dom0's own error handling takes longer than guests with one vCPU and two wait: disk, optical drive and tape of a target that stands still
# timeout: 400
# guests: kept
# shellcheck source=lib/tgt.sh
. /host/lib/tgt.sh
need_project
command -v tgtd >/dev/null || skip "no tgtd in the image"
tgt_start
truncate -s 8M /run/tgt/disk
expect_ok iopat fill /run/tgt/disk --buffered
tgt_tape /run/tgt/B0000006
tgt_tape /run/tgt/B0000007
more_luns() {
    tgt_lun 4 --backing-store /run/tgt/disk
    tgt_lun 5 --backing-store /run/tgt/disc2 --device-type cd
    tgt_lun 6 --backing-store /run/tgt/B0000006 --bstype ssc --device-type tape
    tgt_lun 7 --backing-store /run/tgt/B0000007 --bstype ssc --device-type tape
    tgt_lun 8 --backing-store /run/tgt/disk
}
more_luns
for n in 4 5 6 7 8; do
    echo "0 0 $n" >"/sys/class/scsi_host/host${TAPE%%:*}/scan"
    wait_until 20 "[ -e /sys/bus/scsi/devices/${TAPE%:*}:$n/scsi_generic ]" "the target's LUN $n in dom0"
done
daemon_start
guest_start v1
guest_start v2 vcpus=2
# give GUEST LUN VDEV: sets the variables hctl_GUEST, blk_GUEST, sg_GUEST and tape_GUEST with the end of VDEV in the
# name.
give() {
    local name=$1_${3##*:}
    expect_ok xl-scsi attach "$1" "${TAPE%:*}:$2" "$3"
    guest_wait_disk "$1" "$3"
    eval "hctl_$name=\$GUEST_HCTL blk_$name=\$GUEST_BLK sg_$name=\$GUEST_SG tape_$name=\$GUEST_OTHER"
    guest_sh "$1" "for i in 1 2 3 4 5 6; do sg_turs $GUEST_SG && break; done" >/dev/null 2>&1
}
give v1 4 0:0:1:0 # disk
give v1 3 0:0:1:1 # optical drive
give v1 1 0:0:1:2 # tape
give v1 6 0:0:1:3 # tape
give v2 5 0:0:1:1 # optical drive
give v2 7 0:0:1:3 # tape
expect_ok xl-scsi attach v2 "${TAPE%:*}:8" 1:0:0:0,feature-host
guest_wait_disk v2 1:0:0:0
# prepare GUEST GENERATION TAPE DRIVE-NODE DRIVE: each tape has two files; the second is written while the target stands
# still.
prepare() {
    guest_ok "$1" "dd if=/dev/urandom of=/tmp/first bs=10k count=4; dd if=/dev/urandom of=/tmp/second bs=10k count=4
        for t in $3; do /usr/bin/mt -f \$t rewind && dd if=/tmp/first of=\$t bs=10k || exit 1; done
        iopat verify $4 --buffered --size 1M --generation $2
        echo 6 >/sys/bus/scsi/devices/$5/timeout
        echo 3 >/proc/sys/vm/drop_caches"
}
prepare v1 1 "$tape_v1_2 $tape_v1_3" $blk_v1_1 $hctl_v1_1
prepare v2 2 $tape_v2_3 $blk_v2_1 $hctl_v2_1
guest_ok v1 "iopat verify $blk_v1_0 --depth 4; echo 6 >/sys/bus/scsi/devices/$hctl_v1_0/timeout"

# As multipathd does it.
for file in /sys/class/iscsi_session/session*/recovery_tmo; do echo 77 >"$file" || fail "$file"; done
kill -STOP "$TGT_PID"
began=$(uptime_cs)
# work GUEST GENERATION DRIVE-NODE TAPE-SG DRIVE-SG: a WRITE to the tape and a READ of the disc, both with 6 s, and
# reads of the disc by Linux, which before the first one asks for the drive's events, with 30 s.
work() {
    guest_ok "$1" "(iopat verify $3 --buffered --size 1M --generation $2; echo END=\$?) >/tmp/out.disc 2>&1 &
        (sg_raw -t 6 -r 2048 $5 28 00 00 00 00 00 00 00 01 00; echo END=\$?) >/tmp/read_disc 2>&1 &
        (sg_raw -t 6 -s 10240 -i /tmp/second $4 0a 00 00 28 00 00; echo END=\$?) >/tmp/out.sg 2>&1 &"
}
work v1 1 $blk_v1_1 $sg_v1_3 $sg_v1_1
work v2 2 $blk_v2_1 $sg_v2_3 $sg_v2_1
guest_ok v1 "(iopat verify $blk_v1_0 --depth 4; echo END=\$?) >/tmp/out.disk 2>&1 &
    (dd if=/tmp/second of=$tape_v1_2 bs=10k; echo END=\$?) >/tmp/out.st 2>&1 &"
# On a ring of its own, with 30 s each: an ATA command that only asks a disk what it is has 25 s at the device, a
# download of firmware (DOWNLOAD MICROCODE) has an hour.
guest_ok v2 "(sg_raw -t 30 -r 512 $GUEST_SG 85 08 2e 00 00 00 01 00 00 00 00 00 00 00 ec 00; echo END=\$?) >/tmp/ata_short 2>&1 &
    (sg_raw -t 30 $GUEST_SG 85 06 00 00 00 00 00 00 00 00 00 00 00 00 92 00; echo END=\$?) >/tmp/ata_long 2>&1 &"
sleep 15
# Three times 5 s, and this one is past its time-outs. dom0 waits 15 s for the target's answer to its ABORT. Beyond that
# it would need iscsid. It aborts a read after 25 s.
guest_ok v2 "(sg_raw -t 6 $GUEST_SG 00 00 00 00 00 00; echo END=\$?) >/tmp/ready 2>&1 &"
past='d[0-9]+\.1 \(v2\): warning: dev-0: a command is past its time-out; .* keep it for [0-9]+ s more \(recovery_tmo of session[0-9]+ is 77 s\)'
# The requests that dom0's disks have, each with its time-out.
mount -t debugfs none /sys/kernel/debug
busy=$(cat /sys/kernel/debug/block/sd*/hctx*/busy)
case $(uname -r) in
6.1.*)
    expect_match "$busy" 'cmd=ATA[^}]* ec 00, [^}]*timeout=25\.000,' "IDENTIFY DEVICE in dom0"
    expect_match "$busy" 'cmd=ATA[^}]* 92 00, [^}]*timeout=3600\.000,' "the other ATA command in dom0"
    ;;
*) expect_no_match "$busy" 'cmd=' "the requests in a Linux that shows no commands there" ;;
esac
sleep 14
wait_until 6 'daemon_log | grep -Eq "$past"' "the log says how long dom0 may keep the command"
kill -CONT "$TGT_PID"
note "$(daemon_log | grep -E "$past")"
# ended GUEST NUMBER DEVICES: so many are to end.
ended() {
    wait_until 120 "[ \$(guest_sh $1 'cat /tmp/out.*' | grep -c END=) = $2 ]" "the end of the commands of $1: $(guest_sh "$1" "tail /tmp/out.*; dmesg | tail -n 20")"
    note "$1: all ended after $((($(uptime_cs) - began) / 100)) s; $(guest_sh "$1" 'tail /tmp/out.*; dmesg | tail -n 30')"
    # The one that had 6 s and no retry. Its block is on the tape none the less.
    expect_no_match "$(guest_sh "$1" 'cat /tmp/out.sg')" '^END=0' "$1: the WRITE with a time-out of 6 s"
    expect_eq "$(guest_sh "$1" 'cat /tmp/out.*' | grep -c END=0)" $(($2 - 1)) "$1: commands without an error"
    expect_eq "$(guest_ok "$1" "cat /sys/bus/scsi/devices/*/state | sort | uniq -c | tr -s ' '")" " $3 running" "$1: the devices"
}
ended v1 4 4
ended v2 2 3
wait_until 20 "[ \$(guest_sh v2 'cat /tmp/ata_* /tmp/ready' | grep -c END=) = 3 ]" "the end of the commands without a medium"
note "$(guest_sh v2 'tail /tmp/ata_* /tmp/ready')"
expect_eq "$(guest_sh v2 'cat /tmp/ata_*' | grep -c 'Invalid command operation code')" 2 "the target's answers to ATA PASS-THROUGH"
guest_ok v1 "echo 3 >/proc/sys/vm/drop_caches; iopat verify $blk_v1_0 --depth 4 && iopat verify $blk_v1_1 --buffered --size 1M"
guest_ok v2 "echo 3 >/proc/sys/vm/drop_caches; iopat verify $blk_v2_1 --buffered --size 1M --generation 2"
# has GUEST TAPE BYTES: the first file and so much of the second, each once.
has() {
    guest_ok "$1" "/usr/bin/mt -f $2 rewind && dd if=$2 bs=10k | cmp - /tmp/first && dd if=$2 bs=10k >/tmp/back && head -c $3 /tmp/second | cmp - /tmp/back"
}
# What sg_raw wrote has no file mark behind it yet.
guest_ok v1 "sg_raw $sg_v1_3 10 00 00 00 01 00"
guest_ok v2 "sg_raw $sg_v2_3 10 00 00 00 01 00"
has v1 $tape_v1_2 40960
has v1 $tape_v1_3 10240
has v2 $tape_v2_3 10240
# The guests had waited for 6 s, and their ABORTs waited for the device. None of them failed.
for device in v1:0:0:1:0 v1:0:0:1:1 v1:0:0:1:3 v2:0:0:1:1 v2:0:0:1:3 v2:1:0:0:0; do
    aborts=$(pvscsictl stats | awk -v id="$(guest_domid "${device%%:*}")" -v vdev="${device#*:}" '$1 == id && $3 == vdev && NF == 13 { print $8, $9 }')
    expect_match "$aborts" '^[1-9][0-9]* 0$' "the ABORTs of $device and those that failed"
done

note "the target dies with a WRITE to a tape and a READ of the disk, and another one takes its place"
iscsid_start $TGT
# The tape is opened before, so that it is a WRITE that is lost.
guest_ok v1 "rm /tmp/out.*
    (exec 3>$tape_v1_2; touch /tmp/open; while [ ! -e /tmp/go ]; do sleep 0.1; done
        dd if=/tmp/second bs=10k >&3; echo END=\$?) >/tmp/out.st 2>&1 &
    while [ ! -e /tmp/open ]; do sleep 0.1; done"
kill -STOP "$TGT_PID"
guest_ok v1 "touch /tmp/go
    (iopat verify $blk_v1_0 --depth 4; echo END=\$?) >/tmp/out.disk 2>&1 & sleep 1"
kill -9 "$TGT_PID"
tgt_serve more_luns
wait_until 60 "[ \$(guest_sh v1 'cat /tmp/out.*' | grep -c END=) = 2 ]" "the end of the commands: $(guest_sh v1 "tail /tmp/out.*; dmesg | tail -n 20")"
note "$(guest_sh v1 'tail /tmp/out.*; dmesg | tail -n 30')"
expect_match "$(guest_sh v1 'cat /tmp/out.disk')" '^END=0' "the reads of the disk"
expect_no_match "$(guest_sh v1 'cat /tmp/out.st')" '^END=0' "the WRITE to the tape, which is lost"
expect_eq "$(guest_ok v1 "cat /sys/bus/scsi/devices/*/state | sort | uniq -c | tr -s ' '")" " 4 running" "the devices"
guest_ok v1 "for i in 1 2 3 4; do sg_turs $sg_v1_2 && break; done >/dev/null 2>&1
    /usr/bin/mt -f $tape_v1_2 rewind && dd if=/tmp/second of=$tape_v1_2 bs=10k && dd if=/tmp/first of=$tape_v1_2 bs=10k
    /usr/bin/mt -f $tape_v1_2 rewind && dd if=$tape_v1_2 bs=10k | cmp - /tmp/second && dd if=$tape_v1_2 bs=10k | cmp - /tmp/first"
guest_stop v2
guest_stop v1
daemon_stop
tgt_stop
