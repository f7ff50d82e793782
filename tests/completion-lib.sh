# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# For the tests of word completion: a daemon with two guests and their devices, the words that each line must give, and
# a terminal in which a shell is typed to. Source it in the place of mock-lib.sh.
# shellcheck source=tests/mock-lib.sh
. "${top_srcdir:-$(dirname -- "${BASH_SOURCE[0]}")/..}/tests/mock-lib.sh"
[ -x /usr/bin/python3 ] || skip "/usr/bin/python3 is not installed (tools/install-deps installs it)"

COMPLETION=$BUILD/xl-scripts/completion
case $BUILD in /*) ;; *) COMPLETION=$PWD/$COMPLETION BUILD=$PWD/$BUILD ;; esac
mkdir "$DIR/bin" "$DIR/nodes"
# The programs, and an xl of which only the list is asked for, as the shim gives it.
for program in mock-xen pvscsid pvscsictl xl-scsi vscsi-front; do
    ln -s "$BUILD/$program" "$DIR/bin/$program"
done
printf '#!/bin/sh\n[ "$*" = help ] && printf "Usage xl\\n\\n create x\\n list x\\n scsi-attach x\\n"\n' >"$DIR/bin/xl"
chmod +x "$DIR/bin/xl"
PATH=$DIR/bin:$PATH
touch "$DIR/nodes/sda" "$DIR/web.cfg"

mock_start
daemon_start
guest_create 1 web
guest_create 2 db
# Foreign words are never evaluated.
EVIL="\$(>$DIR/evaluated)"
guest_create 3 "$EVIL"
disk a 8
attach 1 "$DISK" 0:0:0:0 --no-wait
attach 1 "$DISK" 0:0:1:0 --no-wait --force
attach 1 "$DISK" 3:0:0:7 --no-wait --force
attach 3 "$DISK" 0:0:0:0 --no-wait --force

# A line that is typed, and the words that it gives. What readline takes for finished is left out: "0:0:0:0,re" gives
# "0,readonly".
completions() {
    cat <<LINES
xl-scsi at|attach
xl-scsi |attach detach set list scan check expect watch xl
xl-scsi set web 3|3:0:0:7
xl-scsi set web 3:0:0:7 pr-|pr-move=0 pr-move=1 pr-force=0 pr-force=1
xl-scsi set web 3:0:0:7 readonly=1 al|allow=
xl-scsi set --ti|--timeout=
xl-scsi set --fo|
xl-scsi attach we|web
xl-scsi -n attach --timeout=3 we|web
xl-scsi attach -t 5 we|web
xl-scsi attach -t 5 -R /run/x we|web
xl-scsi list web d|db
xl-scsi detach --fo|--force
xl-scsi attach --time|--timeout=
xl-scsi list --|--json --long --run-dir= --help --version
xl-scsi -|--timeout= --dry-run --force --no-wait --json --long --run-dir= --help --version
xl-scsi detach web |0:0:0:0 0:0:1:0 3:0:0:7
xl-scsi detach web 3|3:0:0:7
xl-scsi detach web 3:|0:0:7
xl-scsi detach web 0:0:|0:0 1:0
xl-scsi detach web 4:|
xl-scsi detach 1 3|3:0:0:7
xl-scsi attach web /dev/sda |0:0:0:1
xl-scsi attach db /dev/sda |0:0:0:0
xl-scsi attach web 2:0:1:0 0:0:0:0|
xl-scsi attach web /dev/sda 0:0:0:0,re|0,readonly 0,required
xl-scsi attach web 2:0:1:0 0:0:0:0,readonly,op|0,readonly,optional
xl-scsi attach web 2:0:1:0 0:0:0:0,readonly,reado|
xl-scsi attach web 2:0:1:0 0:0:0:0,pr=h|helper
xl-scsi attach web 2:0:1:0 0:0:0:0,backend=d|db
xl-scsi attach web $DIR/nodes/s|$DIR/nodes/sda
xl-scsi attach web file:$DIR/nodes/s|$DIR/nodes/sda
xl-scsi check $DIR/w|$DIR/web.cfg
xl-scsi --run-dir=$DIR/no|$DIR/nodes
xl-scsi expect x /dev/sda,0:0:0:0,o|0,optional
xl |create list scsi-attach
xl s|scsi-attach
xl scsi-attach we|web
xl scsi-attach -|--timeout= --force --no-wait --help
xl -N scsi-detach -f web 3:|0:0:7
xl scsi-list --|--json --long --help
xl scsi-set web 3:0:0:7 d|deny=
xl create $DIR/w|$DIR/web.cfg
pvscsid --log-l|--log-level=
pvscsid --log-level de|debug detail
pvscsid --log-level=not|notice
pvscsid --pr=|auto helper direct deny
pvscsid --policy |0 1
pvscsid --poll |auto
pvscsid --permit |all none
pvscsid --sandbox |auto full best-effort off
pvscsid --max-luns |
pvscsid --config $DIR/w|$DIR/web.cfg
pvscsid --run-dir $DIR/no|$DIR/nodes
pvscsid --run-dir $DIR/w|
pvscsictl |status stats metrics events top policy reload
pvscsictl top --|--run-dir= --batch --count= --interval= --sort= --by= --version --help
pvscsictl metrics --f|--format=
pvscsictl metrics --js|
pvscsictl status --js|--json
pvscsictl metrics --format |prometheus openmetrics
pvscsictl --sort=|commands read write latency outstanding errors guest
pvscsictl --by |LUN guest
pvscsictl --run-dir $RUN_DIR policy |disk tape optical changer other $(printf %q "$EVIL") web
pvscsictl --run-dir=$RUN_DIR policy web 3:|0:0:7
pvscsictl --run-dir $RUN_DIR policy 1 0|0:0:0:0 0:0:1:0
mock-xen --soc|--socket=
mock-xen --quota n|nodes= node-size= node-perms=
mock-xen --log-level w|warning
mock-xen --socket $SOCK c|ctl
mock-xen --socket $SOCK ctl f|faults fault
mock-xen --socket $SOCK ctl destroy 2|2
mock-xen --socket $SOCK ctl faults $DIR/w|$DIR/web.cfg
mock-xen --socket $SOCK ctl --|
vscsi-front --like g|gplpv
vscsi-front --ab|--abandon
vscsi-front inq|inquiry
vscsi-front --standalone $SOCK inquiry 3|3:0:0:7
vscsi-front --standalone $SOCK --domid 2 inquiry |
vscsi-front list , load 0:0:0:0 r|rw=read rw=write rw=mix range= random=
vscsi-front load 0:0:0:0 rw=|read write mix
vscsi-front load 0:0:0:0 seed=1 verify ver|
vscsi-front read 0:0:0:0 0 1 file=$DIR/w|$DIR/web.cfg
vscsi-front raw 0:0:0:0 i|in indirect
vscsi-front expect 0/0 wri|write
vscsi-front --standalone $SOCK expect 0/0 tur 0:0:1|1:0
LINES
}

# What is typed before TAB, and what stands there afterwards. $FOREIGN is how the evil name begins in this shell.
keys() {
    cat <<KEYS
xl-scsi det|xl-scsi detach 
xl-scsi detach w|xl-scsi detach web 
xl-scsi detach web 3:|xl-scsi detach web 3:0:0:7 
xl-scsi detach web 0:0|xl-scsi detach web 0:0:
xl-scsi attach web /dev/sda 0:0:0:5,thi|xl-scsi attach web /dev/sda 0:0:0:5,third-party-copy 
xl-scsi attach web /dev/sda 0:0:0:5,bac|xl-scsi attach web /dev/sda 0:0:0:5,backend=
xl-scsi check $DIR/we|xl-scsi check $DIR/web.cfg 
xl scsi-a|xl scsi-attach 
xl scsi-attach we|xl scsi-attach web 
pvscsid --run-d|pvscsid --run-dir=
pvscsid --run-dir=$DIR/nod|pvscsid --run-dir=$DIR/nodes/
pvscsid --log-level=deb|pvscsid --log-level=debug 
pvscsictl pol|pvscsictl policy 
xl-scsi detach $FOREIGN|xl-scsi detach $(printf %q "$EVIL") 
$DIR/bin/pvscsictl --sort la|$DIR/bin/pvscsictl --sort latency 
mock-xen --socket $SOCK ctl sta|mock-xen --socket $SOCK ctl status 
vscsi-front --standalone $SOCK tur 3|vscsi-front --standalone $SOCK tur 3:0:0:7 
KEYS
}

# typed SHELL ARG...: keys() on a terminal. Control-G in this shell must write the line to the fifo $REPORT.
typed() {
    export REPORT=$DIR/report
    mkfifo "$REPORT"
    keys >"$DIR/keys"
    /usr/bin/python3 - "$DIR/keys" "$@" <<'PYTHON' || fail "$1 on a terminal"
import os, pty, select, sys, time

report = os.open(os.environ["REPORT"], os.O_RDWR | os.O_NONBLOCK)
pid, terminal = pty.fork()
if pid == 0:
    os.environ["TERM"] = "dumb"
    os.execvp(sys.argv[2], sys.argv[2:])
screen = said = ""

def line():
    """The next line of the report. What the shell shows is read meanwhile."""
    global screen, said
    end = time.monotonic() + 60
    while "\n" not in said:
        ready = select.select([terminal, report], [], [], 1)[0]
        if terminal in ready:
            try:
                screen += os.read(terminal, 65536).decode("latin1")
            except OSError:
                sys.exit("the shell has ended: %r" % screen)
        if report in ready:
            said += os.read(report, 65536).decode("latin1")
        if time.monotonic() > end:
            sys.exit("no answer: %r" % screen[-2000:])
    answer, said = said.split("\n", 1)
    return answer

if line() != "ready":
    sys.exit("the shell is not ready: %r" % screen)
for case in open(sys.argv[1]).read().splitlines():
    keys, wanted = case.split("|")
    os.write(terminal, (keys + "\t\x07").encode())
    got = line()
    if got != wanted:
        sys.exit("%r and TAB: expected %r, got %r; the terminal: %r" % (keys, wanted, got, screen[-500:]))
    os.write(terminal, b"\x15")
os.close(terminal)
os.waitpid(pid, 0)
PYTHON
}
