# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154,SC2034,SC2119
# about: each command of the tables gets from a tape in the guest what it gets in dom0, byte for byte
# timeout: 400
# shellcheck source=lib/compare.sh
. /host/lib/compare.sh
need_project
GUEST_TIMEOUT=200
daemon_start
guest_start g1

cat >/tmp/any <<'END'
96< 12 00 00 00 60 00
252< 12 01 00 00 fc 00
252< 12 01 80 00 fc 00
252< 12 01 83 00 fc 00
64< 12 01 b0 00 40 00
64< 12 01 b1 00 40 00
252< 1a 00 3f 00 fc 00
252< 5a 00 3f 00 00 00 00 00 fc 00
252< 4d 00 40 00 00 00 00 00 fc 00
252< 03 00 00 00 fc 00
6< 05 00 00 00 00 00
20< 34 00 00 00 00 00 00 00 00 00
252< 44 00 00 00 00 00 00 00 fc 00
600< b8 10 00 00 ff ff 00 00 02 58 00 00
32768< 46 00 00 00 00 00 00 80 00 00
252< 43 02 00 00 00 00 00 00 fc 00
252< 1c 01 01 00 fc 00
252< 1c 01 0a 00 fc 00
8192< a3 0c 00 00 00 00 00 00 20 00 00 00
252< 5e 00 00 00 00 00 00 00 fc 00
END
scsi_debug_load dev_size_mb=16 delay=0 ptype=1
HELD=$(cat /sys/module/scsi_debug/refcnt)
same_answers "tape" tape g1 table opcodes /tmp/any
let_go
