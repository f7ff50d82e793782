# SPDX-License-Identifier: GPL-2.0-or-later
# The pure part, apart: its tests link nothing else.
noinst_LIBRARIES += libvscsisyntax.a
libvscsisyntax_a_SOURCES = tools/xl-scsi/syntax.c tools/xl-scsi/syntax.h \
	tools/xl-scsi/settings.c tools/xl-scsi/settings.h \
	tools/xl-scsi/xl-args.c tools/xl-scsi/xl-args.h

# The rest without main(), for the tests too.
noinst_LIBRARIES += libxlscsi.a
libxlscsi_a_SOURCES = tools/xl-scsi/xenstore.c tools/xl-scsi/xenstore.h tools/xl-scsi/view.c tools/xl-scsi/view.h \
	tools/xl-scsi/attach.c tools/xl-scsi/attach.h tools/xl-scsi/place.c tools/xl-scsi/place.h \
	tools/xl-scsi/detach.c tools/xl-scsi/detach.h tools/xl-scsi/set.c tools/xl-scsi/set.h \
	tools/xl-scsi/change.c tools/xl-scsi/change.h tools/xl-scsi/progress.c tools/xl-scsi/progress.h \
	tools/xl-scsi/list.c tools/xl-scsi/list.h tools/xl-scsi/show.c tools/xl-scsi/show.h \
	tools/xl-scsi/scan.c tools/xl-scsi/scan-show.c tools/xl-scsi/scan.h tools/xl-scsi/hyp.c tools/xl-scsi/hyp.h \
	tools/xl-scsi/xen-libs.c tools/xl-scsi/xen-libs.h \
	tools/xl-scsi/cfg.c tools/xl-scsi/cfg.h tools/xl-scsi/made.c tools/xl-scsi/made.h tools/xl-scsi/inuse.c \
	tools/xl-scsi/inuse.h tools/xl-scsi/units.c tools/xl-scsi/units.h tools/xl-scsi/lookup.c \
	tools/xl-scsi/lookup.h \
	tools/xl-scsi/remember.c tools/xl-scsi/remember.h tools/xl-scsi/run.c tools/xl-scsi/run.h \
	tools/xl-scsi/real-xl.c tools/xl-scsi/real-xl.h \
	tools/xl-scsi/userdata.c tools/xl-scsi/userdata.h tools/xl-scsi/expected.c tools/xl-scsi/expected.h \
	tools/xl-scsi/wanted.c tools/xl-scsi/wanted.h
libxlscsi_a_CFLAGS = $(AM_CFLAGS) $(XENLIGHT_CFLAGS) $(XENCONTROL_CFLAGS) $(XLUTIL_CFLAGS)
XL_SCSI_LIBS = libxlscsi.a libvscsisyntax.a libscsi.a libdevice.a $(COMMON_LIBS) $(XENSTORE_LIBS) $(JSONC_LIBS) $(SGUTILS_LIBS)

sbin_PROGRAMS += xl-scsi
xl_scsi_SOURCES = tools/xl-scsi/main.c tools/xl-scsi/commands.c tools/xl-scsi/commands.h \
	tools/xl-scsi/watch.c tools/xl-scsi/xl.c tools/xl-scsi/start.c tools/xl-scsi/start.h
xl_scsi_LDADD = $(XL_SCSI_LIBS)
