# SPDX-License-Identifier: GPL-2.0-or-later
bin_PROGRAMS += mock-xen
# The parts that are tested without sockets.
noinst_LIBRARIES += libmockxen.a
libmockxen_a_SOURCES = tools/mock-xen/path.c tools/mock-xen/path.h tools/mock-xen/tree.c tools/mock-xen/tree.h \
	tools/mock-xen/txn.c tools/mock-xen/txn.h tools/mock-xen/faults.c tools/mock-xen/faults.h
# All but main(), for the fuzzer too.
MOCK_XEN_SOURCES = tools/mock-xen/mock.h tools/mock-xen/mock.c tools/mock-xen/conn.c tools/mock-xen/out.c \
	tools/mock-xen/xs.c tools/mock-xen/mx.c tools/mock-xen/watches.c tools/mock-xen/domain.c \
	tools/mock-xen/memory.c tools/mock-xen/grants.c tools/mock-xen/ports.c tools/mock-xen/control.c
mock_xen_SOURCES = $(MOCK_XEN_SOURCES) tools/mock-xen/main.c tools/mock-xen/client.c
mock_xen_LDADD = libmockxen.a $(COMMON_LIBS) $(XENSTORE_LIBS)
dist_man_MANS += docs/mock-xen.1
