# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154
# The lanes: which hypervisor, kernel and xl the tests run on, and what kind of guests they have. Before image.sh.
#
# A lane's packages are of the Debian release in the column SUITE. If that is not this computer's own, apt reads that
# release's lists in a directory of their own, and nothing is installed. The programs that the images take from this
# computer then run with that release's libraries, as do pvscsid and xl-scsi, which are built here: "built once, run
# elsewhere" is tested by this. QEMU is this computer's ("here") or that release's. A lane for another processor
# (ARCH) has nothing of this computer but QEMU and a compiler: arm64.sh.
#
# TESTS are those that run in the lane: the names that begin with one of these numbers, or "all" that belong to no other
# lane by their header. FEW are those that tools/check has time for, or "none". With two HOSTS a second machine runs
# beside each machine, with a network between them.

# shellcheck source=arm64.sh
. "$TOP/tests/xen/lib/arm64.sh"

# NAME            SUITE    ARCH  XEN  DOM0 GUESTS QEMU  HOSTS TESTS                                        FEW
lane_table='
debian12-pv       bookworm amd64 4.17 pv   pv     here  1     all                                          all
debian13-pv       trixie   amd64 4.20 pv   pv     here  1     all                                          10,30
debian13-pvh      trixie   amd64 4.20 pv   pvh    suite 1     10,11,12,13,14,15,16,17,18,19,20,21,30,32,40 10,14
debian13-pvh-dom0 trixie   amd64 4.20 pvh  pvh    suite 1     10,14,16,17,30                               none
debian13-hvm      trixie   amd64 4.20 pv   hvm    suite 1     10,13,14,15,16,18,32                         10
debian12-arm64    bookworm arm64 4.17 -    pvh    here  1     10,11,12,13,14,15,16,21,30,72,80,81          none
two-hosts         bookworm amd64 4.17 pv   pv     here  2     90,91                                        91
'

lane_names() { awk 'NF { print $1 }' <<<"$lane_table"; }

# lane_select NAME: sets lane, and by the table suite, lane_arch, xen_version, lane_dom0, guest_type, lane_qemu,
# lane_hosts, lane_tests and lane_few; triple, the compiler's name for the processor; and lane_system, a name for
# directories of what is Debian's. On arm64 dom0 and the guests are of one kind, which xl calls pvh.
lane_select() {
    lane=$1
    read -r suite lane_arch xen_version lane_dom0 guest_type lane_qemu lane_hosts lane_tests lane_few \
        < <(awk -v name="$1" '$1 == name { $1 = ""; print }' <<<"$lane_table") ||
        bad_usage "option --lane: no lane $1; there are: $(lane_names | paste -sd " ")"
    triple=x86_64-linux-gnu lane_system=$suite
    arch_is_here || triple=aarch64-linux-gnu lane_system=$suite-$lane_arch
}

# lane_has LIST TEST: whether the column TESTS or FEW names this test.
lane_has() { [ "$1" = all ] || case ",$1," in *",${2%%-*},"*) ;; *) return 1 ;; esac; }

# arch_is_here: whether the lane is for this computer's own processor.
arch_is_here() { [ "$lane_arch" = amd64 ]; }

# suite_is_here: whether the lane's packages are of this computer's own release, and for its processor.
suite_is_here() { [ "$suite" = bookworm ] && arch_is_here; }

# suite_apt COMMAND...: apt-get, apt-cache... with the lane's release.
suite_apt() {
    if suite_is_here; then
        "$@"
    else
        APT_CONFIG=$XEN_CACHE/apt-$lane_system/conf "$@"
    fi
}

# suite_lists: apt's lists of another release, renewed once a day. They come from the mirror that this computer uses.
suite_lists() {
    local dir=$XEN_CACHE/apt-$lane_system mirror security keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    suite_is_here && return
    [ -z "$(find "$dir/renewed" -mmin -1440 2>/dev/null)" ] || return 0
    mirror=$(apt-get indextargets 'Created-By: Packages' --format '$(REPO_URI) $(CODENAME)' | sort -u)
    security=$(awk '$2 == "bookworm-security" { print $1; exit }' <<<"$mirror")
    mirror=$(awk '$2 == "bookworm" { print $1; exit }' <<<"$mirror")
    [ -n "$mirror" ] || skip_lane "apt knows no mirror of Debian 12 (bookworm), from which this lane's Debian ($suite) could come"
    mkdir -p "$dir"/{lists,archives}/partial "$dir/none"
    : >"$dir/status"
    : >"$dir/empty"
    echo "deb [signed-by=$keyring] $mirror $suite main" >"$dir/sources.list"
    [ -z "$security" ] || echo "deb [signed-by=$keyring] $security $suite-security main" >>"$dir/sources.list"
    cat >"$dir/conf" <<CONF
APT::Architecture "$lane_arch";
APT::Architectures "$lane_arch";
Dir::Etc::main "$dir/empty";
Dir::Etc::parts "$dir/none";
Dir::Etc::sourcelist "$dir/sources.list";
Dir::Etc::sourceparts "$dir/none";
Dir::Etc::preferencesparts "$dir/none";
Dir::State::status "$dir/status";
Dir::State::lists "$dir/lists";
Dir::Cache "$dir";
APT::Sandbox::User "root";
Acquire::Languages "none";
CONF
    progress "package lists of Debian $suite"
    run_quietly "$dir/update.log" suite_apt apt-get -q update ||
        skip_lane "apt cannot read the package lists of Debian $suite from $mirror (log: $dir/update.log)"
    : >"$dir/renewed"
}

# skip_lane REASON: a lane that cannot be had here is no failure. run says which tests it would have run.
skip_lane() {
    progress_end
    say "skip lane $lane: $1"
    exit 77
}

# list_libraries FILE: the libraries that the program needs, and the loader, one path a line.
list_libraries() {
    local of_suite=$unpacked/usr/lib/x86_64-linux-gnu:$unpacked/usr/lib
    if ! arch_is_here; then
        arm64_libraries "$1"
        return
    fi
    if suite_is_here; then
        LD_LIBRARY_PATH=$of_suite ldd "$1" 2>/dev/null
    else
        # A static program ends it with a signal, which the shell around it reports.
        ("$unpacked/usr/lib64/ld-linux-x86-64.so.2" --library-path "$of_suite:/usr/lib/x86_64-linux-gnu" --list "$1"; :) 2>/dev/null
    fi | awk '$2 == "=>" && $3 ~ /^\// { print $3; next } $1 ~ /^\// { print $1 }'
}

# library NAME: the path of this library for the images.
library() {
    local path=$unpacked/usr/lib/$triple/$1
    [ -e "$path" ] || path=/usr/lib/$triple/$1
    say "$path"
}

# lane_machine: sets QEMU, the program and its first arguments; lane_cpu, what this lane's guests need of the processor;
# and lane_console, Xen's options for the console. A guest with nested paging (PVH, HVM) needs a newer QEMU than Debian
# 12 has on a PC, and then the loader and the libraries of that QEMU's release.
lane_machine() {
    local dir key uris deb packages="qemu-system-x86 qemu-system-data seabios"
    QEMU=(qemu-system-x86_64) lane_cpu='' lane_console="console=com1 com1=115200,8n1"
    if ! arch_is_here; then
        QEMU=(qemu-system-aarch64) lane_console="console=dtuart dtuart=/pl011@9000000"
        return
    fi
    # QEMU takes RDTSCP for RDTSC when it tells Xen why a guest stopped, and Xen then stops the guest for good.
    [ "$guest_type" = pv ] || lane_cpu=,+svm,+npt,-rdtscp
    [ "$lane_qemu" = suite ] || return 0
    # shellcheck disable=SC2086
    uris=$(cd / && suite_apt apt-get -y --no-install-recommends --print-uris install $packages |
        sed -n "s/^'\([^']*\)' .*/\1/p" | grep -E '/(lib|zlib|qemu-system-x86|qemu-system-data|seabios)[^/]*$')
    [ -n "$uris" ] || skip_lane "apt knows no qemu-system-x86 of Debian $suite"
    key=$(sha256sum <<<"$uris" | cut -c1-12)
    dir=$XEN_CACHE/qemu-$key
    if [ ! -e "$dir/complete" ]; then
        rm -rf "$dir"
        mkdir -p "$dir/debs"
        # shellcheck disable=SC2046
        (cd "$dir/debs" && suite_apt run_quietly "$XEN_CACHE/download.log" apt-get -o APT::Sandbox::User=root download \
            $(sed 's|.*/||; s/_.*//' <<<"$uris")) || skip_lane "cannot download QEMU of Debian $suite"
        for deb in "$dir"/debs/*.deb; do
            progress "unpacking ${deb##*/}"
            dpkg -x "$deb" "$dir"
        done
        rm -rf "$dir/debs" "$dir/usr/share/doc"
        : >"$dir/complete"
        progress_end
    fi
    QEMU=("$dir/usr/lib64/ld-linux-x86-64.so.2" --library-path "$dir/usr/lib/x86_64-linux-gnu"
        "$dir/usr/bin/qemu-system-x86_64" -L "$dir/usr/share/qemu" -L "$dir/usr/share/seabios")
}
