# SPDX-License-Identifier: GPL-2.0-or-later
include docs/control.mk
include docs/toolstack.mk
include docs/pr.mk
EXTRA_DIST += docs/architecture.md docs/confinement.md docs/performance.md docs/testing.md docs/threat-model.md

# Installed pages name the version: AC_INIT has it, the pages do not.
install-data-hook:
	@for page in $(man_MANS) $(dist_man_MANS); do \
		to=$(DESTDIR)$(mandir)/man$${page##*.}/$${page##*/}; \
		sed -e 's/^\.Os$$/.Os $(PACKAGE) $(VERSION)/' -e '/^\.TH /s/"$(PACKAGE)"/"$(PACKAGE) $(VERSION)"/' \
	$$to >$$to.tmp && \
		$(INSTALL_DATA) $$to.tmp $$to && rm -f $$to.tmp || exit 1; \
	done
