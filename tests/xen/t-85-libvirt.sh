# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: libvirt's daemon with the hook: a guest has the devices of its metadata before it runs, and after a reboot
# timeout: 300
need_project
. /host/lib/toolstack.sh
unpack_extra libvirt
scsi_debug_load dev_size_mb=16 delay=0 num_tgts=2
a=$(dbg_part 1 1)
daemon_start
watch_start
# As docs/libvirt.md has it: tests/test-the-examples-are-run.sh compares the lines. A package has the hook in /usr.
mkdir -p /usr/libexec
ln -sf /usr/local/libexec/xen-pvscsi /usr/libexec/xen-pvscsi
expect_ok sh -e <<'END'
install -D -m 755 /usr/libexec/xen-pvscsi/libvirt-hook /etc/libvirt/hooks/libxl.d/xen-pvscsi
END
rm /usr/libexec/xen-pvscsi
libvirtd >/tmp/libvirtd.log 2>&1 &
LIBVIRTD=$!
virsh() { /usr/bin/virsh -q -c xen:///system "$@"; }
wait_until 30 "virsh list || ! kill -0 $LIBVIRTD" "libvirtd answers"
kill -0 $LIBVIRTD 2>/dev/null || fail "libvirtd ended: $(tail -n 1 /tmp/libvirtd.log)"

# define DEVICES: the guest g1, with these elements in its metadata.
cmdline=$(sed -n 's/^extra = "\(.*\)"$/\1/p' "$(guest_config g1)")
define() {
    cat >/tmp/g1.xml <<XML
<domain type='xen'>
  <name>g1</name>
  <uuid>4dea22b3-1d52-d8f3-2516-782e98ab3fa0</uuid>
  <metadata><vscsi:devices xmlns:vscsi="urn:xen-pvscsi:devices:1">$1</vscsi:devices></metadata>
  <memory unit='MiB'>160</memory>
  <os>
    <type arch='x86_64' machine='xenpv'>linux</type>
    <kernel>/boot/vmlinux</kernel>
    <initrd>/run/guest.cpio</initrd>
    <cmdline>$cmdline</cmdline>
  </os>
  <on_crash>destroy</on_crash>
  <devices><console type='pty'><target type='xen' port='0'/></console></devices>
</domain>
XML
    expect_ok virsh define /tmp/g1.xml
}
device() { echo "<vscsi:device pdev='$1' vdev='0:0:0:0'/>"; }
# state: "ID p g1" when it is paused.
state() { domains list | grep ' g1$'; }

note "a mistake in the metadata: libvirt does not start the guest, and says why"
define "<vscsi:device pdev='$a'/>"
expect_fail virsh start g1
expect_match "$(cat /tmp/expect.$$)" "device 1: the attribute 'vdev' is missing" "libvirt's error"
no_guest g1

note "the guest has its device before its first instruction runs"
define ""
expect_ok env GUEST=g1 PDEV="$a" LIBVIRT_DEFAULT_URI=xen:///system sh -e <<'END'
virsh metadata $GUEST urn:xen-pvscsi:devices:1 --key vscsi --config --set "<devices><device pdev='$PDEV' vdev='0:0:0:0'/></devices>"
END
expect_ok virsh start --paused g1
wait_until 20 "xl-scsi list g1 | grep -q ' 0:0:0:0 *3\$'" "the backend has the device: $(tail -n 2 /tmp/watch.log)"
expect_eq "$(state)" "$(guest_domid g1) p g1" "state of the guest"
expect_ok virsh resume g1
has g1 0:0:0:0
guest_ok g1 "iopat fill $GUEST_BLK --size 4M"

note "reboot"
old=$(guest_domid g1)
guest_sh g1 'reboot -f' >/dev/null 2>&1 &
guest_reboots g1 "$old" 60
has g1 0:0:0:0
guest_ok g1 "iopat verify $GUEST_BLK --size 4M"
wait_until 10 "! xenstore-exists /local/domain/0/backend/vscsi/$old" "the old domain's nodes go"

note "destroy takes the device away"
id=$(guest_domid g1)
expect_ok virsh destroy g1
wait_until 10 "! xenstore-exists /local/domain/0/backend/vscsi/$id" "the nodes go"
wait_until 10 "! xenstore-exists /tool/xl-scsi/expected/4dea22b3-1d52-d8f3-2516-782e98ab3fa0" "what the hook has noted goes"

note "without its device the guest does not run"
define "$(device /dev/nosuch)"
expect_ok virsh start g1
id=$(guest_domid g1)
wait_until 20 "xenstore-exists /local/domain/$id/pvscsi/0/error" "the service has tried"
expect_eq "$(state)" "$id p g1" "state of the guest"
expect_ok virsh destroy g1

note "without the service the guest is not started"
watch_stop
expect_fail virsh start g1
expect_match "$(cat /tmp/expect.$$)" 'xl-scsi-watch is not running' "libvirt's error"
no_guest g1
expect_ok virsh undefine g1
kill -TERM $LIBVIRTD
wait $LIBVIRTD
check_no_zombie
