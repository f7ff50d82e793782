# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: xl create with vscsi= that ends early: a signal while the guest is being made, and what the real xl refuses
# timeout: 180

need_project
. /host/lib/toolstack.sh
use_shim
scsi_debug_load dev_size_mb=16 delay=0
vscsi="vscsi=[ '$DBG_HCTL,0:0:0:0' ]"
daemon_start
cfg=$(guest_config g2)

note "a signal"
xl create -q -F "$cfg" "$vscsi" >/tmp/foreground 2>&1 &
pid=$!
wait_until 20 "xenstore-ls /local/domain | grep -q '\"g2\"'" "create -F begins"
kill -TERM $pid
wait_until 20 "! kill -0 $pid" "create -F ends at SIGTERM"
wait $pid && fail "create -F ended with status 0 after SIGTERM"
wait_until 10 "! '$REAL_XL' domid g2" "the guest that was being made goes: $(cat /tmp/foreground)"

note "a kernel that is not there"
real=0 shim=0
"$REAL_XL" create -q "$cfg" 'kernel="/nosuch"' 2>/tmp/real.err || real=$?
xl create -q "$cfg" 'kernel="/nosuch"' "$vscsi" 2>/tmp/shim.err || shim=$?
[ $real != 0 ] || fail "xl creates a guest without a kernel"
expect_eq $shim $real "exit status of a create that the real xl refuses"
no_guest g2
wait_until 10 "[ -z \"\$(xenstore-ls /local/domain/0/backend/vscsi 2>/dev/null)\" ]" "all nodes go"
check_no_zombie
