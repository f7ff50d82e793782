# SPDX-License-Identifier: GPL-2.0-or-later
# What is pure, so that unit tests link it too.
noinst_LIBRARIES += libpvscsictl.a
libpvscsictl_a_SOURCES = tools/pvscsictl/metrics.c tools/pvscsictl/metrics.h tools/pvscsictl/events-text.c \
	tools/pvscsictl/events.h tools/pvscsictl/top-table.c tools/pvscsictl/top-table.h
libpvscsictl_a_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tools

sbin_PROGRAMS += pvscsictl
pvscsictl_SOURCES = tools/pvscsictl/pvscsictl.c tools/pvscsictl/client.c tools/pvscsictl/client.h \
	tools/pvscsictl/events.c tools/pvscsictl/render.c tools/pvscsictl/render.h \
	tools/pvscsictl/top.c tools/pvscsictl/top.h tools/pvscsictl/top-screen.c \
	tools/pvscsictl/top-look.c tools/pvscsictl/top-look.h
pvscsictl_CFLAGS = $(AM_CFLAGS) $(NCURSES_CFLAGS)
pvscsictl_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tools
pvscsictl_LDADD = libpvscsictl.a libcommon.a $(JSONC_LIBS) $(NCURSES_LIBS)
