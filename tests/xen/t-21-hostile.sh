# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154,SC2046,SC2034
# about: malformed requests, bad grants and events without requests from a real guest; another guest is not disturbed
# timeout: 240
# vcpus: 2
need_project
scsi_debug_load dev_size_mb=16 delay=0 add_host=2 per_host_store=1
set -- $(echo "$DBG_ALL" | awk '{ print $1 }')
daemon_start
guest_start good
guest_start bad
expect_ok xl-scsi attach good "$1" 0:0:0:0
guest_wait_disk good 0:0:0:0
scsi_debug_delay 5
guest_sh good "(iopat mix $GUEST_BLK --until-file /tmp/stop --bs 4k-64k --depth 4; echo END=\$?) >/tmp/out 2>&1 &"
guest_ok bad "rmmod xen-scsifront; modprobe -a xen-gntalloc xen-evtchn"
expect_ok xl-scsi attach --no-wait bad "$2" 0:0:0:0
guest_ok bad "vscsi-front bad all" >/run/bad.out 2>&1 || fail "malformed requests: $(tail -n 5 /run/bad.out)"
note "$(grep -c . /run/bad.out) lines of malformed requests; the last: $(tail -n 1 /run/bad.out)"
guest_sh good "touch /tmp/stop"
guest_wait_for good "grep -q END= /tmp/out" 90
expect_match "$(guest_sh good 'cat /tmp/out')" '^END=0' "the good guest's verified load"
expect_ok pvscsictl status
lines=$(daemon_log | wc -l)
[ "$lines" -lt 2000 ] || fail "a guest made $lines log lines"

# The daemon says so once in 6 s, for all kinds of bad requests together.
pause 7
for how in prod-busy prod-far prod-back; do
    note "a ring that is told to be fuller than it is: $how"
    expect_match "$(guest_ok bad "vscsi-front bad $how")" '(no answer, as required|the ring broke)' "$how"
done
expect_match "$(daemon_log)" 'request index is impossible' "the daemon's word for such a ring"
guest_destroy bad
check_no_zombie
