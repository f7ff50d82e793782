# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash disable=SC2154,SC2119,SC2120
# A tape that keeps its data, a medium changer and an optical drive: tgtd emulates them, and dom0 is its iSCSI
# initiator. For tests inside dom0, after dom0.sh.

TGT=iqn.2003-01.org.example:drives

tgt() { tgtadm --lld iscsi "$@" || fail "tgtadm $*"; }
# tgt_lun N [MORE...]: a LUN. tgt_set N PARAMETERS.
tgt_lun() {
    local lun=$1
    shift
    tgt --mode logicalunit --op new --tid 1 --lun "$lun" "$@"
}
tgt_set() { tgt --mode logicalunit --op update --tid 1 --lun "$1" --params "$2"; }

# tgt_tape FILE: an empty tape with the file's name as its barcode.
tgt_tape() {
    tgtimg --op new --device-type tape --barcode "${1##*/}" --size 40 --type data --file "$1" >/dev/null || fail "tgtimg $1"
}

# tgt_serve [COMMAND]: tgtd with LUN 1 to 3. Its media are there already. The command adds more LUNs: an initiator that
# logs in again by itself must find all of them.
tgt_serve() {
    tgtd -f >/tmp/tgtd.log 2>&1 &
    TGT_PID=$!
    wait_until 20 "tgtadm --lld iscsi --mode target --op show" "tgtd answers"
    tgt --mode target --op new --tid 1 -T $TGT
    tgt_lun 1 --backing-store /run/tgt/A0000001 --bstype ssc --device-type tape
    : >/run/tgt/changer
    tgt_lun 2 --backing-store /run/tgt/changer --device-type changer
    tgt_set 2 media_home=/run/tgt
    tgt_set 2 element_type=1,start_address=1,quantity=1
    tgt_set 2 element_type=4,start_address=16,quantity=1
    tgt_set 2 element_type=2,start_address=1024,quantity=4
    tgt_set 2 element_type=4,address=16,tid=1,lun=1
    tgt_set 2 element_type=2,address=1024,barcode=A0000001,sides=1
    tgt_set 2 element_type=2,address=1025,barcode=A0000002,sides=1
    tgt_lun 3 --backing-store /run/tgt/disc1 --device-type cd
    "${1:-:}"
    tgt --mode target --op bind --tid 1 --initiator-address ALL
}

# tgt_start: LUN 1 a tape drive with the tape A0000001 in it, LUN 2 a changer with this drive and four slots, LUN 3 a
# CD-ROM drive with the disc /run/tgt/disc1. Sets TAPE, CHANGER and OPTICAL to their h:c:t:l.
tgt_start() {
    local host path
    mkdir -p /run/tgt
    tgt_tape /run/tgt/A0000001
    tgt_tape /run/tgt/A0000002
    truncate -s 4M /run/tgt/disc1 /run/tgt/disc2
    expect_ok iopat fill /run/tgt/disc1 --buffered
    expect_ok iopat fill /run/tgt/disc2 --buffered --generation 2
    tgt_serve
    expect_ok modprobe iscsi_tcp
    before=$(echo /sys/class/scsi_host/*)
    iscsistart -i iqn.2003-01.org.example:dom0 -t $TGT -g 1 -a 127.0.0.1 -p 3260 >/tmp/iscsistart 2>&1 ||
        fail "iSCSI log in: $(tail -n 3 /tmp/iscsistart)"
    for host in /sys/class/scsi_host/*; do
        case " $before " in *" $host "*) continue ;; esac
        path=${host##*/host}:0:0
        TAPE=$path:1 CHANGER=$path:2 OPTICAL=$path:3
    done
    for path in "$TAPE" "$CHANGER" "$OPTICAL"; do
        wait_until 20 "[ -e /sys/bus/scsi/devices/$path/scsi_generic ]" "device $path of tgtd"
    done
}

# tgt_stop: the initiator lets go first.
tgt_stop() {
    changers_release
    iscsi_end
    kill -9 "$TGT_PID"
    rm -rf /run/tgt
}
