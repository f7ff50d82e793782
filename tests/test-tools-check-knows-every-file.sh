#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# `tools/check --changed` leaves nothing out: every file of the tree has a line in tools/changes.sh, each stage and test
# that a line names exists, and a change is answered with the tests that stand for it.
set -u
TOP=$(readlink -f -- "${top_srcdir:-$(dirname -- "$0")/..}")
# shellcheck source=tools/lib.sh
. "$TOP/tools/lib.sh"
# shellcheck source=tools/changes.sh
. "$TOP/tools/changes.sh"
skip() { printf 'SKIP: %s\n' "$*"; exit 77; }
fail() { printf 'FAIL: %s\n' "$*"; exit 1; }

command -v git >/dev/null || skip "git is not installed"
# An unpacked tarball may lie in somebody else's repository.
[ "$(git -C "$TOP" rev-parse --show-toplevel 2>/dev/null)" = "$TOP" ] ||
    skip "this is no git checkout (or not one that git trusts)"

files=$(git -C "$TOP" ls-files)
[ "$(wc -l <<<"$files")" -gt 100 ] || fail "git ls-files: $files"
! grep '[[:space:]]' <<<"$files" || fail "a file's name holds a blank"
while read -r path; do
    what=$(changes_line "$path") || fail "tools/changes.sh has no line for $path"
    case " $what " in
    *" gcc "*) ;;
    *) fail "a change of $path does not even build: $what" ;;
    esac
done <<<"$files"

words=$(changes_table | cut -d' ' -f2- | tr ' ' '\n' | grep . | sort -u)
stages=$("$TOP/tools/check" --help | sed -n '/^Stages/,/^$/s/^  \([a-z]*\)  *[^ ].*/\1/p')
[ "$(wc -w <<<"$stages")" = 8 ] || fail "the stages in tools/check --help: $stages"
for stage in $stages; do
    [ "$stage" = xen ] || grep -qx "$stage" <<<"$words" || fail "no change affects the stage $stage"
done
while read -r word; do
    case $word in
    itself) ;;
    tree) ;;
    mock:*) compgen -G "$TOP/tests/test-${word#mock:}.sh" >/dev/null || fail "tools/changes.sh: no test fits $word" ;;
    xen:*) compgen -G "$TOP/tests/xen/t-${word#xen:}.sh" >/dev/null || fail "tools/changes.sh: no test fits $word" ;;
    *) grep -qwx -- "$word" <<<"$stages" || fail "tools/changes.sh: $word is no stage" ;;
    esac
done <<<"$words"

for word in $changes_tree; do
    compgen -G "$TOP/tests/test-$word.sh" >/dev/null || fail "tools/changes.sh: no test fits $word"
done
# What looks at the tree's files counts as a test of the tree.
for path in $(cd "$TOP" && grep -lE '/tree-lib\.sh"|ls-files' tests/test-*.sh); do
    name=${path#tests/test-}
    for word in $changes_tree; do
        # shellcheck disable=SC2254
        case ${name%.sh} in $word) continue 2 ;; esac
    done
    fail "tools/changes.sh: no word of changes_tree fits $path"
done

# The tests that tools/check begins with are there.
long=$(sed -n '/^long="/,/"$/p' "$TOP/tools/check" | grep -oE 'check_[a-z_]+|tests/test-[a-z-]+\.sh')
[ "$(wc -w <<<"$long")" = 10 ] || fail "the tests that take longest in tools/check: $long"
for name in $long; do
    [ -e "$TOP/$name" ] || [ -e "$TOP/tests/$name.c" ] || fail "tools/check: there is no test $name"
done

# affects WANTED PATH...
affects() {
    local wanted=$1 got
    shift
    got=$("$TOP/tools/check" --affected "$@" | tr '\n' ' ')
    [ "$got" = "$wanted " ] || fail "a change of $* affects '$got', wanted '$wanted'"
}
affects "gcc mock:tests/test-*.sh" docs/testing.md
# The page has tables that unit tests and tests on a real Xen read.
affects "gcc mock:tests/test-*.sh sanitize valgrind xen:6[345]-*" docs/scsi.md
for path in $(grep -ho '\$TOP/docs/[A-Za-z0-9._/-]*' "$TOP"/tests/xen/lib/*.sh "$TOP"/tests/xen/t-*.sh | sed 's/^\$TOP.//' | sort -u); do
    case $(changes_line "$path") in *xen:*) ;; *) fail "tests on a real Xen read $path, and a change of it runs none" ;; esac
done
tree=$(printf 'mock:tests/test-%s.sh ' 'calls-*' 'every-*' 'includes-*' 'long-*')
affects "gcc ${tree}mock:tests/test-the-*.sh mock:tests/test-tools-check-*.sh shell xen:10-disk" \
    tests/xen/t-10-disk.sh
affects "clang demo fuzz gcc mock:tests/test-*.sh sanitize valgrind xen:73-* xen:76-* xen:[0124678]* xen:[014]*" src/pr/client.c src/scsi/filter.c
"$TOP/tools/check" --affected a/file/of/nowhere 2>/dev/null && fail "a file of nowhere affects something"

# Of the unit tests, those that link a changed source.
unset MAKEFLAGS MFLAGS MAKELEVEL
# links PATH... : TEST... ! TEST...: a change of the files leads to the former tests, and not to the latter.
links() {
    local paths=() got expected=yes name
    while [ "$1" != : ]; do
        paths+=("$1")
        shift
    done
    shift
    got=$(changes_programs "${top_builddir:-.}" "${paths[@]}") || fail "changes_programs ${paths[*]}"
    for name; do
        case $name in
        '!') expected=no ;;
        *) [ "$(grep -qx "$name" <<<"$got" && echo yes || echo no)" = $expected ] || fail "${paths[*]} lead to" $got ;;
        esac
    done
}
links src/pr/proto.c : check_pr_proto check_pr_client check_service ! check_ring check_options check_xl_args
links tests/suite.h tests/check_xl_args.c : check_ring check_xl_args
links tools/mock-xen/txn.c : check_mockxen_store ! check_ring
for path in docs/scsi.md tools/check src/gone.c Makefile.am; do
    ! changes_programs "${top_builddir:-.}" src/pr/proto.c $path || fail "only programs that link $path are run"
done
echo "$(wc -l <<<"$files") files, $(changes_table | wc -l) lines"
