# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash disable=SC2016
# What tests use inside dom0 (busybox sh). A test is a script that has sourced
# this; a failed expectation ends it. Guests are in guests.sh.

export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin
XEN_BIN=$(echo /usr/lib/xen-4.*/bin)
# The real xl: the one that comes first in PATH may be the project's shim, which a
# test asks for with XL=xl.
REAL_XL=$XEN_BIN/xl
GUESTS=/run/guests
JOB=${JOB:-/tmp}
TEST_DIR=${TEST_DIR:-/tmp}
DAEMON_LOG=/tmp/pvscsid.log
# What a time limit of a test is multiplied by (XEN_PATIENCE of tests/xen/run).
PATIENCE=1
[ ! -e /host/patience ] || read -r PATIENCE </host/patience
KERNEL_FAULTS='Oops|BUG:|Bad page|Kernel panic|general protection|unable to handle|Bad rss-counter|WARNING: .*(xen|grant|scsi|sg)'
[ -d $GUESTS ] || mkdir -p $GUESTS
# Nobody writes into it (pause).
[ -e /run/nothing ] || mkfifo /run/nothing

# --- results ---

# fail REASON: ends the test, from a subshell too.
fail() {
    echo "FAIL: $*" >&2
    [ -s "$JOB/reason" ] || printf '%s\n' "$*" >"$JOB/reason"
    [ "${TEST_PID:-$$}" = $$ ] && kill -TERM $$
    exit 1
}

# skip REASON: the test cannot run here.
skip() {
    printf '%s\n' "$*" >"$JOB/reason"
    exit 77
}

note() {
    local up
    read -r up _ </proc/uptime
    echo "[$up] $*"
}

# expect_eq GOT WANTED [WHAT]
expect_eq() { [ "$1" = "$2" ] || fail "${3:-value}: got '$1', wanted '$2'"; }

# The variables here have long names, because COMMAND may be a function that sets variables of its caller.
# expect_ok COMMAND...; its output is shown when it fails.
expect_ok() {
    local expect_status
    "$@" >"/tmp/expect.$$" 2>&1 && return 0
    expect_status=$?
    cat "/tmp/expect.$$"
    fail "exit status $expect_status: $* ($(tail -n 1 "/tmp/expect.$$"))"
}

# expect_fail [STATUS] COMMAND...: any failure, or this one.
expect_fail() {
    local expect_wanted="" expect_status
    case $1 in [0-9]*) expect_wanted=$1; shift ;; esac
    "$@" >"/tmp/expect.$$" 2>&1
    expect_status=$?
    cat "/tmp/expect.$$"
    [ $expect_status != 0 ] || fail "succeeded, should have failed: $*"
    [ -z "$expect_wanted" ] || [ $expect_status = "$expect_wanted" ] ||
        fail "exit status $expect_status, wanted $expect_wanted: $*"
}

# expect_match TEXT REGEX [WHAT]: extended expression, any line of TEXT.
expect_match() {
    printf '%s\n' "$1" | grep -Eq -- "$2" || fail "${3:-text}: '$1' does not match '$2'"
}

# expect_no_match TEXT REGEX [WHAT]
expect_no_match() {
    ! printf '%s\n' "$1" | grep -Eq -- "$2" || fail "${3:-text}: '$1' matches '$2'"
}

# within SECONDS CONDITION: whether CONDITION (shell text) comes true in time; its
# output is dropped.
within() {
    local within_now within_end
    read -r within_now _ </proc/uptime
    within_end=$((${within_now%.*} + $1 * PATIENCE))
    while ! eval "$2" >/dev/null 2>&1; do
        read -r within_now _ </proc/uptime
        [ "${within_now%.*}" -le $within_end ] || return 1
        # A turn takes processor time from what is waited for.
        pause 0.4
    done
}

# pause SECONDS: as sleep, but in emulation the start of a process takes 20 ms of a processor.
pause() {
    local none
    # shellcheck disable=SC3045
    read -r -t "$1" none <>/run/nothing
    return 0
}

# wait_until SECONDS CONDITION [WHAT]: the same, as an expectation.
wait_until() { within "$1" "$2" || fail "not within $1 s: ${3:-$2}"; }

# Centiseconds since dom0's start.
uptime_cs() {
    local up
    read -r up _ </proc/uptime
    echo "${up%.*}${up#*.}"
}

# unpack_extra NAME: programs that only single tests need (image.sh). They stay in dom0.
unpack_extra() {
    [ ! -e "/run/extra-$1" ] || return 0
    (cd / && cpio -idu <"/host/extra-$1.cpio") >/dev/null 2>&1 || fail "cannot unpack extra-$1.cpio"
    : >"/run/extra-$1"
}

# dmesg_since KIND NUMBER: the kernel's messages since that job began.
dmesg_since() {
    dmesg | awk -v mark="xen-test: start $1 $2" '
        { line[NR] = $0 } index($0, mark) { from = NR }
        END { for (i = from + 1; i <= NR; i++) print line[i] }'
}

# --- the daemon ---

have_project() { command -v pvscsid >/dev/null; }
need_project() { have_project || skip "the project is not in the image"; }

# daemon_start [ARGS]: pvscsid -f, ready to serve when this returns. Its log is
# $DAEMON_LOG; DAEMON_PID its process.
daemon_start() {
    need_project
    note "--- pvscsid -f $*" >>$DAEMON_LOG
    pvscsid -f "$@" >>$DAEMON_LOG 2>&1 &
    DAEMON_PID=$!
    echo $DAEMON_PID >/run/test-daemon.pid
    within 20 "pvscsictl status || ! kill -0 $DAEMON_PID" || fail "pvscsid is not ready after 20 s (pvscsictl status)"
    kill -0 $DAEMON_PID 2>/dev/null || fail "pvscsid ended at start: $(tail -n 1 $DAEMON_LOG)"
}

# daemon_kill: as a crash would end it, the workers untouched.
daemon_kill() {
    kill -9 "${DAEMON_PID:?}"
    wait "$DAEMON_PID" 2>/dev/null
    rm -f /run/test-daemon.pid
}

# daemon_stop: SIGTERM; one that does not end within 20 s is a failure.
daemon_stop() {
    local status
    kill -TERM "${DAEMON_PID:?}" || fail "pvscsid was not running any more"
    wait_until 20 "! kill -0 $DAEMON_PID" "pvscsid ends at SIGTERM"
    wait "$DAEMON_PID"
    status=$?
    rm -f /run/test-daemon.pid
    [ $status = 0 ] || fail "pvscsid ended with status $status"
}

# pr_helper_start: the PR helper, at the socket where pvscsid looks for it. It listens when this returns; the clean-up
# after the test ends it.
pr_helper_start() { qemu-pr-helper -d -k /run/qemu-pr-helper.sock || fail "qemu-pr-helper does not start"; }

# worker_pids: the workers' processes, one a line.
worker_pids() {
    local path name
    for path in /proc/[0-9]*/comm; do
        read -r name 2>/dev/null <"$path" || continue
        case $name in pvscsid-worker*) path=${path%/comm}; echo "${path##*/}" ;; esac
    done
}

daemon_log() { cat $DAEMON_LOG; }

# shellcheck source=guests.sh
. /host/lib/guests.sh

# --- devices ---

# scsi_debug_load ARGS: sets DBG_HCTL, DBG_BLK, DBG_SG to the first device and DBG_ALL
# to lines "h:c:t:l block sg"; "-" for no block device.
scsi_debug_load() {
    expect_ok modprobe scsi_debug "$@"
    wait_until 20 scsi_debug_settled "scsi_debug's devices appear"
    DBG_ALL=$(scsi_debug_list)
    # shellcheck disable=SC2086
    set -- $DBG_ALL
    # shellcheck disable=SC2034
    DBG_HCTL=$1 DBG_BLK=/dev/$2 DBG_SG=/dev/$3
}

scsi_debug_list() {
    local path block name
    for path in /sys/bus/pseudo/devices/adapter*/host*/target*/[0-9]*:*; do
        [ -e "$path/scsi_generic" ] || continue
        dev_name "$path" block
        block=$name
        dev_name "$path" scsi_generic
        echo "${path##*/} $block $name"
    done | sort -t: -k1,1n -k2,2n -k3,3n -k4,4n
}

# dev_names PATH KIND: the name of this device of sysfs as a block, scsi_generic... device, or "-". dev_name sets the
# variable name to it, without a process.
dev_names() {
    local name
    dev_name "$1" "$2"
    echo "$name"
}
dev_name() {
    for name in "$1/$2"/*; do
        name=${name##*/}
        [ "$name" != "*" ] || name=-
        return
    done
}

# A disk's block device appears a moment after its sg node.
scsi_debug_settled() {
    local path name type none=1
    for path in /sys/bus/pseudo/devices/adapter*/host*/target*/[0-9]*:*; do
        [ -e "$path/type" ] || continue
        dev_name "$path" scsi_generic
        [ "$name" != - ] || return 1
        read -r type <"$path/type"
        dev_name "$path" block
        [ "$type" != 0 ] || [ -b "/dev/$name" ] || return 1
        none=0
    done
    return $none
}

# scsi_debug_delay JIFFIES: of 4 ms, which each command takes from now on. A load with a delay has as many commands
# under way, and leaves the processor to others.
scsi_debug_delay() {
    # It can be set only while nothing is under way.
    wait_until 20 "echo $1 >/sys/bus/pseudo/drivers/scsi_debug/delay" "scsi_debug takes a delay"
}

scsi_debug_unload() {
    changers_release
    expect_ok rmmod scsi_debug
}

# small_host_load: the machine's SCSI host that takes 120 KiB at once (machine.sh). Sets SMALL_DISK and SMALL_DISC to
# the h:c:t:l of a disk and of an optical drive; the disc is the file /host/small-disc.
small_host_load() {
    local host
    expect_ok modprobe virtio_scsi
    for host in /sys/class/scsi_host/*; do
        [ "$(cat "$host/proc_name")" = virtio_scsi ] || continue
        # shellcheck disable=SC2034
        SMALL_DISK=${host##*/host}:0:0:0 SMALL_DISC=${host##*/host}:0:1:0
        wait_until 20 "[ -b \"\$(block_of $SMALL_DISK)\" ] && [ -b \"\$(block_of $SMALL_DISC)\" ]" "the devices of $host"
        return
    done
    fail "no virtio SCSI host in this machine"
}

# The kernel's ch keeps its device, and so the device's module, while it is bound.
changers_release() {
    local path
    for path in /sys/bus/scsi/drivers/ch/[0-9]*:*; do
        [ ! -e "$path/delete" ] || echo 1 >"$path/delete"
    done
}

# sg_of H:C:T:L, block_of H:C:T:L: the device node.
sg_of() { echo "/dev/$(dev_names "/sys/bus/scsi/devices/$1" scsi_generic)"; }
block_of() { echo "/dev/$(dev_names "/sys/bus/scsi/devices/$1" block)"; }

CONFIGFS=/sys/kernel/config
LIO=$CONFIGFS/target

lio_init() {
    # Without it every PERSISTENT RESERVE OUT REGISTER fails with "not ready".
    mkdir -p /etc/target/pr /var/target/pr
    expect_ok modprobe -a target_core_mod "$@"
    [ -d $CONFIGFS/target ] || grep -q " $CONFIGFS " /proc/mounts || expect_ok mount -t configfs none $CONFIGFS
    mkdir -p $LIO
}

# lio_ramdisk NAME MIB [KIB]: prints the backstore's path.
lio_ramdisk() {
    local store=$LIO/core/rd_mcp_0/$1
    mkdir -p "$store" || fail "LIO: cannot make a ramdisk"
    echo "rd_pages=$(($2 * 256 + ${3:-0} / 4))" >"$store/control"
    echo 1 >"$store/enable" || fail "LIO: cannot enable the ramdisk"
    echo "$1" >"$store/wwn/vpd_unit_serial"
    echo "$store"
}

# lio_fileio NAME MEGABYTES: the same over a file on tmpfs.
lio_fileio() {
    local store=$LIO/core/fileio_0/$1
    mkdir -p "$store" || fail "LIO: cannot make a fileio backstore"
    truncate -s "$2M" "/run/lio-$1"
    echo "fd_dev_name=/run/lio-$1,fd_dev_size=$(($2 * 1048576))" >"$store/control"
    echo 1 >"$store/enable" || fail "LIO: cannot enable the fileio backstore"
    echo "$1" >"$store/wwn/vpd_unit_serial"
    echo "$store"
}

# lio_number: a new number, for the name of a target.
lio_number() {
    local number
    number=$(($(cat /run/lio-number 2>/dev/null || echo 0) + 1))
    echo $number | tee /run/lio-number
}

# lio_loopback BACKSTORE-PATH...: one SCSI host (one initiator) with a LUN for
# each; prints its h:c:t:l addresses, one a line. Call it twice for two initiators.
lio_loopback() {
    local number wwn before lun store host hctl
    number=$(lio_number)
    wwn=naa.6001405$(printf %09x "$number")
    before=$(echo /sys/class/scsi_host/*)
    mkdir -p "$LIO/loopback/$wwn/tpgt_1" || fail "LIO: no loopback target"
    echo "naa.6001406$(printf %09x "$number")" >"$LIO/loopback/$wwn/tpgt_1/nexus"
    lun=0
    for store; do
        mkdir -p "$LIO/loopback/$wwn/tpgt_1/lun/lun_$lun"
        ln -s "$store" "$LIO/loopback/$wwn/tpgt_1/lun/lun_$lun/store" ||
            fail "LIO: cannot link a LUN"
        lun=$((lun + 1))
    done
    for host in /sys/class/scsi_host/*; do
        case " $before " in *" $host "*) continue ;; esac
        lun=0
        for store; do
            hctl=${host##*/host}:0:1:$lun
            wait_until 20 "[ -b \"\$(block_of $hctl)\" ]" "loopback device $hctl appears"
            echo "$hctl"
            lun=$((lun + 1))
        done
        return
    done
    fail "LIO: no SCSI host for the loopback target"
}

# lio_two_initiators MEGABYTES: one ramdisk seen through two loopback hosts: sets
# LIO_A and LIO_B to their h:c:t:l.
lio_two_initiators() {
    local store
    lio_init tcm_loop
    store=$(lio_ramdisk shared "$1")
    LIO_A=$(lio_loopback "$store")
    LIO_B=$(lio_loopback "$store")
    [ -n "$LIO_A" ] || fail "LIO: no first initiator"
    [ -n "$LIO_B" ] || fail "LIO: no second initiator"
}

# lio_iscsi_target BACKSTORE-PATH ADDRESS...: the iSCSI target $ISCSI_TARGET with this LUN, at each of these addresses.
# A TransportID in a test names the initiator without its session; by default LIO requires the ISID too.
ISCSI_TARGET=iqn.2003-01.org.example:shared
lio_iscsi_target() {
    local store=$1 tpg=$LIO/iscsi/$ISCSI_TARGET/tpgt_1 attribute address
    shift
    echo 0 >"$store/attrib/enforce_pr_isids"
    mkdir -p "$tpg/lun/lun_0" || fail "LIO: no iSCSI target"
    for address; do mkdir -p "$tpg/np/$address:3260" || fail "LIO: no portal $address"; done
    ln -s "$store" "$tpg/lun/lun_0/store" || fail "LIO: cannot link the LUN"
    for attribute in authentication=0 generate_node_acls=1 cache_dynamic_acls=1 demo_mode_write_protect=0; do
        echo "${attribute#*=}" >"$tpg/attrib/${attribute%=*}"
    done
    echo 1 >"$tpg/enable" || fail "LIO: cannot enable the iSCSI target"
}

# iscsi_login INITIATOR ADDRESS: a session with that target; sets ISCSI_LUN to the LUN's h:c:t:l. iscsistart takes a
# second session over the same portal for the first.
iscsi_login() {
    local before host
    command -v iscsistart >/dev/null || skip "no iscsistart in the image"
    expect_ok modprobe iscsi_tcp
    before=$(echo /sys/class/scsi_host/*)
    iscsistart -i "iqn.2003-01.org.example:$1" -t $ISCSI_TARGET -g 1 -a "$2" -p 3260 >"/tmp/iscsi-$1" 2>&1 ||
        fail "iSCSI log in of $1: $(tail -n 3 "/tmp/iscsi-$1")"
    ISCSI_LUN=""
    for host in /sys/class/scsi_host/*; do
        case " $before " in *" $host "*) ;; *) ISCSI_LUN=${host##*/host}:0:0:0 ;; esac
    done
    [ -n "$ISCSI_LUN" ] || fail "iSCSI: no new session of $1"
    wait_until 20 "[ -b \"\$(block_of $ISCSI_LUN)\" ]" "the disk of $1"
}

# lio_two_sessions MEGABYTES: one ramdisk seen through two iSCSI sessions of two initiators: sets LIO_A and LIO_B. In
# Linux 6.1, PREEMPT AND ABORT hangs in the loopback target; the iSCSI target has no such fault.
lio_two_sessions() {
    lio_init iscsi_target_mod iscsi_tcp
    lio_iscsi_target "$(lio_ramdisk shared "$1")" 127.0.0.1 127.0.0.2
    iscsi_login a 127.0.0.1
    LIO_A=$ISCSI_LUN
    iscsi_login b 127.0.0.2
    LIO_B=$ISCSI_LUN
}

# lio_scsiback_export H:C:T:L: the device behind the kernel's xen-scsiback, by LIO's
# pass-through; sets LIO_PDEV, and LIO_STORE, its backstore. lio_scsiback_store: the same for a backstore.
lio_scsiback_export() {
    local store
    lio_init target_core_pscsi xen-scsiback
    store=$LIO/core/pscsi_0/disk$(echo "$1" | tr : _)
    mkdir -p "$store" || fail "LIO: cannot make a pscsi backstore"
    echo "$1" | awk -F: '{ printf "scsi_host_id=%d,scsi_channel_id=%d,scsi_target_id=%d,scsi_lun_id=%d\n",
        $1, $2, $3, $4 }' >"$store/control"
    block_of "$1" >"$store/udev_path"
    echo 1 >"$store/enable" || fail "LIO: cannot enable pscsi for $1"
    # shellcheck disable=SC2034
    LIO_STORE=$store
    lio_scsiback_store "$store"
}

lio_scsiback_store() {
    local number wwn tpg
    lio_init xen-scsiback
    number=$(lio_number)
    wwn=naa.6001407$(printf %09x "$number")
    tpg=$LIO/xen-pvscsi/$wwn/tpgt_1
    mkdir -p "$tpg" || fail "LIO: no xen-pvscsi target"
    echo "naa.6001408$(printf %09x "$number")" >"$tpg/nexus"
    mkdir -p "$tpg/lun/lun_0"
    ln -s "$1" "$tpg/lun/lun_0/store" || fail "LIO: cannot link the LUN"
    # shellcheck disable=SC2034
    LIO_PDEV=$wwn:0
}

# Removes all LIO configuration, leaves first.
lio_clear() {
    local path
    [ -d $LIO/core ] || return 0
    # An iSCSI session of this dom0 with itself: the initiator must close it first, or removing the LUN hangs.
    iscsi_end
    for path in "$LIO"/iscsi/*/tpgt_*; do
        [ -d "$path" ] || continue
        echo 0 >"$path/enable"
    done
    find $LIO -depth -path '*/lun/lun_*/*' -type l -exec rm -f {} \; 2>/dev/null
    for path in "$LIO"/loopback/*/tpgt_* "$LIO"/xen-pvscsi/*/tpgt_*; do
        [ -d "$path" ] || continue
        rmdir "$path"/param/* "$path"/lun/lun_* 2>/dev/null
        echo NULL 2>/dev/null >"$path/nexus"
        rmdir "$path" "${path%/*}"
    done
    for path in "$LIO"/iscsi/*/tpgt_*; do
        [ -d "$path" ] || continue
        rmdir "$path"/np/* "$path"/lun/lun_* 2>/dev/null
        rmdir "$path" "${path%/*}"
    done
    rmdir $LIO/loopback $LIO/xen-pvscsi $LIO/iscsi 2>/dev/null
    for path in "$LIO"/core/*_[0-9]*/*; do
        [ -d "$path/wwn" ] && rmdir "$path"
    done
    rmdir $LIO/core/*_[0-9]* 2>/dev/null
    rm -f /run/lio-*
}

# iscsid_start TARGET: the iSCSI initiator's daemon, for a target at 127.0.0.1. iscsiadm logs in and out. A session that
# iscsistart has made is taken over, and so logs in again when it is lost.
iscsid_start() {
    mkdir -p /etc/iscsi /run/lock/iscsi
    echo "InitiatorName=iqn.2003-01.org.example:dom0" >/etc/iscsi/initiatorname.iscsi
    : >/etc/iscsi/iscsid.conf
    expect_ok iscsiadm -m node -T "$1" -p 127.0.0.1:3260,1 --op new
    iscsid -f >/tmp/iscsid.log 2>&1 &
    wait_until 20 "grep -q @ISCSIADM_ABSTRACT_NAMESPACE /proc/net/unix" "iscsid listens: $(cat /tmp/iscsid.log)"
}

# iscsi_end: dom0's iSCSI sessions end, without iscsid (iscsi-end.c).
iscsi_end() {
    set -- /sys/class/iscsi_session/session*
    [ ! -e "$1" ] || iscsi-end
}

# --- attaching without the project: the toolstack's part, by hand ---

# vscsi_write GUEST HOST PDEV VDEV [PDEV VDEV]: a new vhost with these devices, in the order a
# toolstack keeps: both trees complete before either state says so.
vscsi_write() {
    local id front back
    id=$(guest_domid "$1") || fail "guest $1: no such domain"
    front=/local/domain/$id/device/vscsi/$2
    back=/local/domain/0/backend/vscsi/$id/$2
    expect_ok xenstore-write "$front" '' "$back" ''
    expect_ok xenstore-chmod "$front" "n$id" r0
    expect_ok xenstore-chmod "$back" n0 "r$id"
    if [ $# = 6 ]; then
        expect_ok xenstore-write "$back/vscsi-devs/dev-1/p-dev" "$5" "$back/vscsi-devs/dev-1/v-dev" "$6" \
            "$back/vscsi-devs/dev-1/state" 1
    fi
    expect_ok xenstore-write \
        "$back/frontend" "$front" "$back/frontend-id" "$id" \
        "$back/online" 1 "$back/feature-host" 0 \
        "$back/vscsi-devs/dev-0/p-dev" "$3" "$back/vscsi-devs/dev-0/v-dev" "$4" \
        "$back/vscsi-devs/dev-0/state" 1 \
        "$front/backend" "$back" "$front/backend-id" 0 \
        "$back/state" 1 "$front/state" 1
}

# vscsi_remove GUEST HOST: closes the vhost in order and removes its nodes.
vscsi_remove() {
    local id front back
    id=$(guest_domid "$1") || fail "guest $1: no such domain"
    front=/local/domain/$id/device/vscsi/$2
    back=/local/domain/0/backend/vscsi/$id/$2
    expect_ok xenstore-write "$back/online" 0 "$back/state" 5
    wait_until 20 "[ \"\$(xenstore-read $back/state)\" = 6 ]" "the backend closes vhost $2 of $1"
    expect_ok xenstore-rm "$front" "$back"
}

# vscsi_state GUEST HOST [DEV]: the backend's state, of the vhost or of dev-DEV.
vscsi_state() {
    xenstore-read "/local/domain/0/backend/vscsi/$(guest_domid "$1")/$2/${3:+vscsi-devs/dev-$3/}state"
}

# vbd_write GUEST BLOCK-DEVICE: the device as /dev/xvda of the guest, served by the kernel's xen-blkback.
# vbd_remove GUEST
vbd_write() {
    local id front back numbers
    id=$(guest_domid "$1") || fail "guest $1: no such domain"
    expect_ok modprobe xen-blkback
    front=/local/domain/$id/device/vbd/51712
    back=/local/domain/0/backend/vbd/$id/51712
    numbers=$(tr : ' ' <"/sys/class/block/${2##*/}/dev")
    expect_ok xenstore-write "$front" '' "$back" ''
    expect_ok xenstore-chmod "$front" "n$id" r0
    expect_ok xenstore-chmod "$back" n0 "r$id"
    # shellcheck disable=SC2059,SC2086
    expect_ok xenstore-write \
        "$back/frontend" "$front" "$back/frontend-id" "$id" "$back/online" 1 \
        "$back/type" phy "$back/mode" w "$back/device-type" disk "$back/dev" xvda \
        "$back/physical-device" "$(printf '%x:%x' $numbers)" \
        "$front/backend" "$back" "$front/backend-id" 0 "$front/virtual-device" 51712 "$front/device-type" disk \
        "$back/state" 1 "$front/state" 1
}

vbd_remove() {
    local id
    id=$(guest_domid "$1") || fail "guest $1: no such domain"
    expect_ok xenstore-write "/local/domain/0/backend/vbd/$id/51712/online" 0 "/local/domain/0/backend/vbd/$id/51712/state" 5
    wait_until 20 "[ \"\$(xenstore-read /local/domain/0/backend/vbd/$id/51712/state)\" = 6 ]" "xen-blkback closes"
    expect_ok xenstore-rm "/local/domain/$id/device/vbd/51712" "/local/domain/0/backend/vbd/$id/51712"
}

# --- around each test; called by jobs.sh ---

test_begin() {
    TEST_PID=$$
    trap 'exit 1' TERM
    : >$DAEMON_LOG
}

# Removes all that a test may have left. When that fails, or dom0 is damaged, the status is 1, a line says why, and the
# machine must not be used for another test.
test_end() {
    local bad="" others id pid left module
    others=$(other_domains)
    for id in $others; do
        timeout 20 "$REAL_XL" destroy "$id"
    done
    if [ -e /run/test-daemon.pid ] && read -r pid </run/test-daemon.pid && kill -TERM "$pid" 2>/dev/null; then
        within 5 "! kill -0 $pid"
    fi
    killall -9 pvscsid qemu-pr-helper iscsid tgtd 2>/dev/null
    [ -z "$others" ] || within 10 '[ -z "$(other_domains)" ]' ||
        bad="$bad; a dead domain stays: $(domains list 2>&1)"
    xenstore-rm /local/domain/0/backend/vscsi 2>/dev/null
    iscsi_end || bad="$bad; an iSCSI session stays"
    lio_clear
    changers_release
    for module in xen_scsiback tcm_loop scsi_debug virtio_scsi target_core_pscsi target_core_file target_core_iblock; do
        [ ! -d /sys/module/$module ] || within 3 "rmmod $module" ||
            bad="$bad; $(rmmod $module 2>&1)"
    done
    # A test that wants the shim asks for it.
    rm -rf "${GUESTS:?}"/* /tmp/* /usr/local/sbin/xl /run/qemu-pr-helper.sock /run/test-daemon.pid /var/log/xen/console/guest-*
    left=$(dmesg | grep -E "$KERNEL_FAULTS" | head -n 3)
    [ -z "$left" ] || bad="$bad; dom0's kernel: $left"
    [ -z "$bad" ] || { echo "damaged: ${bad#; }"; return 1; }
}
