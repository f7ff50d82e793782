# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154,SC2034,SC2119
# about: each command of the tables gets from a tape, a changer, an enclosure and an optical drive what it gets in dom0, byte for byte
# timeout: 400
# guests: kept
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
# kind TYPE NUMBER LISTS
kind() {
    scsi_debug_load dev_size_mb=16 delay=0 ptype="$2"
    HELD=$(cat /sys/module/scsi_debug/refcnt)
    # shellcheck disable=SC2086
    same_answers "$1" "$1" g1 $3
    let_go
}
# scsi_debug of Linux 6.12 answers WRITE SAME, which none of these has, on every type; without data-out it never gives a
# lock back, and dom0 stands still at the next one.
without=""
case $(uname -r) in 6.1.*) ;; *) without=,41,93 ;; esac
kind tape 1 "table opcodes$without /tmp/any"
kind changer 8 "table /tmp/any"
kind enclosure 13 "table opcodes$without /tmp/any"

cat >/tmp/disc <<'END'
# As the other lists have left it: unlocked and loaded.
0- 1e 00 00 00 00 00
0- 1b 00 00 00 03 00
# What an optical drive says of itself and of its disc.
96< 12 00 00 00 60 00
252< 12 01 80 00 fc 00
8< 25 00 00 00 00 00 00 00 00 00
252< 5a 00 3f 00 00 00 00 00 fc 00
252< 5a 00 2a 00 00 00 00 00 fc 00
252< 46 00 00 00 00 00 00 00 fc 00
8< 46 02 00 10 00 00 00 00 08 00
804< 43 00 00 00 00 00 00 03 24 00
12< 43 02 01 00 00 00 00 00 0c 00
34< 51 00 00 00 00 00 00 00 22 00
8< 4a 01 00 00 10 00 00 00 08 00
8< bd 00 00 00 00 00 00 00 00 08 00 00
20< ad 00 00 00 00 00 00 00 00 14 00 00
252< 03 00 00 00 fc 00
# Its data, beyond its end too, and raw sectors.
4096< 28 00 00 00 00 10 00 00 02 00
65536< a8 00 00 00 00 20 00 00 00 20 00 00
2048< 28 00 7f ff ff f0 00 00 01 00
2352< be 00 00 00 00 10 00 00 01 f8 00 00
2048< be 00 00 00 00 10 00 00 01 10 00 00
# Locked, ejected, unlocked, ejected, read, loaded, read.
0- 1e 00 00 00 01 00
0- 1b 00 00 00 02 00
0- 1e 00 00 00 00 00
0- 1b 00 00 00 02 00
2048< 28 00 00 00 00 10 00 00 01 00
0- 1b 00 00 00 03 00
2048< 28 00 00 00 00 10 00 00 01 00
END
small_host_load
expect_ok iopat fill /host/small-disc --buffered
DBG_HCTL=$SMALL_DISC DBG_SG=$(sg_of "$SMALL_DISC")
same_answers "optical drive" optical g1 table opcodes /tmp/disc
