# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154,SC2034,SC2119
# about: each command of the tables gets from disks of several kinds in the guest what it gets in dom0, byte for byte
# timeout: 500
# guests: kept
# shellcheck source=lib/compare.sh
. /host/lib/compare.sh
need_project
GUEST_TIMEOUT=200
daemon_start
guest_start g1

cat >/tmp/disk <<'END'
# Pages of INQUIRY, MODE SENSE and LOG SENSE, whole and cut short.
96< 12 00 00 00 60 00
252< 12 01 00 00 fc 00
252< 12 01 80 00 fc 00
252< 12 01 83 00 fc 00
252< 12 01 84 00 fc 00
252< 12 01 85 00 fc 00
252< 12 01 86 00 fc 00
252< 12 01 87 00 fc 00
252< 12 01 88 00 fc 00
600< 12 01 89 02 58 00
64< 12 01 b0 00 40 00
12< 12 01 b0 00 0c 00
64< 12 01 b1 00 40 00
64< 12 01 b2 00 40 00
64< 12 01 b6 00 40 00
252< 12 01 ee 00 fc 00
252< 12 00 80 00 fc 00
# CMDDT, which SPC-4 has taken out; with EVPD besides; with a page that no VPD has.
252< 12 02 00 00 fc 00
252< 12 02 28 00 fc 00
5< 12 02 a3 00 05 00
252< 12 03 00 00 fc 00
252< 12 03 83 00 fc 00
252< 1a 00 3f 00 fc 00
252< 1a 00 3f ff fc 00
252< 1a 00 08 00 fc 00
252< 1a 00 0a 00 fc 00
252< 1a 08 1c 00 fc 00
252< 1a 00 7f 00 fc 00
252< 1a 00 bf 00 fc 00
252< 1a 00 ff 00 fc 00
252< 5a 00 3f 00 00 00 00 00 fc 00
600< 5a 10 3f 00 00 00 00 02 58 00
252< 1a 00 02 00 fc 00
252< 4d 00 40 00 00 00 00 00 fc 00
252< 4d 00 4d 00 00 00 00 00 fc 00
252< 4d 00 6f 00 00 00 00 00 fc 00
252< 4d 00 7e 00 00 00 00 00 fc 00
# READ CAPACITY, REPORT SUPPORTED OPERATION CODES and TASK MANAGEMENT FUNCTIONS, GET LBA STATUS, REPORT TARGET PORT
# GROUPS
8< 25 00 00 00 00 00 00 00 00 00
32< 9e 10 00 00 00 00 00 00 00 00 00 00 00 20 00 00
12< 9e 10 00 00 00 00 00 00 00 00 00 00 00 0c 00 00
8192< a3 0c 00 00 00 00 00 00 20 00 00 00
8192< a3 0c 80 00 00 00 00 00 20 00 00 00
64< a3 0c 01 28 00 00 00 00 00 40 00 00
64< a3 0c 02 9e 00 10 00 00 00 40 00 00
64< a3 0c 01 c1 00 00 00 00 00 40 00 00
16< a3 0d 00 00 00 00 00 00 00 10 00 00
64< a3 0d 80 00 00 00 00 00 00 40 00 00
252< a3 0a 00 00 00 00 00 00 00 fc 00 00
64< 9e 12 00 00 00 00 00 00 00 00 00 00 00 40 00 00
252< 03 00 00 00 fc 00
252< 03 01 00 00 fc 00
# Written, read, compared: 4 KiB and more.
4096>5a 2a 00 00 00 00 10 00 00 01 00
4096< 28 00 00 00 00 10 00 00 01 00
4096>5b 8a 00 00 00 00 00 00 00 00 18 00 00 00 01 00 00
4096< 88 00 00 00 00 00 00 00 00 18 00 00 00 01 00 00
65536>5c 2a 08 00 00 00 20 00 00 08 00
65536< 28 18 00 00 00 20 00 00 08 00
4096< 08 00 00 10 01 00
4096< a8 00 00 00 00 10 00 00 00 01 00 00
8192>5a 89 00 00 00 00 00 00 00 00 10 00 00 00 01 00 00
0- 35 00 00 00 00 00 00 00 00 00
0- 8f 00 00 00 00 00 00 00 00 10 00 00 00 01 00 00
4096>5a 8f 02 00 00 00 00 00 00 00 10 00 00 00 01 00 00
4096>00 41 00 00 00 00 10 00 00 08 00
512>00 41 00 00 00 00 10 00 00 08 00
# Protection information, where the disk has none or some.
4160< 28 20 00 00 00 10 00 00 08 00
4160< 28 60 00 00 00 10 00 00 08 00
4160>ff 2a 20 00 00 00 10 00 00 08 00
# No blocks, elsewhere than at LBA 0: without a buffer, and with one.
0- 28 00 00 00 00 08 00 00 00 00
0- 2a 00 00 00 00 08 00 00 00 00
0- a8 00 00 00 00 08 00 00 00 00 00 00
0- 88 00 00 00 00 00 00 00 00 08 00 00 00 00 00 00
0- 8a 00 00 00 00 00 00 00 00 08 00 00 00 00 00 00
4096< 28 00 00 00 00 08 00 00 00 00
4096>5a 2a 00 00 00 00 08 00 00 00 00
# Beyond the end, and with what is reserved.
512< 28 00 ff ff ff f0 00 00 01 00
512< 88 00 ff ff ff ff ff ff ff f0 00 00 00 01 00 00
512>00 8a 00 7f ff ff ff ff ff ff f0 00 00 00 01 00 00
512< 28 00 00 00 00 10 ff 00 01 00
512< 28 00 00 00 00 10 00 00 01 ff
# UNMAP of eight blocks; a descriptor too short; REPORT ZONES; zones that there are not.
24>00 42 00 00 00 00 00 00 00 18 00
4>00 42 00 00 00 00 00 00 00 04 00
4096< 95 00 00 00 00 00 00 00 00 00 00 00 10 00 00 00
64< 95 00 00 00 00 00 00 00 00 00 00 00 00 40 80 00
0- 94 01 00 00 00 00 00 00 00 00 00 00 00 00 00 00
0- 94 04 00 00 00 00 00 00 ff 00 00 00 00 00 00 00
0- 94 03 00 00 00 00 00 00 00 00 00 00 00 00 00 00
# Persistent reservations: this disk has none. RESERVE and RELEASE.
252< 5e 00 00 00 00 00 00 00 fc 00
24>00 5f 00 00 00 00 00 00 00 18 00
0- 16 00 00 00 00 00
0- 17 00 00 00 00 00
# START STOP UNIT: stopped, then asked for data, then started.
0- 1b 00 00 00 00 00
512< 28 00 00 00 00 10 00 00 01 00
0- 1b 00 00 00 01 00
END
# scsi_debug has BUG_ON()s for UNMAP lists that disagree with their CDB (75-disk-kinds sends good ones), and with thin
# provisioning GET LBA STATUS of the last of all LBAs reads beside its map. dom0's kernel would not survive either.
grep -v '> *00 42 ' /tmp/disk >/tmp/no-unmap
# kind WHAT LISTS [ARGS...]
kind() {
    local what=$1 lists=$2
    shift 2
    scsi_debug_load dev_size_mb=32 delay=0 "$@"
    HELD=$(cat /sys/module/scsi_debug/refcnt)
    # shellcheck disable=SC2086
    same_answers "$what" disk g1 $lists
    let_go
}
kind "a disk" "table opcodes /tmp/disk"
# Other blocks and their protection concern the commands that count blocks.
kind "4096-byte blocks" blocks sector_size=4096
kind "thin provisioning" "blocks,42,9e /tmp/no-unmap" lbpu=1 lbpws=1 lbpws10=1 write_same_length=64
kind "protection type 1" "blocks /tmp/disk" dif=1
kind "protection type 3" "blocks /tmp/disk" dif=3 dix=1
kind "zones" "table opcodes /tmp/disk" zbc=managed zone_size_mb=4 zone_nr_conv=0
