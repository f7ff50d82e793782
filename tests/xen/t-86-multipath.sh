# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: multipath in a guest has one map of two paths, each a VDEV of its own, and goes on without the one that is lost
# timeout: 240
need_project
lio_two_initiators 16
daemon_start
guest_start g1 with=multipath
# As docs/guide-multipath.md has it: tests/test-the-examples-are-run.sh compares the lines.
expect_ok env GUEST=g1 PATH1="$LIO_A" PATH2="$LIO_B" sh -e <<'END'
xl-scsi attach $GUEST $PATH1 0:0:0:0
xl-scsi attach $GUEST $PATH2 1:0:0:0
END
guest_wait_disk g1 0:0:0:0
a=${GUEST_BLK#/dev/}
guest_wait_disk g1 1:0:0:0
b=${GUEST_BLK#/dev/}
# This guest has no udev. What udev knows of a disk is a file, which multipath reads.
guest_ok g1 'mkdir -p /run/udev/data
for dev in /sys/block/sd*; do
    id=$(sed s/naa.// $dev/device/wwid)
    printf "I:1\nE:ID_SERIAL=3%s\nE:ID_WWN=0x%s\n" $id $id >/run/udev/data/b$(cat $dev/dev)
done
cat >/etc/multipath.conf <<END
defaults {
    find_multipaths no
    path_checker tur
    polling_interval 1
    max_polling_interval 1
}
overrides {
    no_path_retry fail
}
END
modprobe -a dm_multipath dm_service_time scsi_dh_alua && DM_DISABLE_UDEV=1 multipathd'
# paths STATE: how many paths of the map are in this state.
paths() { guest_sh g1 'multipathd show paths format "%d %t"' | grep -c " $1\$"; }
within 30 '[ "$(paths active)" = 2 ]' || fail "two active paths: $(guest_sh g1 'multipathd show paths; multipathd show status')"
map=$(guest_sh g1 'multipath -ll')
note "$map"
expect_eq "$(echo "$map" | grep -c '^[^ |`].* dm-')" 1 "maps"
for disk in $a $b; do expect_match "$map" " $disk .*active ready" "the path $disk"; done
dm=/dev/mapper/$(echo "$map" | sed -n 's/ .*dm-.*//p')
guest_ok g1 "iopat fill $dm --size 1M"

note "one path is lost in the middle of I/O"
guest_ok g1 "(
    g=2
    while [ ! -e /tmp/enough ] && iopat fill $dm --size 1M --generation \$g && iopat verify $dm --size 1M --generation \$g; do
        g=\$((g + 1))
        sleep 0.1
    done
    echo \"generation \$g\"
) >/tmp/io 2>&1 &"
done_now() { guest_sh g1 'grep -c "^ok:" /tmp/io'; }
wait_until 20 '[ "$(done_now)" -ge 2 ]' "I/O goes on"
echo 1 >"/sys/bus/scsi/devices/$LIO_B/delete"
wait_until 30 '[ "$(paths failed)" = 1 ]' "multipath sees that a path has failed"
expect_eq "$(paths active)" 1 "active paths"
# shellcheck disable=SC2034
before=$(done_now)
wait_until 20 '[ "$(done_now)" -gt $((before + 4)) ]' "I/O goes on over the other path"
guest_ok g1 ": >/tmp/enough"
wait_until 20 'guest_sh g1 "grep -q ^generation /tmp/io"' "the I/O ends"
expect_eq "$(guest_sh g1 'grep -vc "^ok:" /tmp/io; tail -n 3 /tmp/io' | head -n 1)" 1 "lines that tell no success"
note "$(done_now) fills and checks of 1 MiB"
guest_ok g1 "multipathd shutdown"
guest_destroy g1
check_no_zombie
