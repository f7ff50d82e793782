# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154,SC2016
# about: as many guests as memory holds, up to forty, with four LUNs each: they work and reboot together
# timeout: 4000
# vcpus: 2
# pending: it takes long, and for forty guests a machine of 12 GiB: docs/testing.md has the command

need_project
. /host/lib/toolstack.sh
use_shim
MOST=40 LUNS="0 1 2 3"
# Beside its memory Xen needs some for a guest's tables; and a guest that reboots is there twice for a moment.
guests=$((($("$REAL_XL" info free_memory) - 400) / 168))
[ $guests -le $MOST ] || guests=$MOST
[ $guests -ge 2 ] || fail "memory for $guests guests only"
names=$(i=1; while [ $i -le $guests ]; do echo g$i; i=$((i + 1)); done)
# All guests together must not take dom0's processor time; an administrator of so many would do this too.
expect_ok "$REAL_XL" sched-credit -d 0 -w 16384
# A host, and so a store, for each guest; each LUN has a quarter of it.
scsi_debug_load dev_size_mb=8 delay=0 add_host=$guests max_luns=4 per_host_store=1
expect_eq "$(echo "$DBG_ALL" | wc -l)" $((4 * guests)) "devices"
daemon_start
watch_start

# took WHAT: the seconds since $begin.
took() { note "$1: $((($(uptime_cs) - begin) / 100)) s"; }
# each_guest COMMANDS: in every guest, one after another. There $lun is each LUN, $dev its disk, $place its quarter.
each_guest() {
    local name
    for name in $names; do
        guest_ok "$name" "for lun in $LUNS; do
            set -- \$(scsidev 0:0:0:\$lun 60) && dev=/dev/\$2 place=\"--start \$((2 * lun))M --size 2M\" || exit 1
            $1
        done" >/dev/null
    done
}
# all_have: every guest has its LUNs, and sees them.
all_have() {
    local name
    # shellcheck disable=SC2046
    for name in $names; do
        guest_wait "$name" 600
        has "$name" $(printf '0:0:0:%s ' $LUNS)
    done
}

note "$guests guests start"
begin=$(uptime_cs)
part=1
for name in $names; do
    vscsi=""
    for lun in $LUNS; do
        vscsi="$vscsi'$(dbg_part $part 1),0:0:0:$lun', "
        part=$((part + 1))
    done
    expect_ok xl create -q "$(guest_config "$name" "vscsi = [ $vscsi]")"
done
took "all are created"
all_have
took "$guests guests with 4 LUNs each have started"

note "they work while the daemon is restarted"
# Each command takes two seconds, so that so many can be at the devices at once and leave time for all else.
scsi_debug_delay 500
begin=$(uptime_cs)
each_guest '(iopat mix $dev $place --bs 4k-64k --until-file /tmp/stop; echo END=$?) >/tmp/mix$lun 2>&1 &'
took "load in all of them"
for how in stop kill; do
    begin=$(uptime_cs)
    daemon_$how
    daemon_start
    took "the daemon serves again (daemon_$how)"
    pause 10
done
begin=$(uptime_cs)
for name in $names; do guest_ok "$name" ': >/tmp/stop'; done
for name in $names; do
    guest_wait_for "$name" '[ "$(cat /tmp/mix? | grep -c END=)" = 4 ]' 120
    expect_eq "$(guest_sh "$name" 'cat /tmp/mix? | grep -c ^END=0')" 4 "verified loads of $name: $(guest_sh "$name" 'cat /tmp/mix?')"
done
took "the load has ended, all data as written"
scsi_debug_delay 0

note "they reboot together"
each_guest 'iopat fill $dev $place --generation $((lun + 7))'
begin=$(uptime_cs)
old=$(domains list | awk '$1 > 0 { print $3 "=" $1 }')
for name in $names; do
    GUEST_TIMEOUT=60 guest_sh "$name" 'reboot -f' >/dev/null 2>&1 &
done
for name in $names; do
    (guest_reboots "$name" "$(echo "$old" | sed -n "s/^$name=//p")" 300) || fail "$name: $("$REAL_XL" list; tail -n 20 "/var/log/xen/xl-$name.log")"
done
took "all have a new domain"
all_have
took "all have their LUNs again"
each_guest 'iopat verify $dev $place --generation $((lun + 7))'
took "and their data"
note "memory of the daemon and its workers, KiB: $(for pid in $DAEMON_PID $(worker_pids); do
    sed -n 's/^Private_[CD][a-z]*: *\([0-9]*\) kB/\1/p' "/proc/$pid/smaps_rollup"
done | awk '{ n += $1 } END { print n }')"

begin=$(uptime_cs)
for name in $names; do guest_destroy "$name"; done
check_no_zombie 120
wait_until 60 '[ -z "$(worker_pids)" ]' "the workers end"
took "all are gone"
watch_stop
"$REAL_XL" sched-credit -d 0 -w 256
