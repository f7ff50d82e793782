#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154
# mock-xen answers every question of xen-answers as a real Xen does.
set -u
dir=$(mktemp -d) || exit 1
"$top_builddir/mock-xen" --socket "$dir/xs" > "$dir/out" 2>&1 &
pid=$!
trap 'kill $pid; wait $pid; rm -rf "$dir"' EXIT
for _ in $(seq 600); do [ -S "$dir/xs" ] && break; sleep 0.05; done
"$top_builddir/xen-answers" "$dir/xs" > "$dir/answers" || exit 1
diff "$top_srcdir/tests/xen-answers.expected" "$dir/answers"
