# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154,SC2046,SC2034
# about: LUNs come and go while I/O runs on their neighbour, and limits of two LUNs hold
# timeout: 240
# guests: kept
need_project
scsi_debug_load dev_size_mb=16 delay=0 add_host=3 per_host_store=1
set -- $(echo "$DBG_ALL" | awk '{ print $1 }')
one=$1 two=$2 three=$3
daemon_start
guest_start g1
expect_ok xl-scsi attach g1 "$one" 0:0:0:0
guest_wait_disk g1 0:0:0:0
disk=$GUEST_BLK
scsi_debug_delay 10
guest_sh g1 "(iopat mix $disk --until-file /tmp/stop --bs 4k-64k --depth 2; echo END=\$?) >/tmp/out 2>&1 &"
n=0
while [ $n -lt 3 ]; do
    expect_ok xl-scsi attach g1 "$two" 0:0:0:1
    expect_ok xl-scsi attach g1 "$three" 0:0:5:0
    guest_wait_disk g1 0:0:0:1
    guest_ok g1 "iopat mix $GUEST_BLK --seconds 1 --depth 4"
    guest_wait_disk g1 0:0:5:0
    expect_ok xl-scsi detach g1 0:0:0:1
    expect_ok xl-scsi detach g1 0:0:5:0
    guest_wait_gone g1 0:0:0:1
    guest_wait_gone g1 0:0:5:0
    n=$((n + 1))
done
note "$n rounds of two"
# Two LUNs with limits, while their neighbour goes on. The guest may have to send some commands again (TASK SET FULL).
expect_ok xl-scsi attach g1 "$two" 0:0:0:1,iops=50
expect_ok xl-scsi attach g1 "$three" 0:0:5:0,iops=50,bps=8M
guest_wait_disk g1 0:0:0:1
limited=$GUEST_BLK
guest_wait_disk g1 0:0:5:0
expect_match "$(pvscsictl status)" '0:0:5:0 .* iops:50 bps:8388608 burst:1' "the limits in force"
# good_of LUN, busy_of LUN: its commands that ended so.
good_of() { pvscsictl stats | sed -n "s/.* $1 .* good \([0-9]*\).*/\1/p"; }
busy_of() { pvscsictl stats | sed -n "s/.* $1 .* busy \([0-9]*\).*/\1/p" | grep . || echo 0; }
lines=$(guest_ok g1 "dmesg | wc -l")
good=$(good_of 0:0:0:1)
before=$(uptime_cs)
guest_ok g1 "iopat mix $limited --size 256k --seconds 1 --bs 4k --depth 10 >/tmp/out3 2>&1 & other=\$!
    iopat mix $GUEST_BLK --size 256k --seconds 1 --bs 4k --depth 10 && wait \$other"
good=$(($(good_of 0:0:0:1) - good)) took=$(($(uptime_cs) - before))
note "$good commands in $took cs, sent again: $(busy_of 0:0:0:1), $(busy_of 0:0:5:0)"
# A second's worth was saved up, and another one may be owed by commands that do not wait.
[ $good -le $((50 * took / 100 + 102)) ] || fail "$good commands in $took cs are more than 50 a second"
[ $good -ge 20 ] || fail "only $good commands"
# At 2 a second, 20 requests for both LUNs: up to 12 wait in the backend. The others wait in the guest, or are sent
# again. (Linux shares the 16 places of the ring out among the LUNs that are in use: 6 for each of three.)
# `set` lets one LUN go on at once: at 2 a second, 120 commands would take a minute. The other limits hold as before.
inflight_of() { pvscsictl stats | awk -v lun="$1" '$3 == "LUN" { here = $4 == "commands" } here && $3 == lun { print $5 }'; }
limited_of() { pvscsictl stats | awk -v lun="$1" '$3 == "LUN" { here = $4 == "reads" } here && $3 == lun { print $12 }'; }
expect_ok xl-scsi set g1 0:0:0:1 iops=2
expect_ok xl-scsi set g1 0:0:5:0 iops=2 bps=0
guest_sh g1 "(for disk in $limited $GUEST_BLK; do
        iopat mix \$disk --size 256k --until-file /tmp/stop2 --bs 4k --depth 10 >/tmp/out\${disk##*/} 2>&1 && echo \$disk &
    done; wait; echo END) >/tmp/out4 2>&1 &"
wait_until 20 '[ $(($(inflight_of 0:0:0:1) + $(inflight_of 0:0:5:0))) -ge 8 ]' "commands that wait"
before=$(uptime_cs) good=$(good_of 0:0:0:1) held=$(good_of 0:0:5:0) free=$(good_of 0:0:0:0)
expect_ok xl-scsi set g1 0:0:0:1 iops=0
expect_no_match "$(pvscsictl status | grep ' 0:0:0:1 ')" 'iops:|burst:' "the limits in force"
wait_until 60 "[ \$(good_of 0:0:0:1) -ge $((good + 120)) ]" "the LUN without a limit: $(pvscsictl stats)"
held=$(($(good_of 0:0:5:0) - held)) took=$(($(uptime_cs) - before)) free=$(($(good_of 0:0:0:0) - free))
note "120 commands in $took cs, $held of the LUN that is still held, $free of the one without limits"
note "sent again: $(busy_of 0:0:0:1), $(busy_of 0:0:5:0)"
[ 120 -gt $((2 * took / 100 + 6)) ] || fail "$took cs for 120 commands are as many as with the limit"
[ $held -le $((2 * took / 100 + 6)) ] || fail "$held commands in $took cs are more than 2 a second"
[ $free -gt 0 ] || fail "the LUN without limits does not go on"
expect_eq "$(limited_of 0:0:0:0)" 0 "commands of the LUN without limits that were held up"
expect_ok xl-scsi set g1 0:0:5:0 iops=none
guest_sh g1 "touch /tmp/stop2"
guest_wait_for g1 "grep -q END /tmp/out4"
expect_eq "$(guest_sh g1 'wc -l </tmp/out4')" 3 "loads that ended well, and the end"
expect_no_match "$(guest_ok g1 "dmesg | tail -n +$lines")" 'offline|I/O error|timing out' "the guest's messages"
expect_ok xl-scsi detach g1 0:0:0:1
expect_ok xl-scsi detach g1 0:0:5:0
guest_wait_gone g1 0:0:0:1
guest_wait_gone g1 0:0:5:0
# A LUN is removed while it is in use. The guest may see errors there; the other LUN goes on.
expect_ok xl-scsi attach g1 "$two" 0:0:0:1
guest_wait_disk g1 0:0:0:1
guest_sh g1 "(iopat mix $GUEST_BLK --seconds 20 --depth 8) >/tmp/out2 2>&1 &"
sleep 1
expect_ok xl-scsi detach g1 0:0:0:1
guest_wait_gone g1 0:0:0:1
guest_sh g1 "touch /tmp/stop"
guest_wait_for g1 "grep -q END= /tmp/out"
expect_match "$(guest_sh g1 'cat /tmp/out')" '^END=0' "the neighbour's verified load"
expect_ok xl-scsi detach g1 0:0:0:0
expect_eq "$(xl-scsi list g1 | grep -c :)" 0 "devices left"
