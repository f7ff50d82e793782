# SPDX-License-Identifier: GPL-2.0-or-later
sbin_PROGRAMS += pvscsictl
pvscsictl_SOURCES = tools/pvscsictl/pvscsictl.c tools/pvscsictl/render.c tools/pvscsictl/render.h
pvscsictl_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tools
pvscsictl_LDADD = libcommon.a $(JSONC_LIBS)
