# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash disable=SC2154
# A verified load of guest g1 while workers or daemons end, for tests inside dom0, after dom0.sh. guest_wait_disk has
# found its disk.

# load SIZES: until load_end. Its file is /tmp/out, and the one that ends it /tmp/stop.
load() {
    guest_sh g1 "rm -f /tmp/stop; (iopat mix $GUEST_BLK --until-file /tmp/stop --bs $1 --depth 16; echo END=\$?) >/tmp/out 2>&1 &"
    sleep 1
}
# load_end WHAT: what happened so far: "9 kills".
load_end() {
    guest_sh g1 "touch /tmp/stop"
    guest_wait_for g1 "grep -q END= /tmp/out" 90
    expect_match "$(guest_sh g1 'cat /tmp/out')" '^END=0' "verified load over $1"
    note "$(guest_sh g1 'head -n 1 /tmp/out'); $1"
}
