#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# configure.ac says the version; every program, every installed page and NEWS have the same. It alone has the project's
# address and home page, too.
set -u
# shellcheck source=tests/tree-lib.sh
. "$(dirname -- "$0")/tree-lib.sh"
read -r _ version address _ home <<<"$(sed -n 's/^AC_INIT(\(.*\))$/\1/p' "$top_srcdir/configure.ac" | tr -d '[],')"
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ && $address == ?*@?* && $home == https://?* ]] ||
    fail "configure.ac has version '$version', address '$address', home page '$home'"

for program in pvscsid pvscsictl xl-scsi mock-xen vscsi-front; do
    said=$("$BUILD/$program" --version)
    case $said in
    "$program $version" | "$program (xen-pvscsi) $version") ;;
    *) fail "$program --version says '$said', not version $version" ;;
    esac
done
# NEWS: one section for each version, the newest first.
first=$(sed -n 's/^xen-pvscsi \([0-9][0-9.]*\)\( .*\)\{0,1\}$/\1/p' "$top_srcdir/NEWS" | head -n 1)
[ "$first" = "$version" ] || fail "NEWS begins with version '$first', not $version"

# A make of its own, not a child of the one that runs the tests.
unset MAKEFLAGS MFLAGS MAKELEVEL
make -s -C "$BUILD" install-data DESTDIR="$tmp/root" mandir=/man >"$tmp/log" 2>&1 ||
    fail "make install-data: $(tail -n 5 "$tmp/log")"
pages=$(find "$tmp/root/man" -type f)
[ "$(grep -c . <<<"$pages")" -ge 6 ] || fail "only these pages are installed: $pages"
for page in $pages; do
    grep -qE "^\.Os xen-pvscsi $version\$|^\.TH .*\"xen-pvscsi $version\"" "$page" ||
        fail "${page##*/} has another version or none"
done
# No other file says them.
elsewhere=$(tree_files | grep -vxE 'configure.ac|NEWS|tests/xen/lib/.*' | while read -r name; do
    grep -nHF -e "xen-pvscsi $version" -e "$address" -e "$home" "$top_srcdir/$name"
done)
[ -z "$elsewhere" ] || fail "these are written a second time: $elsewhere"
exit "$failed"
