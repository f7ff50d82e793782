# SPDX-License-Identifier: GPL-2.0-or-later
noinst_LIBRARIES += libcommon.a
libcommon_a_SOURCES = src/common/util.c src/common/util.h src/common/log.c src/common/log.h \
	src/common/loop.c src/common/loop.h src/common/hctl.c include/pvscsi/hctl.h \
	src/common/xenbus.c src/common/xenbus.h \
	src/common/worker-msg.c include/pvscsi/worker-proto.h include/pvscsi/journal.h include/pvscsi/stats.h

noinst_LIBRARIES += libpvxen.a
libpvxen_a_SOURCES = src/common/xen.h src/common/xen-real.c src/common/xen-mock.c \
	src/common/xen-mock-call.c src/common/xen-mock-call.h src/common/xen-mock-proto.h
libpvxen_a_CFLAGS = $(AM_CFLAGS) $(XENGNTTAB_CFLAGS) $(XENEVTCHN_CFLAGS)
XEN_LIBS = libpvxen.a $(XENGNTTAB_LIBS) $(XENEVTCHN_LIBS)
COMMON_LIBS = libcommon.a $(XENTOOLLOG_LIBS)
