#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every file that `make install` installs is in a Debian package and in an RPM package, or named as left out; and what
# their lists name is installed. The packages themselves are built by tests/package/run.
set -u
# shellcheck source=tests/tree-lib.sh
. "$(dirname -- "$0")/tree-lib.sh"

# A make of its own, not a child of the one that runs the tests.
unset MAKEFLAGS MFLAGS MAKELEVEL
make -s -C "$BUILD" install DESTDIR="$tmp/root" prefix=/usr >"$tmp/log" 2>&1 || fail "make install: $(tail -n 5 "$tmp/log")"
html=no
grep -q '^html_made = yes' "$BUILD/Makefile" && html=yes
files=$(cd "$tmp/root" && find . ! -type d | sed 's,^\./,,' | sort)
[ "$(wc -l <<<"$files")" -ge 20 ] || fail "only these files are installed: $files"

# compare WHAT PATTERN...: each file is one of the patterns or below it; each pattern has a file.
compare() {
    local what=$1 file pattern found
    shift
    [ $# -ge 10 ] || fail "$what: only these are named: $*"
    for file in $files; do
        found=no
        for pattern; do
            # shellcheck disable=SC2254
            case $file in $pattern | $pattern/*) found=yes ;; esac
        done
        [ $found = yes ] || fail "$what: /$file is installed, and not named"
    done
    for pattern; do
        found=no
        for file in $files; do
            # shellcheck disable=SC2254
            case $file in $pattern | $pattern/*) found=yes ;; esac
        done
        # Without mandoc and lowdown there are no pages in HTML.
        case $found$html:$pattern in nono:*/html) continue ;; esac
        [ $found = yes ] || fail "$what names /$pattern, which is not installed"
    done
}
set -f
# debian/rules puts the units below /lib.
# shellcheck disable=SC2046
compare "debian/*.install and debian/not-installed" \
    $(cat "$top_srcdir"/debian/{xen-pvscsi,xen-pvscsi-tools}.install "$top_srcdir/debian/not-installed" |
        sed '/^#/d; s/ .*//; s,^lib/,usr/lib/,')
# What the spec removes after the installation counts as named. The settings come from the example that it removes.
# shellcheck disable=SC2046
compare packaging/xen-pvscsi.spec.in \
    $(sed -n '/^%install/,$p' "$top_srcdir/packaging/xen-pvscsi.spec.in" |
        grep -E '^(rm |%files|%\{_)' | grep -oE '%\{_[a-z]+\}[^ ]*' | sed '
            s,%{_sbindir},usr/sbin,; s,%{_bindir},usr/bin,; s,%{_libexecdir},usr/libexec,; s,%{_mandir},usr/share/man,
            s,%{_datadir},usr/share,; s,%{_docdir},usr/share/doc,; s,%{_unitdir},usr/lib/systemd/system,
            s,%{_modprobedir},usr/lib/modprobe.d,; s,%{_modulesloaddir},usr/lib/modules-load.d,' | sort -u)
exit "$failed"
