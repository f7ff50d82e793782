# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154,SC2034,SC2119,SC2086
# about: tape and changer on one vhost: blocks of every length, file marks, positions and moved tapes are in the guest what they are in dom0
# timeout: 300
# guests: kept
# shellcheck source=lib/compare.sh
. /host/lib/compare.sh
# shellcheck source=lib/tgt.sh
. /host/lib/tgt.sh
need_project
command -v tgtd >/dev/null || skip "no tgtd in the image"
differences_read
tgt_start
daemon_start
guest_start g1

# Each step is done with blocks of variable length ("0") and with fixed ones of 512 bytes.
# When a block is shorter than the READ, or there is none, tgtd says so in the sense data, but sends what its memory
# holds: only so much of that data is compared as the block has ("<=").
cat >/tmp/tape.0 <<'END'
0- 01 00 00 00 00 00
6< 05 00 00 00 00 00
252< 1a 00 3f 00 fc 00
252< 1a 00 10 00 fc 00
# Blocks of four lengths between file marks.
4096>31 0a 00 00 10 00 00
0- 10 00 00 00 01 00
10000>32 0a 00 00 27 10 00
100>33 0a 00 00 00 64 00
100>34 0a 00 00 00 64 00
65536>35 0a 00 01 00 00 00
0- 10 00 00 00 02 00
20< 34 00 00 00 00 00 00 00 00 00
32< 34 06 00 00 00 00 00 00 00 00
# Read: a block, a file mark, blocks, one with a READ that is longer, one with a READ that is shorter.
0- 01 00 00 00 00 00
4096< 08 00 00 10 00 00
4096<=0 08 00 00 10 00 00
10000< 08 00 00 27 10 00
100< 08 00 00 00 64 00
20000<=100 08 00 00 4e 20 00
4096<=0 08 00 00 10 00 00
0- 01 00 00 00 00 00
0- 11 01 00 00 01 00
20000<=10000 08 02 00 4e 20 00
# SILI with fixed blocks, which no drive takes.
0- 01 00 00 00 00 00
512<=0 08 03 00 00 01 00
# SPACE: by blocks, by file marks, to the end, back, further than there is tape, and by what this drive does not know.
0- 11 00 00 00 01 00
0- 11 01 00 00 01 00
10000< 08 00 00 27 10 00
0- 11 03 00 00 00 00
4096<=0 08 00 00 10 00 00
0- 11 01 00 00 01 00
0- 11 01 ff ff fe 00
0- 11 00 ff ff ff 00
0- 11 00 ff ff 00 00
0- 11 00 00 10 00 00
0- 11 05 00 00 01 00
# WRITE FILEMARKS of none; WRITE and READ of nothing; MODE SELECT of nothing.
0- 10 00 00 00 00 00
0- 0a 00 00 00 00 00
0- 08 00 00 00 00 00
0- 15 10 00 00 00 00
0- 01 00 00 00 00 00
END
cat >/tmp/tape.512 <<'END'
0- 01 00 00 00 00 00
252< 1a 00 10 00 fc 00
# Eight blocks, a file mark, four blocks.
4096>41 0a 01 00 00 08 00
0- 10 00 00 00 01 00
2048>42 0a 01 00 00 04 00
0- 10 00 00 00 02 00
0- 01 00 00 00 00 00
2048< 08 01 00 00 04 00
512< 08 01 00 00 01 00
# Three are left before the file mark.
4096<=1536 08 01 00 00 08 00
2048< 08 01 00 00 04 00
512<=0 08 01 00 00 01 00
0- 11 00 ff ff fd 00
512< 08 01 00 00 01 00
0- 01 00 00 00 00 00
END
# The same through st: what each step reads, how many blocks there were, and where the tape is then. Needs $st and
# $block.
cat >/tmp/through-st <<'END'
mt() { /usr/bin/mt -f $st "$@" 2>&1 | sed "s|$st|ST|"; }
copy() { dd "$@" 2>/tmp/dd.out; echo "dd status $?"; grep records /tmp/dd.out; }
i=0
while [ $i -lt 4000 ]; do echo line $i of the tape; i=$((i + 1)); done | head -c 61440 >/tmp/a
mt rewind
mt setblk $block
copy if=/tmp/a of=$st bs=10240
[ $block = 0 ] && copy if=/tmp/a of=$st bs=100 count=3
copy if=/tmp/a of=$st bs=30720
mt status
mt rewind
# The file mark ends it.
copy if=$st of=/tmp/o bs=10240
cmp /tmp/a /tmp/o && echo same
if [ $block = 0 ]; then
    # Longer than the blocks: each read gives one block.
    copy if=$st of=/tmp/o bs=20000
    head -c 300 /tmp/a >/tmp/some
    cmp /tmp/some /tmp/o && echo same
fi
# Shorter than the blocks, where blocks have any length: ENOMEM.
copy if=$st of=/tmp/o bs=2048
mt status
for step in rewind "fsf 1" "bsf 1" "bsfm 1" rewind "fsr 3" "bsr 1" seod "bsf 1"; do
    echo "$step:"
    mt $step
    mt status
done
copy if=$st of=/tmp/o bs=10240 count=1
mt rewind
END
st=/dev/$(dev_names "/sys/bus/scsi/devices/$TAPE" scsi_tape)
for block in 0 512; do
    expect_ok /usr/bin/mt -f "$st" setblk $block
    for out in again bare again; do answers /tmp/tape.$block "$(sg_of "$TAPE")" /tmp/$block.$out; done
    cat /tmp/$block.bare
    cmp -s /tmp/$block.bare /tmp/$block.again || {
        diff /tmp/$block.bare /tmp/$block.again
        fail "the bare tape does not answer twice the same, block length $block"
    }
    # shellcheck disable=SC1091
    (. /tmp/through-st) >/tmp/$block.st.bare 2>&1
    cat /tmp/$block.st.bare
    expect_match "$(cat /tmp/$block.st.bare)" '^same$' "the file from the bare tape, block length $block"
done
expect_match "$(cat /tmp/0.bare)" '^08.* status=02 sense=..0080' "a file mark on the bare tape"
expect_match "$(cat /tmp/0.bare)" '^08.* status=02 sense=..0020' "a block of another length on the bare tape"
expect_match "$(cat /tmp/0.bare)" '^08.* status=02 sense=..00.8' "the end of the bare tape"

# As in docs/guide-tape-library.md: tests/test-the-examples-are-run.sh compares the lines.
expect_ok env GUEST=g1 DRIVE="$TAPE" CHANGER="$CHANGER" sh -e <<'END'
xl-scsi scan
xl-scsi attach $GUEST $DRIVE 0:0:1:0
xl-scsi attach $GUEST $CHANGER 0:0:1:1
END
guest_wait_disk g1 0:0:1:1
changer=$GUEST_SG
guest_wait_disk g1 0:0:1:0
st=$(echo "$GUEST_OTHER" | sed 's|/dev/n*|/dev/n|')
for block in 0 512; do
    guest_ok g1 "/usr/bin/mt -f $st rewind; /usr/bin/mt -f $st setblk $block"
    guest_answers g1 /tmp/tape.$block "$GUEST_SG" /tmp/$block.guest
    differences_check "block length $block" tape /tmp/$block.bare /tmp/$block.guest
    guest_sh g1 "st=$st block=$block
$(cat /tmp/through-st)" >/tmp/$block.st.guest 2>&1
    cmp -s /tmp/$block.st.bare /tmp/$block.st.guest || {
        diff /tmp/$block.st.bare /tmp/$block.st.guest
        fail "st in the guest, block length $block: $(diff /tmp/$block.st.bare /tmp/$block.st.guest | head -n 3 | tr '\n' ' ')"
    }
done
expect_match "$(pvscsictl stats)" '0:0:1:0 .*mark [1-9]' "file marks in the counters"

note "the changer moves tapes; what is written on one is read from it again"
here=$(sg_of "$CHANGER")
# as_here COMMAND: the guest's mtx prints what dom0's does.
as_here() {
    expect_eq "$(guest_ok g1 "mtx -f $changer $1" | sed "s|$changer|SG|")" "$(mtx -f "$here" "$1" | sed "s|$here|SG|")" "mtx $1"
}
as_here inquiry
as_here status
cat >/tmp/library <<'END'
mtx -f $CHANGER status
mtx -f $CHANGER load 2 0
mt -f $TAPE rewind
dd if=$FILE of=$TAPE bs=256k
mt -f $TAPE rewind
dd if=$TAPE bs=256k | cmp - $FILE
mtx -f $CHANGER unload 2 0
mtx -f $CHANGER transfer 2 3
END
# busybox has an mt of its own.
guest_ok g1 "set -e; tr a-z b-za </tmp/a >/tmp/b; mt() { /usr/bin/mt \"\$@\"; }; CHANGER=$changer TAPE=$st FILE=/tmp/b
$(cat /tmp/library)"
expect_match "$(mtx -f "$here" status)" 'Storage Element 2:Empty' "the slot that was emptied"
expect_match "$(mtx -f "$here" status)" 'Storage Element 3:Full.*A0000002' "the tape that was moved"
as_here status
guest_ok g1 "set -e; st=$st; m='mtx -f $changer'
    \$m load 1 0; /usr/bin/mt -f \$st rewind; dd if=\$st of=/tmp/o bs=10240; cmp /tmp/a /tmp/o; \$m unload 1 0
    \$m load 3 0; /usr/bin/mt -f \$st rewind; dd if=\$st of=/tmp/o bs=30720; cmp /tmp/b /tmp/o; /usr/bin/mt -f \$st rewind"
sum=$(guest_ok g1 "md5sum </tmp/b")
expect_ok xl-scsi detach g1 0:0:1:1
expect_ok xl-scsi detach g1 0:0:1:0
st=/dev/$(dev_names "/sys/bus/scsi/devices/$TAPE" scsi_tape)
expect_eq "$(dd if="$st" bs=65536 2>/dev/null | md5sum)" "$sum" "the file that the guest wrote, as dom0 reads it"
tgt_stop
