#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# pvscsid, the service of xl-scsi and the PR helper do their work with what their systemd units leave them, with workers
# fully confined; and the units do take away what they say. A systemd of the test's own starts them, in namespaces and a
# cgroup of its own.
# shellcheck disable=SC2016 # scripts that another shell expands
# shellcheck source=tests/mock-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/mock-lib.sh"
UNITS=/run/systemd/system

# --- the machine that systemd gets: this one read-only, with a /run of its own that has the programs, the units and the
# tests ---

machine() {
    local init group=/sys/fs/cgroup/${DIR##*/} program
    for init in /usr/lib/systemd/systemd /lib/systemd/systemd ""; do [ ! -x "$init" ] || break; done
    [ -n "$init" ] || skip "systemd is not installed (tools/install-deps installs it)"
    [ "$(id -u)" = 0 ] || skip "root is needed"
    ! nm "$BUILD/pvscsid" 2>/dev/null | grep -q ' __asan_init' || skip "a build with sanitizers is not confined"
    unshare -m -p -f -u -i -C -n true 2>/dev/null || skip "namespaces cannot be made here"

    mkdir -p "$DIR/run/build" "$DIR/run/tests" "$DIR$UNITS"
    for program in mock-xen pvscsid pvscsictl xl-scsi xl-scsi-fake-hyp vscsi-front; do
        [ -x "$BUILD/$program" ] || skip "$BUILD/$program is not built"
        cp "$BUILD/$program" "$DIR/run/build/"
    done
    cp "$BUILD/xl-scripts/pvscsid.service" "$BUILD/xl-scripts/xl-scsi-watch.service" "$DIR$UNITS/"
    cp "$top_srcdir"/xl-scripts/pvscsid-pr-helper.* "$DIR$UNITS/"
    cp "$top_srcdir"/tests/*.sh "$DIR/run/tests/"
    printf '%s\n' '[Unit]' DefaultDependencies=no '[Service]' Type=oneshot TimeoutStartSec=infinity \
        "ExecStart=/run/tests/${0##*/} inside" Environment='top_srcdir=/run top_builddir=/run/build TMPDIR=/run/pvscsid' \
        StandardOutput=file:/run/said StandardError=inherit "ExecStopPost=/bin/sh -c 'echo \$\$EXIT_STATUS >/run/status'" \
        'ExecStopPost=systemctl --force --force exit 0' >"$DIR$UNITS/steps.service"
    printf '%s\n' '[Unit]' DefaultDependencies=no AllowIsolate=yes Wants=steps.service >"$DIR$UNITS/steps.target"
    # Where systemd goes when something fails; nobody would answer there.
    ln -s /dev/null "$DIR$UNITS/rescue.target"
    ln -s /dev/null "$DIR$UNITS/emergency.target"
    mkdir "$DIR/run/pvscsid"
    touch "$DIR/run/console"
    unshare -m --propagation private bash -c '
        set -e
        init=$1 run=$2 group=$3
        mount -t cgroup2 cgroup2 /sys/fs/cgroup
        mkdir "$group"
        echo $$ >"$group/cgroup.procs"
        exec unshare -m -p -f -u -i -C -n --kill-child --mount-proc bash -c "
            set -e
            umount /sys/fs/cgroup
            mount -t cgroup2 cgroup2 /sys/fs/cgroup
            mount --bind $run /run
            mount --bind / /mnt
            mount -o remount,bind,ro /mnt
            for dir in proc sys dev run; do mount --rbind /\$dir /mnt/\$dir; done
            for dir in tmp var/tmp etc/systemd/system; do mount -t tmpfs tmpfs /mnt/\$dir; done
            mount --bind /run/console /mnt/dev/console
            cd /mnt
            pivot_root . mnt
            umount -l /mnt
            container=test exec $init --system --unit=steps.target --log-target=console --show-status=0"
    ' machine "$init" "$DIR/run" "$group" >"$LOGS/systemd" 2>&1 </dev/null &
    MOCK_PID=$! # finish() ends it, whatever comes
    wait "$MOCK_PID"
    MOCK_PID=""
    unshare -m --propagation private bash -c 'mount -t cgroup2 cgroup2 /sys/fs/cgroup && find "$1" -depth -type d -exec rmdir {} +' \
        machine "$group" 2>/dev/null || true
    cp "$DIR/run/console" "$LOGS/console"
    [ -e "$DIR/run/said" ] || skip "no systemd can be started here: $(cat "$LOGS/systemd" "$LOGS/console" | tail -n 1)"
    cat "$DIR/run/said"
    case $(cat "$DIR/run/status") in
    0) exit 0 ;;
    77) MOCK_STATUS=77; exit 77 ;;
    *) MOCK_STATUS=1; exit 1 ;;
    esac
}
[ "${1:-}" = inside ] || machine

# --- inside it ---

PEERS_PID="" # watch-lib.sh ends them, and there are none
# shellcheck source=tests/watch-lib.sh
. "$top_srcdir/tests/watch-lib.sh"
RUN_DIR=/run/pvscsid
export FAKE_HYP=/run/xl-scsi/hyp
mkdir -p "$FAKE_HYP"
# drop_in UNIT LINE...: what a test has to have otherwise.
drop_in() {
    mkdir -p "$UNITS/$1.d"
    printf '%s\n' '[Unit]' DefaultDependencies=no ConditionPathExists= '[Service]' "${@:2}" >"$UNITS/$1.d/test.conf"
}
drop_in pvscsid.service ExecStart= "ExecStart=/run/build/pvscsid --foreground --standalone $SOCK --sandbox full" \
    "StandardError=append:$LOGS/pvscsid"
drop_in xl-scsi-watch.service ExecStart= "ExecStart=/run/build/xl-scsi-fake-hyp watch --run-dir $RUN_DIR" \
    "Environment=XENSTORED_PATH=$SOCK FAKE_HYP=$FAKE_HYP" "StandardError=append:$LOGS/watch"
systemctl daemon-reload || fail "systemctl daemon-reload"
property() { systemctl show --value -p "$1" "$2.service"; }
daemon_start() {
    systemctl start pvscsid.service || fail "the daemon does not start: $(systemctl status --no-pager pvscsid.service)"
    DAEMON_PID=$(property MainPID pvscsid)
}
daemon_end() {
    [ -n "$DAEMON_PID" ] || return 0
    DAEMON_PID=""
    systemctl stop pvscsid.service
    [ "$(property Result pvscsid)/$(property ExecMainStatus pvscsid)" = success/0 ] && return 0
    WHY=$(systemctl status --no-pager pvscsid.service)
    return 1
}

mock_start
step "the daemon has what the unit leaves it, and confines its workers fully"
daemon_start
# capset(7): the bits, by the numbers of linux/capability.h.
set=0
for name in $(sed -n 's/^CapabilityBoundingSet=//p' "$UNITS/pvscsid.service"); do
    case $name in
    CAP_DAC_OVERRIDE) bit=1 ;; CAP_KILL) bit=5 ;; CAP_SETGID) bit=6 ;; CAP_SETUID) bit=7 ;; CAP_SETPCAP) bit=8 ;;
    CAP_SYS_RAWIO) bit=17 ;; CAP_SYS_CHROOT) bit=18 ;; CAP_SYS_PTRACE) bit=19 ;; CAP_SYS_ADMIN) bit=21 ;; CAP_MKNOD) bit=27 ;;
    *) fail "the unit has $name, which this test does not know" ;;
    esac
    set=$((set | 1 << bit))
done
status_of() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"; }
check_eq "$(status_of "$DAEMON_PID" CapEff)" "$(printf %016x $set)" "the daemon's capabilities"
check_eq "$(status_of "$DAEMON_PID" NoNewPrivs)" 1 NoNewPrivs
check_match "$("$BUILD/pvscsictl" --run-dir "$RUN_DIR" status)" $'\n  sandbox: full\n' "the sandbox"

step "guests' data is right, also over a restart of the unit and a killed worker"
for guest in 1 2; do
    guest_create $guest
    disk "a$guest" 16
    attach $guest "$DISK" 0:0:0:0 --no-wait
    front_start g$guest $guest
    front g$guest "wait-dev 0:0:0:0 4"
done
front_tell g1 "load 0:0:0:0 rw=mix depth=16 bs=4k verify seconds=4"
working 1
systemctl restart pvscsid.service || fail "the unit cannot be restarted"
DAEMON_PID=$(property MainPID pvscsid)
wait_until 25 daemon_ready
working 1
worker=$(pgrep -P "$DAEMON_PID" | head -n 1)
kill -KILL "$worker"
front_answer g1 || fail "the load: $ANSWER"
check_match "$ANSWER" 'errors=0 wrong=0' "the load"
front g2 "load 0:0:0:0 rw=mix depth=4 bs=4k verify seconds=1"
detach 2 0:0:0:0
front_stop g2
# The worker of the other guest may still be ending.
only_one_worker() { [ "$(workers | wc -l)" = 1 ]; }
wait_until 25 only_one_worker
pid=$(one_worker)
check_eq "$(status_of "$pid" CapEff)" 0000000000000000 "the worker's capabilities"
check_eq "$(status_of "$pid" Uid | cut -f 1)" $((1879048192 + pid)) "the worker's user"
front_stop g1

step "the service attaches what a domain wants"
systemctl start xl-scsi-watch.service ||
    fail "the service does not start: $(systemctl status --no-pager xl-scsi-watch.service)"
disk w 8
domain 5 web 0 "file:$DISK,0:0:0:0"
front_start g5 5
front g5 "wait-dev 0:0:0:0 4"
wait_until 25 pauses_are 5 0
wait_until 25 xs_gone /local/domain/5/pvscsi
front_stop g5
systemctl stop xl-scsi-watch.service
check_eq "$(property Result xl-scsi-watch)/$(property ExecMainStatus xl-scsi-watch)" success/0 "the end of the service"

step "the PR helper is started by its socket, answers, and is started again when it was killed"
HELPER=""
if [ ! -x /usr/bin/qemu-pr-helper ]; then
    echo "/usr/bin/qemu-pr-helper is not installed (tools/install-deps --xen installs it): its unit is not checked"
elif [ ! -x /usr/bin/python3 ]; then
    echo "/usr/bin/python3 is not installed (tools/install-deps installs it): the PR helper's unit is not checked"
else
    HELPER=pvscsid-pr-helper
    drop_in pvscsid-pr-helper.socket
    drop_in pvscsid-pr-helper.service
    systemctl daemon-reload && systemctl start pvscsid-pr-helper.socket || fail "$(systemctl status --no-pager pvscsid-pr-helper.socket)"
fi
# READ KEYS on a device that is not SCSI: the helper takes the descriptor and asks it, and says what the kernel says, in
# words of SCSI. docs/interop/pr-helper.rst of QEMU: features both ways; then CDB and descriptor; status, size and
# sense.
cat >/run/ask <<'ASK'
import array, socket
s = socket.socket(socket.AF_UNIX)
s.settimeout(20)
s.connect("/run/qemu-pr-helper.sock")
features = s.recv(4, socket.MSG_WAITALL)
s.sendall(bytes(4))
cdb = bytes([0x5e, 0, 0, 0, 0, 0, 0, 0, 8, 0]) + bytes(6)
with open("/dev/null", "rb") as device:
    s.sendmsg([cdb], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [device.fileno()]))])
reply = s.recv(104, socket.MSG_WAITALL)
print(features.hex(), len(reply), reply[:8].hex(), reply[8:16].hex(), reply[20:22].hex())
ASK
# The helper itself gives up all but SYS_RAWIO (17). 0b/00/06: I/O process terminated, for an ioctl() that is refused.
if [ -n "$HELPER" ]; then
    for round in first second; do
        check_eq "$(/usr/bin/python3 /run/ask 2>&1)" "00000000 104 0000000200000000 70000b000000000a 0006" "the $round answer of the helper"
        pid=$(property MainPID $HELPER)
        check_eq "$(status_of "$pid" CapEff)/$(status_of "$pid" CapBnd)" 0000000000020000/0000000000000000 "the helper's capabilities"
        check_eq "$(status_of "$pid" NoNewPrivs)/$(status_of "$pid" Seccomp)" 1/2 "NoNewPrivs and the filter of system calls"
        [ $round = second ] || kill -KILL "$pid"
    done
fi

step "what the units do not allow does not work"
cat >/run/tries <<'TRIES'
#!/bin/bash
# One line for each that works.
cd /run/$1 || exit 1
can() { "${@:2}" >/dev/null 2>&1 && echo "$1"; }
can "the log of the kernel" head -c 1 /dev/kmsg
can "a node for memory" mknod memory c 1 1
can "a node for sg" mknod sg c 21 0
can "a file outside" touch /etc/systemd/system/file
can "a file in its directory" touch file
can "a tunable" sh -c 'echo 1 >/proc/sys/kernel/sysrq'
can "an internet socket" bash -c ': >/dev/udp/127.0.0.1/9'
can "a user namespace" unshare -U true
can "a network namespace" unshare -n true
can "other processes" ls -l /proc/1/fd/0
can "another user" setpriv --reuid 65534 true
exit 0
TRIES
chmod +x /run/tries
# tries UNIT DIRECTORY: with everything that the unit says about its process.
tries() {
    grep -v '^\(Type\|Exec.*\|Restart.*\|RuntimeDirectory.*\|WatchdogSec\|Requires\|After\|Conflicts\)=' "$UNITS/$1.service" >"$UNITS/tries-$2.service"
    drop_in "tries-$2.service" Type=oneshot "ExecStart=/run/tries $2" "StandardOutput=file:/run/tries-$2.log" "ReadWritePaths=/run/$2"
    systemctl daemon-reload && systemctl start "tries-$2.service" ||
        fail "$(systemctl status --no-pager "tries-$2.service")"
}
tries pvscsid pvscsid
check_eq "$(cat /run/tries-pvscsid.log)" "a node for sg
a file in its directory
a network namespace
other processes
another user" "what the daemon could do"
if [ -n "$HELPER" ]; then
    mkdir -p /run/helper
    tries pvscsid-pr-helper helper
    check_eq "$(cat /run/tries-helper.log)" "a file in its directory
another user" "what the helper could do"
fi
tries xl-scsi-watch xl-scsi
check_eq "$(cat /run/tries-xl-scsi.log)" "a file in its directory
other processes" "what the service could do"
daemon_stop
