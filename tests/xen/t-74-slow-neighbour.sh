# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154,SC2034
# about: a slow device with one tag delays neither the other LUNs of its vhost, nor an ABORT, nor the toolstack, nor
# about: another guest with a LUN on the same SCSI host
# timeout: 240
# guests: kept
need_project
P=/sys/bus/pseudo/drivers/scsi_debug
# The host takes three commands: one for each guest, and one for others.
scsi_debug_load dev_size_mb=16 delay=0 max_queue=3 num_tgts=2
expect_eq "$(cat "/sys/class/scsi_host/host${DBG_HCTL%%:*}/can_queue")" 3 "what the host takes"
echo 1 >"/sys/bus/scsi/devices/$DBG_HCTL/queue_depth" || fail "queue_depth"
lio_init tcm_loop
fast=$(lio_loopback "$(lio_ramdisk fast 32)")
other=$(lio_loopback "$(lio_ramdisk other 32)")
fast2=$(lio_loopback "$(lio_ramdisk fast2 4)")
expect_ok iopat fill "$(block_of "$fast")" --depth 8
expect_ok iopat fill "$(block_of "$fast2")" --depth 8
daemon_start
guest_start g1
guest_start g2
expect_ok xl-scsi attach g1 "$DBG_HCTL" 0:0:0:0
expect_ok xl-scsi attach g1 "$fast" 0:0:1:0
guest_wait_disk g1 0:0:0:0
slow=$GUEST_SG
guest_wait_disk g1 0:0:1:0
guest_ok g1 "iopat verify $GUEST_BLK --size 1M"

expect_ok xl-scsi attach g2 "${DBG_HCTL%:*:*}:1:0" 0:0:0:0
expect_ok xl-scsi attach g2 "$fast2" 0:0:1:0
guest_wait_disk g2 0:0:0:0
slow2=$GUEST_SG
guest_wait_disk g2 0:0:1:0
fast2=$GUEST_BLK
guest_wait_disk g1 0:0:1:0

# HZ is 250: 5 s each, and longer where the rest of the test takes longer.
echo $((1250 * PATIENCE)) >$P/delay || fail "scsi_debug's delay"
guest_ok g1 "for i in 1 2 3 4 5 6 7; do
    (sg_raw -t 200 -r 4096 -o /dev/null $slow 28 00 00 00 10 00 00 00 08 00; echo \$? >/tmp/end\$i) >/dev/null 2>&1 </dev/null &
done"
# slow_ended: how many of them have.
slow_ended() { guest_sh g1 "ls /tmp/end?" 2>/dev/null | wc -l; }
sleep 1
reads=$(guest_ok g1 "iopat verify $GUEST_BLK --size 2M --bs 16k --depth 4")
note "$reads"
slowest=$(echo "$reads" | sed -n 's/.*slowest \([0-9]*\) ms.*/\1/p')
[ "${slowest:-9999}" -lt $((2000 * PATIENCE)) ] || fail "a read at the fast disk took ${slowest:-?} ms: $reads"

note "another guest at the same SCSI host"
guest_ok g2 "(sg_raw -t 200 -r 4096 -o /dev/null $slow2 28 00 00 00 10 00 00 00 08 00; echo \$? >/tmp/end) >/dev/null 2>&1 </dev/null &"
sleep 1
reads=$(guest_ok g2 "iopat verify $fast2 --bs 16k --depth 4")
note "$reads"
slowest=$(echo "$reads" | sed -n 's/.*slowest \([0-9]*\) ms.*/\1/p')
[ "${slowest:-9999}" -lt $((2000 * PATIENCE)) ] || fail "a read of another guest at its fast disk took ${slowest:-?} ms: $reads"
[ "$(slow_ended)" -lt 6 ] || fail "nearly all slow reads had ended before"

note "ABORT of a command that waits for the one tag, behind seven others"
before=$(uptime_cs)
guest_sh g1 "sg_raw -t 2 -r 512 $slow 28 00 00 00 10 00 00 00 01 00" >/tmp/aborted 2>&1
took=$(($(uptime_cs) - before))
note "$(cat /tmp/aborted)"
[ $took -lt $((1500 * PATIENCE)) ] || fail "the ABORT of a waiting command took $took cs"
[ "$(slow_ended)" -lt 7 ] || fail "the slow reads had ended before"

before=$(uptime_cs)
expect_match "$(pvscsictl status)" "0:0:1:0" "status"
took=$(($(uptime_cs) - before))
[ $took -lt $((300 * PATIENCE)) ] || fail "pvscsictl status took $took cs"
before=$(uptime_cs)
expect_ok xl-scsi attach g1 "$other" 0:0:2:0
guest_wait_disk g1 0:0:2:0
guest_ok g1 "dd if=$GUEST_BLK of=/dev/null bs=4096 count=16 iflag=direct"
expect_ok xl-scsi detach g1 0:0:2:0
guest_wait_gone g1 0:0:2:0
took=$(($(uptime_cs) - before))
[ $took -lt $((1500 * PATIENCE)) ] || fail "attach and detach of another LUN took $took cs"
[ "$(slow_ended)" -lt 7 ] || fail "the slow reads had ended before"

wait_until 15 "guest_sh g2 'test -s /tmp/end'" "the slow read of the other guest"
[ "$(slow_ended)" -lt 7 ] || fail "the other guest had to wait for all slow reads of the first one"
expect_eq "$(guest_ok g2 "cat /tmp/end")" 0 "the slow read of the other guest"
wait_until 60 '[ "$(slow_ended)" = 7 ]' "the end of the slow reads"
expect_eq "$(guest_ok g1 "cat /tmp/end?" | tr '\n' ' ')" "0 0 0 0 0 0 0 " "the slow reads"
echo 0 >$P/delay || fail "scsi_debug's delay"
expect_no_match "$(guest_ok g1 dmesg)" offline "the guest's messages"
for number in 1 0; do
    for g in g1 g2; do
        expect_ok xl-scsi detach $g "0:0:$number:0"
        guest_wait_gone $g "0:0:$number:0"
    done
done
