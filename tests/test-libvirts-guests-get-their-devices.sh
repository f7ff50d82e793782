#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# libvirt's hook: a guest gets the devices of its <metadata> when libvirt starts it, each time. The hook is called here
# as libvirt's libxl driver (9.0) calls it, with the XML that libvirt gives.
. "${top_srcdir:-.}/tests/mock-lib.sh"
. "${top_srcdir:-.}/tests/toolstack-lib.sh"
. "${top_srcdir:-.}/tests/watch-lib.sh"
[ -x /usr/bin/python3 ] || skip "/usr/bin/python3 is not installed (tools/install-deps installs it)"
# shellcheck disable=SC2119
mock_start
printf '#!/bin/bash\nexec "%s" --run-dir "%s" "$@"\n' "$BUILD/xl-scsi-fake-hyp" "$RUN_DIR" >"$DIR/xl-scsi"
sed "s|^XL_SCSI = .*|XL_SCSI = \"$DIR/xl-scsi\"|" "$BUILD/xl-scripts/libvirt-hook" >"$DIR/libxl"
chmod +x "$DIR/xl-scsi" "$DIR/libxl"
UUID=4dea22b3-1d52-d8f3-2516-782e98ab3fa0
EXPECTED=/tool/xl-scsi/expected/$UUID

# xml ID METADATA: what virDomainDefFormat() writes for a domain of the libxl driver. ID "" before it exists.
xml() {
    cat <<XML
<domain type='xen'${1:+ id='$1'}>
  <name>web</name>
  <uuid>$UUID</uuid>
  <metadata>
    <libosinfo:libosinfo xmlns:libosinfo="http://libosinfo.org/xmlns/libvirt/domain/1.0">
      <libosinfo:os id="http://debian.org/debian/12"/>
    </libosinfo:libosinfo>
    $2
  </metadata>
  <memory unit='KiB'>524288</memory>
  <currentMemory unit='KiB'>524288</currentMemory>
  <vcpu placement='static'>1</vcpu>
  <os>
    <type arch='x86_64' machine='xenpv'>linux</type>
    <kernel>/boot/vmlinuz</kernel>
  </os>
  <clock offset='utc' adjustment='reset'/>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <console type='pty'>
      <target type='xen' port='0'/>
    </console>
    <input type='mouse' bus='xen'/>
    <input type='keyboard' bus='xen'/>
    <memballoon model='xen'/>
  </devices>
</domain>
XML
}
# One <device> is written as `virsh edit` has it, and one as `virsh metadata --set` leaves it.
devices() { printf '<vscsi:devices xmlns:vscsi="urn:xen-pvscsi:devices:1">%s</vscsi:devices>' "$*"; }
TWO=$(devices '<vscsi:device pdev="/dev/nosuch1" vdev="0:0:0:0"/>' \
    '<device pdev="/dev/nosuch2" vdev="0:0:0:1" options="readonly, optional"/>')
# hook METADATA OPERATION SUB-OPERATION
hook() {
    local metadata=$1
    shift
    xml "" "$metadata" >"$DIR/xml"
    "$DIR/libxl" web "$@" - <"$DIR/xml"
}
# libvirt ID METADATA: what happens when libvirt makes domain ID, up to where it unpauses it.
libvirt() {
    hook "$2" prepare begin || fail "the hook for prepare"
    hook "$2" start begin || fail "the hook for start"
    echo 1 >"$FAKE_HYP/$1"
    xs_write "/local/domain/$1/vm" "/vm/$UUID"
    guest_create "$1" web
}
# libvirt destroys domain $1 before it says so.
ended() {
    guest_destroy "$1"
    xenstore-rm "$BACKEND/$1" 2>/dev/null
    rm -f "$FAKE_HYP/$1"
    hook "$2" stopped end || fail "the hook for stopped"
    hook "$2" release end || fail "the hook for release"
    xs_gone "$EXPECTED" || fail "a note is left after the guest's end"
}

step "without the service the guest is not started"
hook "$TWO" start begin 2>"$DIR/err" && fail "the hook succeeded"
check_match "$(cat "$DIR/err")" 'xl-scsi-watch is not running.*systemctl start xl-scsi-watch' "the reason"
xs_gone "$EXPECTED" || fail "a note is left"

step "start: the guest gets its devices, paused once more until then"
peers 5 backend=mute
watch_start 20
wait_until 25 test -e "$RUN_DIR/watch.lock"
libvirt 5 "$TWO"
wait_until 25 pauses_are 5 2
peers 5
wait_until 25 pauses_are 5 1
wait_until 25 connected 5 2
xs_is $BACKEND/5/0/vscsi-devs/dev-1/readonly 1 || fail "an option was lost"
wait_until 25 xs_gone "$EXPECTED"

step "reboot: libvirt makes a new domain, which gets them too"
ended 5 "$TWO"
peers 6
libvirt 6 "$TWO"
wait_until 25 connected 6 2
wait_until 25 pauses_are 6 1

step "a domain with another uuid gets none"
hook "$TWO" start begin || fail "the hook for start"
echo 1 >"$FAKE_HYP/7"
xs_write /local/domain/7/vm /vm/4dea22b3-1d52-d8f3-2516-782e98ab3fa1
guest_create 7 other
sleep 0.5
no_nodes 7 "of a guest with another uuid"
ended 6 "$TWO"

step "a device that is missing: the guest stays paused unless the device is optional"
peers 8 refuse-pdev=/dev/nosuch1
libvirt 8 "$TWO"
wait_until 25 xenstore-exists /local/domain/8/pvscsi/0/error
for _ in {1..10}; do
    pauses_are 8 2 || fail "domain 8 is paused $(cat "$FAKE_HYP/8") times, expected 2"
    sleep 0.1
done
peers 8
wait_until 60 pauses_are 8 1
ended 8 "$TWO"
peers 9 refuse-pdev=/dev/nosuch2
libvirt 9 "$TWO"
wait_until 25 xenstore-exists /local/domain/9/pvscsi/1/error
wait_until 25 pauses_are 9 1
check_match "$(xl_scsi list 9)" '/dev/nosuch2 +0:0:0:1 +-' "the missing one"
ended 9 "$TWO"

step "xenstore fails when the service looks for the note, and when it moves it: the guest gets its devices nevertheless"
id=10
for rule in "read:/local/domain/$id/vm 1 EIO" "read:$EXPECTED/0 1 EIO" "directory:$EXPECTED 1 EIO" "rm:$EXPECTED 1 EIO"; do
    peers $id
    hook "$TWO" start begin || fail "the hook for start"
    echo 1 >"$FAKE_HYP/$id"
    xs_write /local/domain/$id/vm "/vm/$UUID"
    mock_ctl fault "$rule" >/dev/null || fail "fault $rule"
    guest_create $id web
    wait_until 25 connected $id 2
    mock_ctl faults | grep -q 'fired 1' || fail "the fault $rule was not reached"
    mock_ctl faults "" >/dev/null || fail "the faults stay"
    wait_until 25 pauses_are $id 1
    ended $id "$TWO"
    id=$((id + 1))
done

step "each mistake is named, and the guest is not started"
hook "$(devices '<vscsi:device pdev="/dev/a"/>' '<vscsi:device pdev="/dev/b" vdev="0:0:0:0" option="readonly"/>' \
    '<vscsi:device pdev="/dev/c,1:0:0:0" vdev="0:0:0:0"/>' '<vscsi:disk pdev="/dev/d" vdev="0:0:0:0"/>')" start begin \
    2>"$DIR/err" && fail "the hook succeeded"
check_eq "$(wc -l <"$DIR/err")" 4 "lines"
check_match "$(sed -n 1p "$DIR/err")" "device 1: the attribute 'vdev' is missing" "the first"
check_match "$(sed -n 2p "$DIR/err")" "device 2: unknown attribute 'option': expected pdev, vdev, options" "the second"
check_match "$(sed -n 3p "$DIR/err")" "device 3: pdev '/dev/c,1:0:0:0' holds a comma" "the third"
check_match "$(sed -n 4p "$DIR/err")" "device 4: unknown element .*disk.: expected .device." "the fourth"
hook "$(devices '<vscsi:device pdev="nosuch" vdev="0:0:0:0"/>' '<vscsi:device pdev="/dev/b" vdev="0:0:0"/>')" start begin \
    2>"$DIR/err" && fail "the hook succeeded"
check_eq "$(wc -l <"$DIR/err")" 2 "lines"
check_match "$(sed -n 1p "$DIR/err")" "device 1 .*p-dev 'nosuch'" "the first"
check_match "$(sed -n 2p "$DIR/err")" "device 2 .*v-dev '0:0:0'" "the second"
hook "$(devices '<vscsi:device pdev="/dev/a" vdev="0:0:0:0"/>' '<vscsi:device pdev="/dev/b" vdev="0:0:0:0"/>')" start begin \
    2>"$DIR/err" && fail "the hook succeeded"
check_match "$(cat "$DIR/err")" 'device 2: ' "a v-dev that is given twice"
echo '<domain' | "$DIR/libxl" web start begin - 2>"$DIR/err" && fail "the hook succeeded"
check_match "$(cat "$DIR/err")" 'the XML of guest web cannot be read' "XML that is none"
xs_gone "$EXPECTED" || fail "a note is left"

step "other operations, and guests without devices, pass; nothing is printed, because libvirt takes it as new XML"
for what in "prepare begin" "started begin" "stopped end" "migrate begin" "reconnect begin" "release end"; do
    # shellcheck disable=SC2086
    check_eq "$(hook "$TWO" $what 2>&1)" "" "what the hook prints for $what"
done
for metadata in "" "$(devices)"; do
    check_eq "$(hook "$metadata" start begin 2>&1)" "" "what the hook prints for a guest without devices"
    hook "$metadata" start begin || fail "the hook of a guest without devices"
    xs_gone "$EXPECTED" || fail "a note for a guest without devices"
done

step "xl-scsi expect by hand"
refuses 2 "'web' is no uuid" xl_scsi expect web
check_match "$("$DIR/xl-scsi" expect -n "$UUID" naa.60014050000000000000000000000001,0:0:0:0)" \
    "$EXPECTED/0 = \"naa.60014050000000000000000000000001,0:0:0:0,required\"" "the nodes that would be written"
xs_gone "$EXPECTED" || fail "-n wrote"
watch_stop
