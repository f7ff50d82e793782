# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash disable=SC2016
# Guests, for tests inside dom0; dom0.sh sources it.

# pv, pvh or hvm, as the run's lane has it (lane.sh).
read -r GUEST_TYPE </host/guest-type

# guest_domid NAME
guest_domid() { domains id "$1"; }

# guest_reboots NAME OLD [SECONDS]: waits for the guest's new domain, which is another one than OLD.
guest_reboots() {
    domains next "$1" "$2" $((${3:-40} * PATIENCE)) >/dev/null || fail "guest $1: no new domain in place of $2 within ${3:-40} s"
}

# guest_config NAME [mem=160] [vcpus=1] [driver] [with=EXTRA] [LINE...]: writes the guest's
# configuration and prints the file's name. A LINE with a blank around its '=' goes in as
# it is. "driver" makes a driver domain with the project in its image; EXTRA is a part of image.sh, such as multipath.
guest_config() {
    local name=$1 mem=160 vcpus=1 image=/run/guest.cpio kernel=/boot/vmlinux lines="" extra="" arg dom0s
    shift
    if [ "$GUEST_TYPE" = hvm ]; then
        # Its firmware starts a kernel in the form that a boot loader knows, which has to unpack itself.
        unpack_extra hvm
        kernel=/boot/vmlinuz mem=256
        lines='vga = "none"
vnc = 0
'
    fi
    for arg; do
        case $arg in
        mem=*) mem=${arg#*=} ;;
        vcpus=*) vcpus=${arg#*=} ;;
        extra=*) extra=${arg#*=} ;;
        with=*)
            image=/run/guest-${arg#*=}.cpio mem=256
            [ -e "$image" ] || cat /run/guest.cpio "/host/extra-${arg#*=}.cpio" >"$image"
            ;;
        paused) ;;
        driver)
            image=/run/driver.cpio mem=256
            [ -e $image ] || cat /run/guest.cpio /host/overlay.cpio /host/guest-overlay.cpio >$image
            lines="${lines}driver_domain = 1
"
            ;;
        *) lines="$lines$arg
" ;;
        esac
    done
    # Without what costs time and shows nothing in emulation, if dom0 is (machine.sh). And the guest reads its clock
    # itself: else the hypervisor emulates that, which for the bench would hide a part of what differs.
    dom0s=$(grep -oE 'norandmaps|noreplace-smp|(watchdog_thresh|mitigations|init_on_alloc|randomize_kstack_offset|rodata|ipv6.disable|cma|initcall_blacklist)=[a-z0-9_,]+' /proc/cmdline | tr '\n' ' ')
    cat >"$GUESTS/$name.cfg" <<CFG
name = "$name"
type = "$GUEST_TYPE"
kernel = "$kernel"
ramdisk = "$image"
extra = "console=hvc0 quiet loglevel=1 panic=1 cryptomgr.notests $dom0s $extra"
memory = $mem
vcpus = $vcpus
tsc_mode = "native"
on_crash = "destroy"
$lines
CFG
    echo "$GUESTS/$name.cfg"
}

# guest_start NAME [paused] [as guest_config]: a running guest whose shell answers, or
# with "paused" one that never ran (then guest_unpause). $XL names the xl to use.
# Without more words than the name it is a plain guest: one that has not booted itself.
guest_start() {
    local name=$1 pause="" cfg
    shift
    if [ $# = 0 ] && [ -z "${XL:-}" ]; then
        : >"$GUESTS/$name.plain"
        guest_take "$name" || guest_restore "$name"
        return
    fi
    case " $* " in *" paused "*) pause=-p ;; esac
    cfg=$(guest_config "$name" "$@")
    # shellcheck disable=SC2086
    expect_ok "${XL:-$REAL_XL}" create -q $pause "$cfg"
    guest_domid "$name" >/dev/null || fail "guest $name: no domain after xl create"
    [ -n "$pause" ] || guest_wait "$name"
}

# A boot is what costs a test most: four times as much as to restore a guest that was saved right after its boot. The
# other machines of a run get the saved guest by the share, from the first machine that has one (machines.sh).
PLAIN=/run/plain-guest
PLAIN_SHARED=/host/plain-guest

# plain_copy FROM TO: in pieces as large as the share carries at once. cp takes a small one each time.
plain_copy() { dd if="$1" of="$2.new" bs=256k && mv "$2.new" "$2"; }

# guest_restore NAME: a plain guest, restored from $PLAIN. The first call in a run boots and saves one.
guest_restore() {
    local cfg
    # Saving and restoring cost by the page.
    cfg=$(guest_config "$1")
    # Xen on arm64 cannot save a guest.
    if [ "$(uname -m)" = aarch64 ]; then
        expect_ok "$REAL_XL" create -q "$cfg"
        guest_wait "$1"
        return
    fi
    if [ ! -e $PLAIN ] && [ -e $PLAIN_SHARED ]; then
        expect_ok plain_copy $PLAIN_SHARED $PLAIN
    elif [ ! -e $PLAIN ]; then
        expect_ok "$REAL_XL" create -q "$cfg"
        guest_wait "$1"
        expect_ok "$REAL_XL" save "$1" $PLAIN.new
        mv $PLAIN.new $PLAIN
        [ ! -e $PLAIN_SHARED-wanted ] || plain_copy $PLAIN $PLAIN_SHARED
    fi
    expect_ok "$REAL_XL" restore "$cfg" $PLAIN
    guest_domid "$1" >/dev/null || fail "guest $1: no domain after xl restore"
    guest_wait "$1"
}

# guest_wait NAME [SECONDS]: until its shell answers.
guest_wait() {
    local end
    end=$(($(uptime_cs) + ${2:-60} * PATIENCE * 100))
    while ! GUEST_TIMEOUT=$((3 * PATIENCE)) guest_sh "$1" : 2>/dev/null; do
        [ "$(uptime_cs)" -lt $end ] || {
            tail -n 30 "/var/log/xen/console/guest-$1.log"
            fail "guest $1: no answer from its shell"
        }
        guest_domid "$1" >/dev/null || fail "guest $1: its domain is gone"
        pause 0.3
    done
}

# guest_unpause NAME: and waits for its shell.
guest_unpause() {
    expect_ok "$REAL_XL" unpause "$1"
    guest_wait "$1"
}

# guest_sh NAME COMMANDS: runs them in the guest; its stdout, stderr and status.
# 124 after $GUEST_TIMEOUT seconds (default 60), 125 when the guest is gone.
guest_sh() { guestsh run "$GUESTS/$1" "${GUEST_TIMEOUT:-$((60 * PATIENCE))}" "$2"; }

# guest_ok NAME COMMANDS: as guest_sh, but failing there fails the test.
guest_ok() {
    local status=0
    guest_sh "$1" "$2" >"/tmp/guest.$$" 2>&1 || status=$?
    cat "/tmp/guest.$$"
    [ $status = 0 ] || fail "guest $1: exit status $status: $2 ($(tail -n 1 "/tmp/guest.$$"))"
}

# guest_wait_for NAME CONDITION [SECONDS]: until this command succeeds in the guest, which asks itself: to ask from dom0
# would take more processor time than most that is waited for.
guest_wait_for() {
    local seconds=$((${3:-60} * PATIENCE))
    # The read is a sleep without a process.
    GUEST_TIMEOUT=$seconds guest_sh "$1" "[ -e /run/nothing ] || mkfifo /run/nothing
        until $2; do read -r -t 0.7 none <>/run/nothing || :; done" || fail "guest $1: not within $seconds s: $2"
}

# guest_wait_disk NAME VDEV [SECONDS]: waits for the device with this virtual address
# h:c:t:l (or c:t:l) and sets GUEST_HCTL, GUEST_BLK, GUEST_SG, GUEST_OTHER (st0, sch0).
guest_wait_disk() {
    local found
    local seconds=$((${3:-20} * PATIENCE))
    found=$(GUEST_TIMEOUT=$((seconds + 10)) guest_sh "$1" "scsidev $2 $seconds") ||
        fail "guest $1: no device $2 within $seconds s"
    guest_device "$found"
}
# guest_device LINE: of scsidev's output.
guest_device() {
    # shellcheck disable=SC2086
    set -- $1
    # shellcheck disable=SC2034
    GUEST_HCTL=$1 GUEST_BLK=/dev/$2 GUEST_SG=/dev/$3 GUEST_OTHER=/dev/$4
}

# guest_wait_gone NAME VDEV [SECONDS]
guest_wait_gone() {
    local seconds=$((${3:-20} * PATIENCE))
    GUEST_TIMEOUT=$((seconds + 10)) guest_sh "$1" "scsidev --gone $2 $seconds" ||
        fail "guest $1: device $2 is still there after $seconds s"
}

# guest_stop NAME: an orderly end from inside.
guest_stop() {
    local id
    id=$(guest_domid "$1") || fail "guest $1: no such domain"
    GUEST_TIMEOUT=5 guest_sh "$1" 'sync; poweroff -f' >/dev/null 2>&1
    wait_until 30 "! domains list | grep -q '^$id '" "guest $1 ends"
}

# guest_destroy NAME
guest_destroy() {
    local id
    id=$(guest_domid "$1") || fail "guest $1: no such domain"
    expect_ok "$REAL_XL" destroy "$id"
}

# zombies: the domains that cannot go, or nothing; "no-list" when they cannot be listed.
zombies() {
    domains list >/tmp/domains || { echo no-list; return; }
    grep -e ' d ' -e ' (null)$' /tmp/domains
}

# check_no_zombie [SECONDS]: a page of a dead guest that stays mapped keeps it.
check_no_zombie() {
    within "${1:-10}" '[ -z "$(zombies)" ]' || fail "a dead domain stays: $(zombies)"
}

# --- guests that stay up over several tests ---

# A test whose header says "# guests: kept" may be given a guest that an earlier test has used, and hands its own on. It
# concerns guests that were started by `guest_start NAME`, without more words. A guest is handed on when its test has
# passed, its devices are detached, and nothing of the test is left in it; it is destroyed otherwise, and before a test
# that has no such header. Between tests its name is kept-ID.
KEPT=/run/kept-guests
KEPT_MOST=2

# guest_take NAME: a kept guest gets this name; 1 when there is none that answers.
guest_take() {
    local id
    [ "${GUESTS_KEPT:-no}" = yes ] || return 1
    while id=$(head -n 1 $KEPT 2>/dev/null | grep .); do
        sed -i 1d $KEPT
        if "$REAL_XL" rename "$id" "$1" && GUEST_TIMEOUT=10 guest_sh "$1" :; then
            note "guest $1 is domain $id of an earlier test"
            return 0
        fi
        "$REAL_XL" destroy "$id"
    done
    return 1
}

# guests_keep: after a test that has passed.
guests_keep() {
    local path name id vdev
    for path in "$GUESTS"/*.plain; do
        name=${path##*/}
        name=${name%.plain}
        id=$(guest_domid "$name") || continue
        [ "$(grep -c . $KEPT 2>/dev/null)" != $KEPT_MOST ] || return 0
        for vdev in $(xl-scsi list "$name" 2>/dev/null | awk 'NR > 1 { print $7 }'); do
            xl-scsi detach "$name" "$vdev" || continue 2
        done
        # No device, no process of the test, no file, no message.
        GUEST_TIMEOUT=30 guest_sh "$name" 'kill -9 -1
            i=0
            while [ -n "$(ls /sys/class/scsi_device)" ]; do
                [ $i -lt 100 ] || exit 1
                i=$((i + 1))
                sleep 0.1
            done
            rm -rf /tmp/*
            dmesg -c >/dev/null
            grep -q "^xen_scsifront" /proc/modules' || continue
        "$REAL_XL" rename "$id" "kept-$id" || continue
        echo "$id" >>$KEPT
        note "guest $name is kept: domain $id"
    done
}

# other_domains: the ids of all but dom0 and the kept ones; "no-list" when there is no list of them.
other_domains() {
    local id
    domains list >/tmp/domains || { echo no-list; return; }
    while read -r id _; do
        [ "$id" = 0 ] || grep -qx "$id" $KEPT 2>/dev/null || echo "$id"
    done </tmp/domains
}

# guests_drop: the kept ones end.
guests_drop() {
    local id
    [ -e $KEPT ] || return 0
    for id in $(cat $KEPT 2>/dev/null); do timeout 20 "$REAL_XL" destroy "$id"; done
    rm -f $KEPT
}
