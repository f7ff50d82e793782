# SPDX-License-Identifier: GPL-2.0-or-later
# What is installed and shipped, and how the installed daemon starts.
packaging_tests = \
	tests/test-the-background-daemon-has-its-log.sh \
	tests/test-the-tarball-is-complete.sh \
	tests/test-the-unit-files-are-right.sh \
	tests/test-tools-check-knows-every-file.sh
TESTS += $(packaging_tests)
dist_check_SCRIPTS += $(packaging_tests)
# The whole directory: nothing in it is built here.
EXTRA_DIST += tests/xen tests/timed
