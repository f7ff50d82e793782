# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154,SC2016,SC2086,SC2217
# about: a tape that a program of dom0 has open is refused by name; while a guest has the tape, no program of dom0 moves it
# timeout: 240
# guests: kept
# shellcheck source=lib/tgt.sh
. /host/lib/tgt.sh
need_project
command -v tgtd >/dev/null || skip "no tgtd in the image"
tgt_start
modprobe st
wait_until 20 "[ -e /sys/bus/scsi/devices/$TAPE/scsi_tape ]" "the kernel's st has the tape"
nst=$(cd "/sys/bus/scsi/devices/$TAPE/scsi_tape" && echo nst[0-9])
wait_until 10 "[ -c /dev/$nst ]" "its node"
daemon_start
guest_start g1

note "a program has it"
sleep 200 </dev/$nst &
holder=$!
wait_until 5 "ls -l /proc/$holder/fd | grep -q $nst" "the program has the tape"
status=0
out=$(xl-scsi attach g1 /dev/$nst 0:0:0:0 2>&1) || status=$?
expect_eq $status 5 "exit status for a tape that is open in dom0, without force"
expect_match "$out" "in use in this domain: process $holder \\([a-z]+\\) has /dev/$nst open; option force" "the reason"
expect_ok xl-scsi attach g1 /dev/$nst 0:0:0:0,force
expect_ok xl-scsi detach g1 0:0:0:0
kill $holder
wait $holder 2>/dev/null

note "a guest has it"
expect_ok xl-scsi attach g1 /dev/$nst 0:0:0:0
guest_wait_disk g1 0:0:0:0
gnst=$GUEST_OTHER
case $gnst in /dev/n*) ;; *) gnst=/dev/n${gnst#/dev/} ;; esac
guest_sh g1 "for i in 1 2 3 4 5 6; do sg_turs $GUEST_SG && break; done" >/dev/null 2>&1
# blocks N: the guest writes so many more. If anything had moved the tape since then, the blocks before would be gone.
blocks() { guest_ok g1 "dd if=/dev/zero of=$gnst bs=4096 count=$1 2>/dev/null"; }
guest_ok g1 "/usr/bin/mt -f $gnst rewind"
blocks 5
busy() {
    for node in $nst ${nst#n}; do
        status=0
        out=$(/usr/bin/mt -f /dev/$node rewind 2>&1) || status=$?
        [ $status != 0 ] || fail "dom0 moved the guest's tape by /dev/$node $1"
        expect_match "$out" 'busy' "mt $1"
    done
}
busy "while the guest has it"
blocks 3
daemon_stop
daemon_start
wait_until 20 '[ -n "$(worker_pids)" ]' "a worker of the new daemon"
busy "after a restart of the daemon"
guest_sh g1 "sg_turs $GUEST_SG" >/dev/null 2>&1
blocks 2
guest_ok g1 "/usr/bin/mt -f $gnst rewind"
# One file mark after each writing: three files.
expect_eq "$(guest_ok g1 "for i in 1 2 3; do dd if=$gnst bs=4096 2>/dev/null | wc -c; done" | tr '\n' ' ')" "20480 12288 8192 " "what the guest wrote"

note "dom0 has it again"
expect_ok xl-scsi detach g1 0:0:0:0
expect_ok /usr/bin/mt -f /dev/$nst rewind
daemon_stop
tgt_stop
