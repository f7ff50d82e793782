#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion of xl-scsi: what is offered for a line. Readline breaks words at ':' and '=', so only what follows the
# last of these is offered.
. "${top_srcdir:-.}/tests/mock-lib.sh"
. "${top_srcdir:-.}/xl-scripts/completion/xl-scsi"
_xl_scsi_vdevs() { echo 0:0:0:0 0:0:1:0 3:0:0:7; }
_xl_scsi_guests() { echo web db; }
_xl_scsi_pdevs() { echo naa.5000c50012345678 2:0:1:0; }
# offers LINE WORDS
offers() {
    # shellcheck disable=SC2034
    COMP_LINE=$1 COMP_POINT=${#1}
    _xl_scsi
    check_eq "${COMPREPLY[*]}" "$2" "offered for '$1'"
}

step "commands, guests and options"
offers "xl-scsi at" "attach"
offers "xl-scsi attach " "web db"
offers "xl-scsi attach we" "web"
offers "xl-scsi -n attach --timeout=3 we" "web"
offers "xl-scsi attach -t 5 we" "web"
offers "xl-scsi attach -t 5 -R /run/x we" "web"
offers "xl-scsi list web d" "db"
offers "xl-scsi detach --fo" "--force"
offers "xl-scsi attach --time" "--timeout="

step "v-devs, however many of their colons are there already"
offers "xl-scsi detach web " "0:0:0:0 0:0:1:0 3:0:0:7"
offers "xl-scsi detach web 3" "3:0:0:7"
offers "xl-scsi detach web 3:" "0:0:7"
offers "xl-scsi detach web 0:0:" "0:0 1:0"
offers "xl-scsi detach web 4:" ""

step "options of a device, after a p-dev with colons too"
offers "xl-scsi attach web /dev/sda 0:0:0:0,re" "0,readonly 0,required"
offers "xl-scsi attach web 2:0:1:0 0:0:0:0,readonly,op" "0,readonly,optional"
offers "xl-scsi attach web 2:0:1:0 0:0:0:0,pr=h" "helper"
offers "xl-scsi attach web 2:0:1:0 0:0:0:0" ""

step "p-devs"
offers "xl-scsi attach web " "naa.5000c50012345678 2:0:1:0"
offers "xl-scsi attach web na" "naa.5000c50012345678"
offers "xl-scsi attach web 2:0" "0:1:0"
mkdir "$DIR/nodes"
touch "$DIR/nodes/sda"
offers "xl-scsi attach web $DIR/nodes/s" "$DIR/nodes/sda"

step "files"
touch "$DIR/web.cfg"
offers "xl-scsi check $DIR/w" "$DIR/web.cfg"
offers "xl-scsi attach web $DIR/w" "$DIR/web.cfg"

step "every option word of a device is offered"
COMP_LINE="xl-scsi attach web /dev/sda 0:0:0:0," COMP_POINT=36
_xl_scsi
check_eq "$(printf '%s\n' "${COMPREPLY[@]#0,}" | sed 's/=.*/=/' | sort -u | tr '\n' ' ')" \
    "$(xl_scsi --help | sed -n 's/.*Options: \(.*\)\.$/\1/p' | tr ' ' '\n' | sed 's/=.*/=/' | sort -u | tr '\n' ' ')" "option words"
