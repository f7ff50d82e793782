# SPDX-License-Identifier: GPL-2.0-or-later
# Allocations of the libraries under test go through the test, which lets them fail (alloc-fail.h).
ALLOC_FAIL_FLAGS = -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc -Wl,--wrap=strdup -Wl,--wrap=strndup

unit_checks += check_mockxen_store check_mockxen_faults
check_mockxen_store_SOURCES = tests/check_mockxen_store.c tests/alloc-fail.h
check_mockxen_store_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_mockxen_store_LDFLAGS = $(AM_LDFLAGS) $(ALLOC_FAIL_FLAGS)
check_mockxen_store_LDADD = libmockxen.a $(COMMON_LIBS) $(CHECK_LIBS)
check_mockxen_faults_SOURCES = tests/check_mockxen_faults.c tests/alloc-fail.h tests/must.h
check_mockxen_faults_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_mockxen_faults_LDFLAGS = $(AM_LDFLAGS) $(ALLOC_FAIL_FLAGS)
check_mockxen_faults_LDADD = libmockxen.a $(COMMON_LIBS) $(CHECK_LIBS)

unit_checks += check_mockxen_ops
check_mockxen_ops_SOURCES = tests/check_mockxen_ops.c tests/mockxen-server.h
check_mockxen_ops_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_mockxen_ops_LDADD = libstandalone.a $(XEN_LIBS) $(COMMON_LIBS) $(CHECK_LIBS)

unit_checks += check_mockxen_xs
check_mockxen_xs_SOURCES = tests/check_mockxen_xs.c tests/mockxen-client.h tests/mockxen-server.h tests/suite.h
check_mockxen_xs_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_mockxen_xs_LDADD = $(COMMON_LIBS) $(XENSTORE_LIBS) $(CHECK_LIBS)

unit_checks += check_mockxen_wire
check_mockxen_wire_SOURCES = tests/check_mockxen_wire.c tests/mockxen-client.h tests/mockxen-server.h tests/suite.h
check_mockxen_wire_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_mockxen_wire_LDADD = $(COMMON_LIBS) $(XENSTORE_LIBS) $(CHECK_LIBS)

dist_check_SCRIPTS += tests/test-mockxen-tools.sh
TESTS += tests/test-mockxen-tools.sh

noinst_PROGRAMS += xen-answers
xen_answers_SOURCES = tests/xen-answers.c
xen_answers_LDADD = libstandalone.a $(XEN_LIBS) $(COMMON_LIBS) $(XENSTORE_LIBS)
EXTRA_DIST += tests/xen-answers.expected
dist_check_SCRIPTS += tests/test-mockxen-answers.sh
TESTS += tests/test-mockxen-answers.sh
