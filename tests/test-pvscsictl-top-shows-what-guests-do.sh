#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# pvscsictl top: batch mode for scripts; on a terminal it sorts, follows the size of the window and leaves the terminal
# as it was, also after a signal.
# shellcheck source=tests/mock-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/mock-lib.sh"
[ -x /usr/bin/python3 ] || skip "/usr/bin/python3 is not installed (tools/install-deps installs it)"

ctl() { "$BUILD/pvscsictl" --run-dir "$RUN_DIR" "$@"; }
mock_start
refuses 3 'cannot reach pvscsid' ctl --batch top
daemon_start
guest_create 1 web
guest_create 2 db
disk a 8
attach 1 "$DISK" 0:0:0:0 --no-wait
disk b 8
attach 2 "$DISK" 0:0:0:7 --no-wait
front_start g 1
front g "wait-dev 0:0:0:0 4"
front_start h 2
front h "wait-dev 0:0:0:7 4"

step "batch mode"
ctl -b -n 2 -d 0.3 --sort guest top >"$DIR/batch" &
pid=$!
while kill -0 "$pid" 2>/dev/null; do
    front_try g "load 0:0:0:0 rw=write bs=64k count=20" >/dev/null
done
wait "$pid"
check_eq $? 0 "exit status"
check_eq "$(grep -c '^GUEST  .*CMD/s  RD MB/s  WR MB/s      ms  OUT ER$' "$DIR/batch")" 2 "headings"
check_eq "$(grep -c '^2 guests, 2 LUNs, 0 down; [1-9][0-9]* CMD/s, 0.0 MB/s read, [0-9.]* MB/s written$' "$DIR/batch")" 2 "summaries"
check_match "$(cat "$DIR/batch")" $'\ndb              0:0:0:7      b\.img   *0     0\.00     0\.00       -    0  0\nweb             0:0:0:0      a\.img  ' "rows"
check_eq "$(grep -Ec '^web .* [1-9][0-9]* +[0-9.]+ +[0-9.]+ +[0-9.]+ +[0-9]+ +[0-9]+$' "$DIR/batch")" 2 "rows of the busy guest"
[ "$(wc -L <"$DIR/batch")" -le 79 ] || fail "lines of $(wc -L <"$DIR/batch") columns"
check_match "$(ctl -b -n 1 -d 0.1 --by guest top)" $'\nweb             all ' "the row of a guest"

step "wrong usage"
refuses 2 "--sort 'size': expected commands, read, write, latency, outstanding, errors or guest" ctl --sort size top
refuses 2 "--by 'disk': expected 'guest' or 'LUN'" ctl --by disk top
for wrong in 0 0.01 3601 x 1x "" nan inf -1; do
    refuses 2 'expected seconds, from 0.1 to 3600' ctl -d "$wrong" top
done
for wrong in 0 x -1 1000001; do
    refuses 2 'expected a number from 1 to 1000000' ctl -n "$wrong" top
done
refuses 2 "--batch does not go with 'stats'" ctl -b stats
refuses 2 "too many arguments; expected 'top' alone" ctl top 1
refuses 1 'no terminal; expected one, or --batch' ctl top

step "a terminal"
cat >"$DIR/terminal.py" <<'PYTHON'
import fcntl, os, pty, re, select, signal, struct, sys, termios, time

class Top:
    def __init__(self, term, rows=24, columns=80):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.read(0, 1)  # when the window has its size
            os.environ["TERM"] = term
            os.execv(sys.argv[1], sys.argv[1:])
        self.text = ""
        self.size(rows, columns)
        self.before = termios.tcgetattr(self.fd)
        os.write(self.fd, b"\n")

    def size(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def shows(self, pattern):
        """Waits for it in what comes from now on, or came since the last call."""
        end = time.monotonic() + 25
        while not re.search(pattern, self.text, re.S):
            if time.monotonic() > end or not self.read():
                sys.exit("no %r in %r" % (pattern, self.text))
        self.text = ""

    def read(self):
        if select.select([self.fd], [], [], 1)[0]:
            try:
                more = os.read(self.fd, 65536)
            except OSError:
                return False
            self.text += more.decode("latin1")
            return more != b""
        return True

    def press(self, keys):
        os.write(self.fd, keys)

    def ends(self, status, pattern=r"\x1b\[\?1049l"):
        """With this exit status, negative for a signal, after this text. The terminal is as it was."""
        while self.read():
            pass
        got = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        if got != status or not re.search(pattern, self.text):
            sys.exit("status %d, not %d: %r" % (got, status, self.text))
        if termios.tcgetattr(self.fd) != self.before:
            sys.exit("the terminal is not as it was: %s, %s" % (self.before, termios.tcgetattr(self.fd)))
        os.close(self.fd)


top = Top("xterm")
top.shows(r"2 guests, 2 LUNs.*by LUN, sorted by commands, every 0.2 s.*GUEST.*db.*0:0:0:7.*q quit")
top.press(b"g")
top.shows("guest")  # the rest of the line is on the screen already
top.press(b"b")
top.shows("all")
top.press(b"\x1b[B\x1b[A\x1b[6~\x1b[5~\x1b[HR")
top.shows("reversed")
top.press(b"p")
top.shows("PAUSED")
top.size(10, 132)
top.shows("WR MB/s")  # a window of another size is drawn anew
top.size(3, 20)
top.shows("2 guests, 2 LUNs, 0")
top.press(b"q")
top.ends(0)
for number in signal.SIGTERM, signal.SIGINT, signal.SIGHUP:
    top = Top("xterm", 1, 1)
    top.shows(r"\x1b\[")
    os.kill(top.pid, number)
    top.ends(-number)
top = Top("dumb")
top.ends(1, r"the terminal 'dumb' \(TERM\) cannot place its cursor; expected another one, or --batch")
top = Top("no-such-terminal")
top.ends(1, r"the terminal 'no-such-terminal' \(TERM\) is not known; expected another one, or --batch")
PYTHON
/usr/bin/python3 "$DIR/terminal.py" "$BUILD/pvscsictl" --run-dir "$RUN_DIR" -d 0.2 top || fail "top on a terminal"
front_stop g
front_stop h
