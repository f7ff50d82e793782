#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# An attach that must fail: exit status 1, one line with the reason, and xenstore is unchanged.
# shellcheck source=tests/mock-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/mock-lib.sh"

mock_start
daemon_start
guest_create 1
disk a 4
before=$(xenstore-ls -f)
same() { [ "$(xenstore-ls -f | grep -v ' = ""$')" = "$(grep -v ' = ""$' <<<"$before")" ]; }
try() { # STATUS ERE PDEV VDEV
    refuses "$1" "$2" xl_scsi attach 1 "$3" "$4"
    wait_until 25 same
}
try 3 'no-such' "file:$DIR/no-such" 0:0:0:0
try 3 '/dev/null' /dev/null 0:0:0:0
try 3 '99:99:99:99' 99:99:99:99 0:0:0:0
try 3 'naa' naa.0123456789abcdef 0:0:0:0
truncate -s 100 "$DIR/odd"
try 3 'odd' "file:$DIR/odd" 0:0:0:0
for vdev in "" x 0:0:0 0:0:0:0:0 +1:0:0:0 0:0:0:99999 0:0:99999:0 0:999:0:0; do
    try 2 'v-dev|DOMAIN' "file:$DISK" "$vdev"
done
refuses 1 'no-such-guest' xl_scsi attach no-such-guest "file:$DISK" 0:0:0:0
refuses 1 '42' xl_scsi attach 42 "file:$DISK" 0:0:0:0
wait_until 25 same

step "a v-dev that has a device already"
attach 1 "$DISK" 0:0:0:0 --no-wait
refuses 5 '0:0:0:0' xl_scsi attach 1 "file:$DISK" 0:0:0:0
check_eq "$(xl_scsi list 1 | grep -c 0:0:0:0)" 1 "devices"

step "a file that another guest may write, under any of its names"
ln "$DISK" "$DIR/hard.img"
ln -s "$DISK" "$DIR/soft.img"
guest_create 2
for name in "$DISK" "$DIR/hard.img" "$DIR/soft.img"; do
    refuses 5 "p-dev file:$name is in use: it is 0:0:0:0 of guest guest1 \(domain 1\); option force attaches it anyway" \
        xl_scsi attach --no-wait 2 "file:$name" 0:0:0:0
done
attach 2 "$DISK" 0:0:0:0,readonly --no-wait
attach 2 "$DISK" 0:0:0:1 --no-wait --force
xl_scsi attach --no-wait 1 "file:$DISK" 0:0:0:1 2>/dev/null && fail "a file that two guests may write is attached to one of them again"
detach 2 0:0:0:1
attach 1 "$DISK" 0:0:0:1 --no-wait
detach 1 0:0:0:1
detach 2 0:0:0:0
mock_ctl destroy 2 >/dev/null
xenstore-rm /local/domain/2

step "detaching a device that does not exist"
refuses 1 '0:0:0:5' xl_scsi detach 1 0:0:0:5
detach 1 0:0:0:0
wait_until 25 same
