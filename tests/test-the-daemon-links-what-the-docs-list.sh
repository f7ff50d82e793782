#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# pvscsid needs the libraries that docs/architecture.md lists, and no others; nothing that they bring ties it to one
# version of Xen.
set -u
# shellcheck source=tests/tree-lib.sh
. "$(dirname -- "$0")/tree-lib.sh"
command -v readelf >/dev/null || skip "readelf is not installed"
command -v ldd >/dev/null || skip "ldd is not installed"
daemon=$BUILD/pvscsid
[ -x "$daemon" ] || skip "pvscsid is not built"
! nm "$daemon" 2>/dev/null | grep -q ' __asan_init' || skip "sanitizers bring libraries of their own"

# "libjson-c.so.5" is json-c here and in the list, "libsgutils2-1.46.so.2" is sgutils2: the numbers change with the
# distribution.
needed=$(readelf -d "$daemon" | sed -n 's/.*(NEEDED).*\[lib\(.*\)\.so.*/\1/p' | sed 's/-[0-9.]*$//' | sort)
listed=$(sed -n '/^## Libraries of the daemon/,/^## [^L]/s/^| `lib\([^`]*\)` |.*/\1/p' "$top_srcdir/docs/architecture.md" | sort)
[ "$(wc -l <<<"$listed")" -ge 5 ] || fail "docs/architecture.md has no list of libraries"
[ "$needed" = "$listed" ] ||
    fail "pvscsid needs (<), docs/architecture.md lists (>):"$'\n'"$(diff <(echo "$needed") <(echo "$listed"))"
loaded=$(ldd "$daemon") || fail "ldd"
grep -q 'libc\.so' <<<"$loaded" || fail "ldd says: $loaded"
# Those of a toolstack change with each version of Xen.
! grep -E 'lib(xlutil|xenlight|xenctrl|xenguest)\.so' <<<"$loaded" || fail "a library of one version of Xen is loaded"
exit "$failed"
