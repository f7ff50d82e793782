# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=../xen/lib/dom0.sh disable=SC2154
# Inside dom0 (tests/package/run starts it there): the older packages are installed with dpkg under systemd and serve a
# guest. They are upgraded while the guest does verified I/O, removed and installed again while it does so, and in the
# end removed and purged. `make install` has put the same programs below /usr/local for the other tests; they go first.
need_project
. /host/lib/toolstack.sh
. /host/lib/systemd.sh
. /host/lib/load.sh
rm -rf /usr/local/lib/systemd /usr/local/sbin/pvscsid /usr/local/sbin/pvscsictl /usr/local/sbin/xl-scsi /usr/local/libexec
unpack_extra dpkg
mkdir -p /var/lib/dpkg/info /var/lib/dpkg/updates /var/lib/dpkg/triggers /var/log
: >/var/lib/dpkg/status
in_systemd() { nsenter -t "$(tr -d ' ' <"/proc/$SYSTEMD_PID/task/$SYSTEMD_PID/children")" -m -p "$@"; }
# By its path, because busybox has a dpkg of its own. dpkg did not install the image of dom0, and knows nothing of it.
packages() {
    in_systemd /usr/bin/dpkg --force-depends --force-bad-path "$@" >/tmp/dpkg.out 2>&1 || { cat /tmp/dpkg.out; fail "dpkg $*: $(tail -n 1 /tmp/dpkg.out)"; }
}
version() { dpkg-query -W -f '${Version}' "$1"; }
# Not the directories: systemd makes some of its own.
files() { find / -xdev \( -path /tmp -o -path /run -o -path /var/lib/dpkg -o -path /var/log -o -path "$GUESTS" \) -prune -o ! -type d -print | sort; }

scsi_debug_load dev_size_mb=16 delay=0 max_queue=32
systemd_start pvscsid.service xl-scsi-watch.service
xl_before=$(readlink /usr/sbin/xl)
files >/tmp/files.before
[ "$(grep -c . /tmp/files.before)" -gt 500 ] || fail "only these files are in dom0: $(cat /tmp/files.before)"
packages -i /host/packages/old/*.deb
expect_eq "$(readlink -f /usr/sbin/xl)" /usr/libexec/xen-pvscsi/xl "what xl is"
expect_eq "$(readlink /usr/libexec/xl)" "$xl_before" "the real xl"
expect_match "$(/usr/sbin/xl list)" '^Domain-0 ' "xl list, by the shim"
expect_match "$(version xen-pvscsi)" '~old$' "the version"
old=$(process_of pvscsid)
watch=$(process_of xl-scsi)
expect_eq "$(readlink "/proc/$old/exe")" /usr/sbin/pvscsid "the daemon that systemd has started"

note "a guest gets its disk by the xl of the package"
guest_start g1
expect_ok /usr/sbin/xl scsi-attach g1 "$DBG_HCTL" 0:0:0:0
guest_wait_disk g1 0:0:0:0
# Without a daemon the guest's requests wait for as long as dpkg takes. On a computer that has other work this was 96 s,
# and after 30 s Linux would abort a request.
guest_ok g1 "echo 600 >/sys/class/block/${GUEST_BLK#/dev/}/device/timeout; dmesg -c >/dev/null"
scsi_debug_delay 50
load 512-128k

note "the packages are upgraded"
packages -i /host/packages/new/*.deb
new=$(process_of pvscsid)
[ "$new" != "$old" ] || fail "the upgrade did not replace the daemon"
[ "$(process_of xl-scsi)" != "$watch" ] || fail "the upgrade did not replace the service of xl-scsi"
expect_no_match "$(version xen-pvscsi)$(version xen-pvscsi-tools)" 'old' "the versions"
expect_no_match "$(readlink "/proc/$new/exe")" 'deleted|old' "the program of the new daemon"
expect_match "$(pvscsictl status)" 'sandbox: full' "the new daemon's status"
# As docs/guide-moving.md has it: tests/test-the-examples-are-run.sh compares the lines.
expect_ok sh -e <<'END'
pvscsictl status
xl-scsi list
END
expect_match "$(cat "/tmp/expect.$$")" ' 0:0:0:0 +4$' "what xl-scsi list prints"
sleep 2
load_end "an upgrade of the packages"
expect_no_match "$(guest_sh g1 'dmesg')" 'I/O error|Buffer I/O|offline' "the guest's kernel log"

note "they are removed under a guest that has its disk: it waits, and goes on when they are installed again"
load 512-128k
unit_start pvscsid-pr-helper.socket
removed() {
    packages -r xen-pvscsi-tools xen-pvscsi
    expect_eq "$(readlink /usr/sbin/xl)" "$xl_before" "xl after the removal"
    expect_match "$(/usr/sbin/xl list)" '^Domain-0 ' "xl list, by itself"
    ! grep -lx 'pvscsid\|xl-scsi\|qemu-pr-helper' /proc/[0-9]*/comm 2>/dev/null || fail "a program still runs after the removal"
    for unit in pvscsid.service xl-scsi-watch.service pvscsid-pr-helper.socket; do
        expect_no_match "$(systemctl is-active $unit)" '^active' "the unit $unit after the removal"
    done
    [ -e /etc/xen/pvscsid.conf ] || fail "the removal took the settings"
}
removed
be=/local/domain/0/backend/vscsi/$(guest_domid g1)/0
expect_eq "$(xenstore-read "$be/state") $(xenstore-read "$be/vscsi-devs/dev-0/state")" "4 4" "the guest's nodes without a daemon"
done_so_far() { guest_sh g1 "awk '{ print \$1, \$5 }' /sys/class/block/${GUEST_BLK#/dev/}/stat"; }
before=$(done_so_far)
sleep 1
expect_eq "$(done_so_far)" "$before" "the guest's reads and writes without a daemon"
packages -i /host/packages/new/*.deb
process_of pvscsid >/dev/null
process_of xl-scsi >/dev/null
sleep 2
load_end "a removal and an installation of the packages"
expect_no_match "$(guest_sh g1 'dmesg')" 'I/O error|Buffer I/O|offline' "the guest's kernel log"
scsi_debug_delay 1
guest_ok g1 "iopat fill $GUEST_BLK --size 2M && iopat verify $GUEST_BLK --size 2M"
expect_ok /usr/sbin/xl scsi-detach g1 0:0:0:0
guest_destroy g1

note "they are removed"
removed
packages -P xen-pvscsi-tools xen-pvscsi
files >/tmp/files.after
expect_eq "$(diff /tmp/files.before /tmp/files.after)" "" "the files of dom0, before and after"
systemd_stop
check_no_zombie
