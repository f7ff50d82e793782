#!/bin/bash
# The xl shim over a played xl: guests with vscsi= get their devices before they run, and nothing else changes.
MOCK_TIMEOUT=120
. "${top_srcdir:-.}/tests/mock-lib.sh"
. "${top_srcdir:-.}/tests/toolstack-lib.sh"
mock_start
# A guest that is paused has no frontend.
peers 7 guest=absent

# The played xl: notes its arguments, makes and destroys domain 7, and says what it sees when it unpauses.
mkdir "$DIR/real" "$DIR/bin"
export XL_LOG=$DIR/xl.log MOCK_XEN="$BUILD/mock-xen" SOCK GUEST_STATUS=0
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
    for a; do case $a in -F) foreground=yes ;; -n) echo '{ "dry": "run" }'; exit 0 ;; esac; done
    [ "$GUEST_STATUS" = 0 ] || { echo "xl: cannot create" >&2; exit "$GUEST_STATUS"; }
    ctl create 7 web
    if [ -n "$foreground" ]; then
        while xenstore-exists /local/domain/7; do sleep 0.05; done
        exit 5
    fi ;;
unpause) echo "devices at unpause: $(for d in $(xenstore-list /local/domain/0/backend/vscsi/7/0/vscsi-devs); do
    xenstore-read "/local/domain/0/backend/vscsi/7/0/vscsi-devs/$d/state"; done | tr '\n' ' ')" >>"$XL_LOG" ;;
destroy) ctl destroy 7; xenstore-rm /local/domain/7 ;;
console) echo "the console" ;;
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
check_eq "$(shim create -c "$DIR/with.cfg")" "the console" "output of create -c"
check_eq "$(calls | grep -v help | sort)" "$(sort <<CALLS
xl <create> <-p> <-f> <$DIR/with.cfg>
xl <console> <7>
xl <unpause> <7>
devices at unpause: 3 3 
CALLS
)" "calls of create -c"
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

step "a dry run prints what the real xl prints, and makes nothing"
check_eq "$(shim create -n "$DIR/with.cfg")" '{ "dry": "run" }' "output"
check_eq "$(calls | grep -v help)" "xl <create> <-n> <$DIR/with.cfg>" "calls"
check_eq "$(shim -N create "$DIR/with.cfg" | wc -l)" 0 "output with -N"
check_eq "$(calls | grep -v help)" "xl <-N> <create> <$DIR/with.cfg>" "calls"
gone
refuses 1 "vscsi entry 2 \\('nosuch2,0:0:0:1'\\): p-dev 'nosuch2'" shim create -n "$DIR/wrong.cfg"

step "what goes wrong leaves no guest"
refuses 1 "$DIR/wrong.cfg: vscsi entry 2" shim create "$DIR/wrong.cfg"
check_eq "$(calls)" "" "calls"
GUEST_STATUS=3 refuses 3 'cannot create' shim create "$DIR/with.cfg"
check_eq "$(calls | grep -v help)" "xl <create> <-p> <-f> <$DIR/with.cfg>" "calls"
peers 7 refuse='no such device'
refuses 1 'guest web is not started: v-dev 0:0:0:0 was refused by the backend: p-dev /dev/nosuch1: no such device' \
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
shim scsi-a web /dev/nosuch 0:0:0:1,readonly || fail "scsi-a"
check_eq "$(shim scsi-list web | grep -c ' 4$')" 2 "devices in scsi-list"
check_eq "$(shim scs-list 2>&1)" "" "an unknown command is the real xl's"
check_match "$(shim -N scsi-attach web /dev/nosuch 0:0:0:2)" 'dev-2/state = "1"' "scsi-attach with -N"
shim scsi-detach web 0:0:0:1 || fail "scsi-detach"
check_match "$(shim scsi-list --json web)" '"v-dev":"0:0:0:0"' "scsi-list --json"
refuses 2 'Usage: xl \[-N\] scsi-attach <Domain>' shim scsi-attach web
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

step "without our helper, or without a real xl"
sed -i "s|^helper=.*|helper=/nonexistent|" "$DIR/bin/xl"
shim create "$DIR/with.cfg" || fail "create without helper"
check_eq "$(calls)" "xl <create> <$DIR/with.cfg>" "calls"
if ! [ -e /usr/sbin/xl ] && ! [ -e /usr/bin/xl ] && ! [ -e /sbin/xl ]; then
    XEN_PVSCSI_REAL_XL=/nonexistent refuses 127 'the real xl is not installed' shim list
fi
gone
