# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154,SC2046
# about: nodes as SUSE's xl writes them are served and joined; and what scsi-list and --dry-run show
# timeout: 240

need_project
. /host/lib/toolstack.sh
use_shim
scsi_debug_load dev_size_mb=16 delay=0 num_tgts=4
set -- $(echo "$DBG_ALL" | cut -d' ' -f1)
a=$1 b=$2 c=$3 d=$4
daemon_start
guest_start g1
guest_start g2
one=$(guest_domid g1) two=$(guest_domid g2)
be=/local/domain/0/backend/vscsi/$one/0

note "controller 0 is virtual host 9, as libxl_ctrl_index says"
# SUSE's xl writes it before the states.
xenstore-write "$be/libxl_ctrl_index" 9
vscsi_write g1 0 "$a" 9:0:0:0
wait_until 20 "xl scsi-list g1 | grep -Eq '^0 +0 +4 +9 .* 9:0:0:0 +4$'" "the device is served: $(xl scsi-list g1)"
guest_wait_disk g1 0:0:0:0
guest_ok g1 "iopat fill $GUEST_BLK --size 1M && iopat verify $GUEST_BLK --size 1M"
expect_ok xl scsi-attach g1 "$b" 9:0:0:1
expect_eq "$(xenstore-read "$be/vscsi-devs/dev-1/v-dev")" 9:0:0:1 "our device in its controller"
guest_wait_disk g1 0:0:0:1
guest_ok g1 "iopat fill $GUEST_BLK --size 1M && iopat verify $GUEST_BLK --size 1M"
expect_ok xl scsi-detach g1 9:0:0:0
guest_wait_gone g1 0:0:0:0

note "several guests in one list"
expect_ok xl scsi-attach g2 "$c" 0:0:0:0,readonly
list=$(xl scsi-list g1 g2) || fail "scsi-list of two guests"
expect_eq "$(echo "$list" | grep -n '(domain')" "1:g1 (domain $one)
4:g2 (domain $two)" "headings of two guests"
expect_eq "$(echo "$list" | grep -c ' 4$')" 2 "devices of two guests"
status=0
list=$(xl scsi-list g1 nobody g2 2>/tmp/err) || status=$?
expect_eq $status 1 "exit status with a guest that is not there"
expect_eq "$(echo "$list" | grep -c ' 4$')" 2 "devices of the two that are"
expect_match "$(cat /tmp/err)" "domain 'nobody' does not exist" "what is said of the other"

note "--json, --long"
json=$(xl scsi-list --json g1 g2) || fail "scsi-list --json"
for text in "\"domid\":$one" "\"domid\":$two" '"v-dev":"9:0:0:1"' "\"p-hctl\":\"$b\"" '"host":9' '"devstate":4' \
    '"readonly":true' '"error":null'; do
    expect_match "$(echo "$json" | tr -d ' ')" "$text" "JSON"
done
long=$(xl scsi-list --long g2) || fail "scsi-list --long"
expect_match "$long" "p-dev $c is /dev/.* at $c" "long list"
expect_match "$long" 'dev-0 of virtual host 0 .Idx 0., backend domain 0$' "long list"
expect_match "$long" '^    options readonly$' "options in the long list"

note "why a device is closed"
vscsi_write g2 3 /dev/nosuch 3:0:0:0
wait_until 10 "xl scsi-list g2 | grep -q ' 3:0:0:0 *6$'" "the device is closed: $(xl scsi-list g2)"
expect_match "$(xl scsi-list --long g2)" 'closed by the backend: .*nosuch' "the reason in the long list"
expect_match "$(xl scsi-list --json g2 | tr -d ' ')" '"error":".*nosuch' "the reason in JSON"

note "--dry-run writes nothing"
before=$(xenstore-ls -fp /local/domain)
expect_eq "$(xl-scsi attach -n g1 "$d" 9:0:0:5)" "$be/vscsi-devs/dev-0/p-dev = \"$d\"
$be/vscsi-devs/dev-0/p-devname = \"$d\"
$be/vscsi-devs/dev-0/v-dev = \"9:0:0:5\"
$be/vscsi-devs/dev-0/state = \"1\"
$be/state = \"7\"" "what would be written"
expect_match "$(xl -N scsi-attach g1 "$d" 1:0:0:0)" "/1/frontend = " "what would be written for another virtual host"
expect_match "$(xl-scsi detach -n g1 9:0:0:1)" "$be/state = \"5\"" "what a detach would write"
expect_eq "$(xenstore-ls -fp /local/domain)" "$before" "xenstore after dry runs"

note "a running guest without a frontend: not connected, and it stays"
guest_start g3
guest_ok g3 'rmmod xen-scsifront'
status=0
out=$(xl-scsi attach g3 "$d" 5:0:0:0 2>&1) || status=$?
expect_eq $status 4 "exit status: $out"
expect_match "$out" 'the guest did not take v-dev 5:0:0:0: no frontend is running there; the device stays attached' "what is said"
guest_ok g3 'modprobe xen-scsifront'
wait_until 20 "xl-scsi list g3 | grep -q ' 5:0:0:0 *4$'" "the frontend that comes later takes it"
