# SPDX-License-Identifier: GPL-2.0-or-later
noinst_LIBRARIES += libscsi.a
libscsi_a_SOURCES = src/scsi/scsi.h src/scsi/sense.c src/scsi/decide.c src/scsi/filter.c \
	src/scsi/bytes.h src/scsi/cdb-table.h src/scsi/cdb-table.c src/scsi/luns.c \
	src/scsi/filedisk.c src/scsi/filedisk-pages.h src/scsi/filedisk-pages.c
EXTRA_DIST += docs/scsi.md
