# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash disable=SC2154
# What the tests of xl-scsi, its service and the xl shim share, beside dom0.sh. A test sources it:
#   . /host/lib/toolstack.sh

# use_shim: `xl` is the project's, in front of the real one, until the test ends.
use_shim() {
    ln -sf /usr/local/libexec/xen-pvscsi/xl /usr/local/sbin/xl
    export XEN_PVSCSI_REAL_XL="$REAL_XL"
}

# watch_start, watch_stop: the service that gives guests their devices back; WATCH is its process.
watch_start() {
    xl-scsi watch >>/tmp/watch.log 2>&1 &
    WATCH=$!
    # It holds its lock, and only that, while it runs. To try the lock here could make it believe that another one runs.
    wait_until 10 "! kill -0 $WATCH || grep -q 'FLOCK .* WRITE $WATCH ' /proc/locks" "the service runs"
    kill -0 $WATCH || fail "the service does not run: $(tail -n 1 /tmp/watch.log)"
}
watch_stop() {
    kill -TERM "$WATCH"
    wait "$WATCH" || fail "the service ended with status $?"
}
# watch_left_only_locks: what the service leaves in its directory; learn.lock too once it has read what other tools have
# attached.
watch_left_only_locks() {
    expect_eq "$(cd /run/xl-scsi && find . -type f ! -name learn.lock ! -name real-xl | sort | tr -d '\n')" "./domains.lock./units.lock./watch.lock" \
        "files in /run/xl-scsi"
}

# has GUEST VDEV...: exactly these devices are connected, and the guest sees them; GUEST_BLK and the others are the last
# one's.
has() {
    local guest=$1 found
    shift
    # The list takes most of a second of processor time, so it comes when all is there.
    guest_wait "$guest" 90
    found=$(GUEST_TIMEOUT=$((90 * PATIENCE)) guest_sh "$guest" "for v in $*; do scsidev \$v $((80 * PATIENCE)) || exit; done") ||
        fail "guest $guest: not all of $*: $found; $(xl-scsi list "$guest")"
    guest_device "$(echo "$found" | tail -n 1)"
    within 90 "has_listed $guest $*" || fail "the devices are $*: $(xl-scsi list "$guest")"
}
has_listed() {
    local guest=$1
    shift
    xl-scsi list "$guest" | awk -v wanted="$*" '
        BEGIN { n = split(wanted, list, " "); for (i in list) missing[list[i]] }
        NR > 1 && ($8 != 4 || !($7 in missing)) { exit failed = 1 }
        NR > 1 { delete missing[$7]; n-- }
        END { exit failed || n != 0 }'
}

# runs_with_device GUEST: its backend has 0:0:0:0, and it is not paused. Its frontend takes the device when the guest
# has booted, for which a test that is about xl has no need to wait.
runs_with_device() {
    local id state
    id=$(guest_domid "$1") || return 1
    state=$(xenstore-read "/local/domain/0/backend/vscsi/$id/0/vscsi-devs/dev-0/state") || return 1
    case $state in 3 | 4) ;; *) return 1 ;; esac
    domains list | grep -qx "$id r $1"
}

# dbg_part N FIELD: 1 h:c:t:l, 2 the disk, 3 the sg node of scsi_debug's Nth device.
dbg_part() { echo "$DBG_ALL" | awk -v n="$1" -v f="$2" 'NR == n { print (f > 1 ? "/dev/" : "") $f }'; }

# userdata: libxl's files of guests, one a line.
userdata() { find /var/lib/xen -name 'userdata-d.[1-9]*'; }

# count_nodes: what refuses() compares with: the vscsi nodes of all guests, on both sides.
count_nodes() { NODES=$(vscsi_nodes); }
vscsi_nodes() { xenstore-ls -f /local/domain | grep -c -e /device/vscsi/ -e /backend/vscsi/.; }
# refuses STATUS ERE COMMAND...: it exits with this status, says this, and changes no node.
refuses() {
    local wanted=$1 text=$2 status=0 out
    shift 2
    out=$("$@" 2>&1) || status=$?
    expect_eq $status "$wanted" "exit status of $*: $out"
    expect_match "$out" "$text" "$*"
    expect_eq "$(vscsi_nodes)" "$NODES" "nodes after $*"
}
# no_guest NAME: there is no such domain.
no_guest() { ! "$REAL_XL" domid "$1" >/dev/null 2>&1 || fail "guest $1 is there without its device"; }
