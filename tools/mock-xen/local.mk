# SPDX-License-Identifier: GPL-2.0-or-later
bin_PROGRAMS += mock-xen
# The parts that are tested without sockets.
noinst_LIBRARIES += libmockxen.a
libmockxen_a_SOURCES = tools/mock-xen/store.c tools/mock-xen/store.h tools/mock-xen/txn.c tools/mock-xen/txn.h \
	tools/mock-xen/faults.c tools/mock-xen/faults.h
mock_xen_SOURCES = tools/mock-xen/main.c tools/mock-xen/mock.h tools/mock-xen/conn.c tools/mock-xen/xs.c \
	tools/mock-xen/watch.c tools/mock-xen/domain.c tools/mock-xen/grants.c tools/mock-xen/ports.c \
	tools/mock-xen/mx.c tools/mock-xen/control.c tools/mock-xen/client.c src/standalone/xen-mock-proto.h
mock_xen_LDADD = libmockxen.a $(COMMON_LIBS) $(XENSTORE_LIBS)
dist_man_MANS += docs/mock-xen.1
