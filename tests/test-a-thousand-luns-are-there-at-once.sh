#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A daemon that starts with 1,000 LUNs in xenstore has opened all of them within seconds. A daemon that restarts under a
# connected guest is as fast.
# shellcheck source=tests/mock-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/mock-lib.sh"

mock_start
guest_create 1
disk a 4
for host in 0 1 2 3; do
    back=$BACKEND/1/$host
    nodes=()
    for ((lun = 0; lun < 250; lun++)); do
        nodes+=("$back/vscsi-devs/dev-$lun/p-dev" "file:$DISK" "$back/vscsi-devs/dev-$lun/v-dev" "$host:0:$((lun / 50)):$((lun % 50))"
            "$back/vscsi-devs/dev-$lun/state" 1)
        if [ ${#nodes[@]} -ge 300 ]; then
            xs_write "${nodes[@]}"
            nodes=()
        fi
    done
    front_dir=/local/domain/1/device/vscsi/$host
    xs_write "$front_dir/backend" "$back" "$front_dir/backend-id" 0 "$front_dir/state" 1
    xenstore-chmod -r "$front_dir" n1 r0
    xs_write "$back/frontend" "$front_dir" "$back/frontend-id" 1 "$back/online" 1 "$back/feature-host" 0 "$back/state" 1
    xenstore-chmod -r "$back" n0 r1
done
offered() { [ "$(xenstore-ls -f "$BACKEND/1" | grep -c '/vscsi-devs/dev-[0-9]*/state = "3"')" = 1000 ]; }
begin=$(date +%s%N)
daemon_start
wait_until 25 offered
ms=$((($(date +%s%N) - begin) / 1000000))
echo "1000 LUNs after $ms ms"
[ "$ms" -lt 20000 ] || fail "1000 LUNs took $ms ms"
front_start g 1 --vhost 3
front g "wait-dev 3:0:4:49 4"
front g "luns 3:0:4:49"
front g "load 3:0:4:49,3:0:0:0 rw=read depth=16 count=2000"
daemon_stop
daemon_start
front g "load 3:0:4:49,3:0:0:0 rw=read depth=16 count=2000"
check_eq "$(xs_read "$BACKEND/1/3/vscsi-devs/dev-249/state")" 4 "state of the last device"
front_stop g
