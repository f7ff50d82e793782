# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash disable=SC2154
# Two hosts, each a machine with a Xen of its own, in the lane two-hosts. The test runs in the first one's dom0. The
# second one's share is the directory `other` of the first one's, and its dom0 carries out what `other` asks for. A
# network joins them. For tests inside dom0, after dom0.sh.

ADDRESS_1=10.0.0.1 ADDRESS_2=10.0.0.2
OTHER=/host/other

# network ADDRESS: of this host. Large packets: in emulation each one costs more than its bytes.
network() {
    expect_ok modprobe virtio_net
    ip addr replace "$1/24" dev eth0
    expect_ok ip link set eth0 mtu 60000 up
}

# other_start: the other host waits for orders, and the hosts reach each other.
other_start() {
    [ -d $OTHER ] || skip "this lane has one host"
    mkdir -p $OTHER/orders
    OTHER_JOB=$OTHER/jobs/1
    while [ -e "$OTHER_JOB" ]; do OTHER_JOB=$OTHER/jobs/$((${OTHER_JOB##*/} + 1)); done
    mkdir -p "$OTHER_JOB"
    cp /host/lib/other-host.sh "$OTHER_JOB/script"
    echo test >"$OTHER_JOB/kind"
    : >"$OTHER_JOB/out"
    : >"$OTHER_JOB/go"
    network $ADDRESS_1
    other "network $ADDRESS_2"
    wait_until 20 "ping -c 1 -W 1 $ADDRESS_2" "the other host answers"
}

# other COMMANDS: there, in the shell of all that was asked for before. Prints their output; a failure there fails the
# test.
other() {
    local number=1 order
    # Not a variable: a caller may want the output, and so be a subshell.
    while [ -e $OTHER/orders/$number ]; do number=$((number + 1)); done
    order=$OTHER/orders/$number
    echo "$1" >"$order.new"
    mv "$order.new" "$order"
    within "${OTHER_TIMEOUT:-120}" "[ -e $order.status ] || [ -e $OTHER_JOB/result ]" ||
        fail "the other host: no answer: $1"
    cat "$order.out"
    [ -e "$order.status" ] || fail "the other host: $1: $(cat "$OTHER_JOB/reason" "$OTHER_JOB/cleanup" 2>/dev/null | head -n 1)"
    [ "$(cat "$order.status")" = 0 ] || fail "the other host: status $(cat "$order.status"): $1: $(tail -n 1 "$order.out")"
}

# other_end: it cleans up as after a test of its own.
other_end() {
    local word status cleaned
    : >$OTHER/orders/quit
    wait_until 120 "[ -e $OTHER_JOB/result ]" "the other host ends"
    read -r word status cleaned <"$OTHER_JOB/result"
    rm -rf $OTHER/orders
    [ "$status $cleaned" = "0 0" ] || fail "the other host: $word $status: $(cat "$OTHER_JOB/cleanup")"
}

# This Xen cannot send a PV guest live, so a guest moves as the stream of a save. dd carries it in large pieces: nc by
# itself takes small ones.

# guest_receive: this host takes the guest that comes; returns at once. guest_arrives: waits for it.
guest_receive() {
    rm -f /tmp/received /tmp/arrived
    mkfifo /tmp/received
    nc -l -p 8002 -e dd bs=256k of=/tmp/received 2>/dev/null &
    (expect_ok "$REAL_XL" restore /tmp/received; : >/tmp/arrived) &
}
guest_arrives() { wait_until 60 '[ -e /tmp/arrived ]' 'the guest arrives'; }

# guest_send NAME ADDRESS: to the host there, which receives.
guest_send() {
    rm -f /tmp/sent
    mkfifo /tmp/sent
    while ! nc "$2" 8002 -e dd bs=256k if=/tmp/sent; do pause 0.3; done 2>/dev/null &
    expect_ok "$REAL_XL" save "$1" /tmp/sent
}
