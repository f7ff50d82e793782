#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Data is written in one size and split over segments in one way, and read back in another. It is the same data.
# shellcheck source=tests/mock-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/mock-lib.sh"

mock_start
daemon_start
guest_create 1
disk a 32
attach 1 "$DISK" 0:0:0:0 --no-wait
front_start g 1
front g "wait-dev 0:0:0:0 4"

step "the disk reports how much data one request may transfer"
front g "capacity 0:0:0:0"
front g "inquiry 0:0:0:0 0xb0"
check_match "$ANSWER" '0000  00 b0 00 3c 00 00 00 00 00 00 03 c0 ' "VPD B0h: MAXIMUM TRANSFER LENGTH of 120 pages"

step "whole pages, from 512 bytes to 508 KiB, with every CDB size"
seed=10
for bytes in 512 1024 4096 6656 65536 106496 110592 131072 520192; do
    for cdb in 6 10 16; do
        seed=$((seed + 1))
        front g "write 0:0:0:0 $seed $((2 * bytes / 512)) seed=$seed chunk=$bytes cdb=$cdb"
        front g "verify 0:0:0:0 $seed $((2 * bytes / 512)) seed=$seed"
    done
done

step "odd offsets and pieces, direct and in lists"
for layout in offset=512 offset=3584 offset=1 offset=4095 piece=512 piece=1024 "piece=512 offset=3000" "piece=1000" \
    "piece=4095 offset=1" "piece=52 indirect" "indirect" "offset=7 indirect"; do
    seed=$((seed + 1))
    front g "write 0:0:0:0 77 40 seed=$seed chunk=4096 $layout"
    front g "verify 0:0:0:0 77 40 seed=$seed"
    front g "write 0:0:0:0 77 40 seed=$((seed + 1000))"
    front g "verify 0:0:0:0 77 40 seed=$((seed + 1000)) chunk=4096 $layout"
done

step "random lengths from 0 up at random places in their pages"
for seed in 1 2 3 4 5 6 7 8 9 10 11 12; do
    bytes=$((512 * (seed * seed + 1)))
    front g "write 0:0:0:0 5 $((bytes / 512)) seed=$seed chunk=$bytes random=$seed"
    front g "verify 0:0:0:0 5 $((bytes / 512)) seed=$seed"
    front g "verify 0:0:0:0 5 $((bytes / 512)) seed=$seed chunk=$bytes random=$((seed + 100))"
    front g "write 0:0:0:0 5 $((bytes / 512)) seed=$seed chunk=$bytes random=$((seed + 7)) indirect"
    front g "verify 0:0:0:0 5 $((bytes / 512)) seed=$seed"
done

step "a request that is one segment too long cannot be built: the backend says its limit"
front_try g "write 0:0:0:0 0 1024 chunk=524288 offset=512" && fail "524288 bytes at offset 512 are 129 segments"

step "beyond the end"
front g "expect 00/02/5/21/00 raw 0:0:0:0 in 512 28 0 0 1 0 0 0 0 1 0"
front g "expect 00/02/5/21/00 raw 0:0:0:0 in 512 88 0 80 0 0 0 0 0 0 0 0 0 0 1 0 0"

step "the file holds what the guest wrote"
front g "write 0:0:0:0 0 65536 seed=99"
front g "read 0:0:0:0 0 65536 file=$DIR/copy quiet"
cmp "$DIR/copy" "$DIR/a.img" || fail "the guest reads something else than the file holds"

step "verified random load in the common sizes"
for bs in 512 4k 64k 496k; do
    front g "load 0:0:0:0 rw=mix verify depth=8 bs=$bs count=400 seed=$RANDOM"
done
front g "load 0:0:0:0 rw=mix verify depth=16 bs=6144 count=400 random=5"
front_stop g
