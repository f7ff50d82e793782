# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: xl scsi-attach and scsi-detach: a vhost goes with its last device and comes again; a guest that is renamed
# timeout: 180
# guests: kept

need_project
. /host/lib/toolstack.sh
use_shim
scsi_debug_load dev_size_mb=16 delay=0 num_tgts=3
a=$(dbg_part 1 1) b=$(dbg_part 2 2) c=$(dbg_part 3 3)
daemon_start
guest_start g1
id=$(guest_domid g1)
expect_ok xl scsi-attach g1 "$a" 0:0:0:0
expect_ok xl scsi-attach g1 "$b" 1:0:2:0,feature-host
expect_ok xl scsi-attach "$id" "$c" 1:0:1:0,feature-host
has g1 0:0:0:0 1:0:1:0 1:0:2:0
expect_eq "$(xenstore-read "/local/domain/0/backend/vscsi/$id/1/feature-host")" 1 "feature-host"

note "one of several devices goes and comes at another address"
expect_ok xl scsi-det g1 1:0:2:0
guest_wait_gone g1 1:0:2:0
expect_ok xl scsi-attach "$id" "$b" 1:0:5:0,feature-host
guest_wait_disk g1 1:0:5:0

note "a guest that is renamed has its new name everywhere, and its old one nowhere"
expect_ok xl rename g1 mail-server
wait_until 5 "pvscsictl status | grep -q '^ *guest $id vhost 1 (mail-server): Connected'" "the new name in: $(pvscsictl status)"
expect_no_match "$(pvscsictl status; pvscsictl metrics)" '\(g1\)|"g1"' "the old name in the status and the metrics"
expect_match "$(pvscsictl metrics)" "^pvscsi_.*\{domid=\"$id\",vhost=\"1\",guest=\"mail-server\"" "the metrics"
expect_ok xl scsi-list mail-server
expect_match "$(cat "/tmp/expect.$$")" ' 1:0:5:0 +4$' "what xl scsi-list prints"
expect_match "$(xl scsi-list)" "mail-server" "what xl scsi-list prints of all guests"
# The worker's log: a command that the policy refuses. The daemon's: a device that comes and goes.
guest_wait_disk mail-server 0:0:0:0
guest_sh mail-server "sg_raw $GUEST_SG c1 00 00 00 00 00" >/dev/null 2>&1
expect_match "$(daemon_log)" "d$id\.0 \(mail-server\): .*LUN 0:0:0 .*refused by the command policy" "the worker's log"
expect_ok xl scsi-detach mail-server 1:0:1:0
guest_wait_gone mail-server 1:0:1:0
expect_ok xl scsi-attach mail-server "$c" 1:0:1:0,feature-host
expect_match "$(daemon_log | grep -F 'gone from the vhost' | tail -n 1)" "d$id\.1 \(mail-server\): " "the log of a detach"
expect_match "$(daemon_log | grep -F ' 1:0:1:0 is ' | tail -n 1)" "d$id\.1 \(mail-server\): " "the log of an attach"
has mail-server 0:0:0:0 1:0:1:0 1:0:5:0
count_nodes
for command in "scsi-list g1" "scsi-attach g1 $b 1:0:6:0,feature-host" "scsi-detach g1 1:0:1:0" "scsi-set g1 1:0:1:0 readonly=1"; do
    # shellcheck disable=SC2086
    refuses 1 "^xl-scsi: domain 'g1' does not exist" xl $command
done
expect_ok xl rename mail-server g1
guest_wait g1

note "the vhost goes with its last device"
for vdev in 1:0:1:0 1:0:5:0; do expect_ok xl scsi-detach g1 $vdev; done
expect_fail xenstore-exists "/local/domain/0/backend/vscsi/$id/1"
expect_fail xenstore-exists "/local/domain/$id/device/vscsi/1"
expect_ok xl scsi-attach g1 "$c" 1:0:1:0
has g1 0:0:0:0 1:0:1:0
for vdev in 0:0:0:0 1:0:1:0; do expect_ok xl scsi-detach g1 $vdev; done
guest_wait_gone g1 0:0:0:0
