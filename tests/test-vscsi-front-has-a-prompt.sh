#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# On a terminal vscsi-front has a prompt: with libedit there are a history, editing and completion. While it waits for a
# line, the guest is served. At the end, and when Ctrl-C ends it, the terminal is as it was.
# shellcheck source=tests/mock-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/mock-lib.sh"
[ -x /usr/bin/python3 ] || skip "/usr/bin/python3 is not installed (tools/install-deps installs it)"
edits=no
! grep -q '^#define HAVE_LIBEDIT 1' "$BUILD/config.h" || edits=yes

mock_start
daemon_start
guest_create 1
disk a 8
attach 1 "$DISK" 0:0:0:0 --no-wait
disk b 8

step "typed to (libedit: $edits)"
HOME=$DIR TERM=vt100 LC_ALL=C.UTF-8 /usr/bin/python3 - "$edits" "$SOCK" "$DIR/b.img" "$DIR/locks" "$BUILD/vscsi-front" "$BUILD/xl-scsi" <<'PYTHON' ||
import fcntl, os, pty, re, select, signal, struct, subprocess, sys, termios, time

edits, socket, image, locks, front, xl_scsi = sys.argv[1:]
edits = edits == "yes"

class Terminal:
    def __init__(self):
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 200, 0, 0))
        self.before = termios.tcgetattr(self.slave)
        self.screen = ""

        def own():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        self.process = subprocess.Popen([front, "--standalone", socket, "--timeout", "25"], stdin=self.slave,
                                        stdout=self.slave, stderr=self.slave, preexec_fn=own)
        self.see("vscsi-front> $")

    def read(self):
        if select.select([self.master], [], [], 1)[0]:
            self.screen += os.read(self.master, 65536).decode("latin1")

    def see(self, pattern):
        """Reads until the pattern is there; what stands before its end is forgotten."""
        end = time.monotonic() + 60
        while True:
            found = re.search(pattern, self.screen)
            if found:
                self.screen = self.screen[found.end():]
                return
            if time.monotonic() > end:
                sys.exit("no %r in %r" % (pattern, self.screen[-2000:]))
            self.read()

    def type(self, keys, pattern):
        os.write(self.master, keys.encode())
        self.see(pattern)

    def command(self, keys, answer):
        self.type(keys + "\r", "\r\n" + answer + "\r\n(.*\r\n)*vscsi-front> $")

    def end(self, keys, status):
        os.write(self.master, keys.encode())
        got = self.process.wait(60)
        if got != status:
            sys.exit("exit status %d, expected %d: %r" % (got, status, self.screen))
        if termios.tcgetattr(self.slave) != self.before:
            sys.exit("the terminal is not as it was")

t = Terminal()
t.command("echo one two", "one two\r\nok")
t.command("frob", "FAILED: 'frob' is not a command; try help")
if edits:
    t.command("\x1b[A\x1b[A", "one two\r\nok")                # up, up
    t.command("cho three\x01e", "three\r\nok")                # Ctrl-A
    t.command("echo four\x7f\x7f\x7f\x7ffive", "five\r\nok")  # backspace
    t.command("capa\t0\t", "16384 blocks of 512 bytes.*\r\nok")
    t.type("re\t", "reconnect\r\nread\r\nreset\r\n.*re$")
    os.write(t.master, b"\x15")                               # Ctrl-U
    t.command("echo \u00e9".encode().decode("utf-8"), "\u00e9".encode().decode("latin1") + "\r\nok")

# Another device, while nobody types.
subprocess.run([xl_scsi, "attach", "--run-dir", locks, "1", "file:" + image, "0:0:1:0"], check=True)
t.command("capacity 0:0:1:0", "16384 blocks of 512 bytes.*\r\nok")
if edits:
    t.command("capacity 0:0:1\t", "16384 blocks of 512 bytes.*\r\nok")
    t.type("tur 0:\t\t", "0:0:0:0\r\n0:0:1:0\r\n.*tur 0:0:$")
    os.write(t.master, b"\x15")
t.end("\x04", 1)                                              # Ctrl-D; a command had failed
t = Terminal()
t.end("quit\r", 0)
t = Terminal()
t.end("\x03", -signal.SIGINT)
PYTHON
    fail "on a terminal"

step "what is no terminal gets no prompt"
check_eq "$(echo "echo one" | "$BUILD/vscsi-front" --standalone "$SOCK" | cat)" $'one\nok' "through a pipe"
