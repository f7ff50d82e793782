#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs in dom0 what the host puts into the share: /host/jobs/N/{kind,script,go}.
# Answers there with `out` (as it is written) and, last, `result`.
#   kind: test | command | shell
host=/host
(cd / && cpio -idu <$host/overlay.cpio) 2>/dev/null
cat /boot/guest.cpio $host/guest-overlay.cpio >/run/guest.cpio
rm -f /boot/guest.cpio
# shellcheck source=dom0.sh
. $host/lib/dom0.sh
echo "up $(cut -d' ' -f1 /proc/uptime) jobs" >>$host/progress
: >$host/ready

# What may explain a hang. Each part has a time limit, because parts of dom0 may be stuck.
diagnose() {
    echo "--- processes"
    ps -o pid,ppid,stat,args
    echo "--- domains"
    timeout 5 "$REAL_XL" list
    echo "--- xenstore"
    timeout 5 xenstore-ls -f /local/domain | grep -E '/(vscsi|console/tty|name)'
    echo "--- blocked tasks"
    echo w >/proc/sysrq-trigger
    sleep 1
    echo "--- kernel"
    dmesg | tail -n 150
}

run_job() {
    job=$1
    read -r kind <"$job/kind"
    echo "xen-test: start $kind ${job##*/}" >/dev/kmsg
    case $kind in
    shell)
        # The functions and what the script set are at hand in the shell.
        printf '. /host/lib/dom0.sh\n. %s/script\n' "$job" >/tmp/shellrc
        ENV=/tmp/shellrc setsid cttyhack sh -i <>/dev/hvc0 >&0 2>&1
        echo "exit $?" >"$job/result.new"
        mv "$job/result.new" "$job/result"
        return
        ;;
    esac
    export TEST_DIR=/tmp/test JOB="$job"
    rm -rf $TEST_DIR
    mkdir -p $TEST_DIR
    GUESTS_KEPT=no
    if [ "$(sed -n '1,15s/^# guests: *//p' "$job/script")" = kept ]; then
        GUESTS_KEPT=yes
    else
        guests_drop
    fi
    export GUESTS_KEPT
    setsid sh -c 'set -u
        . /host/lib/dom0.sh
        test_begin
        cd "$TEST_DIR"
        . "$JOB/script" || exit
        [ $GUESTS_KEPT = no ] || guests_keep
        exit 0' "$kind" \
        </dev/null >"$job/out" 2>&1 &
    child=$!
    # No short polling here: each turn takes processor time from what the test does. machine_wait_job waits for longer.
    (
        while pause 4; do
            [ -e "$job/abort" ] || continue
            diagnose >"$job/diagnosis" 2>&1
            : >"$job/diagnosed"
            kill -9 -$child 2>/dev/null
            exit
        done
    ) &
    watchdog=$!
    wait $child
    status=$?
    kill $watchdog 2>/dev/null
    # A test runs in one process group of its own; nothing of it may go on.
    kill -9 -$child 2>/dev/null
    if [ -s "$job/reason" ]; then
        :
    elif [ $status = 77 ]; then
        echo "no reason given" >"$job/reason"
    elif [ $status != 0 ] && [ "$kind" = test ]; then
        echo "exit status $status; last line: $(tail -n 1 "$job/out")" >"$job/reason"
    fi
    if [ -s "$job/reason" ] && [ $status != 77 ]; then
        {
            [ ! -s "$DAEMON_LOG" ] || { echo "--- pvscsid's log"; tail -n 200 "$DAEMON_LOG"; }
            for log in /var/log/xen/console/guest-*.log; do
                [ ! -e "$log" ] || { echo "--- ${log##*/}"; grep -v '^~' "$log" | grep . | tail -n 20; }
            done
            echo "--- xenstore"
            xenstore-ls -f /local/domain 2>/dev/null | grep vscsi
        } >>"$job/out" 2>&1
    fi
    if [ "$kind" = test ] || [ "$kind" = command ]; then
        (test_end) >"$job/cleanup" 2>&1
        cleaned=$?
        dmesg_since "$kind" "${job##*/}" >"$job/dmesg"
    fi
    echo "exit $status ${cleaned:-0}" >"$job/result.new"
    mv "$job/result.new" "$job/result"
}

next=1
while :; do
    if [ -e $host/jobs/$next/go ]; then
        run_job $host/jobs/$next
        next=$((next + 1))
    elif [ -e $host/quit ]; then
        exit 0
    else
        pause 0.1
    fi
done
