#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The xl shim over a played xl: guests with vscsi= get their devices before they run, and nothing else changes.
MOCK_TIMEOUT=180
. "${top_srcdir:-.}/tests/mock-lib.sh"
. "${top_srcdir:-.}/tests/toolstack-lib.sh"
mock_start
# A guest that is paused has no frontend.
peers 7 guest=absent

# The played xl: notes its arguments, makes and destroys domain 7, and says what it sees when it unpauses.
mkdir "$DIR/real" "$DIR/bin"
export XL_LOG=$DIR/xl.log MOCK_XEN="$BUILD/mock-xen" SOCK GUEST_STATUS=0 MAKES=guest SLOW=0
cat >"$DIR/real/xl" <<'XL'
#!/bin/sh
printf '%s' "${0##*/}" >>"$XL_LOG"
for a; do printf ' <%s>' "$a" >>"$XL_LOG"; done
echo >>"$XL_LOG"
while :; do case $1 in -*) shift ;; *) break ;; esac; done
ctl() { "$MOCK_XEN" --socket "$SOCK" ctl "$@" >/dev/null; }
command=${1-}
[ $# = 0 ] || shift
foreground=
case $command in
help) printf 'Usage xl\n\nxl full list of subcommands:\n\n'
    printf ' %-19s %s\n' create x config-update x list x destroy x shutdown x save x restore x sched-credit x $EXTRA_COMMANDS ;;
create | restore)
    console=
    for a; do case $a in -F) foreground=yes ;; -c) console=yes ;; -n) echo '{ "dry": "run" }'; exit 0 ;; esac; done
    [ "$GUEST_STATUS" = 0 ] || { echo "xl: cannot create" >&2; exit "$GUEST_STATUS"; }
    # As the real one: -e ends it at once, whatever -F says.
    for a; do case $a in -e) foreground= ;; esac; done
    exec sleep "$SLOW" &
    trap 'kill $! 2>/dev/null; echo "terminated" >>"$XL_LOG"; trap - TERM; kill $$' TERM
    wait $!
    [ "$MAKES" = guest ] || exit 0
    [ -z "$console" ] || echo "the boot loader's menu"
    ctl create 7 web
    [ -z "$FAKE_HYP" ] || { echo 1 >"$FAKE_HYP/7"; [ "$MAKES_JSON" = no ] ||
        echo '{ "c_info": { "name": "web" } }' >"$FAKE_HYP/userdata-d.7.00000000-0000-0000-0000-000000000007.libxl-json"; }
    if [ -n "$console" ]; then
        while xenstore-exists /local/domain/7 && ! grep -q unpause "$XL_LOG"; do sleep 0.05; done
        echo "the console"
        exit 0
    fi
    if [ -n "$foreground" ]; then
        while xenstore-exists /local/domain/7; do sleep 0.05; done
        exit 5
    fi ;;
unpause) echo "devices at unpause: $(for d in $(xenstore-list /local/domain/0/backend/vscsi/7/0/vscsi-devs); do
    xenstore-read "/local/domain/0/backend/vscsi/7/0/vscsi-devs/$d/state"; done | tr '\n' ' ')" >>"$XL_LOG" ;;
destroy) ctl destroy 7; xenstore-rm /local/domain/7 ;;
fail) exit 42 ;;
esac
exit 0
XL
chmod +x "$DIR/real/xl"
sed -e "s|^helper=.*|helper='$BUILD/xl-scsi'|" "$BUILD/xl-scripts/xl" >"$DIR/bin/xl"
chmod +x "$DIR/bin/xl"
export XEN_PVSCSI_REAL_XL="$DIR/real/xl"
shim() { "$DIR/bin/xl" "$@"; }
# calls WHAT: what the real xl was called with since the last time, a line each.
calls() { cat "$XL_LOG"; : >"$XL_LOG"; }
: >"$XL_LOG"
# As libxl destroys: the nodes are the toolstack's.
gone() {
    if xenstore-exists /local/domain/7 2>/dev/null; then
        guest_destroy 7
        xenstore-rm /local/domain/7
    fi
    xenstore-rm $BACKEND/7 2>/dev/null
    : >"$XL_LOG"
}
printf 'name = "web"\nvscsi = [ "/dev/nosuch1,0:0:0:0", "/dev/nosuch2,0:0:0:1,readonly" ]\n' >"$DIR/with.cfg"
printf 'name = "web"\nmemory = 64\n' >"$DIR/without.cfg"
printf 'name = "web"\nvscsi = [ "/dev/nosuch1,0:0:0:0", "nosuch2,0:0:0:1" ]\n' >"$DIR/wrong.cfg"

step "what is nothing to us reaches the real xl as it is, and its status comes back"
shim fail 'a b' '' "c'd" '$e' --long -x
check_eq "$?" 42 "exit status"
check_eq "$(calls)" "xl <fail> <a b> <> <c'd> <\$e> <--long> <-x>" "arguments"
shim -v list
check_eq "$(calls)" "xl <-v> <list>" "arguments"
shim; shim --help; shim -v
check_eq "$(calls)" $'xl\nxl <--help>\nxl <-v>' "arguments"
shim create "$DIR/without.cfg" -p 'name="x y"'
check_eq "$(calls)" "xl <create> <$DIR/without.cfg> <-p> <name=\"x y\">" "create without vscsi"
gone
{ shim create; shim create --help; shim create "$DIR/nosuch.cfg"; shim create a b c; } 2>/dev/null
check_eq "$(calls)" "xl <create>
xl <create> <--help>
xl <create> <$DIR/nosuch.cfg>
xl <create> <a> <b> <c>" "what is for the real xl to refuse"
gone
echo 'vscsi = [' >"$DIR/broken.cfg"
shim create "$DIR/broken.cfg"
check_eq "$(calls)" "xl <create> <$DIR/broken.cfg>" "a file that is no configuration"
gone

step "create: paused, devices, unpause"
shim -v create "$DIR/with.cfg" -q 'memory=1' || fail "create"
check_eq "$(calls)" "xl <help>
xl <-v> <create> <-p> <-q> <-f> <$DIR/with.cfg> <memory=1>
xl <-v> <unpause> <7>
devices at unpause: 3 3 " "calls"
gone
shim cr -p "$DIR/with.cfg" || fail "create -p by prefix"
check_eq "$(calls | grep -v help)" "xl <create> <-p> <-f> <$DIR/with.cfg>" "calls"
check_eq "$(xl_scsi list web | grep -c ' 3$')" 2 "devices"
gone
check_eq "$(shim create -c "$DIR/with.cfg")" "the boot loader's menu
the console" "output of create -c"
check_eq "$(calls | grep -v help)" "xl <create> <-p> <-c> <-f> <$DIR/with.cfg>
xl <unpause> <7>
devices at unpause: 3 3 " "calls of create -c"
gone
shim create /dev/null 'name="web"' "vscsi=['/dev/nosuch3,0:0:0:5']" || fail "create from arguments"
check_match "$(calls)" "devices at unpause: 3 $" "devices from arguments"
gone
shim create "$DIR/with.cfg" "vscsi=[]" || fail "create with vscsi taken away"
check_eq "$(calls)" "xl <create> <$DIR/with.cfg> <vscsi=[]>" "calls"
gone
shim create <(cat "$DIR/with.cfg") || fail "create from a pipe"
check_match "$(calls)" 'xl <create> <-p> <-f> </proc/self/fd/[0-9]+>.*devices at unpause: 3 3 ' "calls"
gone
shim create -d <(cat "$DIR/without.cfg") || fail "create without vscsi from a pipe"
check_match "$(calls)" '^xl <create> <-d> <-f> </proc/self/fd/[0-9]+>$' "calls"
gone

step "create -F: stays, and ends as the real xl ends"
shim create -F "$DIR/with.cfg" &
pid=$!
wait_until 10 grep -q 'devices at unpause: 3 3' "$XL_LOG"
kill -0 $pid || fail "create -F has ended"
guest_destroy 7
xenstore-rm /local/domain/7
wait $pid
check_eq $? 5 "exit status of create -F"
gone

step "-e: xl ends at once, with -F too, and the guest has its devices all the same"
for options in "-e" "-F -e" "-Fe" "-e -F"; do
    # shellcheck disable=SC2086
    shim create $options "$DIR/with.cfg" || fail "create $options"
    check_match "$(calls)" "devices at unpause: 3 3 " "devices with $options"
    gone
done
MAKES=nothing refuses 1 'real/xl ended, but xenstore shows no guest web$' shim create -F -e "$DIR/with.cfg"
MAKES=nothing refuses 1 'real/xl ended, but xenstore shows no guest web$' shim create "$DIR/with.cfg"
gone

step "a signal while the guest is being made ends the real xl"
for options in "" -F -c; do
    # shellcheck disable=SC2086
    SLOW=40 shim create $options "$DIR/with.cfg" &
    pid=$!
    wait_until 10 grep -q '<-p>' "$XL_LOG"
    sleep 0.3
    kill -TERM "$(pgrep -P $pid -f xl-scsi || echo $pid)"
    end=$((SECONDS + 5))
    while kill -0 $pid 2>/dev/null; do
        [ $SECONDS -le $end ] || fail "create $options goes on after SIGTERM"
        sleep 0.05
    done
    wait $pid
    check_eq $? 143 "exit status of create $options after SIGTERM"
    check_match "$(calls)" "terminated" "the real xl's end"
    xs_gone /local/domain/7 || fail "the guest is there"
done

if [ -x "$BUILD/xl-scsi-fake-hyp" ]; then
    step "... and what it has made so far is destroyed"
    sed -i "s|^helper=.*|helper='$BUILD/xl-scsi-fake-hyp'|" "$DIR/bin/xl"
    mkdir "$DIR/hyp"
    # With -F it stays, without libxl's last file: not complete.
    FAKE_HYP=$DIR/hyp MAKES_JSON=no shim create -F "$DIR/with.cfg" &
    pid=$!
    wait_until 10 xenstore-exists /local/domain/7
    sleep 0.5
    check_no_match "$(cat "$XL_LOG")" unpause "calls so far"
    kill -TERM "$(pgrep -P $pid -f xl-scsi || echo $pid)"
    wait $pid
    check_eq $? 143 "exit status"
    check_match "$(calls)" '<destroy> <7>' "calls"
    xs_gone /local/domain/7 || fail "the half-made guest is there"
    gone
    FAKE_HYP=$DIR/hyp shim create "$DIR/with.cfg" 2>/dev/null || fail "create"
    check_match "$(calls)" "devices at unpause: 3 3 " "a complete one"
    check_match "$(tr -d '\0' <"$(echo "$DIR"/hyp/*libxl-json)")" 'pvscsi/1' "what is noted for its next domain"
    gone
    sed -i "s|^helper=.*|helper='$BUILD/xl-scsi'|" "$DIR/bin/xl"
fi

step "a dry run prints what the real xl prints, and makes nothing"
check_eq "$(shim create -n "$DIR/with.cfg")" '{ "dry": "run" }' "output"
check_eq "$(calls | grep -v help)" "xl <create> <-n> <$DIR/with.cfg>" "calls"
check_eq "$(shim -N create "$DIR/with.cfg" | wc -l)" 0 "output with -N"
check_eq "$(calls | grep -v help)" "xl <-N> <create> <$DIR/with.cfg>" "calls"
gone
refuses 1 "vscsi entry 2 \\('nosuch2,0:0:0:1'\\): p-dev 'nosuch2'" shim create -n "$DIR/wrong.cfg"

step "what goes wrong leaves no guest"
refuses 1 "$DIR/wrong.cfg: vscsi entry 2" shim create "$DIR/wrong.cfg"
check_eq "$(calls | grep -v help)" "" "calls"
GUEST_STATUS=3 refuses 3 'cannot create' shim create "$DIR/with.cfg"
check_eq "$(calls | grep -v help)" "xl <create> <-p> <-f> <$DIR/with.cfg>" "calls"
peers 7 refuse='no such device'
# Which of the two is refused first is the backend's business.
refuses 1 'guest web is not started: v-dev 0:0:0:[01] was refused by the backend: p-dev /dev/nosuch[12]: no such device' \
    shim create "$DIR/with.cfg"
check_eq "$(calls | grep -v help)" $'xl <create> <-p> <-f> <'"$DIR"$'/with.cfg>\nxl <destroy> <7>' "calls"
xs_gone /local/domain/7 || fail "the guest is there"
gone
refuses 1 'guest web is not started' shim create -F "$DIR/with.cfg"
xs_gone /local/domain/7 || fail "the guest is there"
gone
peers 7

step "the scsi- commands, by prefix too"
guest_create 7 web
shim scsi-attach web /dev/nosuch 0:0:0:0 || fail "scsi-attach"
shim scsi-a web /dev/nosuch2 0:0:0:1,readonly || fail "scsi-a"
check_eq "$(shim scsi-list web | grep -c ' 4$')" 2 "devices in scsi-list"
check_eq "$(shim scs-list 2>&1)" "" "an unknown command is the real xl's"
check_match "$(shim -N scsi-attach web /dev/nosuch3 0:0:0:2)" 'dev-2/state = "1"' "scsi-attach with -N"
shim scsi-detach web 0:0:0:1 || fail "scsi-detach"
check_match "$(shim scsi-list --json web)" '"v-dev":"0:0:0:0"' "scsi-list --json"
refuses_at_length 2 'Usage: xl \[-N\] scsi-attach <Domain>' shim scsi-attach web
check_eq "$(shim help)" "$("$DIR/real/xl" help; printf ' %-19s %s\n' scsi-attach "Attach a SCSI device to a domain" \
    scsi-detach "Detach a domain's SCSI device" scsi-list "List domains' SCSI devices")" "the list that completion asks for"
check_match "$(shim help scsi-detach)" 'scsi-detach <Domain> <VirtDev>' "help"
refuses 1 'is taken already' shim scsi-attach web /dev/x 0:0:0:0
gone

step "an xl that knows vscsi itself, as SUSE's does, keeps it"
export EXTRA_COMMANDS="scsi-attach x"
shim create "$DIR/with.cfg" || fail "create"
check_eq "$(calls | grep -v help)" "xl <create> <$DIR/with.cfg>" "calls"
shim scsi-list web || fail "scsi-list"
check_eq "$(calls | grep -v help)" "xl <scsi-list> <web>" "calls"
gone
shim create "$DIR/wrong.cfg" || fail "create with what only its own parser knows"
check_eq "$(calls | grep -v help)" "xl <create> <$DIR/wrong.cfg>" "calls"
gone
shim restore "$DIR/wrong.cfg" /nosuch || fail "restore with what only its own parser knows"
check_eq "$(calls | grep -v help)" "xl <restore> <$DIR/wrong.cfg> </nosuch>" "calls"
gone
check_eq "$(shim help)" "$("$DIR/real/xl" help)" "its list of commands"
gone

step "xl-scsi's own options before the command xl"
EXTRA_COMMANDS="" "$BUILD/xl-scsi" -t 5 xl "$DIR/real/xl" create -p "$DIR/with.cfg" || fail "xl-scsi -t 5 xl"
check_eq "$(EXTRA_COMMANDS="" calls | grep -v help)" "xl <create> <-p> <-f> <$DIR/with.cfg>" "calls"
gone
"$BUILD/xl-scsi" --timeout=5 xl "$DIR/real/xl" fail -t 7 --help
check_eq $? 42 "exit status"
check_eq "$(calls)" "xl <fail> <-t> <7> <--help>" "calls"

step "without our helper, or without a real xl"
sed -i "s|^helper=.*|helper=/nonexistent|" "$DIR/bin/xl"
shim create "$DIR/with.cfg" || fail "create without helper"
check_eq "$(calls)" "xl <create> <$DIR/with.cfg>" "calls"
if ! [ -e /usr/sbin/xl ] && ! [ -e /usr/bin/xl ] && ! [ -e /sbin/xl ]; then
    XEN_PVSCSI_REAL_XL=/nonexistent refuses 127 'the real xl is not installed' shim list
fi
gone
