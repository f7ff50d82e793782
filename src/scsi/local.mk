# SPDX-License-Identifier: GPL-2.0-or-later
noinst_LIBRARIES += libscsi.a
libscsi_a_SOURCES = src/scsi/scsi.h src/scsi/types.h src/scsi/opcodes.h src/scsi/bytes.h src/scsi/sense.h \
	src/scsi/sense.c \
	src/scsi/outcome.c src/scsi/notable.c src/scsi/split.h src/scsi/split.c src/scsi/left.h src/scsi/left.c \
	src/scsi/decide.c src/scsi/filter.c src/scsi/cdb-table.h src/scsi/cdb-table.c src/scsi/luns.c \
	src/scsi/rules.h src/scsi/rules.c src/scsi/policy.c
doc_pages += docs/scsi.md docs/policy.md
