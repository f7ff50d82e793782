# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: after a reboot the guest has its devices again, with their options; after its end nothing is left
# timeout: 300
# By the real xl alone, with the service running.

need_project
. /host/lib/toolstack.sh
scsi_debug_load dev_size_mb=32 delay=0 num_tgts=3
a=$(dbg_part 1 1) b=$(dbg_part 2 1) c=$(dbg_part 3 1)
daemon_start

note "the service is missed"
guest_start g1
expect_match "$(xl-scsi attach g1 "$a" 0:0:0:0 2>&1)" 'xl-scsi-watch is not running'
watch_start
expect_no_match "$(xl-scsi attach g1 "$b" 1:0:0:0,feature-host 2>&1)" 'not running'
# What was detached does not come back.
expect_ok xl-scsi attach g1 "$c" 0:0:1:0
expect_ok xl-scsi detach g1 0:0:1:0
expect_ok xl-scsi attach g1 "$c" 0:0:2:0,readonly
has g1 0:0:0:0 0:0:2:0 1:0:0:0
guest_wait_disk g1 0:0:0:0
guest_ok g1 "iopat fill $GUEST_BLK --size 8M"

for round in 1 2; do
    note "reboot $round"
    old=$(guest_domid g1)
    guest_sh g1 'reboot -f' >/dev/null 2>&1 &
    guest_reboots g1 "$old"
    has g1 0:0:0:0 0:0:2:0 1:0:0:0
    id=$(guest_domid g1)
    [ "$id" != "$old" ] || fail "the domain is the same"
    wait_until 10 "! xenstore-exists /local/domain/0/backend/vscsi/$old" "the old domain's nodes go"
    expect_fail xenstore-exists "/local/domain/$id/pvscsi"
    expect_eq "$(xenstore-read "/local/domain/0/backend/vscsi/$id/1/feature-host")" 1 "feature-host"
    guest_wait_disk g1 0:0:0:0
    guest_ok g1 "iopat verify $GUEST_BLK --size 8M"
    guest_wait_disk g1 0:0:2:0
    guest_sh g1 "dd if=/dev/zero of=$GUEST_BLK bs=4096 count=1 oflag=direct" && fail "readonly was lost"
done

note "shutdown leaves nothing"
guest_stop g1
wait_until 10 "! xenstore-exists /local/domain/0/backend/vscsi/$id" "the nodes go"
wait_until 10 "[ -z \"\$(userdata)\" ]" "the guest's files go"
xenstore-ls -f / | grep -i pvscsi && fail "something is left in xenstore"
watch_stop
watch_left_only_locks
