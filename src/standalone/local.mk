# SPDX-License-Identifier: GPL-2.0-or-later
# What only standalone mode needs.
noinst_LIBRARIES += libstandalone.a
libstandalone_a_SOURCES = src/standalone/xen-mock.h src/standalone/xen-mock.c \
	src/standalone/xen-mock-call.h src/standalone/xen-mock-call.c src/standalone/xen-mock-proto.h
libstandalone_a_CFLAGS = $(AM_CFLAGS) $(XENGNTTAB_CFLAGS)
