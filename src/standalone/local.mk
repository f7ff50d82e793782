# SPDX-License-Identifier: GPL-2.0-or-later
# What only standalone mode needs: the mock hypervisor's client, and the emulated disk.
noinst_LIBRARIES += libstandalone.a
libstandalone_a_SOURCES = src/standalone/xen-mock.h src/standalone/xen-mock.c \
	src/standalone/xen-mock-call.h src/standalone/xen-mock-call.c src/standalone/xen-mock-proto.h
libstandalone_a_CFLAGS = $(AM_CFLAGS) $(XENGNTTAB_CFLAGS)

noinst_LIBRARIES += libfiledisk.a
libfiledisk_a_SOURCES = src/standalone/filedisk.h src/standalone/filedisk.c \
	src/standalone/filedisk-pages.h src/standalone/filedisk-pages.c
