# SPDX-License-Identifier: GPL-2.0-or-later
include docs/control.mk
include docs/toolstack.mk
include docs/pr.mk
doc_pages += docs/architecture.md docs/confinement.md docs/performance.md docs/testing.md docs/threat-model.md \
	docs/tracing.md
doc_pages += docs/comparison.md docs/guide-troubleshooting.md docs/guide-tape-library.md docs/guide-burner.md \
	docs/guide-file-disk.md docs/guide-frontend-developers.md docs/guide-multipath.md docs/guide-cluster.md docs/guide-driver-domain.md \
	docs/guide-windows.md docs/guide-moving.md docs/guide-security.md
EXTRA_DIST += $(doc_pages)

# The pages in HTML, in the order of the index: `make html`, and `make install` if configure found the programs.
html_pages = README.md NEWS HACKING.md $(man_MANS) $(dist_man_MANS) $(doc_pages)
htmlpagesdir = $(docdir)/html
if HAVE_HTML
# For tests.
html_made = yes
all-local: docs/html.stamp
html-local: docs/html.stamp
docs/html.stamp: tools/docs-html $(html_pages) Makefile
	$(AM_V_GEN)$(MKDIR_P) docs && sh $(srcdir)/tools/docs-html docs/html $(srcdir) $(VERSION) $(html_pages) && touch $@
install-data-local: docs/html.stamp
	$(MKDIR_P) '$(DESTDIR)$(htmlpagesdir)' && $(INSTALL_DATA) docs/html/* '$(DESTDIR)$(htmlpagesdir)'
uninstall-local:
	rm -rf '$(DESTDIR)$(htmlpagesdir)'
else
html-local:
	@echo "make html needs mandoc and lowdown (on Debian: apt-get install mandoc lowdown); then run configure again." >&2
	@exit 1
endif
CLEANFILES += docs/html.stamp
clean-local:
	rm -rf docs/html

# Installed pages name the version: AC_INIT has it, the pages do not.
install-data-hook:
	@for page in $(man_MANS) $(dist_man_MANS); do \
		to=$(DESTDIR)$(mandir)/man$${page##*.}/$${page##*/}; \
		sed -e 's/^\.Os$$/.Os $(PACKAGE) $(VERSION)/' -e '/^\.TH /s/"$(PACKAGE)"/"$(PACKAGE) $(VERSION)"/' \
	$$to >$$to.tmp && \
		$(INSTALL_DATA) $$to.tmp $$to && rm -f $$to.tmp || exit 1; \
	done
