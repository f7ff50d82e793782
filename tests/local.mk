# SPDX-License-Identifier: GPL-2.0-or-later
include tests/scsi.mk
include tests/worker.mk
include tests/pr.mk
include tests/control.mk
include tests/mockxen.mk
include tests/mock.mk
include tests/toolstack.mk
include tests/packaging.mk
