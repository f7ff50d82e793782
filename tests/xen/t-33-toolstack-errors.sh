# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: what the toolstack refuses on a real Xen, each with its reason, its exit status and nothing half done
# timeout: 240

need_project
ln -sf /usr/local/libexec/xen-pvscsi/xl /usr/local/sbin/xl
export XEN_PVSCSI_REAL_XL="$REAL_XL"
# refuses STATUS ERE COMMAND...
refuses() {
    want=$1 text=$2
    shift 2
    status=0
    out=$("$@" 2>&1) || status=$?
    expect_eq $status "$want" "exit status of $*: $out"
    expect_match "$out" "$text" "$*"
    expect_eq "$(xenstore-ls -f /local/domain | grep -c -e /device/vscsi/ -e /backend/vscsi/.)" "$nodes" "nodes after $*"
}
count() { nodes=$(xenstore-ls -f /local/domain | grep -c -e /device/vscsi/ -e /backend/vscsi/.); }
nodes=0
scsi_debug_load dev_size_mb=64 delay=0 num_tgts=4
# shellcheck disable=SC2046
set -- $(echo "$DBG_ALL" | awk '{ print $1, $2 }')
a=$1 ablk=$2 b=$3 bblk=$4 c=$5 cblk=$6 d=$7
guest_start g1
guest_start g2

note "no daemon"
count
refuses 1 'no backend serves this .is pvscsid running there' xl-scsi attach -t 2 g1 "$a" 0:0:0:0
expect_fail 1 xl create -q "$(guest_config g3)" "vscsi=[ '$a,0:0:0:0' ]"
refuses 1 'is not started|no backend serves' xl create -q "$(guest_config g3)" "vscsi=[ '$a,0:0:0:0' ]"
"$REAL_XL" domid g3 2>/dev/null && fail "a guest without its device is there"
daemon_start

note "devices that are none"
refuses 1 'refused by the backend: p-dev /dev/nosuch: ' xl-scsi attach g1 /dev/nosuch 0:0:0:0
refuses 1 'refused by the backend: p-dev 7:7:7:7: ' xl-scsi attach g1 7:7:7:7 0:0:0:0
refuses 1 'refused by the backend: p-dev /dev/null: ' xl-scsi attach g1 /dev/null 0:0:0:0
refuses 1 'refused by the backend: p-dev naa.0123456789abcdef: ' xl-scsi attach g1 naa.0123456789abcdef 0:0:0:0
refuses 2 'did you mean /dev/sda' xl-scsi attach g1 sda 0:0:0:0
refuses 1 "domain 'nobody' does not exist" xl scsi-attach nobody "$a" 0:0:0:0
refuses 1 "domain '9999' does not exist" xl scsi-detach 9999 0:0:0:0
refuses 1 'guest g3 is not started: v-dev 0:0:0:1 was refused by the backend: p-dev /dev/nosuch' \
    xl create -q "$(guest_config g3)" "vscsi=[ '$a,0:0:0:0', '/dev/nosuch,0:0:0:1' ]"
refuses 1 "vscsi entry 2 \\('x'\\)" xl create -q "$(guest_config g3)" "vscsi=[ '$a,0:0:0:0', 'x' ]"
"$REAL_XL" domid g3 2>/dev/null && fail "a guest without its device is there"

note "devices in use"
mkfs.ext2 -q "/dev/$ablk" 2>/dev/null || mke2fs "/dev/$ablk" >/dev/null || fail "mkfs"
mkdir -p /mnt/a
mount -t ext2 "/dev/$ablk" /mnt/a || mount "/dev/$ablk" /mnt/a || fail "mount"
refuses 1 "p-dev $a is in use: it is mounted on /mnt/a; option force" xl-scsi attach g1 "$a" 0:0:0:0
expect_ok xl-scsi attach g1 "$a" 0:0:0:0,force
expect_ok xl-scsi detach g1 0:0:0:0
umount /mnt/a
mkswap "/dev/$bblk" >/dev/null && swapon "/dev/$bblk" || fail "swapon"
refuses 1 'in use: this system swaps to it' xl-scsi attach g1 "/dev/$bblk" 0:0:0:0
swapoff "/dev/$bblk"
# Something that has it exclusively, as dm and md do, until nobody reads any more.
# shellcheck disable=SC2216
sg_dd if="/dev/$cblk" iflag=excl bs=512 of=- 2>/tmp/sg_dd | sleep 30 &
holder=$!
wait_until 10 "[ -n \"\$(pidof sg_dd)\" ] && ls -l /proc/\$(pidof sg_dd)/fd | grep -q '/dev/$cblk\$'" "sg_dd has the disk: $(cat /tmp/sg_dd)"
refuses 1 "p-dev $c is in use: something in this domain has /dev/$cblk open exclusively; option force" xl-scsi attach g1 "$c" 0:0:0:0
kill $holder
wait_until 10 "[ -z \"\$(pidof sg_dd)\" ]" "sg_dd ends"
expect_ok xl-scsi attach g1 "$a" 0:0:0:0
expect_ok xl-scsi attach g2 "$b" 0:0:0:0
count
refuses 1 "p-dev $b is in use: it is 0:0:0:0 of guest g2 \\(domain [0-9]+\\); option force" xl-scsi attach g1 "$b" 0:0:1:0
refuses 1 "p-dev /dev/$bblk is in use: it is 0:0:0:0 of guest g2" xl-scsi attach g1 "/dev/$bblk" 0:0:1:0
refuses 1 "p-dev $a is in use: it is 0:0:0:0 of this guest" xl-scsi attach g1 "$a" 0:0:1:0
refuses 1 'v-dev 0:0:0:0 is taken already' xl-scsi attach g1 "$c" 0:0:0:0
refuses 1 'guest g3 is not started: p-dev .* is in use: it is 0:0:0:0 of guest g2' \
    xl create -q "$(guest_config g3)" "vscsi=[ '$b,0:0:0:0' ]"
refuses 1 'are the same device; option force' xl create -q "$(guest_config g3)" "vscsi=[ '$c,0:0:0:0', '/dev/$cblk,0:0:0:1' ]"
expect_ok xl-scsi attach g1 "$b" 0:0:1:0,force
guest_wait_disk g1 0:0:1:0
count

note "a guest that does not answer"
expect_ok "$REAL_XL" pause g1
refuses 1 'time-out for v-dev 0:0:2:0: the guest did not answer; backend state 7' xl-scsi attach -t 2 g1 "$c" 0:0:2:0
refuses 1 'time-out: the guest did not answer; backend state 7' xl-scsi detach -t 2 g1 0:0:1:0
expect_ok "$REAL_XL" unpause g1
wait_until 10 "xl-scsi list g1 | grep -q '0:0:1:0 *4'" "the guest goes on"
expect_ok xl-scsi attach g1 "$c" 0:0:2:0
guest_wait_disk g1 0:0:2:0
guest_ok g1 "dd if=$GUEST_BLK of=/dev/null bs=4096 count=1 iflag=direct"

note "the kernel's own backend holds the vhost"
guest_start g4 paused
expect_ok xl-scsi detach g2 0:0:0:0
daemon_stop
expect_ok modprobe xen-scsiback
count
refuses 1 "xen-scsiback" xl-scsi attach -t 3 g4 "$d" 0:0:0:0
