# SPDX-License-Identifier: GPL-2.0-or-later
noinst_LIBRARIES += libcommon.a
libcommon_a_SOURCES = src/common/util.c src/common/util.h src/common/log.c src/common/log.h \
	src/common/log-line.c src/common/log-line.h \
	src/common/linux-calls.h src/common/loop.c src/common/loop.h src/common/notify.c src/common/notify.h src/common/hctl.c include/pvscsi/hctl.h \
	src/common/limits.c include/pvscsi/limits.h \
	src/common/xenbus.c src/common/xenbus.h src/common/trace.h \
	src/common/sense-text.c src/common/sense-text.h \
	src/common/worker-msg.c include/pvscsi/worker-proto.h include/pvscsi/journal.h include/pvscsi/stats.h \
	include/pvscsi/vscsiif.h
COMMON_LIBS = libcommon.a $(XENTOOLLOG_LIBS)
