# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154
# What is different in a lane for arm64: nothing of this computer can run there, so all programs are Debian's for arm64,
# and the project and the tests' programs are built by a compiler for it. lane.sh sources this.

# arm64_needs: ends the run when this computer lacks QEMU or the compiler.
arm64_needs() {
    local program
    for program in qemu-system-aarch64 $triple-gcc $triple-strip make; do
        command -v "$program" >/dev/null || skip_lane "$program is missing; tools/install-deps --xen-arm64 installs it"
    done
}

# arm64_programs: the packages of the images, and those that the project is built with.
arm64_programs() {
    echo "xen-hypervisor-$xen_version-arm64 linux-image-$kernel xen-utils-$xen_version xen-utils-common xenstore-utils
        open-iscsi tgt sdparm smartmontools libiscsi-bin multipath-tools
        busybox-static bash coreutils bsdutils util-linux kmod e2fsprogs sg3-utils lsscsi mt-st mtx qemu-system-common strace
        linux-libc-dev libsgutils2-dev libconfuse-dev libjson-c-dev libncurses-dev libseccomp-dev libcap-ng-dev libedit-dev"
}

# arm64_libraries FILE: as list_libraries, without running anything.
arm64_libraries() {
    local todo=("$1") seen=" " file name path
    while [ ${#todo[@]} -gt 0 ]; do
        file=${todo[0]}
        todo=("${todo[@]:1}")
        # The libraries, and the path of the loader.
        while read -r name; do
            case $seen in *" $name "*) continue ;; esac
            seen="$seen$name "
            for path in "$unpacked/usr/lib/$triple/$name" "$unpacked/usr$name"; do
                [ -e "$path" ] || continue
                say "$path"
                todo+=("$path")
            done
        done < <(readelf -ld "$file" 2>/dev/null |
            sed -n 's/.*(NEEDED).*\[\(.*\)\]$/\1/p; s/.*program interpreter: \(.*\)\]$/\1/p')
    done
}

# arm64_scsi_debug: the path of the module scsi_debug, which Debian's kernel for arm64 does not have. It is built of
# the source of that kernel, once.
arm64_scsi_debug() {
    local dir=$XEN_CACHE/scsi_debug-$kernel series=${kernel%%-*} log=$XEN_CACHE/scsi_debug.log deb
    series=${series%.*}
    if [ ! -e "$dir/scsi_debug.ko" ]; then
        progress "building scsi_debug" >&2
        rm -rf "$dir"
        mkdir -p "$dir"/{debs,module}
        # The programs that build a module run on this computer.
        (cd "$dir/debs" && suite_apt run_quietly "$log" apt-get -o APT::Sandbox::User=root download \
            "linux-headers-$kernel" "linux-headers-${kernel%-*}-common" "linux-source-$series" &&
            run_quietly "$log" apt-get -o APT::Sandbox::User=root download "linux-kbuild-$series") ||
            die "cannot download the source of Linux $kernel"
        for deb in "$dir"/debs/*.deb; do dpkg -x "$deb" "$dir"; done
        tar -xJf "$dir/usr/src/linux-source-$series.tar.xz" -C "$dir/module" --strip-components=3 --wildcards \
            --no-wildcards-match-slash "linux-source-$series/drivers/scsi/*.h" "linux-source-$series/drivers/scsi/scsi_debug.c" ||
            die "no scsi_debug in the source of Linux $kernel"
        echo "obj-m := scsi_debug.o" >"$dir/module/Makefile"
        sed -i "s|/usr/src|$dir/usr/src|" "$dir/usr/src/linux-headers-$kernel/Makefile"
        run_quietly "$log" make -C "$dir/usr/src/linux-headers-$kernel" M="$dir/module" ARCH=arm64 CC="$triple-gcc" \
            CROSS_COMPILE="$triple-" modules || die "cannot build scsi_debug for Linux $kernel"
        mv "$dir/module/scsi_debug.ko" "$dir/"
        rm -rf "${dir:?}"/{debs,module,usr,lib}
    fi
    say "$dir/scsi_debug.ko"
}

# arm64_complete IMAGE: the hypervisor and the kernel, which need no unpacking, and what the packages do not have.
arm64_complete() {
    local module
    cp "$unpacked/boot/xen-$xen_version-arm64" "$1/xen.elf"
    cp "$unpacked/boot/vmlinuz-$kernel" "$1/vmlinux"
    ln -s mt-st "$unpacked/usr/bin/mt"
    module=$(arm64_scsi_debug) || exit
    mkdir -p "$unpacked/usr/lib/modules/$kernel/updates"
    cp "$module" "$unpacked/usr/lib/modules/$kernel/updates/"
}

# arm64_build DIR: the project, built there against the libraries of the image.
arm64_build() {
    pvscsi_build "$1" --host="$triple" --enable-werror --without-check CC="$triple-gcc --sysroot=$unpacked" \
        PKG_CONFIG_SYSROOT_DIR="$unpacked" PKG_CONFIG_LIBDIR="$unpacked/usr/lib/$triple/pkgconfig:$unpacked/usr/share/pkgconfig"
}

# arm64_boot: for machine_qemu, the board in place of a PC, and what it starts. QEMU puts the kernel and the archive at
# these addresses, and tells Xen of them in the device tree. On this board Xen gives dom0 no message-signaled
# interrupts.
arm64_boot() {
    local kernel_args="$dom0_args pci=nomsi cma=0"
    board=(-machine "virt,virtualization=on,gic-version=3" -cpu cortex-a57)
    # A comma ends an option of a device, but for two.
    boot=(-kernel "$IMAGE/xen.elf" -append "$xen_args dom0_max_vcpus=$smp"
        -device "guest-loader,addr=0x50000000,kernel=$IMAGE/vmlinux,bootargs=${kernel_args//,/,,}"
        -device "guest-loader,addr=0x54000000,initrd=$IMAGE/dom0.cpio")
}
