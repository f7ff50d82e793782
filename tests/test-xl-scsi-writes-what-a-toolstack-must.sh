#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# attach, detach and list: the nodes, their owners and the sequences of states. The peers only write states.
. "${top_srcdir:-.}/tests/mock-lib.sh"
. "${top_srcdir:-.}/tests/toolstack-lib.sh"
mock_start
guest_create 5 web
peers 5

step "the first device makes the vhost, on both sides"
xl_scsi attach web /dev/nosuch 3:0:1:2,readonly,pr=deny,force,iops=50,bps=1048576K,burst=9 || fail "attach"
be=/local/domain/0/backend/vscsi/5/3 fe=/local/domain/5/device/vscsi/3
check_eq "$(xenstore-ls -fp /local/domain | grep -F vscsi/ | grep -v -e /p-wwid -e /p-type -e /p-hctl | tr -s ' ' | sort)" "$(sort <<WANT
/local/domain/0/backend/vscsi/5 = "" (n0)
$be = "" (n0,r5)
$be/frontend = "$fe" (n0,r5)
$be/frontend-id = "5" (n0,r5)
$be/online = "1" (n0,r5)
$be/feature-host = "0" (n0,r5)
$be/libxl_ctrl_index = "3" (n0,r5)
$be/state = "4" (n0,r5)
$be/vscsi-devs = "" (n0,r5)
$be/vscsi-devs/dev-0 = "" (n0,r5)
$be/vscsi-devs/dev-0/p-dev = "/dev/nosuch" (n0,r5)
$be/vscsi-devs/dev-0/p-devname = "/dev/nosuch" (n0,r5)
$be/vscsi-devs/dev-0/v-dev = "3:0:1:2" (n0,r5)
$be/vscsi-devs/dev-0/readonly = "1" (n0,r5)
$be/vscsi-devs/dev-0/pr = "deny" (n0,r5)
$be/vscsi-devs/dev-0/force = "1" (n0,r5)
$be/vscsi-devs/dev-0/iops = "50" (n0,r5)
$be/vscsi-devs/dev-0/bps = "1G" (n0,r5)
$be/vscsi-devs/dev-0/burst = "9" (n0,r5)
$be/vscsi-devs/dev-0/state = "4" (n0,r5)
$fe = "" (n5,r0)
$fe/backend = "$be" (n5,r0)
$fe/backend-id = "0" (n5,r0)
$fe/state = "4" (n5,r0)
$fe/vscsi-devs = "" (n5,r0)
$fe/vscsi-devs/dev-0 = "" (n5,r0)
$fe/vscsi-devs/dev-0/state = "4" (n5,r0)
WANT
)" "the nodes"

step "a second device joins it: through states 7 and 8, and back to 4"
timeout 60 xenstore-watch -n 200 $be/state >"$DIR/watch" &
watch=$!
wait_until 25 test -s "$DIR/watch"
xl_scsi attach 5 /dev/nosuch2 3:0:1:3 || fail "attach"
xs_is $be/state 4 || fail "the vhost is not back at 4"
xs_is $be/vscsi-devs/dev-1/state 4 || fail "dev-1 is not connected"
# One event for the registration, one each for 7, 8 and 4.
wait_until 25 eval '[ "$(wc -l <"$DIR/watch")" = 4 ]'
kill $watch

step "the table"
check_eq "$(xl_scsi list web)" \
"Idx BE  state host phy-hctl   phy        vir-hctl   devstate
3   0   4     3    7:0:0:0    /dev/nosuch 3:0:1:2    4
3   0   4     3    7:0:0:0    /dev/nosuch2 3:0:1:3    4" "list"
check_eq "$(xl_scsi list web web | grep -c '^web (domain 5)$')" 2 "headings for two domains"
check_eq "$(xl_scsi list | sed -n 1p)" "web (domain 5)" "heading for all domains"
check_match "$(xl_scsi list --json web)" '"v-dev":"3:0:1:3"' "JSON"
check_match "$(xl_scsi list --json web)" '"readonly":true' "JSON"
check_match "$(xl_scsi list --long web)" $'dev-0 of virtual host 3 \\(Idx 3\\), backend domain 0\n    options readonly,pr=deny,iops=50,bps=1G,burst=9,force\n' "long"
guest_create 6 idle
check_eq "$(xl_scsi list idle | wc -l)" 1 "lines for a guest without devices"
check_eq "$(xl_scsi list | grep -c idle)" 0 "guests without devices among all"

step "the options that a device was given: in the long list and in JSON, and the table stays as it is"
table=$(xl_scsi list web)
# of_dev KEY...: these members of dev-1 in JSON, as one line.
of_dev() {
    xl_scsi list --json web | tr -d '\n' | sed 's/.*"v-dev":"3:0:1:3"//; s/}.*//; s/, */\n/g' | sed -n 's/^ *//; s/"//g; /^\('"$(printf '%s\\|' "$@")"'none\):/p' | tr '\n' ' '
}
all="force readonly pr pr-move pr-force allow deny third-party-copy iops bps burst"
# shellcheck disable=SC2086
check_eq "$(of_dev $all)" "force:false readonly:false pr:null pr-move:false pr-force:false allow:null deny:null \
third-party-copy:false iops:null bps:null burst:null " "JSON of one without options"
check_eq "$(xl_scsi list -l web | grep -c '^    options ')" 1 "devices with options"
for option in force=1 pr=deny pr-move=1 pr-force=0 allow=3b+a4/0a deny=$'4\e2' iops=50 bps=8M burst=5; do
    xs_write "$be/vscsi-devs/dev-1/${option%%=*}" "${option#*=}"
done
check_match "$(xl_scsi list -l web)" \
    $'    options pr=deny,pr-move,allow=3b\\+a4/0a,deny=4\\\\x1b2,iops=50,bps=8M,burst=5,force\n    states' "long, of many"
# shellcheck disable=SC2086
check_eq "$(of_dev $all | tr -d '\\')" "force:true readonly:false pr:deny pr-move:true pr-force:false allow:3b+a4/0a deny:4x1b2 \
third-party-copy:false iops:50 bps:8388608 burst:5 " "JSON of many"
xs_write "$be/vscsi-devs/dev-1/iops" 0 "$be/vscsi-devs/dev-1/bps" many
check_match "$(xl_scsi list -l web)" ',bps=many,burst=5,force' "a limit of 0, and one that no backend takes"
check_eq "$(of_dev iops bps)" "iops:null bps:null " "the same in JSON"
check_eq "$(xl_scsi list web)" "$table" "the table"
for option in force pr pr-move pr-force allow deny iops bps burst; do xenstore-rm "$be/vscsi-devs/dev-1/$option"; done
xs_write /local/domain/5/pvscsi/0 "/dev/gone,9:0:0:7,readonly,required"
check_match "$(xl_scsi list -l web)" 'p-dev /dev/gone: .*    options readonly,required$' "long, of one that is missing"
check_match "$(xl_scsi list --json web | tr -d '\n')" '"v-dev":"9:0:0:7", *"options":"readonly,required"' "JSON of one that is missing"
xenstore-rm /local/domain/5/pvscsi

step "--dry-run writes nothing and shows what would be"
before=$(xenstore-ls -fp /local/domain)
check_eq "$(xl_scsi attach -n web /dev/sdx 3:0:0:0)" \
"$be/vscsi-devs/dev-2/p-dev = \"/dev/sdx\"
$be/vscsi-devs/dev-2/p-devname = \"/dev/sdx\"
$be/vscsi-devs/dev-2/v-dev = \"3:0:0:0\"
$be/vscsi-devs/dev-2/state = \"1\"
$be/state = \"7\"" "dry run of attach"
check_match "$(xl_scsi detach -n web 3:0:1:3)" "$be/vscsi-devs/dev-1/state = \"5\"" "dry run of detach"
check_eq "$(xenstore-ls -fp /local/domain)" "$before" "the store after dry runs"

step "removal frees the number for the next, and takes the guest's own node with it"
xl_scsi detach web 3:0:1:2 || fail "detach"
xs_gone $be/vscsi-devs/dev-0 || fail "dev-0 is still there"
xs_gone $fe/vscsi-devs/dev-0 || fail "the guest's dev-0 is still there"
xs_is $be/state 4 || fail "the vhost is not back at 4"
xl_scsi attach web /dev/nosuch3 3:0:1:4 || fail "attach"
xs_is $be/vscsi-devs/dev-0/v-dev 3:0:1:4 || fail "dev-0 was not used again"

step "another virtual host is another vhost"
xl_scsi attach web /dev/nosuch4 0:0:0:0,feature-host || fail "attach"
xs_is /local/domain/0/backend/vscsi/5/0/feature-host 1 || fail "feature-host"

step "with its last device a vhost goes, and with the last vhost the directories"
xl_scsi detach web 3:0:1:3 || fail "detach"
xl_scsi detach web 3:0:1:4 || fail "detach"
xs_gone $be || fail "the backend tree is still there"
xs_gone $fe || fail "the frontend tree is still there"
xl_scsi detach web 0:0:0:0 || fail "detach"
no_nodes 5 "at the end"
