# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2034 # for those that source it
# For tests of the tree itself: where it is, which files are its own, failure and skip. Source it.

top_srcdir=$(readlink -f -- "${top_srcdir:-$(dirname -- "$0")/..}")
BUILD=${top_builddir:-.}
failed=0
fail() { printf 'FAIL: %s\n' "$*"; failed=1; }
skip() { printf 'SKIP: %s\n' "$*"; exit 77; }

# A directory for the test's own files, gone when it ends.
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

# tree_files: the files that belong to the tree. In a checkout git knows them; elsewhere they are what its
# directories have. debian/changelog is made by tools/package.
tree_files() {
    if [ "$(git -C "$top_srcdir" rev-parse --show-toplevel 2>/dev/null)" = "$top_srcdir" ]; then
        # A file that is deleted and not yet committed is still in git's list.
        git -C "$top_srcdir" ls-files | while read -r file; do [ ! -e "$top_srcdir/$file" ] ||
            printf '%s\n' "$file"; done
    else
        (cd "$top_srcdir" && find include src tools tests docs xl-scripts debian packaging -type f | sort |
            grep -vx debian/changelog)
    fi
}
