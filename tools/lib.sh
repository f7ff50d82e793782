# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
# Shell helpers that the programs under tools/ and tests/ share. Source it; it
# sets TOP (the source tree) unless the caller did, and does nothing else.

if [ -z "${TOP:-}" ]; then
    # $0 is the program that sources this, two levels below the tree at most.
    TOP=$(dirname -- "$(readlink -f -- "$0")")
    while [ "$TOP" != / ] && [ ! -e "$TOP/configure.ac" ]; do
        TOP=$(dirname -- "$TOP")
    done
fi

say() { printf '%s\n' "$*"; }
warn() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { warn "$@"; exit 1; }

# bad_usage WHAT...: the command line is wrong.
bad_usage() { warn "$*; --help says what there is"; exit 2; }
# need_value "$@": option $1 has its value, $2.
need_value() { [ $# -ge 2 ] || bad_usage "option $1 needs a value"; }

# A line that the next one overwrites, on a terminal; nothing elsewhere.
progress() {
    [ -t 2 ] || return 0
    printf '\r\033[K%s' "$*" >&2
}
progress_end() { progress ""; }

# run_quietly LOG COMMAND...: output into LOG; on failure its tail is shown and
# the log is kept.
run_quietly() {
    rq_log=$1
    shift
    mkdir -p -- "$(dirname -- "$rq_log")"
    if "$@" >"$rq_log" 2>&1; then
        rm -f -- "$rq_log"
        return 0
    fi
    progress_end
    warn "failed: $*"
    tail -n 30 -- "$rq_log" >&2
    warn "the whole log: $rq_log"
    return 1
}

# The generated build system is as new as what it is made from. Two builds of one
# tree may begin at once: one makes it, the other finds it made.
pvscsi_autoreconf() {
    (
        flock 9
        pvscsi_autoreconf_locked "$1"
    ) 9<"$TOP/configure.ac"
}

pvscsi_autoreconf_locked() {
    if [ -x "$TOP/configure" ] && [ -e "$TOP/Makefile.in" ] &&
        [ -z "$(find "$TOP" -path "$TOP/build*" -prune -o \
            \( -name configure.ac -o -name Makefile.am -o -name '*.mk' -o -name '*.m4' \) \
            ! -name aclocal.m4 ! -path "$TOP/m4/*" \
            -newer "$TOP/Makefile.in" -print | head -n 1)" ]; then
        return 0
    fi
    progress "autoreconf"
    mkdir -p "$TOP/m4"
    run_quietly "$1/autoreconf.log" autoreconf -fi "$TOP"
}

# pvscsi_build BUILDDIR [configure arguments]: configures out of tree when the
# arguments or configure changed, then builds BUILD_TARGETS (all). Quiet; a failed
# step shows its log.
pvscsi_build() {
    pb_dir=$1
    shift
    mkdir -p -- "$pb_dir" || return 1
    pb_dir=$(cd -- "$pb_dir" && pwd) || return 1
    pvscsi_autoreconf "$pb_dir" || return 1
    if [ ! -e "$pb_dir/Makefile" ] || [ "$TOP/configure" -nt "$pb_dir/config.status" ] ||
        [ "$(cat "$pb_dir/.configured-with" 2>/dev/null)" != "$*" ]; then
        progress "configure"
        (cd -- "$pb_dir" && run_quietly "$pb_dir/configure.log" "$TOP/configure" "$@") || return 1
        printf '%s\n' "$*" >"$pb_dir/.configured-with"
    fi
    progress "make"
    # shellcheck disable=SC2086
    run_quietly "$pb_dir/make.log" make -C "$pb_dir" -j"$(nproc)" ${BUILD_TARGETS:-all} || return 1
    progress_end
}

# In build-clang: all with clang's warnings as errors and with the sanitizers, and the fuzzers. Several stages of
# tools/check stand on this build; the first one that wants it makes it.
pvscsi_build_clang() {
    mkdir -p "$TOP/build-clang" &&
        (
            flock 9
            # One make after the other: "all" is a make of its own, which knows nothing of what the first one makes.
            pvscsi_build "$TOP/build-clang" CC=clang --enable-werror --enable-sanitizers --enable-fuzzers "CFLAGS=-g -O1" &&
                run_quietly "$TOP/build-clang/check-programs.log" \
                    make -C "$TOP/build-clang" -j"$(nproc)" fuzzers check-programs
        ) 9<"$TOP/build-clang"
}
