#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What is installed is position-independent, has its relocations read-only from the start and no executable stack, and
# checks the sizes of buffers and its stack.
set -u
# shellcheck source=tests/tree-lib.sh
. "$(dirname -- "$0")/tree-lib.sh"
command -v readelf >/dev/null || skip "readelf is not installed"
grep -q '^HARDEN_CFLAGS = .*FORTIFY_SOURCE=3' "$BUILD/Makefile" ||
    skip "this build is not hardened (sanitizers, or no optimization)"

for program in pvscsid pvscsictl xl-scsi; do
    [ -x "$BUILD/$program" ] || skip "$program is not built"
    headers=$(readelf -W -h -l -d "$BUILD/$program")
    grep -q 'Type: *DYN' <<<"$headers" || fail "$program is not position-independent"
    grep -q GNU_RELRO <<<"$headers" || fail "$program has no read-only relocations"
    grep -Eq '\(FLAGS\).*BIND_NOW|\(FLAGS_1\).*NOW' <<<"$headers" || fail "$program binds its symbols late"
    grep -Eq 'GNU_STACK .* RW +0x' <<<"$headers" ||
        fail "$program has an executable stack: $(grep GNU_STACK <<<"$headers")"
    ! grep -E 'LOAD .* (RWE|WE) ' <<<"$headers" || fail "$program has memory that is writable and executable"
    symbols=$(readelf -W --dyn-syms "$BUILD/$program")
    grep -q '__stack_chk_fail' <<<"$symbols" || fail "$program has no stack protector"
    grep -q '__snprintf_chk' <<<"$symbols" || fail "$program does not check the sizes of buffers"
done
exit "$failed"
