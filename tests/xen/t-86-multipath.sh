# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: multipath in a guest has one map of two paths, each a VDEV of its own, and goes on without one that is lost
# timeout: 300
need_project
. /host/lib/toolstack.sh
use_shim
lio_two_initiators 16
daemon_start

note "docs/guide-multipath.md: the paths by the names that udev gives them, in a guest's configuration"
# There is no udev here.
by_path=/dev/disk/by-path
mkdir -p $by_path
path_a=$by_path/pci-0000:05:00.0-fc-0x500507680140a1b2-lun-0
path_b=$by_path/pci-0000:06:00.0-fc-0x500507680130a1b2-lun-0
ln -sf "../../$(dev_names "/sys/bus/scsi/devices/$LIO_A" block)" $path_a
ln -sf "../../$(dev_names "/sys/bus/scsi/devices/$LIO_B" block)" $path_b
XL=xl guest_start g1 with=multipath "vscsi = [
 '$path_a, 0:0:0:0',
 '$path_b, 1:0:0:0' ]"
has g1 0:0:0:0 1:0:0:0
for vdev in 0:0:0:0 1:0:0:0; do
    expect_ok xl scsi-detach g1 $vdev
    guest_wait_gone g1 $vdev
done
# As docs/guide-multipath.md has it: tests/test-the-examples-are-run.sh compares the lines.
expect_ok env GUEST=g1 PATH1=$path_a PATH2=$path_b sh -e <<'END'
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
    find_multipaths strict
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
wait_until 20 "guest_sh g1 'multipathd show status'" "multipathd answers"
expect_eq "$(guest_sh g1 'multipath -ll')" "" "the maps with find_multipaths strict"
guest_ok g1 "sed -i 's/strict/no/' /etc/multipath.conf && multipathd reconfigure"
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
expect_match "$(xl-scsi list -l g1)" 'the device is gone' "what xl-scsi list -l says"

note "it comes back"
echo "- - -" >"/sys/class/scsi_host/host${LIO_B%%:*}/scan"
wait_until 30 '[ "$(paths active)" = 2 ]' "both paths are active again: $(xl-scsi list -l g1)"
guest_ok g1 ": >/tmp/enough"
wait_until 20 'guest_sh g1 "grep -q ^generation /tmp/io"' "the I/O ends"
expect_eq "$(guest_sh g1 'grep -vc "^ok:" /tmp/io; tail -n 3 /tmp/io' | head -n 1)" 1 "lines that tell no success"
note "$(done_now) fills and checks of 1 MiB"
guest_ok g1 "multipathd shutdown"
for vdev in 0:0:0:0 1:0:0:0; do
    expect_ok xl-scsi detach g1 $vdev
    guest_wait_gone g1 $vdev
done

note "the host's own multipath has the unit, until its configuration says that it is not to"
unpack_extra multipath
wwid=3$(sed s/naa.// "/sys/bus/scsi/devices/$LIO_A/wwid")
mkdir -p /run/udev/data
for hctl in $LIO_A $LIO_B; do
    printf 'I:1\nE:ID_SERIAL=%s\nE:ID_WWN=0x%s\n' "$wwid" "${wwid#3}" >"/run/udev/data/b$(cat "/sys/class/block/$(dev_names "/sys/bus/scsi/devices/$hctl" block)/dev")"
done
cat >/etc/multipath.conf <<'END'
defaults {
    find_multipaths no
    user_friendly_names yes
}
blacklist {
    device {
        vendor QEMU
    }
}
END
expect_ok modprobe -a dm_multipath dm_service_time scsi_dh_alua
DM_DISABLE_UDEV=1 multipathd || fail "multipathd does not start"
map_of_host() { multipath -ll | sed -n 's/ .*dm-.*//p'; }
wait_until 30 '[ "$(map_of_host)" = mpatha ]' "the host's multipath makes its map"
count_nodes
refuses 5 "^xl-scsi: p-dev .* is in use: .*mpatha" xl-scsi attach g1 $path_a 0:0:0:0
refuses 3 "not a SCSI device; attach each of its paths" xl-scsi attach g1 /dev/mapper/mpatha 0:0:0:0
cat >>/etc/multipath.conf <<END
blacklist {
    wwid "$wwid"
}
END
# As `systemctl reload multipathd` does.
expect_ok multipathd reconfigure
note "after the reload: $(multipath -ll)"
wait_until 20 '[ -z "$(map_of_host)" ] || multipath -f mpatha' "the host's map goes"
expect_ok xl-scsi attach g1 $path_a 0:0:0:0
guest_wait_disk g1 0:0:0:0
expect_ok multipathd shutdown
rm -rf /run/udev/data /etc/multipath.conf /etc/multipath $by_path
guest_destroy g1
check_no_zombie
