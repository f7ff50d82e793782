#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# xl-scsi and its pages have the same commands and options, and mandoc accepts the pages.
set -u
top_srcdir=${top_srcdir:-$(dirname -- "$0")/..}
BUILD=${top_builddir:-.}
PAGE=$top_srcdir/docs/xl-scsi.8 SYNTAX=$top_srcdir/docs/vscsi.7
failed=0

same() { # WHAT LEFT RIGHT
    [ -n "$2" ] && [ "$2" = "$3" ] && return
    echo "FAIL: $1"
    diff <(echo "$2") <(echo "$3")
    failed=1
}
# options: of --help, each with its letter. "-t --timeout"
help=$("$BUILD/xl-scsi" --help)
options=$(sed -n 's/^ *\(-[a-zA-Z]\), \(--[a-z-]*\).*/\1 \2/p' <<<"$help" | sort)
same "options of --help and of xl-scsi(8)" "$options" \
    "$(sed -n 's/^\.It Fl \([a-zA-Z]\) , -\([a-z-]*\).*/-\1 --\2/p' "$PAGE" | sort)"
same "commands of --help and of xl-scsi(8)" "$(sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z]*\) .*/\1/p' <<<"$help" | sort)" \
    "$(sed -n '/^\.Sh DESCRIPTION/,/^\.It Fl/s/^\.It Cm \([a-z]*\)$/\1/p' "$PAGE" | sort)"
# The words of --help's list of device options: each an item of vscsi(7).
words=$(sed -n 's/.*Options: \(.*\)\.$/\1/p' <<<"$help" | tr ' ' '\n' | sed 's/=.*//' | sort)
same "device options of --help and of vscsi(7)" "$words" \
    "$(sed -n '/^\.Ss OPTION/,/^\.Sh/s/^\.It Cm \([a-z-]*\).*/\1/p' "$SYNTAX" | sort -u)"
# Defaults.
default=$(sed -n 's/.*--timeout.*(default \([0-9]*\)).*/\1/p' <<<"$help")
grep -q "the default is $default\.$" "$PAGE" ||
    { echo "FAIL: xl-scsi(8) does not name the default time-out $default"; failed=1; }
# Exit statuses, in both.
same "exit statuses" "$(grep -o 'Exit status:.*' <<<"$help" | grep -o '[0-9] ' | sort -u)" \
    "$(sed -n '/^\.Sh EXIT STATUS/,/^\.El/s/^\.It \([0-9]\)$/\1 /p' "$PAGE")"

if command -v mandoc >/dev/null; then
    for page in "$PAGE" "$SYNTAX"; do
        complaints=$(mandoc -Tlint "$page" 2>&1 | grep -v 'referenced manual not found\|makewhatis')
        [ -z "$complaints" ] || { echo "FAIL: $complaints"; failed=1; }
    done
else
    echo "mandoc is not installed: the format of the pages is not checked"
fi
exit $failed
