# SPDX-License-Identifier: GPL-2.0-or-later
dist_man_MANS += docs/xl-scsi.8 docs/vscsi.7
