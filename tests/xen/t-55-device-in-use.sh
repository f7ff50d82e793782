# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: a device in use is refused, with what uses it: a mount, swap, a program, this guest, another guest
# timeout: 240
# guests: kept

need_project
. /host/lib/toolstack.sh
use_shim
# A disk of this size takes an ext2 and swap.
scsi_debug_load dev_size_mb=64 delay=0 num_tgts=3
a=$(dbg_part 1 1) ablk=$(dbg_part 1 2) b=$(dbg_part 2 1) bblk=$(dbg_part 2 2) c=$(dbg_part 3 1) cblk=$(dbg_part 3 2)
daemon_start
guest_start g1
count_nodes

note "mounted"
mkfs.ext2 -q "$ablk" 2>/dev/null || mke2fs "$ablk" >/dev/null || fail "mkfs"
mkdir -p /mnt/a
mount -t ext2 "$ablk" /mnt/a || mount "$ablk" /mnt/a || fail "mount"
refuses 5 "p-dev $a is in use: it is mounted on /mnt/a; option force" xl-scsi attach g1 "$a" 0:0:0:0
expect_ok xl-scsi attach g1 "$a" 0:0:0:0,force
expect_ok xl-scsi detach g1 0:0:0:0
umount /mnt/a

note "swap"
mkswap "$bblk" >/dev/null && swapon "$bblk" || fail "swapon"
refuses 5 'in use: this system swaps to it' xl-scsi attach g1 "$bblk" 0:0:0:0
swapoff "$bblk"

note "open exclusively, as dm and md do"
# sg_dd ends when the reader of its output does.
# shellcheck disable=SC2216
sg_dd if="$cblk" iflag=excl bs=512 of=- 2>/tmp/sg_dd | sleep 60 &
holder=$!
wait_until 10 "[ -n \"\$(pidof sg_dd)\" ] && ls -l /proc/\$(pidof sg_dd)/fd | grep -q '$cblk\$'" "sg_dd has the disk: $(cat /tmp/sg_dd)"
refuses 5 "p-dev $c is in use: process [0-9]+ \\(sg_dd\\) has $cblk open; option force" xl-scsi attach g1 "$c" 0:0:0:0
kill $holder
wait_until 10 "[ -z \"\$(pidof sg_dd)\" ]" "sg_dd ends"

note "this guest, and another one"
guest_start g2
expect_ok xl-scsi attach g1 "$a" 0:0:0:0
expect_ok xl-scsi attach g2 "$b" 0:0:0:0
count_nodes
refuses 5 "p-dev $b is in use: it is 0:0:0:0 of guest g2 \\(domain [0-9]+\\); option force" xl-scsi attach g1 "$b" 0:0:1:0
refuses 5 "p-dev $bblk is in use: it is 0:0:0:0 of guest g2" xl-scsi attach g1 "$bblk" 0:0:1:0
refuses 5 "p-dev $a is in use: it is 0:0:0:0 of this guest" xl-scsi attach g1 "$a" 0:0:1:0
refuses 5 'v-dev 0:0:0:0 has a device already' xl-scsi attach g1 "$c" 0:0:0:0
refuses 1 'guest g3 is not started: p-dev .* is in use: it is 0:0:0:0 of guest g2' \
    xl create -q "$(guest_config g3)" "vscsi=[ '$b,0:0:0:0' ]"
refuses 1 'are the same device; option force' xl create -q "$(guest_config g3)" "vscsi=[ '$c,0:0:0:0', '$cblk,0:0:0:1' ]"
no_guest g3
expect_ok xl-scsi attach g1 "$b" 0:0:1:0,force
guest_wait_disk g1 0:0:1:0
for vdev in 0:0:0:0 0:0:1:0; do expect_ok xl-scsi detach g1 $vdev; done
expect_ok xl-scsi detach g2 0:0:0:0
