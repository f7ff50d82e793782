# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: vscsi= with backend=: the p-dev is resolved in the driver domain, the owners are right, and many LUNs cost its quota nothing
# timeout: 240

need_project
. /host/lib/toolstack.sh
use_shim
guest_start storage driver mem=384
# All LUNs share the memory of one ramdisk; they differ only in their names.
TARGETS=6 LUNS=5
guest_ok storage "modprobe scsi_debug dev_size_mb=16 delay=0 num_tgts=$TARGETS max_luns=$LUNS && modprobe xen-gntdev; modprobe xen-evtchn; true"
guest_ok storage "pvscsid -f >/tmp/log 2>&1 & for i in 1 2 3 4 5 6 7 8 9 10; do pvscsictl status && break; sleep 0.5; done"
# As printed in docs/guide-driver-domain.md: tests/test-the-examples-are-run.sh compares the lines.
guest_ok storage 'pvscsictl status'
expect_match "$(guest_ok storage 'xl-scsi scan')" '0:0:0:0' "what the scan finds"
# By its path, because busybox has one of its own.
expect_match "$(guest_ok storage '/usr/bin/lsscsi -g')" '^\[0:0:0:0\].*/dev/sg' "what lsscsi finds"
dd=$(guest_domid storage)
note "the daemon runs in domain $dd"

expect_ok xl create -q "$(guest_config g1)" "vscsi = [ '0:0:0:0, 0:0:0:0, backend=storage' ]"
guest_wait g1
id=$(guest_domid g1)
guest_wait_disk g1 0:0:0:0
guest_ok g1 "iopat fill $GUEST_BLK --size 1M && iopat verify $GUEST_BLK --size 1M"
be=/local/domain/$dd/backend/vscsi/$id/0
# The nodes do not count in the driver domain's quota, because they are dom0's.
expect_match "$(xenstore-ls -fp "/local/domain/$dd/backend/vscsi/$id" | grep "^$be/state ")" "\\(n0,b$dd,r$id\\)" "the backend's owner"
expect_match "$(xenstore-ls -fp "/local/domain/$id/device/vscsi" | grep "vscsi/0/backend-id ")" "\"$dd\" +\\(n$id,r$dd\\)" "the frontend's"
expect_match "$(xl scsi-list g1)" "^0 +$dd +4 +0 .* 0:0:0:0 +4$"

note "what the driver domain has found is in nodes of dom0"
dev=$be/vscsi-devs/dev-0
wwid=$(xenstore-read "$dev/p-wwid")
expect_match "$wwid" '^naa\.[0-9a-f]{16}$' p-wwid
expect_eq "$(xenstore-read "$dev/p-hctl") $(xenstore-read "$dev/p-type")" "0:0:0:0 0" "p-hctl and p-type"
expect_eq "$(xenstore-ls -fp "$be" | grep -c "(n$dd")" 0 "nodes that count for the driver domain's quota"

note "a second one by its id; and what does not go together"
expect_fail 3 xl scsi-attach g1 0:0:0:0 0:0:1:0
expect_fail 3 xl scsi-attach g1 /dev/nosuch "0:0:1:0,backend=$dd"
expect_fail 1 xl scsi-attach g1 0:0:0:0 1:0:0:0,backend=nobody
expect_fail 1 xl scsi-attach g1 0:0:0:0 host,backend=storage
expect_ok xl scsi-detach g1 0:0:0:0
expect_fail xenstore-exists "/local/domain/$dd/backend/vscsi/$id"
expect_ok env GUEST=g1 sh -e <<'END'
xl-scsi attach $GUEST 0:0:0:0 2:0:0:0,backend=storage
xl-scsi list $GUEST
xl-scsi detach $GUEST 2:0:0:0
END
expect_ok xl scsi-attach g1 "$wwid" "2:0:0:0,backend=$dd"
guest_wait_disk g1 2:0:0:0
# Only the driver domain can look the name up, and it has.
dev=/local/domain/$dd/backend/vscsi/$id/2/vscsi-devs/dev-0
expect_eq "$(xenstore-read "$dev/p-dev") $(xenstore-read "$dev/p-devname")" "0:0:0:0 $wwid" "p-dev and p-devname"
expect_fail xl scsi-attach g1 0:0:0:0 "3:0:0:0,backend=$dd"
guest_stop g1

MANY=$((TARGETS * LUNS - 1))
# Nodes count for the domain that owns them. LUNs that need no more of them when the default quota of an unprivileged
# domain, 1000 nodes, is used up would need none for 200 LUNs either.
owned=$(xenstore-ls -fp /local/domain | grep -c "(n${dd}[,)]")
# What is below data is the driver domain's. A node has no room for the names of very many children.
awk -v n=$((980 - owned)) -v data="/local/domain/$dd/data" 'BEGIN {
    for (i = 0; i < n; i++)
        print data "/" int(i / 100) (i % 100 ? "/" i % 100 : "") " x" }' | xargs xenstore-write
guest_ok storage 'i=0; while xenstore-write data/more$i x 2>/tmp/refused; do i=$((i + 1)); [ $i -lt 40 ] || exit 1; done'
note "$MANY LUNs at once, while the driver domain has used up its quota"
entries=$(awk -v targets=$TARGETS -v luns=$LUNS 'BEGIN {
    for (i = 1; i < targets * luns; i++)
        printf "%s\"0:0:%d:%d,0:0:%d:%d,backend=storage\"", (i > 1 ? ", " : ""), i / luns, i % luns, i / luns, i % luns }')
begin=$(uptime_cs)
expect_ok xl create -q -p "$(guest_config g2 "vscsi = [ $entries ]")"
note "xl create -p: $(($(uptime_cs) - begin)) cs"
expect_eq "$(xl scsi-list g2 | grep -c ' 3$')" $MANY "devices that the backend has"

note "with nodes of another toolstack, which lack those that the backend fills, log and node say why"
id=$(guest_domid g2)
be=/local/domain/$dd/backend/vscsi/$id/1 fe=/local/domain/$id/device/vscsi/1
expect_ok xenstore-write "$be/frontend" "$fe" "$be/frontend-id" "$id" "$be/online" 1 "$be/error" "" "$be/feature-host" 0 \
    "$fe/backend-id" "$dd" "$fe/backend" "$be" "$fe/state" 1 "$be/state" 1
expect_ok xenstore-chmod -r "$be" n0 "b$dd" "r$id"
says='xenstore refuses new nodes of this domain: its quota of nodes is used up'
wait_until 20 "xenstore-read $be/error | grep -q '^$says'" "the vhost's error node: $(xenstore-ls "$be")"
guest_ok storage "grep '$says' /tmp/log"
