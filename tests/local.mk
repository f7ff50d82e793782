# SPDX-License-Identifier: GPL-2.0-or-later
LIBFUZZERS =
include tests/scsi.mk
include tests/worker.mk
include tests/pr.mk
include tests/control.mk
include tests/mockxen.mk
include tests/mock.mk
include tests/toolstack.mk
include tests/packaging.mk

noinst_PROGRAMS += $(LIBFUZZERS)
# For tools/check: the fuzzers and what they link.
fuzzers: $(LIBFUZZERS)
.PHONY: fuzzers
