# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: the shim never harms a domain that its own xl has not made: two creates at once, a name that exists, a rename
# timeout: 600

need_project
. /host/lib/toolstack.sh
use_shim
scsi_debug_load dev_size_mb=16 delay=0
daemon_start
own=0badcafe-2222-3333-4444-555555555555
plain=$(guest_config g1 "vscsi = [ '$DBG_HCTL,0:0:0:0' ]")
cp "$plain" /tmp/own.cfg
echo "uuid = '$own'" >>/tmp/own.cfg

# both FIRST SECOND: two command lines; the second begins while the first makes g1, and fails.
both() {
    note "$1, and $2"
    # shellcheck disable=SC2086
    $1 >/tmp/first 2>&1 &
    first=$!
    wait_until 30 "xenstore-ls /local/domain | grep -q '\"g1\"'" "the first create begins"
    status=0
    # shellcheck disable=SC2086
    $2 >/tmp/second 2>&1 || status=$?
    [ $status != 0 ] || fail "the second create ends with status 0"
    expect_match "$(cat /tmp/second)" 'already exists' "the second create's output"
    id=$(guest_domid g1) || fail "g1 is gone: $(cat /tmp/first /tmp/second)"
    case $1 in
    "$REAL_XL"*) within 20 "domains list | grep -qx '$id r g1'" || fail "g1 does not run: $(domains list)" ;;
    *) within 90 "runs_with_device g1" || fail "g1 runs with its device: $(domains list; cat /tmp/first)" ;;
    esac
    expect_eq "$(guest_domid g1)" "$id" "the guest's domain"
    guest_destroy g1
    wait $first
    wait_until 10 "[ -z \"\$(xenstore-ls /local/domain/0/backend/vscsi 2>/dev/null)\" ]" "all nodes go"
}
both "xl create -q $plain" "xl create -q $plain"
both "xl create -q $plain" "xl create -q -F $plain"
both "xl create -q /tmp/own.cfg" "xl create -q -F /tmp/own.cfg"
both "xl create -q -F /tmp/own.cfg" "xl create -q /tmp/own.cfg"
both "$REAL_XL create -q /tmp/own.cfg" "xl create -q -F /tmp/own.cfg"

note "a signal to a create that waits while another xl makes the guest of its name"
"$REAL_XL" create -q /tmp/own.cfg &
first=$!
wait_until 30 "xenstore-ls /local/domain | grep -q '\"g1\"'" "the create begins"
xl create -q -F /tmp/own.cfg >/tmp/second 2>&1 &
second=$!
sleep 0.2
kill -TERM $second
wait $second && fail "the second create ended with status 0 after SIGTERM"
wait $first || fail "the first create failed"
guest_wait g1

note "a name that exists"
id=$(guest_domid g1)
expect_fail xl create -q "$plain"
expect_fail xl create -q -F "$plain"
expect_eq "$(guest_domid g1)" "$id" "the guest's domain"
guest_ok g1 true
guest_destroy g1

note "a rename while it is being made, and a stranger of its name"
daemon_stop
xl create -q "$plain" >/tmp/first 2>&1 &
first=$!
# Without a backend it gets no device, for ten seconds.
wait_until 30 "xenstore-ls /local/domain/0/backend/vscsi 2>/dev/null | grep -q p-dev" "the guest is to get its device"
expect_ok "$REAL_XL" rename g1 renamed
stranger=$(guest_config g1)
expect_ok "$REAL_XL" create -q "$stranger"
id=$(guest_domid g1)
wait $first && fail "a create without backend ended with status 0"
guest_domid renamed && fail "the guest without its device is there"
expect_eq "$(guest_domid g1)" "$id" "the stranger's domain"
guest_wait g1
guest_destroy g1
check_no_zombie
