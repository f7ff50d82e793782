# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What a change of a file can affect: the table that `tools/check --changed` reads. Needs TOP.
# tests/test-tools-check-knows-every-file.sh walks it: every file of the tree has a line, every test that a line names
# is there.

# The first line whose pattern fits counts. Patterns are the shell's; here * matches a slash too.
#   gcc, clang, ...   a stage of tools/check; of the unit tests those of changes_programs
#   mock:GLOB         the tests tests/test-GLOB.sh
#   xen:GLOB          the tests tests/xen/t-GLOB.sh
#   itself            the test that this file is
#   tree              the tests of the tree itself: what is shipped, how it is formatted, which file includes which
changes_tree="calls-* every-* includes-* long-* the-* tools-check-*"
changes_table() {
    cat <<'TABLE'
tests/test-*.sh           gcc sanitize shell tree itself
tests/*-lib.sh            gcc sanitize shell mock:*
tests/timed               gcc sanitize shell mock:*
tests/check_*             gcc sanitize valgrind tree
tests/xen-answers*        gcc sanitize tree mock:mockxen-answers xen:01-*
tests/*-fixture.h         gcc sanitize valgrind tree
tests/expected-options.h  gcc sanitize valgrind tree
tests/suite.h             gcc sanitize valgrind tree
tests/wrapped.h           gcc sanitize valgrind tree
tests/fuzz/*              gcc sanitize fuzz tree mock:corpus-*
tests/xen/t-*.sh          gcc shell tree itself
tests/xen/bench           gcc shell tree
tests/xen/profile.c       gcc tree
tests/package/*           gcc shell tree
tests/xen/*               gcc shell tree xen:*
tests/*                   gcc sanitize valgrind fuzz shell mock:*
*.mk                      gcc clang sanitize valgrind fuzz demo mock:*
src/standalone/*          gcc clang sanitize valgrind fuzz demo mock:*
src/scsi/*                gcc clang sanitize valgrind fuzz demo mock:* xen:[0124678]*
src/worker/*              gcc clang sanitize valgrind fuzz demo mock:* xen:*
src/pr/*                  gcc clang sanitize valgrind fuzz demo mock:* xen:[014]* xen:73-* xen:76-*
src/*                     gcc clang sanitize valgrind fuzz demo mock:* xen:*
include/*                 gcc clang sanitize valgrind fuzz demo mock:* xen:*
tools/xl-scsi/*           gcc clang sanitize valgrind fuzz demo mock:* xen:[135]* xen:20-* xen:4[678]-* xen:71-* xen:74-* xen:80-* xen:82-* xen:85-*
tools/pvscsictl/*         gcc clang sanitize valgrind demo mock:* xen:[14]* xen:69-* xen:8[01]-*
tools/mock-xen/*          gcc clang sanitize valgrind fuzz demo mock:*
tools/vscsi-front/*       gcc clang sanitize valgrind demo mock:* xen:21-* xen:83-*
tools/trace/*             gcc tree mock:the-probes-*
tools/demo                gcc shell demo tree
tools/bench               gcc shell tree
tools/check-platforms     gcc shell tree
tools/docs-html           gcc shell tree
tools/package             gcc shell tree
tools/*                   gcc clang sanitize valgrind fuzz demo shell mock:* xen:*
xl-scripts/*              gcc shell mock:* xen:[35]* xen:8[45]-*
.ci/*                     gcc shell tree
debian/*                  gcc shell tree
packaging/*               gcc shell tree
configure.ac              gcc clang sanitize valgrind fuzz demo shell mock:* xen:*
Makefile.am               gcc clang sanitize valgrind fuzz demo mock:* xen:00-*
docs/scsi.md              gcc sanitize valgrind mock:* xen:6[345]-*
docs/*                    gcc mock:*
.*                        gcc tree
[A-Z]*                    gcc mock:*
TABLE
}

# changes_line PATH: what a change of it affects, as the table says it; 1 when no line fits.
changes_line() {
    local pattern what
    while read -r pattern what; do
        # shellcheck disable=SC2254
        case $1 in
        $pattern)
            printf '%s\n' "$what"
            return 0
            ;;
        esac
    done < <(changes_table)
    return 1
}

# changes_affect PATH...: stages, mock:tests/test-GLOB.sh and xen:GLOB, each once; a status of 1 names a file that the
# table does not know.
changes_affect() (
    set -f -o pipefail
    for path; do
        what=$(changes_line "$path") || {
            warn "tools/changes.sh has no line for $path"
            return 1
        }
        for word in $what; do
            case $word:$path in
            itself:tests/xen/t-*)
                # A test that was removed affects nothing.
                [ -e "$TOP/$path" ] || continue
                word=${path#tests/xen/t-}
                word=xen:${word%.sh}
                ;;
            itself:*)
                [ -e "$TOP/$path" ] || continue
                word=mock:$path
                ;;
            tree:*)
                # shellcheck disable=SC2086
                printf 'mock:tests/test-%s.sh\n' $changes_tree
                continue
                ;;
            mock:*) word="mock:tests/test-${word#mock:}.sh" ;;
            esac
            say "$word"
        done
    done | LC_ALL=C sort -u
)

# changes_programs DIR PATH...: the unit tests that `make` in DIR, a finished build, would link again after a change of
# these files. 1: that is not the answer, because one of them is no source: a unit test may read it, or not need it.
changes_programs() {
    local dir=$1 path commands top newer=()
    shift
    for path; do
        case $path in
        src/*.[ch] | include/*.h | tools/*.[ch] | tests/*.[ch]) [ -e "$TOP/$path" ] || return 1 ;;
        *) return 1 ;;
        esac
        # ccache may have made the names in the dependencies relative.
        for top in "$(sed -n 's/^top_srcdir = //p' "$dir/Makefile")" "$(realpath --relative-to="$dir" "$TOP")"; do
            newer+=(-W "$top/$path")
        done
    done
    # make would think that config.h is made anew, which it does only to see whether it changes.
    commands=$(make -n -C "$dir" V=1 -o config.h "${newer[@]}" check-programs) || return 1
    grep -oE -- ' -o check_[a-z_0-9]+' <<<"$commands" | cut -c5- | sort -u
}

# changed_files: what differs from where the branch left main; on main, from the commit before. What is not committed
# counts.
changed_files() {
    local base main
    main=$(git -C "$TOP" rev-parse -q --verify origin/main || git -C "$TOP" rev-parse -q --verify main) || main=HEAD
    base=$(git -C "$TOP" merge-base "$main" HEAD) || die "git finds no common ancestor with main"
    [ "$base" != "$(git -C "$TOP" rev-parse HEAD)" ] || base=HEAD~
    git -C "$TOP" diff --name-only --no-renames "$base" || die "git cannot compare with $base"
    git -C "$TOP" ls-files --others --exclude-standard
}
