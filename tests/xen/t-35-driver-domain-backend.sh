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
dd=$(guest_domid storage)
note "the daemon runs in domain $dd"

expect_ok xl create -q "$(guest_config g1)" "vscsi=[ '0:0:0:0,0:0:0:0,backend=storage' ]"
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
expect_ok xl scsi-attach g1 "$wwid" "2:0:0:0,backend=$dd"
guest_wait_disk g1 2:0:0:0
# Only the driver domain can look the name up, and it has.
dev=/local/domain/$dd/backend/vscsi/$id/2/vscsi-devs/dev-0
expect_eq "$(xenstore-read "$dev/p-dev") $(xenstore-read "$dev/p-devname")" "0:0:0:0 $wwid" "p-dev and p-devname"
expect_fail xl scsi-attach g1 0:0:0:0 "3:0:0:0,backend=$dd"
guest_stop g1

MANY=$((TARGETS * LUNS - 1))
note "$MANY LUNs at once, with the default quota of an unprivileged domain"
owned() { xenstore-ls -fp / | grep -c "(n${dd}[,)]"; }
before=$(owned)
entries=$(awk -v targets=$TARGETS -v luns=$LUNS 'BEGIN {
    for (i = 1; i < targets * luns; i++)
        printf "%s\"0:0:%d:%d,0:0:%d:%d,backend=storage\"", (i > 1 ? ", " : ""), i / luns, i % luns, i / luns, i % luns }')
begin=$(uptime_cs)
expect_ok xl create -q -p "$(guest_config g2 "vscsi = [ $entries ]")"
note "xl create -p: $(($(uptime_cs) - begin)) cs"
expect_eq "$(xl scsi-list g2 | grep -c ' 3$')" $MANY "devices that the backend has"
expect_eq "$(owned)" "$before" "nodes that the driver domain owns"
guest_destroy g2
