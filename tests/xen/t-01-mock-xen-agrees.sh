# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: xenstored, gntdev, gntalloc and evtchn answer as mock-xen is tested to answer
# timeout: 60
# The mock tests are worth as much as mock-xen is like Xen: both sides of that comparison
# are this list of questions with its answers. It also is the only test of the frontend's half
# of src/common/xen-real.c.

need_project
expect_ok modprobe xen-gntalloc
xen-answers >/tmp/answers || fail "xen-answers: status $?"
expect_ok diff /host/xen-answers.expected /tmp/answers
note "$(wc -l </tmp/answers) answers are the same"
