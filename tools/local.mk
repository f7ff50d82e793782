# SPDX-License-Identifier: GPL-2.0-or-later
include tools/mock-xen/local.mk
include tools/pvscsictl/local.mk
include tools/xl-scsi/local.mk
include tools/vscsi-front/local.mk
include tools/trace/local.mk
EXTRA_DIST += tools/bench tools/changes.sh tools/check tools/check-platforms tools/docs-html tools/fuzz \
	tools/install-deps tools/lib.sh tools/package
