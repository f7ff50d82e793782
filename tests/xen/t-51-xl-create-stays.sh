# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: xl create stays as long as the real one does: with -c and -F until the guest ends, with -e not at all
# timeout: 300

need_project
. /host/lib/toolstack.sh
use_shim
scsi_debug_load dev_size_mb=16 delay=0
vscsi="vscsi=[ '$DBG_HCTL,0:0:0:0' ]"
daemon_start

note "the command by a prefix, vscsi= as an argument"
expect_ok xl -v cre "$(guest_config g2)" -q "$vscsi"
guest_wait g2
guest_wait_disk g2 0:0:0:0
guest_destroy g2

note "-c"
# A terminal that nobody types at. The guest's kernel says enough to be seen.
mkfifo /tmp/keys
exec 5<>/tmp/keys
cfg=$(guest_config g2 extra=loglevel=7)
script -qfec "xl create -q -c $cfg \"$vscsi\"" /tmp/console-c <&5 >/dev/null 2>&1 &
pid=$!
wait_until 40 "grep -q 'Linux version' /tmp/console-c" "create -c shows the guest's console: $(tail -n 3 /tmp/console-c 2>&1)"
wait_until 60 "runs_with_device g2" "the guest of create -c gets its device"
kill -0 $pid || fail "create -c did not stay"
guest_destroy g2
wait_until 20 "! kill -0 $pid" "create -c ends with the guest: $(tail -n 3 /tmp/console-c)"
wait $pid || fail "create -c ended with status $?"
exec 5>&-

note "-F"
cfg=$(guest_config g2)
xl create -q -F "$cfg" "$vscsi" >/tmp/foreground 2>&1 &
pid=$!
wait_until 60 "runs_with_device g2" "the guest of create -F gets its device"
kill -0 $pid || fail "create -F did not stay"
guest_destroy g2
wait $pid || fail "create -F ended with status $?"

note "with -e, and with -F -e, xl ends at once"
for options in -e -Fe; do
    expect_ok timeout 40 xl create -q $options "$cfg" "$vscsi"
    wait_until 60 "runs_with_device g2" "the guest of create $options gets its device"
    guest_destroy g2
done
check_no_zombie
