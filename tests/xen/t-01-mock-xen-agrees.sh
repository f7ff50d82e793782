# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash source=lib/dom0.sh disable=SC2154
# about: xenstored, gntdev, gntalloc and evtchn answer as mock-xen is tested to answer
# timeout: 60
# The mock tests are only worth something if mock-xen answers as Xen does. xen-answers asks both the same questions.
# This is also the only test of the frontend's half of src/xen/xen-real.c.

need_project
expect_ok modprobe xen-gntalloc
xen-answers >/tmp/answers || fail "xen-answers: status $?"
# What xenstored answers since a version between 4.17 and 4.20. The daemon and the tools do nothing of this kind.
case $("$REAL_XL" info xen_minor) in
17) cp /host/xen-answers.expected /tmp/expected ;;
*)
    sed 's/^perms @releaseDomain: EINVAL$/perms @releaseDomain: 1 entries, domain 0 may 0/
        s/^perms @introduceDomain: EINVAL$/perms @introduceDomain: 1 entries, domain 0 may 0/
        s/^perms @other: EINVAL$/perms @other: ENOENT/
        s/^chmod @other n0: EINVAL$/chmod @other n0: ENOENT/
        s/^unwatch of bad path: ENOENT$/unwatch of bad path: EINVAL/
        s/^\(relative path\|path\) of 2049: EINVAL$/\1 of 2049: ok/' /host/xen-answers.expected >/tmp/expected
    ;;
esac
expect_ok diff /tmp/expected /tmp/answers
note "$(wc -l </tmp/answers) answers are the same"
