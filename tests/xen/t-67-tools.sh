# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154,SC2034,SC2016
# about: the tools of sg3-utils, lsscsi, sdparm, smartctl, mt and mtx print in the guest what they print in dom0, by the default policy too
# timeout: 300
# guests: kept
need_project
daemon_start
guest_start g1
# For each type: what is printed, on output and error output, and the exit status. The names of the nodes are not
# compared. VPD page B0h is not here, because it has the limit of the ring.
cat >/tmp/every <<'END'
sg_inq $SG
sg_vpd -p di $SG
sg_modes -a $SG
sg_logs -a $SG
sg_luns $SG
sg_requests $SG
sg_raw -v -r 252 $SG 12 01 83 00 fc 00
sdparm --quiet $SG
sg_reset -d $SG
sg_turs -n 2 $SG; sg_turs $SG
END
# Of a disk and a tape.
cat >/tmp/more <<'END'
sg_inq -p 0x80 $SG
sg_inq -H -p 0x83 $SG
sg_vpd -p sn -H $SG
sg_modes -6 $SG
sg_logs $SG
sg_luns -v $SG
sg_raw -v $SG 01 02 03 04 05 06
sg_persist -n -i -c $SG
sg_readcap $SG
sdparm -i --quiet $SG
END
# Opcode A3h. Of an optical drive it is SEND KEY, whose data goes to the drive; with data-in it is refused, as
# docs/scsi.md says.
cat >/tmp/but.5 <<'END'
sg_opcodes -n $SG
sg_opcodes -v -o 0x28 $SG
sg_ident $SG
END
cat >/tmp/type.0 <<'END'
sg_readcap -l $SG
sg_vpd -p lbpv $SG
sg_vpd -p bdc $SG
sg_get_lba_status $SG
sg_sync $SG
sg_verify --count=8 $SG
sg_read_buffer $SG
sg_rtpg $SG
sdparm --all --quiet $SG
smartctl -H $SG | tail -n +3
smartctl -a $SG | grep -v 'Local Time' | tail -n +3
blockdev --getsize64 $NODE
blockdev --getss $NODE
END
cat >/tmp/type.1 <<'END'
/usr/bin/mt -f $NODE rewind
/usr/bin/mt -f $NODE status
/usr/bin/mt -f $NODE densities | head -n 5
smartctl -a -d scsi $SG | grep -v 'Local Time' | tail -n +3
sg_raw -r 6 $SG 05 00 00 00 00 00
END
cat >/tmp/type.5 <<'END'
sg_get_config $SG
sg_start --load $SG
END
cat >/tmp/type.8 <<'END'
mtx -f $SG inquiry
mtx -f $SG status
sg_raw -r 252 $SG b8 10 00 00 ff ff 00 00 00 fc 00 00
END
cat >/tmp/type.13 <<'END'
sg_ses $SG
sg_ses -p 1 $SG
sg_senddiag -l $SG
END
# Of these, what the default policy answers otherwise. SEND DIAGNOSTIC and a tape's READ CAPACITY are refused. What
# is refused is not in the list of opcodes; READ (10) is a disk's.
echo 'sg_opcodes -n $SG' >/tmp/other.0
cat >/tmp/other.1 <<'END'
sg_opcodes -n $SG
sg_opcodes -v -o 0x28 $SG
sg_readcap $SG
END
: >/tmp/other.5
cat >/tmp/other.8 <<'END'
sg_opcodes -n $SG
sg_opcodes -v -o 0x28 $SG
END
cat >/tmp/other.13 <<'END'
sg_opcodes -n $SG
sg_opcodes -v -o 0x28 $SG
sg_senddiag -l $SG
END
# commands TYPE: its list. run LIST SG NODE: a script that runs all of a list. Before, unit attentions are taken, and a
# unit is started: REWIND stops scsi_debug's tape.
commands() {
    cat /tmp/every "/tmp/type.$1"
    [ "$1" -gt 1 ] || cat /tmp/more
    [ "$1" = 5 ] || cat /tmp/but.5
}
run() {
    echo "export SG=$2 NODE=$3"
    echo 'for i in 1 2 3 4 5 6 7 8; do sg_turs $SG && break; sg_start --start $SG; done >/dev/null 2>&1'
    echo 'while read -r command; do echo "== $command"; (eval "$command") </dev/null 2>&1; echo "status $?"; done <<"END"'
    cat "$1"
    echo END
}
names() { sed "s|$1|SG|g; s|$2|NODE|g; s|\[$3\]|[HCTL]|g"; }
# node_of NODE SG: the node; of a tape the one that does not rewind, SG where there is none.
node_of() {
    case $type,$1 in
    *,/dev/-) echo "$2" ;;
    1,*) echo "$1" | sed 's|/dev/n*|/dev/n|' ;;
    *) echo "$1" ;;
    esac
}
# others FILE FILE: the commands whose output is not the same, "== " before each.
others() {
    awk '/^== / { c = $0 }
        FNR == NR { a[c] = a[c] "\n" $0; next }
        { b[c] = b[c] "\n" $0 }
        END { for (c in a) if (a[c] != b[c]) print c }' "$1" "$2" | sort
}
# only LIST FILE: what FILE has of the commands in LIST.
only() { awk 'FNR == NR { want["== " $0] = 1; next } /^== / { on = $0 in want } on' "$1" "$2"; }
# there OPTIONS LIST FILE: attached with these options, what the commands of LIST print in the guest goes to FILE.
there() {
    local other
    expect_ok xl-scsi attach g1 "$DBG_HCTL" "0:0:0:0$1"
    guest_wait_disk g1 0:0:0:0
    other=$GUEST_BLK
    [ $type != 1 ] || other=$GUEST_OTHER
    node=$(node_of "$other" "$GUEST_SG")
    GUEST_TIMEOUT=200 guest_sh g1 "$(run "$2" "$GUEST_SG" "$node")" 2>&1 | names "$GUEST_SG" "$node" "$GUEST_HCTL" >"$3"
    # All but the address and the node.
    expect_eq "$(guest_ok g1 "lsscsi $GUEST_HCTL | sed 's/^[^ ]* *//; s| */dev/.*||; s/ *-* *\$//'")" "$lsscsi" "lsscsi, type $type$1"
    expect_ok xl-scsi detach g1 0:0:0:0
    guest_wait_gone g1 0:0:0:0
}
compared=0 wrong=""
for type in 0 1 5 8 13; do
    scsi_debug_load dev_size_mb=16 delay=0 ptype=$type removable=$((type == 5))
    held=$(cat /sys/module/scsi_debug/refcnt)
    other=$DBG_BLK
    [ $type != 1 ] || other=/dev/$(dev_names "/sys/bus/scsi/devices/$DBG_HCTL" scsi_tape)
    node=$(node_of "$other" "$DBG_SG")
    commands $type >/tmp/all
    run /tmp/all "$DBG_SG" "$node" | sh 2>&1 | names "$DBG_SG" "$node" "$DBG_HCTL" >/tmp/here
    lsscsi=$(lsscsi "$DBG_HCTL" | sed 's/^[^ ]* *//; s| */dev/.*||; s/ *-* *$//')
    cat /tmp/here
    expect_no_match "$(cat /tmp/here)" 'not found|status 127' "type $type"
    n=$(grep -c '^== ' /tmp/here)
    expect_eq "$n" "$(wc -l </tmp/all)" "commands of type $type"
    compared=$((compared + n))

    # What the default policy changes is as in dom0 without it.
    if [ -s /tmp/other.$type ]; then
        grep -xFf /tmp/other.$type /tmp/all >/tmp/these
        only /tmp/these /tmp/here >/tmp/here.other
        there ,feature-host,third-party-copy /tmp/these /tmp/there
        cmp -s /tmp/here.other /tmp/there || {
            diff /tmp/here.other /tmp/there
            fail "type $type: a tool prints something else in the guest: $(diff /tmp/here.other /tmp/there | head -n 3 | tr '\n' ' ')"
        }
    fi
    there "" /tmp/all /tmp/there
    echo "type $type by the default policy:"
    diff /tmp/here /tmp/there
    others /tmp/here /tmp/there >/tmp/others
    sed 's/^/== /' /tmp/other.$type | cmp -s - /tmp/others || wrong="$wrong; type $type: $(tr '\n' ' ' </tmp/others)"
    # Fewer opcodes, none that the device does not have.
    more=$(sed -n '/^== sg_opcodes -n/,/^==/p' /tmp/there | grep -vxFf /tmp/here)
    expect_eq "$more" "" "opcodes of type $type that only the guest sees"
    changers_release
    wait_until 20 "[ \$(cat /sys/module/scsi_debug/refcnt) -le $held ]" "the device to be let go"
    scsi_debug_unload
done
expect_eq "$wrong" "" "by the default policy, other output of"
note "$compared outputs are the same"
