# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: xenstored, gntdev, gntalloc and evtchn answer as mock-xen is tested to answer
# timeout: 60
# The mock tests are only worth something if mock-xen answers as Xen does. xen-answers asks both the same questions.
# This is also the only test of the frontend's half of src/xen/xen-real.c.

need_project
expect_ok modprobe xen-gntalloc
xen-answers >/tmp/answers || fail "xen-answers: status $?"
expect_ok diff /host/xen-answers.expected /tmp/answers
note "$(wc -l </tmp/answers) answers are the same"
