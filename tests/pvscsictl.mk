# SPDX-License-Identifier: GPL-2.0-or-later
# What pvscsictl makes of the daemon's answers.
pvscsictl_checks = check_metrics check_events check_top
unit_checks += $(pvscsictl_checks)
check_metrics_SOURCES = tests/check_metrics.c tests/suite.h
check_metrics_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tools
check_metrics_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_metrics_LDADD = libpvscsictl.a libcommon.a $(JSONC_LIBS) $(CHECK_LIBS)
check_events_SOURCES = tests/check_events.c tests/suite.h
check_events_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tools
check_events_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_events_LDADD = libpvscsictl.a $(JSONC_LIBS) $(CHECK_LIBS)
check_top_SOURCES = tests/check_top.c tests/suite.h
check_top_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tools
check_top_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_top_LDADD = libpvscsictl.a $(JSONC_LIBS) $(CHECK_LIBS)
EXTRA_DIST += tests/metrics-read.py
