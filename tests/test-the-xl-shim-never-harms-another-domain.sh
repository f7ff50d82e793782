#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The xl shim acts only on the domain that its own xl has made, whatever other domains are called and whatever uuid they
# have. The hypervisor is a directory; xl is played and, as the real one, makes one domain at a time.
. "${top_srcdir:-.}/tests/mock-lib.sh"
. "${top_srcdir:-.}/tests/toolstack-lib.sh"
mock_start
peers 7 guest=absent
. "${top_srcdir:-.}/tests/played-xl.sh"
shim_helper "$BUILD/xl-scsi-fake-hyp"
mkdir "$DIR/hyp"
export FAKE_HYP=$DIR/hyp
own=11111111-2222-3333-4444-555555555555
{ cat "$DIR/with.cfg"; echo "uuid = \"$own\""; } >"$DIR/own.cfg"

runs() { mock_ctl status | grep -q "^domain $1 state alive" && [ "$(cat "$FAKE_HYP/$1")" = 0 ]; }
# both OPTIONS1 OPTIONS2 CONFIG: two creates at once. The first makes domain 7, which the second must leave alone.
both() {
    local first second status
    # shellcheck disable=SC2086
    SLOW=0.3 BUILD_S=0.5 shim create $1 "$3" >"$DIR/first" 2>&1 &
    first=$!
    wait_until 25 test -e "$XL_LOG.making"
    # Long enough that the first one's domain is complete, and has its devices, while the second xl waits.
    # shellcheck disable=SC2086
    SLOW=2 shim create $2 "$3" >"$DIR/second" 2>&1 &
    second=$!
    wait $second
    status=$?
    check_eq $status 1 "exit status of the second create ($2): $(cat "$DIR/second")"
    check_match "$(cat "$DIR/second")" 'already exists' "output of the second create ($2)"
    wait_until 25 grep -q '^devices at unpause: 3 3' "$XL_LOG"
    check_no_match "$(cat "$XL_LOG")" '<destroy>' "calls for $1 and $2"
    runs 7 || fail "the first one's guest does not run ($1, $2): $(mock_ctl status)"
    check_eq "$(xl_scsi list web | grep -c ' 3$')" 2 "devices"
    case $1 in
    *F*) guest_destroy 7; xenstore-rm /local/domain/7; wait $first; check_eq $? 5 "exit status of the first create" ;;
    *) wait $first || fail "the first create: $(cat "$DIR/first")" ;;
    esac
    gone
}

step "two creates at once"
both "" "" "$DIR/with.cfg"
both "" -F "$DIR/with.cfg"
both -F "" "$DIR/with.cfg"

step "two creates at once, the uuid in the configuration"
both "" "" "$DIR/own.cfg"
both "" -F "$DIR/own.cfg"
both -F -c "$DIR/own.cfg"

step "the configuration's uuid in capitals, and twice: the last one counts"
{ cat "$DIR/with.cfg"; echo 'uuid = "99999999-2222-3333-4444-555555555555"'; echo 'uuid = "AAAAAAAA-2222-3333-4444-555555555555"'; } >"$DIR/twice.cfg"
shim create "$DIR/twice.cfg" 'uuid="aaaaaaaa-2222-3333-4444-555555555555"' || fail "create with two uuids"
runs 7 || fail "the guest does not run"
check_eq "$(cat "$FAKE_HYP/7.uuid")" "aaaaaaaa-2222-3333-4444-555555555555" "the guest's uuid"
gone

step "another domain has the same uuid already"
guest_create 6 old
echo "$own" >"$FAKE_HYP/6.uuid"
echo 0 >"$FAKE_HYP/6"
GUEST_STATUS=3 refuses 3 'cannot create' shim create "$DIR/own.cfg" 'name="third"'
check_no_match "$(cat "$XL_LOG")" 'destroy' "calls"
shim create "$DIR/own.cfg" || fail "create"
runs 7 && runs 6 || fail "both guests run"
check_no_match "$(cat "$XL_LOG")" '(unpause|destroy)> <6>' "calls"
guest_destroy 6
xenstore-rm /local/domain/6
gone

step "a name that is taken"
guest_create 7 web
echo 0 >"$FAKE_HYP/7"
echo 77777777-2222-3333-4444-555555555555 >"$FAKE_HYP/7.uuid"
for options in "" -F -c; do
    # shellcheck disable=SC2086
    refuses_at_length 1 'already exists' shim create $options "$DIR/with.cfg"
done
check_no_match "$(cat "$XL_LOG")" 'destroy|unpause' "calls"
runs 7 || fail "the guest of that name does not run"
gone

step "a signal while another xl makes a guest of that name and uuid"
LOCKED="" BUILD_UNTIL=$DIR/complete "$DIR/real/xl" create "$DIR/own.cfg" &
other=$!
wait_until 25 xenstore-exists /local/domain/7
for config in with own; do
    shim create -F "$DIR/$config.cfg" 2>/dev/null &
    pid=$!
    wait_until 25 grep -q "<create> <-p> <-F> <-f> <$DIR/$config.cfg>" "$XL_LOG"
    sleep 0.4
    kill -TERM "$(shim_pid $pid)"
    wait $pid
    check_eq $? 143 "exit status"
done
: >"$DIR/complete"
wait $other
rm "$DIR/complete"
check_no_match "$(cat "$XL_LOG")" 'destroy' "calls"
mock_ctl status | grep -q "^domain 7 state alive" || fail "the other xl's guest is gone"
gone

step "a rename in between, and a stranger of that name"
peers 7 refuse='no such device'
BUILD_UNTIL=$DIR/complete shim create "$DIR/with.cfg" >"$DIR/out" 2>&1 &
pid=$!
wait_until 25 test -e "$FAKE_HYP/7"
xs_write /local/domain/7/name other
guest_create 8 web
echo 0 >"$FAKE_HYP/8"
echo 88888888-2222-3333-4444-555555555555 >"$FAKE_HYP/8.uuid"
: >"$DIR/complete"
wait $pid
check_eq $? 1 "exit status: $(cat "$DIR/out")"
check_match "$(calls)" '<destroy> <7>' "calls"
xs_gone /local/domain/7 || fail "the renamed guest is there, without its devices"
runs 8 || fail "the stranger does not run"
xs_gone $BACKEND/8 || fail "the stranger has devices"
guest_destroy 8
xenstore-rm /local/domain/8
gone
peers 7 guest=absent

step "two restores at once of one saved guest"
json='{ "c_info": { "name": "web", "uuid": "'$own'", "xsdata": { "pvscsi/0": "/dev/nosuch1,0:0:0:0" } } }'
le32() { printf "\\x$(printf %02x $(($1 & 255)))\\x$(printf %02x $(($1 >> 8 & 255)))\\0\\0"; }
{
    printf 'Xen saved domain, xl format\n \0 \r'
    le32 1; le32 1; le32 0; le32 $((${#json} + 5))
    le32 $((${#json} + 1)); printf '%s\0' "$json"
} >"$DIR/saved"
for options in "" -F; do
    SLOW=0.3 BUILD_S=0.5 shim restore "$DIR/saved" >"$DIR/first" 2>&1 &
    first=$!
    wait_until 25 test -e "$XL_LOG.making"
    # shellcheck disable=SC2086
    SLOW=2 refuses 1 'already exists' shim restore $options "$DIR/saved"
    wait $first || fail "the first restore: $(cat "$DIR/first")"
    check_match "$(cat "$XL_LOG")" 'devices at unpause: 3 ' "calls"
    check_no_match "$(cat "$XL_LOG")" '<destroy>' "calls"
    runs 7 || fail "the first one's guest does not run: $(mock_ctl status)"
    gone
done

step "a restore with a new configuration: its guest gets a uuid of ours"
shim restore "$DIR/with.cfg" "$DIR/saved" || fail "restore"
runs 7 || fail "the guest does not run"
check_match "$(cat "$XL_LOG")" '<restore> <-p> <--> </proc/self/fd/[0-9]+> <'"$DIR/saved"'>.*devices at unpause: 3 3 ' "calls"
gone
