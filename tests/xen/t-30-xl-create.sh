# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: xl create with vscsi=: two vhosts and five LUNs before the guest runs, and the scsi- commands
# timeout: 300
# The real xl through the shim. That the guest has its devices before its first instruction runs is seen with -p: the
# backend has all of them while xl says that the guest is paused.

need_project
ln -sf /usr/local/libexec/xen-pvscsi/xl /usr/local/sbin/xl
export XEN_PVSCSI_REAL_XL="$REAL_XL"
scsi_debug_load dev_size_mb=16 delay=0 num_tgts=6
# part N FIELD: 1 h:c:t:l, 2 the disk, 3 the sg node of the Nth device.
part() { echo "$DBG_ALL" | awk -v n="$1" -v f="$2" 'NR == n { print (f > 1 ? "/dev/" : "") $f }'; }
a=$(part 1 1) b=$(part 2 2) c=$(part 3 3) d=$(part 4 2) e=$(part 5 3) spare=$(part 6 2)
daemon_start
mkdir -p /dev/disk/by-id
ln -sf "$d" /dev/disk/by-id/scsi-test-d

devices="'$a,0:0:0:0', '$b,0:0:1:0', '$c,0:0:2:0,readonly', '/dev/disk/by-id/scsi-test-d,1:0:0:0,feature-host', '$e,1:0:1:0,feature-host'"
cfg=$(guest_config g1 "vscsi = [ $devices ]")

note "create -p: all five are the backend's (state 3), and the guest has not begun"
expect_ok xl create -q -p "$cfg"
id=$(guest_domid g1)
expect_eq "$(xl scsi-list g1 | awk 'NR > 1 { print $1, $2, $4, $5, $7, $8 }')" "0 0 0 $a 0:0:0:0 3
0 0 0 $(part 2 1) 0:0:1:0 3
0 0 0 $(part 3 1) 0:0:2:0 3
1 0 1 $(part 4 1) 1:0:0:0 3
1 0 1 $(part 5 1) 1:0:1:0 3" "scsi-list of the paused guest"
expect_eq "$("$REAL_XL" list g1 | awk 'NR == 2 { print $5 }')" "--p---" "state of the paused guest"
expect_ok xl unpause g1
guest_wait g1
for vdev in 0:0:0:0 0:0:1:0 0:0:2:0 1:0:0:0 1:0:1:0; do
    guest_wait_disk g1 $vdev
done
expect_eq "$(xl scsi-list g1 | awk 'NR > 1' | grep -c ' 4$')" 5 "connected devices"
guest_wait_disk g1 0:0:1:0
guest_ok g1 "iopat fill $GUEST_BLK --size 4M && iopat verify $GUEST_BLK --size 4M"
guest_wait_disk g1 0:0:2:0
guest_sh g1 "dd if=/dev/zero of=$GUEST_BLK bs=4096 count=1 oflag=direct" && fail "a readonly device was written"

note "scsi-attach and scsi-detach"
expect_ok xl scsi-attach g1 "$spare" 1:0:2:0,feature-host
guest_wait_disk g1 1:0:2:0
expect_ok xl scsi-det g1 0:0:1:0
guest_wait_gone g1 0:0:1:0
expect_ok xl scsi-attach "$id" "$b" 0:0:5:0
guest_wait_disk g1 0:0:5:0
# Both vhosts go with their last device, and come again.
for vdev in 1:0:0:0 1:0:1:0 1:0:2:0; do expect_ok xl scsi-detach g1 $vdev; done
expect_fail xenstore-exists "/local/domain/0/backend/vscsi/$id/1"
expect_fail xenstore-exists "/local/domain/$id/device/vscsi/1"
expect_ok xl scsi-attach g1 "$e" 1:0:1:0
guest_wait_disk g1 1:0:1:0

note "destroy leaves nothing"
expect_ok xl destroy g1
wait_until 10 "! xenstore-exists /local/domain/0/backend/vscsi/$id" "the nodes go"
expect_eq "$(find /var/lib/xen -name 'userdata-d.[1-9]*')" "" "files of the guest"
check_no_zombie

note "create by prefix, from arguments, with -c, with -F"
cfg=$(guest_config g2)
expect_ok xl -v cre "$cfg" -q "vscsi=[ '$a,0:0:0:0' ]"
guest_wait g2
guest_wait_disk g2 0:0:0:0
guest_destroy g2
# A terminal that nobody types at. The guest's kernel says enough to be seen.
mkfifo /tmp/keys
exec 5<>/tmp/keys
cfg=$(guest_config g2 extra=loglevel=7)
script -qfec "xl create -q -c $cfg \"vscsi=[ '$a,0:0:0:0' ]\"" /tmp/console-c <&5 >/dev/null 2>&1 &
pid=$!
wait_until 40 "grep -q 'Linux version' /tmp/console-c" "create -c shows the guest's console: $(tail -n 3 /tmp/console-c 2>&1)"
wait_until 20 "xl scsi-list g2 | grep -q ' 4$'" "the guest of create -c gets its device"
kill -0 $pid || fail "create -c did not stay"
guest_destroy g2
wait_until 20 "! kill -0 $pid" "create -c ends with the guest: $(tail -n 3 /tmp/console-c)"
wait $pid || fail "create -c ended with status $?"
exec 5>&-
cfg=$(guest_config g2)
xl create -q -F "$cfg" "vscsi=[ '$a,0:0:0:0' ]" >/tmp/foreground 2>&1 &
pid=$!
wait_until 20 "xl scsi-list g2 | grep -q ' 4$'" "the guest of create -F gets its device"
kill -0 $pid || fail "create -F did not stay"
guest_destroy g2
wait $pid || fail "create -F ended with status $?"

note "with -e, and with -F -e, xl ends at once"
for options in -e -Fe; do
    expect_ok timeout 40 xl create -q $options "$cfg" "vscsi=[ '$a,0:0:0:0' ]"
    wait_until 20 "xl scsi-list g2 | grep -q ' 4$'" "the guest of create $options gets its device"
    guest_destroy g2
done

note "a signal while it is being made, and what the real xl refuses"
xl create -q -F "$cfg" "vscsi=[ '$a,0:0:0:0' ]" >/tmp/foreground 2>&1 &
pid=$!
wait_until 20 "xenstore-ls /local/domain | grep -q '\"g2\"'" "create -F begins"
kill -TERM $pid
wait_until 20 "! kill -0 $pid" "create -F ends at SIGTERM"
wait $pid && fail "create -F ended with status 0 after SIGTERM"
wait_until 10 "! '$REAL_XL' domid g2" "the guest that was being made goes: $(cat /tmp/foreground)"
real=0 shim=0
"$REAL_XL" create -q "$cfg" 'kernel="/nosuch"' 2>/tmp/real.err || real=$?
xl create -q "$cfg" 'kernel="/nosuch"' "vscsi=[ '$a,0:0:0:0' ]" 2>/tmp/shim.err || shim=$?
[ $real != 0 ] || fail "xl creates a guest without a kernel"
expect_eq $shim $real "exit status of a create that the real xl refuses"
"$REAL_XL" domid g2 2>/dev/null && fail "there is a guest"
wait_until 10 "[ -z \"\$(xenstore-ls /local/domain/0/backend/vscsi 2>/dev/null)\" ]" "all nodes go"
check_no_zombie
