# SPDX-License-Identifier: GPL-2.0-or-later
LIBFUZZERS =
# The unit tests: the only programs that need libcheck.
unit_checks =
include tests/scsi.mk
include tests/worker.mk
include tests/pr.mk
include tests/control.mk
include tests/pvscsictl.mk
include tests/mockxen.mk
if HAVE_CHECK
check_PROGRAMS += $(unit_checks)
TESTS += $(unit_checks)
else
check-local:
	@echo "The unit tests were left out, because this is configured without libcheck >= 0.15 (on Debian: apt-get install check)."
endif
include tests/mock.mk
include tests/toolstack.mk
include tests/packaging.mk

noinst_PROGRAMS += $(LIBFUZZERS)
# For tools/check: the fuzzers and what they link.
fuzzers: $(LIBFUZZERS)
.PHONY: fuzzers
