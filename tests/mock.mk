# SPDX-License-Identifier: GPL-2.0-or-later
# Programs against each other over mock-xen; one behaviour a script, each in a directory of its own.
# The long ones first: with several at a time, that ends soonest.
mock_tests = \
	tests/test-faults-of-xenstore-cost-a-guest-nothing.sh \
	tests/test-faults-of-the-hypervisor-cost-a-guest-nothing.sh \
	tests/test-faults-at-the-daemons-start-are-survived.sh \
	tests/test-faults-at-a-guests-death-leave-nothing.sh \
	tests/test-buffers-are-granted-within-a-budget.sh \
	tests/test-a-killed-worker-costs-no-request.sh \
	tests/test-a-device-that-returns-works-again.sh \
	tests/test-the-daemon-restarts-under-load.sh \
	tests/test-malformed-requests-are-refused.sh \
	tests/test-events-without-requests-cost-little.sh \
	tests/test-hotplug-adds-and-removes-luns-under-load.sh \
	tests/test-a-storm-of-xenstore-writes-harms-nobody.sh \
	tests/test-bad-xenstore-values-are-refused.sh \
	tests/test-the-daemon-outlives-its-xenstored.sh \
	tests/test-a-million-mistakes-leave-no-trace.sh \
	tests/test-a-thousand-luns-are-there-at-once.sh \
	tests/test-a-broken-ring-halts-only-itself.sh \
	tests/test-a-failed-attach-leaves-nothing-behind.sh \
	tests/test-a-frontend-may-restart.sh \
	tests/test-a-guest-destroyed-in-mid-io-leaves-nothing.sh \
	tests/test-a-guest-gets-the-same-unit-or-none.sh \
	tests/test-a-guest-uses-and-returns-a-disk.sh \
	tests/test-a-reload-takes-over-what-can-change.sh \
	tests/test-options-of-a-device-change-under-its-guest.sh \
	tests/test-a-second-daemon-refuses-to-start.sh \
	tests/test-all-frontends-are-served.sh \
	tests/test-a-worker-is-confined.sh \
	tests/test-data-survives-any-size-and-alignment.sh \
	tests/test-pvscsictl-follows-what-happens.sh \
	tests/test-pvscsictl-is-what-its-manual-says.sh \
	tests/test-pvscsictl-shows-status-and-statistics.sh \
	tests/test-pvscsictl-top-shows-what-guests-do.sh \
	tests/test-the-metrics-are-what-collectors-read.sh \
	tests/test-the-policy-is-what-pvscsictl-shows.sh \
	tests/test-the-probes-tell-what-guests-do.sh \
	tests/test-three-guests-with-two-vhosts-of-four-luns.sh \
	tests/test-the-guide-for-frontends-is-true.sh \
	tests/test-the-manual-of-vscsi-front-is-complete.sh \
	tests/test-vscsi-front-has-a-prompt.sh \
	tests/test-words-are-completed.sh \
	tests/test-wrong-usage-is-refused-in-one-line.sh \
	tests/test-zsh-completes-the-same-words.sh
TESTS += $(mock_tests)
dist_check_SCRIPTS += $(mock_tests)
EXTRA_DIST += tests/mock-lib.sh tests/completion-lib.sh tests/faults-lib.sh tools/demo tools/vscsi-front/bench-native
