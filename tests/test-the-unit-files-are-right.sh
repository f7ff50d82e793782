#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The systemd units agree with the programs and their pages: options, signals, readiness, sockets, directories.
set -u
top_srcdir=${top_srcdir:-$(dirname -- "$0")/..}
BUILD=${top_builddir:-.}
failed=0
wrong() { echo "FAIL: $*"; failed=1; }
# value UNIT KEY: of the only line with this key.
value() { sed -n "s/^$2=//p" "$1"; }
same() { [ -n "$2" ] && [ "$2" = "$3" ] || wrong "$1: '$2' and '$3'"; }

daemon=$BUILD/xl-scripts/pvscsid.service watch=$BUILD/xl-scripts/xl-scsi-watch.service
helper=$top_srcdir/xl-scripts/pvscsid-pr-helper.service socket=$top_srcdir/xl-scripts/pvscsid-pr-helper.socket
page=$top_srcdir/docs/pvscsid.8.in
settings=$("$BUILD/pvscsid" --config /dev/null --dump-config) || wrong "pvscsid --dump-config"
setting() { sed -n "s/^$1 *= *\"\(.*\)\"$/\1/p" <<<"$settings"; }

# A unit that starts only if a device node is there: the node's module is loaded at boot.
for module in $(sed -n 's|^ConditionPathExists=/dev/xen/|xen-|p' "$daemon"); do
    grep -qx "$module" "$top_srcdir/xl-scripts/modules-load.d/xen-pvscsi.conf" ||
        wrong "$daemon waits for $module, which nothing loads"
done

for unit in "$daemon" "$watch" "$helper" "$socket"; do
    ! grep -n '@[a-z]*dir@' "$unit" || wrong "$unit: a directory was not put in"
    # Every page and every unit of this project that a unit names exists.
    for name in $(value "$unit" Documentation); do
        name=${name#man:} section=${name##*(}
        name=${name%(*}.${section%)}
        case $name in
        qemu-pr-helper.8) ;;
        *) [ -e "$top_srcdir/docs/$name" ] || [ -e "$top_srcdir/docs/$name.in" ] || wrong "$unit: no page $name" ;;
        esac
    done
    for name in $(sed -n 's/^\(After\|Before\|Requires\|Wants\)=//p' "$unit"); do
        case $name in
        pvscsid* | xl-scsi*)
            [ -e "$BUILD/xl-scripts/$name" ] || [ -e "$top_srcdir/xl-scripts/$name" ] || wrong "$unit: no unit $name" ;;
        esac
    done
done
# runs UNIT NAME: ExecStart of UNIT runs the program NAME by its path, with arguments that it knows.
runs() {
    local start program argument
    start=$(value "$1" ExecStart)
    program=${start%% *}
    case $program in /*"/$2") ;; *) wrong "$1: ExecStart=$start is not $2" ;; esac
    for argument in ${start#"$program"}; do
        "$BUILD/$2" --help | grep -qE -- "(^|[ ,])$argument( |$)" || wrong "$1: $2 --help does not name $argument"
    done
}
runs "$daemon" pvscsid
runs "$watch" xl-scsi

# In the foreground the main process sends READY=1. No other process may send it.
same "pvscsid.service: Type, and pvscsid(8)" "$(value "$daemon" Type)" "$(sed -n 's/.*Cm Type=\([a-z]*\).*/\1/p' "$page")"
[[ "$(value "$daemon" ExecStart) " == *" --foreground "* ]] || wrong "pvscsid.service: not in the foreground"
! grep -q '^NotifyAccess=' "$daemon" || wrong "pvscsid.service: NotifyAccess is not its default, main"
[[ "$(value "$daemon" ExecReload)" == */"kill -HUP \$MAINPID" ]] || wrong "pvscsid.service: ExecReload is no SIGHUP"
grep -q '^\.It Dv SIGHUP' "$page" || wrong "pvscsid(8) does not say what SIGHUP does"
same "the run directory" "$(setting run_dir)" "/run/$(value "$daemon" RuntimeDirectory)"
same "RuntimeDirectoryPreserve, for the next start" "$(value "$daemon" RuntimeDirectoryPreserve)" yes
same "the PR helper's socket" "$(setting pr_socket)" "$(value "$socket" ListenStream)"
# The pages as they are installed name the directories of this build.
same "the log, and pvscsid(8)" "$(setting log_file)" "$(sed -n 's/^\.It Pa \(.*\.log\)$/\1/p' "$BUILD/docs/pvscsid.8")"
same "the log, and pvscsid.conf(5)" "$(setting log_file)" "$(sed -n 's/^\.Qq \(.*\.log\) \.$/\1/p' "$BUILD/docs/pvscsid.conf.5")"
same "the config file" "$("$BUILD/pvscsid" --help | grep -o '/[^ ]*/pvscsid\.conf' | head -n 1)" \
    "$(sed -n 's/^\.It Pa \(.*\.conf\)$/\1/p' "$BUILD/docs/pvscsid.8")"

# The example of a config file names all settings, as comments, with their defaults, and can be read.
same "pvscsid.conf: its comments, and the defaults" "$(sed -n 's/^#\([a-z_]* = \)/\1/p' "$BUILD/xl-scripts/pvscsid.conf")" "$settings"
same "pvscsid.conf without its comment signs" "$(sed 's/^#\([a-z_]* = \)/\1/' "$BUILD/xl-scripts/pvscsid.conf" >uncommented.$$ &&
    "$BUILD/pvscsid" --config uncommented.$$ --dump-config 2>&1)" "$settings"
rm -f uncommented.$$

# What the units leave to a program that was taken over, in tenths of systemd's scale of 0 (nothing) to 10 (everything).
if command -v systemd-analyze >/dev/null && systemd-analyze security --help | grep -q -e --offline; then
    for unit in "$daemon" "$watch" "$helper"; do
        systemd-analyze security --offline=yes --threshold=30 --no-pager "$unit" >exposure.$$ 2>&1 ||
            wrong "$unit: more than 3.0: $(tail -n 1 exposure.$$); $(grep -o '^✗.*' exposure.$$)"
    done
    rm -f exposure.$$
else
    echo "systemd-analyze is not installed, or older than 250: what the units leave is not checked"
fi
same "pvscsid.service: capabilities, and what the daemon keeps" \
    "$(value "$daemon" CapabilityBoundingSet | tr ' ' '\n' | sort | xargs)" \
    "$(sed -n '/kept\[\] = {/,/};/p' "$top_srcdir/src/control/sandbox.c" | grep -o 'CAP_[A-Z_]*' | sort | xargs)"
# By number: a name counts only if its driver is loaded when the unit starts. devices.txt of the kernel: sd, sr.
disks="8 11 65 66 67 68 69 70 71 128 129 130 131 132 133 134 135"
for unit in "$daemon" "$watch"; do
    same "$unit: block devices" "$(sed -n 's/^DeviceAllow=block-\([0-9]*\) .*/\1/p' "$unit" | sort -n | xargs)" "$disks"
done
same "pvscsid.service: character devices, sg and st" "$(sed -n 's/^DeviceAllow=char-//p' "$daemon" | sort | xargs)" "21 rwm 9 rw"
# The hypervisor's devices: what the libraries open.
same "pvscsid.service: the hypervisor's devices" "$(sed -n 's|^DeviceAllow=/dev/xen/||p' "$daemon" | sort | xargs)" \
    "evtchn rw gntalloc rw gntdev rw xenbus rw"
same "xl-scsi-watch.service: the hypervisor's devices" "$(sed -n 's|^DeviceAllow=/dev/xen/||p' "$watch" | sort | xargs)" \
    "hypercall rw privcmd rw xenbus rw"

if command -v mandoc >/dev/null; then
    for name in pvscsid.8 pvscsid.conf.5; do
        complaints=$(mandoc -Tlint "$BUILD/docs/$name" 2>&1 | grep -v 'referenced manual not found\|makewhatis')
        [ -z "$complaints" ] || wrong "$complaints"
    done
else
    echo "mandoc is not installed: the format of the pages is not checked"
fi
exit $failed
