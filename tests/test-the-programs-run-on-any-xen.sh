#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What is built against one version of Xen runs on another: no program needs a library that has Xen's version in its
# name, not even by way of others. xl-scsi opens two of them at run time. If they are missing, it says which, and starts
# no guest without the devices that it should have.
set -u
# shellcheck source=tests/tree-lib.sh
. "$(dirname -- "$0")/tree-lib.sh"
command -v ldd >/dev/null || skip "ldd is not installed"
tied='libx[a-z]*\.so\.[0-9]+\.[0-9]'
grep -Eq "$tied" <<<'libxenctrl.so.4.17 => /lib/libxenctrl.so.4.17' || fail "the pattern finds nothing"
for program in pvscsid pvscsictl xl-scsi vscsi-front mock-xen; do
    [ -x "$BUILD/$program" ] || skip "$program is not built"
    loaded=$(ldd "$BUILD/$program") || fail "ldd $program"
    grep -q 'libc\.' <<<"$loaded" || fail "ldd $program says: $loaded"
    ! grep -E "$tied" <<<"$loaded" || fail "$program needs a library of one version of Xen"
done

printf "name = 'g'\nvscsi = [ 'file:/d.img,0:0:0:0' ]\n" >"$tmp/g.cfg"
said=$("$BUILD/xl-scsi" check "$tmp/g.cfg") || fail "xl-scsi check: exit status $?"
[ "$said" = "g: 1 SCSI device"$'\n'"  file:/d.img,0:0:0:0" ] || fail "xl-scsi check says: $said"

# A library that is none is found first.
version=$(sed -n 's/^#define XEN_OF_THE_BUILD "\(.*\)"/\1/p' "$BUILD/config.h")
[ -n "$version" ] || fail "config.h does not say which Xen the headers are of"
running=/sys/hypervisor/version
[ ! -e $running/major ] || version=$(cat $running/major).$(cat $running/minor)
mkdir "$tmp/lib" && : >"$tmp/lib/libxlutil.so.$version"
# The shim, over an xl that only says what it is told to do.
printf '#!/bin/sh\necho "xl $1"\n' >"$tmp/xl"
sed -e "s|^helper=.*|helper='$(readlink -f -- "$BUILD/xl-scsi")'|" "$BUILD/xl-scripts/xl" >"$tmp/shim"
chmod +x "$tmp/xl" "$tmp/shim"
export XEN_PVSCSI_REAL_XL=$tmp/xl
why="cannot open libxlutil.so.$version, a library of the toolstack of Xen $version: .*: install it"
refused() {
    local said status
    said=$(LD_LIBRARY_PATH=$tmp/lib "$@" 2>&1)
    status=$?
    [ "$status" = 1 ] || fail "exit status of '$*': expected 1, got $status"
    [[ $said =~ $why && $said != *$'\n'* ]] || fail "'$*' says: $said"
}
refused "$BUILD/xl-scsi" check "$tmp/g.cfg"
refused "$tmp/shim" create "$tmp/g.cfg"
: >"$tmp/saved"
refused "$tmp/shim" restore "$tmp/g.cfg" "$tmp/saved"
exit "$failed"
