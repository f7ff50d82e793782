# SPDX-License-Identifier: GPL-2.0-or-later
doc_pages += docs/libvirt.md
dist_man_MANS += docs/xl-scsi.8 docs/vscsi.7
