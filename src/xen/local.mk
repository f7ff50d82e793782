# SPDX-License-Identifier: GPL-2.0-or-later
noinst_LIBRARIES += libpvxen.a
libpvxen_a_SOURCES = src/xen/xen-ops.h src/xen/xen-real.c
libpvxen_a_CFLAGS = $(AM_CFLAGS) $(XENGNTTAB_CFLAGS) $(XENEVTCHN_CFLAGS)
XEN_LIBS = libpvxen.a $(XENGNTTAB_LIBS) $(XENEVTCHN_LIBS)
