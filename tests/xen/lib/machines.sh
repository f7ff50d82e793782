# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154,SC2034
# The tests of one run, handed out to machines side by side. After image.sh, stage.sh and machine.sh; for tests/xen/run,
# whose options (names, limit, verbose, keep), header(), boot() and all_tests() it uses.
#
# Each machine has a shell and a share of its own. A machine that is free takes the next test from a
# queue, which is a file. Results are lines of a file too. The tests for two processors have a queue of their own, from
# which the first machine takes before it takes from the other.

# run_tests: all of it; ends with the line of totals. 0 when nothing failed.
run_tests() {
    local name reason asked=yes one=() two=() passed failed skipped
    # A test whose header says `# pending: WHY` is not yet part of "all"; by its name it runs.
    [ ${#names[@]} -gt 0 ] || { asked=no; mapfile -t names < <(all_tests); }
    : >"$RUN/results"
    for name in "${names[@]}"; do
        reason=$(header "$name" pending)
        if [ $asked = no ] && [ -n "$reason" ]; then
            result skip "$name" "pending: $reason"
        elif [ "$(header "$name" vcpus)" = 2 ]; then
            two+=("$name")
        else
            one+=("$name")
        fi
    done
    mapfile -t one < <(in_order "${one[@]}")
    take_lock
    [ ${#names[@]} -le 1 ] || : >"$SHARE/plain-guest-wanted"
    printf '%s\n' "${two[@]}" >"$RUN/queue-2"
    printf '%s\n' "${one[@]}" >"$RUN/queue-1"
    run_machines "${two[@]}" "${one[@]}"
    if [ -n "$keep" ]; then
        mkdir -p "$keep" && cp "$RUN"/*.log "$keep/" && say "logs: $keep"
    fi
    passed=$(grep -c '^ok ' "$RUN/results")
    failed=$(grep -c '^FAIL ' "$RUN/results")
    skipped=$(grep -c '^skip ' "$RUN/results")
    [ "$failed" != 0 ] || rm -rf "$RUN"
    say "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" = 0 ]
}

# in_order NAME...: first those that hand on their guests; then by the time limit, so that no long test begins when the
# other machine is about to end.
in_order() {
    local name group time
    for name; do
        group=2
        [ "$(header "$name" guests)" != kept ] || group=1
        time=$(header "$name" timeout)
        say "$group ${time:-300} $name"
    done | sort -k1,1n -k2,2nr -k3 | cut -d' ' -f3
}

# result ok|FAIL|skip NAME TEXT: shows it and counts it.
result() {
    progress_end
    case $1 in
    ok) say "ok $2 $3" ;;
    *) say "$1 $2: $3" ;;
    esac
    say "$1 $2" >>"$RUN/results"
}

# run_machines NAME...: the tests, on $machines machines at most.
run_machines() {
    local most=$machines n name
    [ "$most" -le $# ] || most=$#
    if [ "$most" -le 1 ]; then
        one_machine 1
        return
    fi
    for ((n = 1; n <= most; n++)); do
        (
            trap - INT TERM HUP
            # No machine may wait for one that is gone.
            trap ': >"$RUN/two-is-done"' EXIT
            MACHINE=$n-
            mkdir "$RUN/machine-$n"
            cp -r "$SHARE" "$RUN/machine-$n/share"
            SHARE=$RUN/machine-$n/share
            one_machine "$n"
            rm -rf "$RUN/machine-$n"
        ) &
    done
    wait
    # One that ended early has left its test without a result, which must not pass for "nothing failed".
    for name; do
        grep -qE "^(ok|FAIL|skip) $name\$" "$RUN/results" || result FAIL "$name" "it was not run"
    done
}

# plain_guest_in, plain_guest_out: the saved guest of guests.sh comes from, or goes to, the other machines of this run.
plain_guest_in() {
    [ ! -e "$RUN/plain-guest" ] || [ -e "$SHARE/plain-guest" ] || ln "$RUN/plain-guest" "$SHARE/plain-guest"
    [ ! -e "$RUN/plain-guest" ] || rm -f "$SHARE/plain-guest-wanted"
}
plain_guest_out() {
    # Two machines may have one at the same moment.
    [ ! -e "$SHARE/plain-guest" ] || [ -e "$RUN/plain-guest" ] || ln "$SHARE/plain-guest" "$RUN/plain-guest" 2>/dev/null
}

# next_test QUEUE: takes the first name from the queue and prints it; 1 when there is none.
next_test() {
    (
        flock 9
        head -n 1 "$1" | grep . || exit 1
        sed -i 1d "$1"
    ) 9>"$1.lock"
}

# one_machine N: the Nth machine's tests.
one_machine() {
    if [ "$1" = 1 ]; then
        MACHINE_VCPUS=2
        drain "$RUN/queue-2"
        : >"$RUN/two-is-done"
    else
        # Until then four processors or more to emulate would be too many.
        while [ "$1" -gt 2 ] && [ ! -e "$RUN/two-is-done" ]; do sleep 1; done
    fi
    MACHINE_VCPUS=1
    drain "$RUN/queue-1"
}

# drain QUEUE: its tests, one after another on one machine.
drain() {
    local name
    while name=$(next_test "$1"); do
        JOB_DAMAGE=
        run_test "$name"
    done
    machine_stop
}

# run_test NAME
run_test() {
    local name=$1 seconds began cpu reason="" verdict log=$RUN/$1 file tail_pid=
    plain_guest_in
    seconds=$(header "$name" timeout)
    seconds=${limit:-$((${seconds:-300} * lane_slow))}
    if ! machine_alive && ! boot; then
        result FAIL "$name" "dom0 did not come up; log: $CONSOLE"
        machine_stop
        return
    fi
    began=$(date +%s) cpu=$(machine_cpu)
    progress "running $name"
    machine_job test "$HERE/t-$name.sh"
    if [ "$verbose" = yes ]; then
        tail -n +1 -f -s 0.1 --pid "$QEMU_PID" "$JOB/out" &
        tail_pid=$!
    fi
    if machine_wait_job "$seconds"; then
        verdict=ok
        [ ! -s "$JOB/reason" ] || reason=$(head -n 1 "$JOB/reason")
        if [ "$JOB_STATUS" = 77 ]; then
            verdict=skip
        elif [ "$JOB_STATUS" != 0 ] || [ -n "$reason" ]; then
            verdict=FAIL
        fi
        if [ "$JOB_DAMAGE" != 0 ]; then
            verdict=FAIL
            reason=${reason:+$reason; }$(grep -a '^damaged' "$JOB/cleanup" | head -n 1)
        fi
    else
        verdict=FAIL
        reason=$JOB_REASON
    fi
    plain_guest_out
    if [ -n "$tail_pid" ]; then
        sleep 0.2
        kill "$tail_pid" 2>/dev/null
        wait "$tail_pid" 2>/dev/null
    fi
    for file in out cleanup dmesg diagnosis daemon; do
        [ ! -s "$JOB/$file" ] || cp "$JOB/$file" "$log.$file.log"
    done
    case $verdict in
    ok) result ok "$name" "($(($(date +%s) - began)) s; processor $(awk "BEGIN { print $(machine_cpu) - $cpu }") s)" ;;
    skip) result skip "$name" "$reason" ;;
    FAIL) result FAIL "$name" "$reason; log: $log.out.log" ;;
    esac
    # A damaged dom0, or a dead one; or another host that still does what the test has asked of it.
    if [ $verdict = FAIL ] && { [ "${JOB_DAMAGE:-1}" != 0 ] || [ ! -e "$JOB/result" ] || [ "$lane_hosts" = 2 ]; }; then
        machine_stop
    fi
}
