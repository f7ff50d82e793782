# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash disable=SC2154
# A systemd in dom0 that starts the project's services by the units that `make install` has installed. dom0's own init
# is another, so systemd has a PID namespace; devices, /run and xenstore are dom0's. A test sources it, after dom0.sh.

# systemd_start [UNIT...]: then systemctl works. UNITs log to the files that unit_log names.
systemd_start() {
    local unit
    unpack_extra systemd
    for unit; do
        mkdir -p "/run/systemd/system/$unit.d"
        printf '[Service]\nStandardError=append:%s\n' "$(unit_log "$unit")" >"/run/systemd/system/$unit.d/log.conf"
    done
    : >/tmp/systemd.log
    # --move, as switch_root has it: the first root directory cannot be exchanged by pivot_root.
    unshare -m --propagation private bash -c '
        set -e
        mount -t cgroup2 cgroup2 /sys/fs/cgroup
        mkdir -p /sys/fs/cgroup/units
        echo $$ >/sys/fs/cgroup/units/cgroup.procs
        exec unshare -m -p -f -u -i -C --kill-child --mount-proc bash -c "
            set -e
            umount /sys/fs/cgroup
            mount -t cgroup2 cgroup2 /sys/fs/cgroup
            mount -t xenfs xenfs /proc/xen
            mount --bind /tmp/systemd.log /dev/console
            mount --rbind / /mnt
            cd /mnt
            mount --move . /
            exec chroot . env -i container=test /usr/lib/systemd/systemd --system --unit=basic.target --log-target=console --show-status=0"
    ' </dev/null >>/tmp/systemd.log 2>&1 &
    SYSTEMD_PID=$!
    within 30 "systemctl is-active basic.target || ! kill -0 $SYSTEMD_PID" || fail "systemd does not start: $(systemctl is-active basic.target 2>&1) $(tail -n 1 /tmp/systemd.log)"
    kill -0 $SYSTEMD_PID 2>/dev/null || fail "systemd ended: $(tail -n 3 /tmp/systemd.log)"
}

# systemd talks only to processes that have a number in its PID namespace.
systemctl() { nsenter -t "$(tr -d ' ' <"/proc/$SYSTEMD_PID/task/$SYSTEMD_PID/children")" -m -p /usr/bin/systemctl "$@"; }

unit_log() {
    case $1 in
    pvscsid.service) echo "$DAEMON_LOG" ;;
    *) echo "/tmp/${1%.service}.log" ;;
    esac
}

# unit_start UNIT...
unit_start() {
    systemctl start "$@" >/tmp/systemctl 2>&1 && return 0
    cat /tmp/systemctl
    systemctl status --no-pager "$@"
    fail "systemctl start $*: $(head -n 1 /tmp/systemctl)"
}

# unit_stop UNIT...: each has ended well.
unit_stop() {
    local unit
    expect_ok systemctl stop "$@"
    for unit; do
        expect_eq "$(systemctl show --value -p Result "$unit")" success "the end of $unit"
    done
}

# process_of NAME: a process of this program, as dom0 numbers it.
process_of() {
    grep -lx "$1" /proc/[0-9]*/comm 2>/dev/null | head -n 1 | cut -d/ -f3 | grep . || fail "no process of $1 runs"
}

systemd_stop() {
    kill -KILL "$SYSTEMD_PID"
    wait "$SYSTEMD_PID" 2>/dev/null
    # Tests without systemd must not find its directory, which says that it runs.
    rm -rf /run/systemd
}
