# SPDX-License-Identifier: GPL-2.0-or-later
# What pvscsictl makes of the daemon's answers.
pvscsictl_checks = check_metrics
check_PROGRAMS += $(pvscsictl_checks)
TESTS += $(pvscsictl_checks)
check_metrics_SOURCES = tests/check_metrics.c tests/suite.h
check_metrics_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tools
check_metrics_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_metrics_LDADD = libpvscsictl.a libcommon.a $(JSONC_LIBS) $(CHECK_LIBS)
EXTRA_DIST += tests/metrics-read.py
