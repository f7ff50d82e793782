# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
# Makes what a boot needs, from Debian's packages, without installing them:
#   $XEN_CACHE/image/{xen.elf,vmlinux,dom0.cpio,System.map-less kernel modules}
# The base is made once for a set of package versions; what changes with every
# build (the project, iopat, the shell library) is not in it: see stage.sh.
# Needs TOP, tools/lib.sh and lane.sh; sets XEN_CACHE and IMAGE.

XEN_CACHE=${XEN_CACHE:-$TOP/build/xen}
XEN_LIB=$TOP/tests/xen/lib

# Modules that dom0 and guests get, with all that they depend on.
both_modules="xen-evtchn xen-gntdev xen-gntalloc xenfs sg sd_mod st ch sr_mod ses
    scsi_debug loop ext4 dm_mod dm_multipath dm_round_robin dm_service_time scsi_dh_alua"
# Newer kernels have some of these built in, or not at all.
algorithms="crc32c_generic crct10dif_generic crc64_rocksoft_generic"
dom0_modules="$both_modules xen-privcmd xen-scsiback xen-blkback target_core_mod target_core_pscsi
    target_core_file target_core_iblock tcm_loop iscsi_target_mod iscsi_tcp scsi_dh_rdac
    9p 9pnet_virtio virtio_pci virtio_scsi virtio_blk virtio_net"
guest_modules="$both_modules xen-scsifront xen-blkfront"

# Programs taken from the host. A missing one is only a warning, because a test that needs it reports that itself.
both_programs="sg_inq sg_luns sg_readcap sg_persist sg_raw sg_vpd sg_turs sg_dd sgp_dd sg_read
    sg_verify sg_modes sg_requests sg_reset sg_senddiag sg_write_same sg_unmap sg_rtpg
    sg_opcodes sg_logs sg_start sg_sync sg_format sg_ses sg_scan sg_map sg_map26
    sg_prevent sg_reassign sg_rep_zones sg_get_lba_status sg_compare_and_write sg_xcopy
    sg_write_buffer sg_read_buffer sg_write_long sg_read_long sg_ident sg_sanitize
    sg_timestamp sg_stream_ctl sg_write_x sg_get_config sg_wr_mode sg_rdac sg_safte
    lsscsi mt mtx flock setpriv timeout kmod bash prlimit unshare
    mke2fs e2fsck taskset ionice blockdev"
dom0_programs="$both_programs qemu-pr-helper xenstore-ls xenstore-read xenstore-write
    xenstore-rm xenstore-list xenstore-chmod xenstore-exists xenstore-watch
    script strace"
# From the unpacked packages, for dom0 and guests.
package_programs="usr/bin/sdparm usr/sbin/smartctl usr/bin/iscsi-test-cu"
guest_programs="$both_programs xenstore-ls xenstore-read xenstore-write
    xenstore-rm xenstore-list xenstore-exists xenstore-watch strace"

# install_elf ROOT FILE TARGET: FILE as ROOT/TARGET, with the libraries ldd names.
# A library's directory is kept, but for the merged /usr and the unpacked packages.
install_elf() {
    local root=$1 file=$2 target=$3 library
    mkdir -p "$root/$(dirname "$target")"
    [ -e "$root/$target" ] || cp -L "$file" "$root/$target"
    while read -r library; do
        local to=${library#"$unpacked"}
        case $to in
        /lib/* | /lib64/*) to=/usr$to ;;
        esac
        [ -e "$root$to" ] && continue
        mkdir -p "$root$(dirname "$to")"
        cp -L "$library" "$root$to"
    done < <(list_libraries "$file")
}

# host_program NAME: the path of a program of the host. For another processor, of that processor's packages.
host_program() {
    local top=$unpacked
    ! arch_is_here || top=
    PATH=$top/usr/sbin:$top/usr/bin:$top/sbin:$top/bin command -v "$1"
}

# install_program ROOT NAME: a program of the host, where it is in the host's PATH.
install_program() {
    local root=$1 name=$2 path file
    file=$(host_program "$name") || {
        case $name in
        strace) ;;
        *) warn "the images go without $name" ;;
        esac
        return 0
    }
    path=$file
    arch_is_here || path=${path#"$unpacked"}
    case $path in
    /usr/*) ;;
    *) path=/usr$path ;;
    esac
    install_elf "$root" "$file" "$path"
}

skeleton() {
    local root=$1
    mkdir -p "$root"/{usr/bin,usr/sbin,usr/lib,usr/lib64,usr/local/sbin,usr/local/bin} \
        "$root"/{proc,sys,dev,run,tmp,root,etc,mnt,host,var/lib,var/log}
    ln -s usr/bin usr/sbin usr/lib usr/lib64 "$root"
    ln -s ../run "$root/var/run"
    ln -s ../run/lock "$root/var/lock"
    ln -s /proc/self/mounts "$root/etc/mtab"
    echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
    echo 'nobody:x:65534:65534:nobody:/:/bin/false' >>"$root/etc/passwd"
    printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
    cp "$(host_program busybox)" "$root/usr/bin/busybox"
}

# This comes last, so that a real program of the same name is preferred to busybox's. The kernel runs /sbin/poweroff by
# its path.
applets() {
    local root=$1 path name
    for path in $(busybox --list-full); do
        name=${path##*/}
        if [ -e "$root/usr/bin/$name" ] || [ -e "$root/usr/sbin/$name" ]; then
            continue
        fi
        case $path in
        */sbin/* | sbin/*) ln -s ../bin/busybox "$root/usr/sbin/$name" ;;
        *) ln -s busybox "$root/usr/bin/$name" ;;
        esac
    done
}

install_modules() {
    local root=$1 module path
    shift
    # modprobe names what it finds by way of the link lib.
    local from=$unpacked/lib/modules/$kernel to=$root/usr/lib/modules/$kernel cross=
    arch_is_here || cross=$triple-
    for module in "$@" $algorithms; do
        modprobe -d "$unpacked" -S "$kernel" --show-depends "$module" 2>/dev/null |
            awk '$1 == "insmod" || $1 == "builtin" { print $2 }' | grep . ||
            case " $algorithms " in *" $module "*) ;; *) warn "the kernel has no module $module" ;; esac
    done | grep ^/ | sort -u | while read -r path; do
        path=${path#"$from/"}
        mkdir -p "$to/$(dirname "$path")"
        # Without its signature, which costs more to verify in emulation than the module does to load.
        case $path in
        *.xz)
            xz -dc "$from/$path" >"$to/${path%.xz}.signed"
            "${cross}strip" --strip-debug -o "$to/${path%.xz}" "$to/${path%.xz}.signed"
            rm "$to/${path%.xz}.signed"
            ;;
        *) "${cross}strip" --strip-debug -o "$to/$path" "$from/$path" ;;
        esac
    done
    cp "$from"/modules.{order,builtin,builtin.modinfo} "$to/"
    depmod -b "$root" "$kernel"
    local tool
    for tool in modprobe insmod rmmod lsmod modinfo depmod; do
        ln -sf /usr/bin/kmod "$root/usr/sbin/$tool"
    done
}

pack() {
    (cd "$1" && find . -print0 | LC_ALL=C sort -z | cpio -0 -o -H newc -R 0:0 --quiet) >"$2"
}

# The payload of a bzImage: saves Xen, and then every xl create, the unpacking
# in emulation.
extract_kernel() {
    local format magic offset
    : >"$2"
    # Each complains of the length word that follows the payload; that is expected. A magic number that is there by
    # chance gives no ELF file.
    while read -r format magic; do
        LC_ALL=C grep -aboP "$magic" "$1" | cut -d: -f1 | while read -r offset; do
            tail -c "+$((offset + 1))" "$1" | "$format" -dc 2>/dev/null >"$2"
            [ "$(head -c 4 "$2" | tail -c 3)" != ELF ] || break
        done
        [ "$(head -c 4 "$2" | tail -c 3)" != ELF ] || break
    done <<'FORMATS'
xz \xfd7zXZ
zstd \x28\xb5\x2f\xfd
FORMATS
    [ "$(head -c 4 "$2" | tail -c 3)" = ELF ] || die "no kernel compressed by xz or zstd in $1"
    # Only a kernel under AMD's SME uses this section, at the end of memory that is zero: without it the file has 25 MB
    # less, which each xl create would read and copy.
    objcopy -R .init.scratch "$2"
}

# What comes with Debian's release 12 beside these programs; of another release, all libraries that they depend on.
suite_programs() {
    arch_is_here || { arm64_programs && return; }
    echo "xen-hypervisor-$xen_version-amd64 linux-image-$kernel xen-utils-$xen_version xen-utils-common xenstore-utils
        open-iscsi tgt sdparm smartmontools libiscsi-bin libvirt-daemon libvirt-daemon-driver-xen libvirt-clients
        multipath-tools"
    # The device model of HVM guests.
    suite_is_here || echo "qemu-system-xen qemu-system-data seabios"
}
libraries_here="libyajl2 libxencall1 libxendevicemodel1 libxenevtchn1
    libxenforeignmemory1 libxengnttab1 libxenhypfs1 libxenmisc4.17 libxenstore4
    libxentoolcore1 libxentoollog1 libopeniscsiusr libisns0
    libibverbs1 librdmacm1 libnl-3-200 libnl-route-3-200 libiscsi7 libcunit1
    libvirt0 libapparmor1 libcurl3-gnutls libnuma1 libreadline8 libsasl2-2 libssh-4 libssh2-1 libtirpc3 libxml2
    libaio1 liburcu8 libdevmapper1.02.1 libedit2 libjson-c5"

# suite_libraries PROGRAM...: the names of the packages. Two are for the tests' own programs, which are built here.
suite_libraries() {
    local more="libxen-dev libc6-dev"
    (cd / && suite_apt apt-get -y --no-install-recommends --print-uris install "$@" $more) |
        sed -n "s/^'[^']*' \\([^_ ]*\\)_.*/\\1/p" | grep -E '^(lib|zlib)'
}

fetch_packages() {
    local packages package uris
    arch_is_here || arm64_needs
    suite_lists
    kernel=$(suite_apt apt-cache depends "linux-image-$lane_arch" |
        sed -n "s/.*Depends: linux-image-\([0-9].*-$lane_arch\)\$/\1/p" | head -n 1)
    [ -n "$kernel" ] || die "apt knows no linux-image-$lane_arch (apt-get update?)"
    packages=$(suite_programs)
    if suite_is_here; then
        packages="$packages $libraries_here"
    else
        # shellcheck disable=SC2086
        packages="$packages $(suite_libraries $packages)"
    fi
    mkdir -p "$XEN_CACHE/debs"
    debs=
    # One apt call names the files; it and the download are skipped when the
    # answer is the same as last time.
    # apt leaves out what is in the current directory, so ask elsewhere.
    # shellcheck disable=SC2086
    uris=$(cd / && suite_apt apt-get download --print-uris $packages 2>/dev/null | awk '{ print $2 }')
    [ -n "$uris" ] || die "apt cannot find:" $packages
    for package in $uris; do
        if [ ! -e "$XEN_CACHE/debs/$package" ]; then
            progress "downloading $package"
            # shellcheck disable=SC2086
            (cd "$XEN_CACHE/debs" && suite_apt run_quietly "$XEN_CACHE/download.log" \
                apt-get -o APT::Sandbox::User=root download $packages) || die "cannot download the packages"
        fi
        [ -e "$XEN_CACHE/debs/$package" ] || die "apt-get download did not give $package"
        debs="$debs $package"
    done
}

# extra IMAGE NAME BASE: of IMAGE/extra what the image of BASE (dom0, guest) does not have becomes
# IMAGE/extra-NAME.cpio. Few tests need it, so each unpacks it in dom0 (unpack_extra in dom0.sh) or boots a guest with
# it (guest_start GUEST with=NAME).
extra() {
    local root=$1/extra path
    (cd "$root" && find . ! -type d -print) | while read -r path; do
        [ ! -e "$1/$3/$path" ] || rm "$root/$path"
    done
    find "$root" -type d -empty -delete
    pack "$root" "$1/extra-$2.cpio"
    rm -rf "$root"
}

# A systemd that starts services in a namespace of its own; tests/xen/lib/systemd.sh.
extra_systemd() {
    local root=$1/extra
    mkdir -p "$root"
    install_elf "$root" /usr/lib/systemd/systemd usr/lib/systemd/systemd
    install_program "$root" systemctl
    # What every service depends on, without anything that these would start.
    mkdir -p "$root/usr/lib/systemd/system"
    cp /usr/lib/systemd/system/{basic,sysinit,shutdown,umount,final,sockets,paths,timers,slices}.target "$root/usr/lib/systemd/system/"
    extra "$1" systemd dom0
}

# libvirt's daemon with the driver for Xen alone, and the Python of its hook.
extra_libvirt() {
    local root=$1/extra name
    mkdir -p "$root/usr/share/libvirt" "$root/etc/libvirt"
    for name in usr/sbin/libvirtd usr/bin/virsh usr/lib/x86_64-linux-gnu/libvirt/connection-driver/libvirt_driver_libxl.so; do
        install_elf "$root" "$unpacked/$name" "$name"
    done
    cp -r "$unpacked/usr/share/libvirt/cpu_map" "$root/usr/share/libvirt/"
    # QEMU's emulated processor lacks what each of libvirt's models has, and without a model the driver does not start.
    echo "<cpus><model name='486'><decode host='on' guest='on'/></model></cpus>" >"$root/usr/share/libvirt/cpu_map/x86_486.xml"
    install_program "$root" install
    install_program "$root" python3
    # What the hook imports. Python looks for the directory of its other modules, and warns when there is none.
    name=$(/usr/bin/python3 -I -c 'import os; print(os.path.dirname(os.__file__))')/lib-dynload
    mkdir -p "$root$name"
    : >"$root$name/none"
    /usr/bin/python3 -I -c 'import subprocess, sys, xml.etree.ElementTree
for module in list(sys.modules.values()):
    print(getattr(module, "__file__", None) or "")' | grep '^/usr/lib/python3[.]' | sort -u | cpio -pdL --quiet "$root"
    extra "$1" libvirt dom0
}

# multipath-tools, for a guest.
extra_multipath() {
    local root=$1/extra name
    for name in sbin/multipath sbin/multipathd lib/multipath/lib{checktur,checkdirectio,prioconst,prioalua,priosysfs}.so; do
        install_elf "$root" "$unpacked/usr/$name" "usr/$name"
    done
    extra "$1" multipath guest
}

# What an HVM guest needs of dom0: its device model, its firmware, and a kernel that this starts.
extra_hvm() {
    local root=$1/extra name
    mkdir -p "$root/boot" "$root/usr/share/qemu" "$root/usr/share/seabios" "$root/usr/lib/xen-$xen_version/boot"
    install_elf "$root" "$unpacked/usr/libexec/xen-qemu-system-i386" usr/libexec/xen-qemu-system-i386
    cp "$unpacked/usr/lib/xen-$xen_version/boot/hvmloader" "$root/usr/lib/xen-$xen_version/boot/"
    cp "$unpacked"/usr/share/seabios/bios-256k.bin "$root/usr/share/seabios/"
    cp -r "$unpacked"/usr/share/qemu/{linuxboot_dma.bin,kvmvapic.bin,keymaps} "$root/usr/share/qemu/"
    cp "$unpacked/boot/vmlinuz-$kernel" "$root/boot/vmlinuz"
    extra "$1" hvm dom0
}

build_image() {
    local image=$1 deb name root
    unpacked=$image/unpacked
    mkdir -p "$unpacked"
    for deb in $debs; do
        progress "unpacking ${deb%%_*}"
        dpkg -x "$XEN_CACHE/debs/$deb" "$unpacked"
    done
    # Some packages have what others have under /usr.
    for name in bin sbin lib lib64; do
        mkdir -p "$unpacked/usr/$name"
        [ ! -d "$unpacked/$name" ] || cp -al "$unpacked/$name/." "$unpacked/usr/$name/"
        rm -rf "${unpacked:?}/$name"
        ln -s "usr/$name" "$unpacked/$name"
    done
    rm -rf "$unpacked/usr/share/doc"
    if arch_is_here; then
        gunzip -c "$unpacked/boot/xen-$xen_version-amd64.gz" >"$image/xen.elf"
        extract_kernel "$unpacked/boot/vmlinuz-$kernel" "$image/vmlinux"
    else
        arm64_complete "$image"
    fi
    depmod -b "$unpacked" "$kernel"

    progress "guest image"
    root=$image/guest
    skeleton "$root"
    for name in $guest_programs; do install_program "$root" "$name"; done
    for name in $package_programs; do install_elf "$root" "$unpacked/$name" "$name"; done
    # The last two are vscsi-front's (stage.sh).
    for name in libgcc_s.so.1 libxengnttab.so.1 libxenevtchn.so.1; do
        install_elf "$root" "$(library $name)" "usr/lib/$triple/$name"
    done
    # shellcheck disable=SC2086
    install_modules "$root" $guest_modules
    applets "$root"
    pack "$root" "$image/guest.cpio"

    progress "dom0 image"
    root=$image/dom0
    skeleton "$root"
    local bin=usr/lib/xen-$xen_version/bin
    for name in xl xenstored xenconsoled xenconsole xen-init-dom0 libxl-save-helper \
        xen-diag lsevtchn xentop xenpm; do
        # Debian's package for arm64 is without this one.
        [ "$name" != lsevtchn ] || arch_is_here || continue
        install_elf "$root" "$unpacked/$bin/$name" "$bin/$name"
    done
    for name in iscsistart iscsid iscsiadm; do install_elf "$root" "$unpacked/usr/sbin/$name" usr/sbin/$name; done
    for name in $package_programs usr/sbin/tgtd usr/sbin/tgtadm usr/sbin/tgtimg; do
        install_elf "$root" "$unpacked/$name" "$name"
    done
    mkdir -p "$root/usr/lib/xen-common" "$root/etc/xen"
    cp -a "$unpacked/usr/lib/xen-common/bin" "$root/usr/lib/xen-common/"
    cp -a "$unpacked/usr/sbin/xl" "$root/usr/sbin/xl"
    cp -a "$unpacked/etc/xen/scripts" "$root/etc/xen/"
    : >"$root/etc/xen/xl.conf"
    for name in $dom0_programs ${XEN_EXTRA:-}; do install_program "$root" "$name"; done
    install_elf "$root" "$(library libgcc_s.so.1)" "usr/lib/$triple/libgcc_s.so.1"
    # shellcheck disable=SC2086
    install_modules "$root" $dom0_modules
    applets "$root"
    mkdir -p "$root/boot"
    cp "$image/vmlinux" "$image/guest.cpio" "$root/boot/"
    cp "$XEN_LIB/dom0-init" "$root/init"
    chmod +x "$root/init"
    pack "$root" "$image/dom0.cpio"
    progress "images for single tests"
    extra_multipath "$image"
    if arch_is_here; then
        extra_systemd "$image"
        extra_libvirt "$image"
        suite_is_here || extra_hvm "$image"
    fi
    rm -rf "$image/dom0" "$image/guest" "$image"/unpacked/{boot,usr/lib/modules}
    echo "$kernel" >"$image/kernel"
}

# make_image: sets IMAGE to the directory of a finished image.
make_image() {
    local key
    mkdir -p "$XEN_CACHE"
    # Two runs on one tree must not build the same image at once.
    exec 7>"$XEN_CACHE/lock"
    flock -n 7 || { say "waiting for another run that makes the image"; flock 7; }
    fetch_packages
    key=$({
        echo "$debs ${XEN_EXTRA:-}"
        cat "$XEN_LIB"/{image,lane,arm64}.sh "$XEN_LIB/dom0-init"
        # shellcheck disable=SC2086
        dpkg-query -W busybox-static libc6 sg3-utils qemu-system-common kmod mt-st mtx lsscsi bash \
            e2fsprogs libxenmisc4.17 strace systemd 'python3.*-minimal' 2>/dev/null
    } | sha256sum | cut -c1-12)
    IMAGE=$XEN_CACHE/image-$key
    if [ ! -e "$IMAGE/kernel" ]; then
        # Another run may be about to boot from a recent one.
        find "$XEN_CACHE" -maxdepth 1 -name "image-*" -mmin +300 -exec rm -rf {} +
        rm -rf "$IMAGE"
        build_image "$IMAGE"
        progress_end
    fi
    unpacked=$IMAGE/unpacked
    exec 7>&-
}
