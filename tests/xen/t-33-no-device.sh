# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: devices that are none, and no daemon: refused with the reason, the exit status and nothing half done
# timeout: 180
# guests: kept
# What is refused before a backend is asked: tests/test-xl-scsi-undoes-what-fails.sh and
# tests/test-the-xl-shim-*.sh.

need_project
. /host/lib/toolstack.sh
use_shim
scsi_debug_load dev_size_mb=16 delay=0
guest_start g1
cfg=$(guest_config g3)
count_nodes

note "no daemon"
refuses 4 'pvscsid does not answer, because it does not run in this domain' xl-scsi attach -t 2 g1 "$DBG_HCTL" 0:0:0:0
refuses 1 'is not started|no backend serves' xl create -q "$cfg" "vscsi=[ '$DBG_HCTL,0:0:0:0' ]"
no_guest g3
daemon_start

note "no device"
for pdev in /dev/nosuch 7:7:7:7 /dev/null naa.0123456789abcdef; do
    refuses 3 "refused by the backend: p-dev $pdev: " xl-scsi attach g1 $pdev 0:0:0:0
done
refuses 1 'guest g3 is not started: v-dev 0:0:0:1 was refused by the backend: p-dev /dev/nosuch' \
    xl create -q "$cfg" "vscsi=[ '$DBG_HCTL,0:0:0:0', '/dev/nosuch,0:0:0:1' ]"
no_guest g3
