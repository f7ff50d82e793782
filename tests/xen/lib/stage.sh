# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
# What changes from run to run: the share's directory with the shell library, the
# tools of the tests, and the project as `make install` would put it. After image.sh.

# compile NAME [FILE...] [-lLIBRARY...] [OPTION...]: a static helper from tests/xen/NAME.c and these files of the tree,
# in $TOOLS, made again when one is newer.
compile() {
    local from=("$TOP/tests/xen/$1.c") to=$TOOLS/$1 name=$1 file newer=no libraries=()
    shift
    for file; do
        case $file in
        -*) libraries+=("$file") ;;
        *) from+=("$TOP/$file") ;;
        esac
    done
    for file in "${from[@]}"; do [ "$to" -nt "$file" ] || newer=yes; done
    [ $newer = yes ] || return 0
    # The files of src/ include it, and use nothing of it.
    mkdir -p "$XEN_CACHE/include"
    : >"$XEN_CACHE/include/config.h"
    run_quietly "$to.log" "${compiler[@]}" -std=gnu11 -static -O2 -Wall -Wextra -Werror \
        -I "$XEN_CACHE/include" -I "$TOP/src" -o "$to.$$" "${from[@]}" "${libraries[@]}" || die "cannot build $name"
    mv "$to.$$" "$to"
}

# make_tools: the tests' own programs, in the directory TOOLS. One of them uses libraries that fit one version of Xen
# only.
make_tools() {
    local of_suite=() library=$unpacked/usr/lib/$triple compiler=("${CC:-gcc}")
    TOOLS=$XEN_CACHE
    if ! suite_is_here; then
        TOOLS=$XEN_CACHE/tools-$lane_system
        mkdir -p "$TOOLS"
        of_suite=("-I$unpacked/usr/include" "-I$unpacked/usr/include/$triple" "-B$library" "-L$library")
    fi
    arch_is_here || compiler=("$triple-gcc" "--sysroot=$unpacked") of_suite=()
    compile guestsh -lxenstore -lxentoolcore -lpthread
    compile iopat tests/xen/iopat-options.c
    compile cdbs src/scsi/cdb-table.c
    compile iscsi-end
    compile xenq -lxenstore -lxenctrl -lxencall -lxenforeignmemory -lxendevicemodel -lxengnttab -lxenevtchn \
        -lxentoolcore -lxentoollog -lpthread "${of_suite[@]}"
}

# own_build: sets project to the build that is installed when nobody names another one: build, or for another processor
# build-ARCH, which is made here.
own_build() {
    project=$TOP/build
    arch_is_here && return
    project=$project-$lane_arch
    arm64_build "$project" || die "cannot build the project for $lane_arch"
}

# stage_project ROOT BUILDDIR|none SHARE: goes on without a build, and says so.
stage_project() {
    local root=$1 build=$2 share=$3 file
    if [ "$build" = none ]; then
        return 0
    fi
    if [ ! -e "$build/Makefile" ]; then
        say "no build in $build: going on without the project (BUILDDIR names another)"
        return 0
    fi
    progress "make install into the staging tree"
    run_quietly "$XEN_CACHE/make-install-$$.log" flock "$build/Makefile" make -C "$build" -j"$(nproc)" install DESTDIR="$root" ||
        die "make install failed in $build"
    # For --profile of the bench, which needs it before anything is stripped.
    [ ! -e "$root/usr/local/sbin/pvscsid" ] || nm "$root/usr/local/sbin/pvscsid" >"$share/profile-nm"
    rm -rf "$root/usr/local/share/man" "$root/usr/local/share/doc"
    # Not part of the product: the questions that mock-xen must answer as Xen does.
    if [ -x "$build/xen-answers" ]; then
        mkdir -p "$root/usr/local/bin"
        cp "$build/xen-answers" "$root/usr/local/bin/"
        cp "$TOP/tests/xen-answers.expected" "$share/"
    fi
    while IFS= read -r -d '' file; do
        [ "$(head -c 4 "$file" | tail -c 3 | tr -d '\0')" = ELF ] || continue
        install_elf "$root" "$file" "${file#"$root/"}"
    done < <(find "$root" -type f -perm /111 ! -path "$root/usr/lib/*" -print0)
}

# stage_packages SHARE DIR: the Debian packages in DIR/old and DIR/new, tests/package/upgrade.sh, which works with them,
# and a dpkg.
stage_packages() {
    local share=$1 packages=$2 root=$1/.dpkg which name
    for which in old new; do
        mkdir -p "$share/packages/$which"
        for name in "$packages/$which"/xen-pvscsi*_*.deb; do
            case $name in *-dbgsym_*) ;; *) cp "$name" "$share/packages/$which/" ;; esac
        done
    done
    cp "$TOP/tests/package/upgrade.sh" "$share/packages/"
    for name in dpkg dpkg-deb dpkg-divert dpkg-query dpkg-split dpkg-trigger tar rm find sort diff perl; do
        install_program "$root" "$name"
    done
    # The scripts of the packages call these two, which are Perl.
    mkdir -p "$root/usr/lib/x86_64-linux-gnu"
    cp /usr/bin/deb-systemd-helper /usr/bin/deb-systemd-invoke "$root/usr/bin/"
    cp -rL /usr/lib/x86_64-linux-gnu/perl-base "$root/usr/lib/x86_64-linux-gnu/"
    pack "$root" "$share/extra-dpkg.cpio"
    rm -rf "$root"
}

# stage SHARE BUILDDIR|none
stage() {
    local share=$1 build=$2 root library
    mkdir -p "$share/lib" "$share/jobs"
    cp "$XEN_LIB"/{jobs,dom0,guests,toolstack,demo}.sh "$share/lib/"
    # What all time limits are multiplied by: in emulation an exit of a guest that is not PV costs as much as thousands
    # of its instructions.
    lane_slow=1
    [ "$guest_type" = pv ] || lane_slow=3
    echo $((${XEN_PATIENCE:-1} * lane_slow)) >"$share/patience"
    echo "${PVSCSI_LIBISCSI:-some}" >"$share/libiscsi"
    echo "$guest_type" >"$share/guest-type"
    make_tools
    cp "$XEN_LIB"/{compare,hosts,load,lost,other-host,systemd,tgt}.sh "$share/lib/"
    cp "$TOP/docs/scsi.md" "$share/"
    cp -l "$IMAGE"/extra-*.cpio "$share/"

    [ -z "${PVSCSI_PACKAGES:-}" ] || stage_packages "$share" "$PVSCSI_PACKAGES"

    root=$share/.guest
    mkdir -p "$root/usr/local/bin"
    cp "$XEN_LIB/guest-init" "$root/init"
    cp "$TOOLS"/{guestsh,iopat,cdbs} "$XEN_LIB/scsidev" "$root/usr/local/bin/"

    root=$share/.dom0
    mkdir -p "$root/usr/local/bin"
    cp "$TOOLS"/{guestsh,iopat,cdbs,iscsi-end,xenq} "$root/usr/local/bin/"
    ln -s xenq "$root/usr/local/bin/domains"
    ln -s xenq "$root/usr/local/bin/xenstore-read"
    ln -s xenq "$root/usr/local/bin/xenstore-exists"
    stage_project "$root" "$build" "$share"
    pack "$root" "$share/overlay.cpio"
    # A guest is a driver domain when it has all of the project. With this alone any guest has another frontend.
    # Its libraries that the guest's image lacks are libedit and what that needs.
    [ ! -e "$root/usr/local/bin/vscsi-front" ] || cp "$root/usr/local/bin/vscsi-front" "$share/.guest/usr/local/bin/"
    mkdir -p "$share/.guest/usr/lib/$triple"
    for library in "$root/usr/lib/$triple"/lib{edit,bsd,md}.so.*; do
        [ ! -e "$library" ] || cp "$library" "$share/.guest/usr/lib/$triple/"
    done
    root=$share/.guest
    chmod 755 "$root/init" "$root"/usr/local/bin/*
    pack "$root" "$share/guest-overlay.cpio"
    rm -rf "$share/.guest" "$share/.dom0"
    progress_end
}
