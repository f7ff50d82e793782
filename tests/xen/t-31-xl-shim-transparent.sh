# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: the shim changes nothing for guests without vscsi, nor for any other command
# timeout: 180

need_project
. /host/lib/toolstack.sh
use_shim

# same WHAT ARGS...: standard output, standard error and exit status of both are the same, except for uuids and times.
same() {
    what=$1
    shift
    "$REAL_XL" "$@" >/tmp/real.out 2>/tmp/real.err
    echo $? >>/tmp/real.out
    xl "$@" >/tmp/shim.out 2>/tmp/shim.err
    echo $? >>/tmp/shim.out
    sed -i 's/[0-9a-f]\{8\}-[0-9a-f-]\{27\}/UUID/g; s/ *[0-9]*\.[0-9]$//' /tmp/real.out /tmp/real.err /tmp/shim.out /tmp/shim.err
    cmp /tmp/real.out /tmp/shim.out || { diff /tmp/real.out /tmp/shim.out; fail "$what: other output or status"; }
    cmp /tmp/real.err /tmp/shim.err || { diff /tmp/real.err /tmp/shim.err; fail "$what: other messages"; }
}
cfg=$(guest_config g1)
same "no command"
expect_eq "$(xl help)" "$("$REAL_XL" help; printf ' %-19s %s\n' scsi-attach "Attach a SCSI device to a domain" \
    scsi-detach "Detach a domain's SCSI device" scsi-set "Change options of a domain's SCSI device" \
    scsi-list "List domains' SCSI devices")" "the list of commands"
same "help of a command" help create
same "list" list
same "an unknown command" nonsense
same "an ambiguous prefix" c
same "a global option that is none" -Q list
same "create without a file" create
same "create of a file that is not there" create /nosuch.cfg
same "create with two files" create a b
same "create --help" create --help
same "a dry run" create -n "$cfg"
same "a dry run by -N" -N create "$cfg"
same "a dry run with arguments" create --dryrun "$cfg" memory=99
same "restore of nothing" restore /nosuch
same "restore of a file that is none" restore "$cfg"
same "destroy of nobody" destroy nobody
echo 'vscsi = [' >/tmp/broken.cfg
same "a broken file" create /tmp/broken.cfg
note "a dry run with vscsi is the real xl's JSON"
"$REAL_XL" create -n "$cfg" >/tmp/real.out 2>/dev/null
xl create -n "$cfg" "vscsi=[ '0:0:0:0,0:0:0:0' ]" 2>/dev/null >/tmp/shim.out || fail "dry run"
sed -i 's/[0-9a-f]\{8\}-[0-9a-f-]\{27\}/UUID/g' /tmp/real.out /tmp/shim.out
expect_ok cmp /tmp/real.out /tmp/shim.out

note "a guest without vscsi"
XL=xl guest_start g1
id=$(guest_domid g1)
same "domid" domid g1
same "uptime of a domain" domname "$id"
expect_fail xenstore-exists "/local/domain/$id/device/vscsi"
expect_fail xenstore-exists "/local/domain/$id/pvscsi"
grep -q xsdata /var/lib/xen/userdata-d."$id".* && fail "something was noted"
expect_ok xl save g1 /tmp/saved
xl restore -p /tmp/saved 2>&1 | grep -v xc: >/tmp/restored
expect_match "$(cat /tmp/restored)" 'Parsing config from <saved>'
expect_eq "$(xl list g1 | awk 'NR == 2 { print $5 }')" "--p---" "state after restore -p"
guest_unpause g1
guest_stop g1
