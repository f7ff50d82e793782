# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154
# One emulated machine: boot, jobs, end. After image.sh and stage.sh, and lane_machine of lane.sh.
#   SHARE     the directory that dom0 sees as /host
#   CONSOLE   file with all that the machine's console said
#   QEMU_PID  empty when no machine runs
# In a lane with two hosts there is a second machine beside it: OTHER_PID, with $SHARE/other and $CONSOLE-other.

QEMU_LOCK=/run/lock/xen-pvscsi-qemu.lock
QEMU_PID=
OTHER_PID=
NETWORK=
LOCK_HELD=
JOB_NUMBER=0
CLOCK_TICKS=$(getconf CLK_TCK)
# "Bad page" and its like are dom0's end even when it goes on.
CONSOLE_FAULTS='Kernel panic|Panic on CPU|Oops|BUG:|Bad page|Xen BUG|Assertion .* failed|double fault|Out of memory: Killed'

# take_lock: one run at a time on this computer, over all source trees; held until the program ends. The machines of one
# run share it, and so do runs of one caller (--beside).
take_lock() {
    local kind=-x
    [ -z "$LOCK_HELD" ] || return 0
    [ "${beside:-0}" = 0 ] || kind=-s
    mkdir -p "$(dirname "$QEMU_LOCK")"
    exec 8>>"$QEMU_LOCK"
    if ! flock $kind -n 8; then
        say "waiting: another machine runs (holder: $(cat "$QEMU_LOCK"))"
        flock $kind 8
    fi
    LOCK_HELD=yes
    echo "process $$, ${0##*/}, since $(date +%T)" >"$QEMU_LOCK"
}

# machine_start CONSOLE [--interactive]: QEMU with Xen and dom0, with MACHINE_VCPUS processors (2). For the bench,
# MACHINE_ICOUNT=1: time is the count of instructions, as tests/xen/bench has it; MACHINE_PLUGIN=FILE loads a plugin
# into QEMU.
machine_start() {
    take_lock
    BOOT_BEGAN=$(date +%s%N)
    JOB_NUMBER=0
    CONSOLE=$1
    rm -rf "$SHARE/jobs" "$SHARE/ready" "$SHARE/quit" "$SHARE/progress" "$SHARE/other"
    mkdir -p "$SHARE/jobs"
    if [ "$lane_hosts" = 2 ]; then
        NETWORK=$(mktemp -d "${TMPDIR:-/tmp}/xen-network.XXXXXX")
        mkdir -p "$SHARE/other/jobs"
        cp -r "$SHARE"/{lib,patience,guest-type} "$SHARE/other/"
        cp -l "$SHARE"/*.cpio "$SHARE/other/"
        machine_qemu other "$SHARE/other" "$CONSOLE-other"
        OTHER_PID=$QEMU_PID
    fi
    machine_qemu first "$SHARE" "$@"
}

# machine_qemu first|other SHARE CONSOLE [--interactive]: sets QEMU_PID.
machine_qemu() {
    local which=$1 share=$2 console=$3
    shift 2
    local accel=tcg,thread=multi,tb-size=256 cpu=max,-smap,-smep,-xsave,-erms,-fsrm$lane_cpu smp=${MACHINE_VCPUS:-2} serial part
    local virtio='' iommu=()
    # An HVM guest is larger, and is saved to a file in dom0's memory.
    local dom0_mem=1024
    [ "$guest_type" != hvm ] || dom0_mem=1536
    dom0_mem=${XEN_DOM0_MEM:-$dom0_mem}
    local xen_args="$lane_console dom0_mem=${dom0_mem}M loglvl=warning guest_loglvl=none sched=credit"
    local dom0_args="console=hvc0 quiet loglevel=4 panic=5 cryptomgr.notests ${XEN_DOM0_ARGS:-}"
    # 256 MiB for translated code in place of 1 GiB: what nobody runs any more is thrown away sooner, and what runs is
    # found faster. This saves a sixth of a short run's processor time, and about a twentieth of a long one's.
    # SMAP off: QEMU 7.2 mishandles IRET from ring 3 with it. XSAVE (and so AVX) off: with it registers of one vCPU show
    # up in another now and then, and programs die at random (7 of 2,500 process starts; without it none).
    # ERMS and FSRM off: with them memcpy and the clearing of pages emulate one instruction a byte, which nothing real
    # does. KVM without VMX hangs, so TCG always.
    local extra=()
    if [ "$lane_dom0" = pvh ]; then
        # Its addresses are not the machine's, so a device must go through an IOMMU.
        xen_args="$xen_args dom0=pvh"
        iommu=(-device "amd-iommu,intremap=on")
        virtio=,iommu_platform=on,disable-legacy=on
    fi
    # QEMU 10.0 has the x2APIC. With it a PVH dom0 hangs before /init, and its timer reads the count of instructions in
    # the middle of a block of them, at which QEMU ends ("Bad icount read").
    if [ "$lane_dom0" = pvh ] || [ "${MACHINE_ICOUNT:-}" = 1 ]; then cpu=$cpu,-x2apic; fi
    if [ "${MACHINE_ICOUNT:-}" = 1 ]; then
        accel=tcg,thread=single
        smp=1
        extra=(-icount "shift=0,sleep=off")
    else
        # An emulated processor leaks nothing, so the mitigations of a real one are off, which makes the tests faster.
        # Xen does not clear free memory, which would take 8 s after the boot. Guests have dom0's settings. The bench
        # has everything on. dom0 prepares tables for the most memory that it may ever have, so this is little more than
        # it has.
        xen_args="$xen_args bootscrub=no"
        ! arch_is_here || xen_args="$xen_args spec-ctrl=no dom0_mem=max:$((dom0_mem + 256))M"
        dom0_args="$dom0_args mitigations=off init_on_alloc=0 randomize_kstack_offset=off"
        # The emulated processors count in step, which Linux believes of one alone. Else each look at the clock is a
        # system call.
        dom0_args="$dom0_args tsc=reliable"
        # A program whose addresses are other ones at each start is translated anew by QEMU at each start, which takes
        # half the time of a short program.
        dom0_args="$dom0_args norandmaps"
        # An emulated processor that waits for a real one is not stuck.
        dom0_args="$dom0_args watchdog_thresh=30"
        # On one processor Linux takes the lock prefixes out of its code, one at a time, which takes 0.7 s. They cost
        # nothing where QEMU has one processor too.
        [ "$smp" != 1 ] || dom0_args="$dom0_args noreplace-smp"
        # What takes seconds of a boot in emulation and serves no test: protection of the kernel's own pages, IPv6,
        # keys, and parts that start modprobe in vain or read the kernel's type information.
        dom0_args="$dom0_args rodata=off ipv6.disable=1"
        for part in crypto_kdf108_init init_encrypted init_kprobe_trace cubictcp_register tcp_congestion_default \
            bpf_rstat_kfunc_init load_system_certificate_list fscrypt_init; do
            dom0_args="$dom0_args initcall_blacklist=$part"
        done
        # A SCSI host that takes 120 KiB at once, as a USB burner does: a disk and an optical drive. dom0 loads the
        # driver in a test that wants them (small_host_load in dom0.sh), and writes the disc as a file of the share.
        rm -f "$share"/small-*
        truncate -s 16M "$share/small-disk" "$share/small-disc"
        extra=(-device "virtio-scsi-pci,id=small,max_sectors=240$virtio"
            -drive "if=none,id=small-disk,format=raw,cache=unsafe,file=$share/small-disk"
            -drive "if=none,id=small-disc,format=raw,cache=unsafe,readonly=on,file=$share/small-disc"
            -device "scsi-hd,bus=small.0,scsi-id=0,drive=small-disk" -device "scsi-cd,bus=small.0,scsi-id=1,drive=small-disc")
    fi
    case $lane_hosts$which in
    2first) extra+=(-device "virtio-net-pci,netdev=network,host_mtu=60000,romfile=,mac=52:54:00:00:00:01" -netdev
        "dgram,id=network,local.type=unix,local.path=$NETWORK/1,remote.type=unix,remote.path=$NETWORK/2") ;;
    2other) extra+=(-device "virtio-net-pci,netdev=network,host_mtu=60000,romfile=,mac=52:54:00:00:00:02" -netdev
        "dgram,id=network,local.type=unix,local.path=$NETWORK/2,remote.type=unix,remote.path=$NETWORK/1") ;;
    esac
    [ -z "${MACHINE_PLUGIN:-}" ] || extra+=(-plugin "$MACHINE_PLUGIN,dir=$SHARE")
    if [ "${2:-}" = --interactive ]; then
        serial=(-chardev "stdio,id=console,signal=off,mux=on,logfile=$console" -mon chardev=console)
    else
        serial=(-chardev "file,id=console,path=$console" -monitor none)
    fi
    local board=(-machine q35 -cpu "$cpu")
    local boot=(-kernel "$IMAGE/xen.elf" -append "$xen_args dom0_max_vcpus=$smp"
        -initrd "$IMAGE/vmlinux $dom0_args,$IMAGE/dom0.cpio")
    arch_is_here || arm64_boot
    # If a signal ends this shell, the machine must not stay behind with the lock.
    local redirect=/dev/null
    [ "${2:-}" != --interactive ] || redirect=/dev/tty
    setpriv --pdeathsig KILL "${QEMU[@]}" \
        "${board[@]}" -accel "$accel" -smp "$smp" -m "${XEN_MEM:-3072}" \
        -nodefaults -display none -no-reboot \
        "${iommu[@]}" "${extra[@]}" "${serial[@]}" -serial chardev:console \
        -fsdev "local,id=host,path=$share,security_model=none" \
        -device "virtio-9p-pci,fsdev=host,mount_tag=host$virtio" \
        "${boot[@]}" \
        <"$redirect" 2>"$console.qemu" 8>&- &
    QEMU_PID=$!
}

machine_alive() { [ -n "$QEMU_PID" ] && kill -0 "$QEMU_PID" 2>/dev/null; }

# machine_fault: prints the console's first line that tells of damage.
machine_fault() {
    local line
    line=$(grep -ahEm1 "$CONSOLE_FAULTS" "$CONSOLE" ${OTHER_PID:+"$CONSOLE-other"} 2>/dev/null | grep -m1 .) || return 1
    printf '%s' "$line" | tr -d '\r'
}

# machine_clock: seconds as time limits count them: not those in which QEMU waited for
# a processor that others had. On a busy computer nothing fails for that alone.
machine_clock() {
    local file _ waited most=0
    for file in /proc/"$QEMU_PID"/task/*/schedstat; do
        read -r _ waited _ 2>/dev/null <"$file" || continue
        [ "$waited" -le "$most" ] || most=$waited
    done
    echo $((SECONDS - most / 1000000000))
}

# machine_cpu: seconds of processor time that QEMU has used, with one decimal.
machine_cpu() {
    local stat ticks=0
    read -r stat 2>/dev/null <"/proc/${QEMU_PID:-none}/stat" || { echo 0.0; return; }
    # After the program's name in brackets: fields 14 and 15 are the time in user mode and in the kernel.
    # shellcheck disable=SC2086
    set -- ${stat##*) }
    ticks=$(((${12} + ${13}) * 10 / CLOCK_TICKS))
    echo "$((ticks / 10)).$((ticks % 10))"
}

# machine_wait_ready [SECONDS]; on failure says why on stderr.
machine_wait_ready() {
    local most=${1:-$((90 * lane_slow))} end soonest fault
    soonest=$((SECONDS + most))
    end=$(($(machine_clock) + most))
    while [ ! -e "$SHARE/ready" ] || { [ -n "$OTHER_PID" ] && [ ! -e "$SHARE/other/ready" ]; }; do
        sleep 0.1
        if fault=$(machine_fault); then
            warn "the boot failed: $fault"
            return 1
        fi
        machine_alive || { warn "QEMU ended: $(tail -n 3 "$CONSOLE.qemu")"; return 1; }
        [ "$SECONDS" -lt "$soonest" ] || [ "$(machine_clock)" -lt "$end" ] ||
            { warn "no dom0 after $most s; console: $CONSOLE"; return 1; }
    done
    BOOT_TIME=$((($(date +%s%N) - BOOT_BEGAN) / 100000000))
    BOOT_TIME=${BOOT_TIME%?}.${BOOT_TIME: -1}
}

machine_stop() {
    [ -n "$QEMU_PID" ] || return 0
    # shellcheck disable=SC2086
    kill -KILL $QEMU_PID $OTHER_PID 2>/dev/null
    # shellcheck disable=SC2086
    wait $QEMU_PID $OTHER_PID 2>/dev/null
    QEMU_PID='' OTHER_PID=''
    [ -z "$NETWORK" ] || rm -rf "$NETWORK"
    NETWORK=
}

# machine_job KIND SCRIPT: hands it to jobs.sh in dom0; sets JOB to its directory.
machine_job() {
    JOB_NUMBER=$((JOB_NUMBER + 1))
    JOB=$SHARE/jobs/$JOB_NUMBER
    mkdir -p "$JOB"
    echo "$1" >"$JOB/kind"
    cp "$2" "$JOB/script"
    : >"$JOB/out"
    : >"$JOB/go"
}

# machine_wait_job SECONDS: 0 with JOB_STATUS and JOB_DAMAGE (0 or 1); 1 with
# JOB_REASON after a time-out, a panic or QEMU's end. After a 1 the machine must not be used again.
machine_wait_job() {
    local end soonest=$((SECONDS + $1)) fault
    end=$(($(machine_clock) + $1))
    while [ ! -e "$JOB/result" ]; do
        # Each turn takes 6 ms of a processor that a machine could use.
        sleep 1
        machine_alive || { JOB_REASON="the machine ended ($(machine_fault || tail -n 1 "$CONSOLE.qemu"))"; return 1; }
        # A panic has more to say than its first line.
        if fault=$(machine_fault); then
            sleep 2
            [ -e "$JOB/result" ] && break
            JOB_REASON=$fault
            return 1
        fi
        if [ "$SECONDS" -ge "$soonest" ] && [ "$(machine_clock)" -ge "$end" ]; then
            JOB_REASON="no end after $1 s"
            : >"$JOB/abort"
            end=$((SECONDS + 20))
            while [ ! -e "$JOB/diagnosed" ] && [ "$SECONDS" -lt "$end" ]; do sleep 0.2; done
            return 1
        fi
    done
    read -r _ JOB_STATUS JOB_DAMAGE <"$JOB/result"
    return 0
}
