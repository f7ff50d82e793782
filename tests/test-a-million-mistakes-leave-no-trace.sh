#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Hundreds of thousands of refused requests: the worker's memory, descriptors and grants do not grow.
# shellcheck source=tests/mock-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/mock-lib.sh"

mock_start
daemon_start
guest_create 1
disk a 8
attach 1 "$DISK" 0:0:0:0 --no-wait
front_start g 1
front g "wait-dev 0:0:0:0 4"
front g "bad all"
front g "bad garbage count=20000 seed=1"
worker=$(one_worker)
# What the hypervisor knows: mapped grants, granted pages, event channels.
held() { mock_ctl status | sed -n '/^mapped /p; /^domain /p'; }
held=$(held)
check_match "$held" 'mapped 1' "the ring, which is mapped"
rss=$(rss_kb "$worker") fds=$(fds "$worker") control_rss=$(rss_kb "$DAEMON_PID")
front g "bad garbage count=300000 seed=2"
for seed in 1 2 3 4 5 6 7 8 9 10; do front g "bad sixteen seed=$seed"; done
for bad in ref-last list-ref record-ref-last ref-last-write cmd-len-17; do
    for _ in 1 2 3 4 5 6 7 8 9 10; do front g "bad $bad"; done
done
check_eq "$(one_worker)" "$worker" "the worker"
check_eq "$(fds "$worker")" "$fds" "the worker's descriptors"
check_eq "$(held)" "$held" "grants and event channels"
[ $(($(rss_kb "$worker") - rss)) -lt 2048 ] || fail "the worker grew from $rss to $(rss_kb "$worker") KiB"
[ $(($(rss_kb "$DAEMON_PID") - control_rss)) -lt 1024 ] ||
    fail "the control process grew from $control_rss to $(rss_kb "$DAEMON_PID") KiB"
front_stop g
