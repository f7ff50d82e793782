# SPDX-License-Identifier: GPL-2.0-or-later
# Finds circles in a graph. Input: one arrow a line, "FROM TO WHY"; FROM needs TO, because of WHY. Prints each group
# of nodes that reach one another as one shortest circle, in words, and ends with 1 when there is any.

{
    if ($1 == $2) next
    if (!($1 in seen)) { seen[$1] = 1; node[++nodes] = $1 }
    if (!($2 in seen)) { seen[$2] = 1; node[++nodes] = $2 }
    if (!(($1, $2) in why)) out[$1] = out[$1] " " $2
    if (!(($1, $2) in why)) why[$1, $2] = $3
}

# Breadth first from start; from[x] is where x was reached from. True if start itself is reached.
function search(start,    queue, head, tail, at, n, i, next_nodes) {
    split("", from)
    head = 1; tail = 1; queue[1] = start
    while (head <= tail) {
        at = queue[head++]
        n = split(out[at], next_nodes, " ")
        for (i = 1; i <= n; i++) {
            if (next_nodes[i] in from) continue
            from[next_nodes[i]] = at
            if (next_nodes[i] == start) return 1
            queue[++tail] = next_nodes[i]
        }
    }
    return 0
}

END {
    for (k = 1; k <= nodes; k++) {
        start = node[k]
        if (start in told || !search(start)) continue
        # The circle, backwards from its end.
        text = ""; at = start
        do {
            previous = from[at]
            told[at] = 1
            text = "\n  " previous " needs " at " (" why[previous, at] ")" text
            at = previous
        } while (at != start)
        print "a circle:" text
        bad = 1
    }
    exit bad
}
