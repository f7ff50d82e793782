# SPDX-License-Identifier: GPL-2.0-or-later
# Pages that name directories say where this build has them; edit_dirs: xl-scripts/local.mk.
man_MANS += docs/pvscsid.8 docs/pvscsid.conf.5
dist_man_MANS += docs/pvscsictl.8
dist_doc_DATA = docs/grafana-dashboard.json
EXTRA_DIST += docs/pvscsid.8.in docs/pvscsid.conf.5.in
CLEANFILES += docs/pvscsid.8 docs/pvscsid.conf.5

docs/pvscsid.8: docs/pvscsid.8.in Makefile
	$(AM_V_GEN)$(MKDIR_P) docs && $(edit_dirs) $(srcdir)/$@.in >$@.tmp && mv $@.tmp $@
docs/pvscsid.conf.5: docs/pvscsid.conf.5.in Makefile
	$(AM_V_GEN)$(MKDIR_P) docs && $(edit_dirs) $(srcdir)/$@.in >$@.tmp && mv $@.tmp $@
