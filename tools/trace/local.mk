# SPDX-License-Identifier: GPL-2.0-or-later
# Scripts for bpftrace; docs/tracing.md. edit_dirs: xl-scripts/local.mk.
TRACE_FILES = tools/trace/errors.bt tools/trace/latency.bt
pkgdata_DATA = $(TRACE_FILES)
EXTRA_DIST += tools/trace/errors.bt.in tools/trace/latency.bt.in
CLEANFILES += $(TRACE_FILES)

tools/trace/errors.bt: tools/trace/errors.bt.in Makefile
	$(AM_V_GEN)$(MKDIR_P) tools/trace && $(edit_dirs) $(srcdir)/$@.in >$@.tmp && mv $@.tmp $@
tools/trace/latency.bt: tools/trace/latency.bt.in Makefile
	$(AM_V_GEN)$(MKDIR_P) tools/trace && $(edit_dirs) $(srcdir)/$@.in >$@.tmp && mv $@.tmp $@
