# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=dom0.sh disable=SC2154
# The second host of two (hosts.sh): carries out the first one's orders, one after another, in this shell.
need_project
. /host/lib/toolstack.sh
. /host/lib/hosts.sh
next=1
while [ ! -e /host/orders/quit ]; do
    order=/host/orders/$next
    if [ -e $order ]; then
        : >$order.out
        status=0
        # shellcheck disable=SC1090
        . $order >$order.out 2>&1 || status=$?
        echo $status >$order.new-status
        mv $order.new-status $order.status
        next=$((next + 1))
    else
        pause 0.2
    fi
done
