#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The state of a ring, of a LUN and of a device's presence is each written by one line of the control process, which
# takes it from the state's table. Then the tests of the tables see each change that there can be.
set -u
# shellcheck source=tests/tree-lib.sh
. "$(dirname -- "$0")/tree-lib.sh"

# writers TREE MEMBER: the lines that write MEMBER through a pointer to its struct.
writers() { grep -nE -- "->$2( [-+|&^*/%]?= |\\+\\+|--)" "$1"/src/control/*.c; }
# wrong TREE MEMBER TABLE: prints what is wrong with them.
wrong() {
    local found
    found=$(writers "$1" "$2")
    [ "$(wc -l <<<"$found")" = 1 ] && [[ $found == *"->$2 = $3("* ]] ||
        printf '%s has to be written by one line, from %s():\n%s\n' "$2" "$3" "$found"
}

mkdir -p "$tmp/src/control"
echo '    v->ring = ring_after(v->ring, fact); /* a->ring == b */' >"$tmp/src/control/a.c"
[ -z "$(wrong "$tmp" ring ring_after)" ] || fail "one line that uses the table is right"
echo '    v->ring = RING_LIVE;' >"$tmp/src/control/b.c"
[ -n "$(wrong "$tmp" ring ring_after)" ] || fail "the check does not see a second line"
rm "$tmp/src/control/a.c"
[ -n "$(wrong "$tmp" ring ring_after)" ] || fail "the check does not see a line without the table"

while read -r member table; do
    said=$(wrong "$top_srcdir" "$member" "$table")
    [ -z "$said" ] || fail "$said"
done <<END
ring ring_after
lun lun_after
presence presence_after
END
exit "$failed"
