#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The xl shim: scsi-attach, scsi-detach, scsi-set and scsi-list.
. "${top_srcdir:-.}/tests/mock-lib.sh"
. "${top_srcdir:-.}/tests/toolstack-lib.sh"
mock_start
peers 7
. "${top_srcdir:-.}/tests/played-xl.sh"

step "the scsi- commands, by prefix too"
guest_create 7 web
shim scsi-attach web /dev/nosuch 0:0:0:0 || fail "scsi-attach"
shim scsi-a web /dev/nosuch2 0:0:0:1,readonly || fail "scsi-a"
check_eq "$(shim scsi-list web | grep -c ' 4$')" 2 "devices in scsi-list"
check_eq "$(shim scs-list 2>&1)" "" "an unknown command is the real xl's"
shim scsi-attach -w -t 9 web /dev/nosuch4 1:0:0:0 || fail "scsi-attach -w -t"
refuses 5 'is in use: it is 1:0:0:0 of this guest' shim scsi-attach web /dev/nosuch4 1:0:0:1
shim scsi-attach --force --timeout=9 web /dev/nosuch4 1:0:0:1 || fail "scsi-attach --force"
shim scsi-detach -f -t 9 web 1:0:0:1 || fail "scsi-detach -f -t"
shim scsi-detach web 1:0:0:0 || fail "scsi-detach"
# wrong LINE USAGE COMMAND...: what is wrong, and how it is written.
wrong() { refuses_at_length 2 "^xl-scsi: $1"$'\nUsage: xl \\[-N\\] '"$2" shim "${@:3}"; }
wrong "--timeout '0': expected seconds, 1..86400" 'scsi-attach \[-f\] \[-w\] \[-t SECONDS\]' scsi-attach -t 0 web /dev/x 0:0:0:5
wrong "--timeout '': expected seconds, 1..86400" scsi-set scsi-set -t
wrong 'scsi-detach takes no option -w' scsi-detach scsi-detach -w web 0:0:0:0
wrong 'scsi-set takes no option -f' scsi-set scsi-set --force web 0:0:0:0 readonly=1
wrong 'scsi-attach takes no option -Z' scsi-attach scsi-attach -Z web /dev/x 0:0:0:5
wrong 'scsi-list takes no option --lang' scsi-list scsi-list --lang
wrong 'scsi-attach takes no option --force=1' scsi-attach scsi-attach --force=1 web /dev/x 0:0:0:5
wrong 'scsi-set takes no option -f' scsi-set scsi-set --force=1 web 0:0:0:0 readonly=1
check_match "$(shim -N scsi-attach web /dev/nosuch3 0:0:0:2)" 'dev-2/state = "1"' "scsi-attach with -N"
shim scsi-detach web 0:0:0:1 || fail "scsi-detach"
check_match "$(shim scsi-list --json web)" '"v-dev":"0:0:0:0"' "scsi-list --json"
xs_write /local/domain/7/vm /vm/6a7e3f2c-0b4d-4c5e-9f10-2a3b4c5d6e7f
xs_write /local/domain/0/name Domain-0
shim scsi-attach web /dev/nosuch5 2:0:0:0,pr=deny || fail "scsi-attach with pr=deny"
json=$(shim scsi-list --json web)
check_match "$json" '"uuid":"6a7e3f2c-0b4d-4c5e-9f10-2a3b4c5d6e7f"' "the guest's uuid"
check_match "$json" '"backend-name":"Domain-0"' "the backend's name"
check_match "$json" '"pr":null.*"pr":"deny"' "pr of two devices"
shim scsi-detach web 2:0:0:0 || fail "scsi-detach of the device with pr=deny"
wrong 'wrong number of arguments for scsi-attach' 'scsi-attach \[-f\] .*<Domain>' scsi-attach web
check_eq "$(shim help)" "$("$DIR/real/xl" help; printf ' %-19s %s\n' scsi-attach "Attach a SCSI device to a domain" \
    scsi-detach "Detach a domain's SCSI device" scsi-set "Change options of a domain's SCSI device" \
    scsi-list "List domains' SCSI devices")" "the list that completion asks for"
check_match "$(shim -N scsi-set -t 9 web 0:0:0:0 readonly=1)" 'dev-0/readonly = "1".*dev-0/change = "1"' "scsi-set with -N"
wrong 'wrong number of arguments for scsi-set' 'scsi-set \[-t SECONDS\]' scsi-set web 0:0:0:0
check_match "$(shim help scsi-detach)" 'scsi-detach .*<Domain> <VirtDev>' "help"
refuses 1 "backend domain 'storage' does not exist" shim scsi-attach web /dev/x 2:0:0:0 storage
check_match "$(shim -N scsi-attach web /dev/x 2:0:0:0,readonly 0)" 'dev-0/readonly = "1"' "a backend as the fourth argument"
refuses 5 'has a device already' shim scsi-attach web /dev/x 0:0:0:0
gone
