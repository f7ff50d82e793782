# SPDX-License-Identifier: GPL-2.0-or-later
include docs/control.mk
include docs/toolstack.mk
include docs/pr.mk
EXTRA_DIST += docs/architecture.md docs/performance.md docs/testing.md
