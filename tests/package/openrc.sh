#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Inside the clean Debian (tests/package/run starts it there, with a PID namespace): Debian's OpenRC runs the scripts of
# packaging/openrc as they stand, in their order among other services. What they start is given mock-xen in place of
# Xen. Debian's openrc has none of the services that Alpine's has; the ones that are named here only note that they run.
# $1: the files of the APKBUILD's packages; $2: the directory of a build, for mock-xen and vscsi-front.
set -eu
files=$1 build=$2
fail() {
    echo "FAIL: $*"
    tail -n 20 /var/log/xen/*.log
    exit 1
}
# within SECONDS COMMAND...
within() {
    left=$(($1 * 10))
    shift
    until "$@" >/tmp/within 2>&1; do
        left=$((left - 1))
        [ $left -gt 0 ] || fail "not in time: $* ($(cat /tmp/within))"
        sleep 0.1
    done
}
expect() { [ "$1" = "$2" ] || fail "$3: expected '$2', got '$1'"; }
# The daemon has children of its name, its workers.
daemon() { head -n 1 /run/pvscsid/pvscsid.pid; }

# A /dev of its own: nothing is made in that of this computer.
mkdir -p /tmp/dev
mount -t tmpfs dev /tmp/dev
for node in null zero full random urandom; do cp -a "/dev/$node" /tmp/dev/; done
ln -s /proc/self/fd /tmp/dev/fd
mkdir /tmp/dev/xen /tmp/dev/shm
mount --move /tmp/dev /dev
[ -d /sys/class ] || mount -t sysfs sysfs /sys

cp -a "$files"/pkg/. "$files"/pkg-tools/. "$files"/pkg-tools-openrc/. /
rm -f /etc/init.d/* /etc/runlevels/*/*
cp "$files"/pkg/etc/init.d/* "$files"/pkg-tools-openrc/etc/init.d/* /etc/init.d/
for service in localmount xenstored xendomains libvirtd; do
    cat >"/etc/init.d/$service" <<'END'
#!/sbin/openrc-run
start() { echo "start $RC_SVCNAME" >>/tmp/order; }
stop() { echo "stop $RC_SVCNAME" >>/tmp/order; }
END
done
mv /usr/sbin/pvscsid /usr/sbin/xl-scsi /usr/local/sbin/
cat >/usr/sbin/pvscsid <<'END'
#!/bin/sh
echo "run pvscsid $*" >>/tmp/order
exec /usr/local/sbin/pvscsid "$@" --standalone /tmp/xen
END
cat >/usr/sbin/xl-scsi <<'END'
#!/bin/sh
echo "run xl-scsi $*" >>/tmp/order
exec env XENSTORED_PATH=/tmp/xen /usr/local/sbin/xl-scsi "$@"
END
chmod +x /usr/sbin/pvscsid /usr/sbin/xl-scsi /etc/init.d/*
"$build/mock-xen" --socket /tmp/xen --domains 1 >/tmp/mock.log 2>&1 &
within 10 "$build/mock-xen" --socket /tmp/xen ctl status

# What openrc makes when it boots a machine.
mkdir -p /etc/runlevels/default /etc/runlevels/none
for state in daemons exclusive failed hotplugged inactive options started starting stopping stopped scheduled \
    wasinactive crashed tmp; do
    mkdir -p "/run/openrc/$state"
done
echo none >/run/openrc/softlevel
for service in xl-scsi-watch xendomains libvirtd pvscsid xenstored; do rc-update -q add $service default; done

echo "without /dev/xen/gntdev the daemon is not started, and the script says why"
rc-service pvscsid start >/tmp/out 2>&1 && fail "it was started: $(cat /tmp/out)"
grep -q '/dev/xen/gntdev is not there' /tmp/out || fail "the reason: $(cat /tmp/out)"
mknod /dev/xen/gntdev c 1 3

echo "the order of a boot"
: >/tmp/order
openrc default
within 10 pvscsictl status
within 10 pidof xl-scsi
# supervise-daemon returns before the program runs, so what the programs note may be later.
expect "$(grep -v ' localmount$' /tmp/order | grep ^start | tr '\n' ' ')" "start xenstored start libvirtd start xendomains " "the services"
expect "$(grep ^run /tmp/order | sort | tr '\n' ' ')" "run pvscsid --foreground run xl-scsi watch " "the programs"
/lib/rc/bin/rc-depend -a -t iafter -t ineed xendomains | tr ' ' '\n' | grep -v localmount | tr '\n' ' ' >/tmp/out
expect "$(cat /tmp/out)" "xenstored pvscsid xl-scsi-watch xendomains " "what comes before xendomains"
for service in pvscsid xl-scsi-watch; do rc-service $service status; done

echo "a guest's verified load goes on over a reload, a kill and a restart"
truncate -s 16M /tmp/disk
XENSTORED_PATH=/tmp/xen /usr/local/sbin/xl-scsi attach --no-wait 1 file:/tmp/disk 0:0:0:0
"$build/vscsi-front" --standalone /tmp/xen load 0:0:0:0 rw=mix depth=4 bs=4k until=/tmp/enough verify >/tmp/load 2>&1 &
front=$!
rc-service pvscsid reload
within 10 grep -q 'info: reloaded' /var/log/xen/pvscsid.log
for killed in pvscsid xl-scsi; do
    case $killed in
    pvscsid) pid=$(daemon) ;;
    *) pid=$(pidof xl-scsi) ;;
    esac
    kill -KILL "$pid"
    within 10 sh -c "! kill -0 $pid"
    within 10 pidof $killed
done
within 10 pvscsictl status
pid=$(daemon)
kill -0 $front || fail "the load ended too early: $(cat /tmp/load)"
rc-service pvscsid restart
within 10 pvscsictl status
[ "$(daemon)" != "$pid" ] || fail "a restart starts no other daemon"
: >/tmp/enough
wait $front || fail "the guest's load: $(cat /tmp/load)"
grep -q 'errors=0 wrong=0' /tmp/load || fail "the guest's load: $(cat /tmp/load)"
rc-service xl-scsi-watch restart
within 10 pidof xl-scsi

echo "the order of a shutdown"
: >/tmp/order
openrc none
expect "$(grep -c '^run' /tmp/order)" 0 "programs that were started"
! pidof pvscsid xl-scsi || fail "programs still run"
for service in pvscsid xl-scsi-watch; do
    status=0
    rc-service $service status || status=$?
    expect $status 3 "status of a service that was stopped"
done
grep -q 'info: ended' /var/log/xen/pvscsid.log || fail "the daemon did not end by itself"
