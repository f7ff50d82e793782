# SPDX-License-Identifier: GPL-2.0-or-later
# What is installed and shipped, and how the installed daemon starts.
packaging_tests = \
	tests/test-every-test-has-its-place.sh \
	tests/test-the-background-daemon-has-its-log.sh \
	tests/test-the-daemon-has-a-heart-beat.sh \
	tests/test-the-packages-hold-what-is-installed.sh \
	tests/test-the-tarball-is-complete.sh \
	tests/test-the-unit-files-are-right.sh \
	tests/test-the-units-are-enough-for-the-programs.sh \
	tests/test-tools-check-knows-every-file.sh
TESTS += $(packaging_tests)
dist_check_SCRIPTS += $(packaging_tests)
# The tree itself: what its pages say of its layers, its licence, its form.
tree_tests = \
	tests/test-calls-go-one-way.sh \
	tests/test-every-source-file-has-its-licence.sh \
	tests/test-every-state-has-one-writer.sh \
	tests/test-includes-go-one-way.sh \
	tests/test-long-files-say-why.sh \
	tests/test-the-confinement-is-as-documented.sh \
	tests/test-the-daemon-links-what-the-docs-list.sh \
	tests/test-the-examples-are-run.sh \
	tests/test-the-guides-are-true.sh \
	tests/test-the-messages-are-documented.sh \
	tests/test-the-pages-in-html-are-whole.sh \
	tests/test-the-paths-in-the-docs-exist.sh \
	tests/test-the-probes-are-documented.sh \
	tests/test-the-programs-are-hardened.sh \
	tests/test-the-programs-run-on-any-xen.sh \
	tests/test-the-speed-page-is-what-the-bench-prints.sh \
	tests/test-the-threat-model-names-its-tests.sh \
	tests/test-the-tree-is-formatted.sh \
	tests/test-the-version-has-one-source.sh
TESTS += $(tree_tests)
dist_check_SCRIPTS += $(tree_tests)
EXTRA_DIST += tests/wrapped.h tests/tree-lib.sh tests/circles.awk tests/valgrind.supp
# The whole directory: nothing in it is built here.
EXTRA_DIST += tests/xen tests/timed tests/package
