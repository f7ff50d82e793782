# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: many attaches at once, to several guests, all succeed
# timeout: 180
# guests: kept

need_project
. /host/lib/toolstack.sh
MANY=4
scsi_debug_load dev_size_mb=8 delay=0 num_tgts=2 max_luns=4
daemon_start
guest_start g1
guest_start g2

note "$((2 * MANY)) attaches, half of them to each guest"
begin=$(uptime_cs)
pids=""
i=0
while [ $i -lt $((2 * MANY)) ]; do
    xl-scsi attach -t 60 "g$((i % 2 + 1))" "$(dbg_part $((i + 1)) 1)" "0:0:$((i / 2)):0" >"/tmp/attach.$i" 2>&1 &
    pids="$pids $!"
    i=$((i + 1))
done
failed=0
for pid in $pids; do wait "$pid" || failed=$((failed + 1)); done
note "they took $(($(uptime_cs) - begin)) cs"
[ $failed = 0 ] || fail "$failed attaches failed: $(cat /tmp/attach.*)"
for guest in g1 g2; do
    expect_eq "$(xl-scsi list $guest | grep -c ' 4$')" $MANY "devices of $guest"
    expect_eq "$(guest_sh $guest 'ls /sys/class/scsi_device | wc -l')" $MANY "devices in $guest"
done
