# SPDX-License-Identifier: GPL-2.0-or-later
# Everything but main(), so that unit tests link it too.
noinst_LIBRARIES += libcontrol.a
libcontrol_a_SOURCES = src/control/options.h src/control/options.c \
	src/control/store.h src/control/store.c src/control/run-files.h src/control/run-files.c \
	src/control/vhost-table.h src/control/vhost-table.c src/control/lun-table.h src/control/lun-table.c \
	src/control/presence.h src/control/presence.c src/control/remember.h src/control/remember.c \
	src/control/away.h src/control/away.c \
	src/control/claims.h src/control/claims.c src/control/readings.h src/control/readings.c \
	src/control/giveback.h src/control/giveback.c \
	src/control/supervise.h src/control/supervise.c src/control/offload.h src/control/offload.c \
	src/control/model.h src/control/model.c src/control/nodes.h src/control/nodes.c src/control/scan.h \
	src/control/scan.c \
	src/control/events.h src/control/events.c src/control/news.h src/control/news.c src/control/places.h src/control/places.c src/control/shared.h src/control/shared.c src/control/at-work.h \
	src/control/at-work.c src/control/helper-link.h src/control/helper-link.c src/control/ended.h src/control/ended.c src/control/worker-link.h src/control/worker-link.c src/control/reset.h \
	src/control/reset.c src/control/orphans.h src/control/orphans.c \
	src/control/opening.h src/control/opening.c src/control/wish.h src/control/wish.c \
	src/control/change.h src/control/change.c src/control/policy.h \
	src/control/policy.c src/control/vdev.h \
	src/control/vdev.c src/control/vhost.h src/control/vhost.c src/control/host.h src/control/host.c \
	src/control/sandbox.h src/control/sandbox.c src/control/sandbox-nodes.h src/control/sandbox-nodes.c \
	src/control/report.c src/control/policy-report.c src/control/ctlsock.h src/control/ctlsock.c
libcontrol_a_CPPFLAGS = $(AM_CPPFLAGS) -DLOCALSTATEDIR='"$(localstatedir)"' $(CONFUSE_CFLAGS) $(CAPNG_CFLAGS)
CONTROL_LIBS = libcontrol.a libdevice.a libscsi.a $(COMMON_LIBS) $(XENSTORE_LIBS) $(CONFUSE_LIBS) $(JSONC_LIBS)

sbin_PROGRAMS += pvscsid
pvscsid_SOURCES = src/control/main.c
pvscsid_LDADD = libcontrol.a libdevice.a $(WORKER_LIBS) libstandalone.a $(COMMON_LIBS) $(XEN_LIBS) libcommon.a \
	$(SGUTILS_LIBS) \
	$(XENSTORE_LIBS) $(CONFUSE_LIBS) $(JSONC_LIBS) -lpthread
