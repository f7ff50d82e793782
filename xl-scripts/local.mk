# SPDX-License-Identifier: GPL-2.0-or-later
# Scripts and files for the system. Where they go can be said at `make install`, as with any directory.
unitdir = $(prefix)/lib/systemd/system
modprobedir = $(prefix)/lib/modprobe.d
modulesloaddir = $(prefix)/lib/modules-load.d
bashcompletiondir = $(datadir)/bash-completion/completions
zshcompletiondir = $(datadir)/zsh/site-functions
shimdir = $(libexecdir)/xen-pvscsi

shim_SCRIPTS = xl-scripts/xl xl-scripts/libvirt-hook
unit_DATA = xl-scripts/pvscsid.service xl-scripts/xl-scsi-watch.service
dist_modprobe_DATA = xl-scripts/xen-pvscsi.conf
dist_modulesload_DATA = xl-scripts/modules-load.d/xen-pvscsi.conf
# An example: what is in sysconfdir belongs to the administrator, or to a package.
doc_DATA = xl-scripts/pvscsid.conf
XL_SCRIPTS_IN = xl-scripts/xl.in xl-scripts/libvirt-hook.in xl-scripts/pvscsid.service.in \
	xl-scripts/xl-scsi-watch.service.in xl-scripts/pvscsid.conf.in
# Both shells look for a file of the command's name. Each is whole, so that each package has what it needs.
bashcompletion_DATA = xl-scripts/completion/bash/pvscsid xl-scripts/completion/bash/pvscsictl \
	xl-scripts/completion/bash/xl-scsi xl-scripts/completion/bash/mock-xen xl-scripts/completion/bash/vscsi-front
zshcompletion_DATA = xl-scripts/completion/zsh/_pvscsid xl-scripts/completion/zsh/_pvscsictl \
	xl-scripts/completion/zsh/_xl-scsi xl-scripts/completion/zsh/_mock-xen xl-scripts/completion/zsh/_vscsi-front
COMPLETION_IN = xl-scripts/completion/words.sh xl-scripts/completion/complete.bash.in \
	xl-scripts/completion/complete.zsh.in
EXTRA_DIST += $(XL_SCRIPTS_IN) $(COMPLETION_IN)
CLEANFILES += xl-scripts/xl xl-scripts/libvirt-hook xl-scripts/pvscsid.service xl-scripts/xl-scsi-watch.service \
	xl-scripts/pvscsid.conf $(bashcompletion_DATA) $(zshcompletion_DATA)

# Directories as make has them: configure's are not expanded yet.
edit_dirs = sed -e 's|@sbindir[@]|$(sbindir)|g' -e 's|@pkgdatadir[@]|$(pkgdatadir)|g' -e 's|@libexecdir[@]|$(libexecdir)|g' \
	-e 's|@sysconfdir[@]|$(sysconfdir)|g' -e 's|@localstatedir[@]|$(localstatedir)|g'

xl-scripts/xl: xl-scripts/xl.in Makefile
	$(AM_V_GEN)$(MKDIR_P) xl-scripts && $(edit_dirs) $(srcdir)/xl-scripts/xl.in >$@.tmp && chmod +x $@.tmp && mv \
	$@.tmp $@
xl-scripts/libvirt-hook: xl-scripts/libvirt-hook.in Makefile
	$(AM_V_GEN)$(MKDIR_P) xl-scripts && $(edit_dirs) $(srcdir)/$@.in >$@.tmp && chmod +x $@.tmp && mv $@.tmp $@
xl-scripts/pvscsid.service: xl-scripts/pvscsid.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) xl-scripts && $(edit_dirs) $(srcdir)/$@.in >$@.tmp && mv $@.tmp $@
xl-scripts/xl-scsi-watch.service: xl-scripts/xl-scsi-watch.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) xl-scripts && $(edit_dirs) $(srcdir)/$@.in >$@.tmp && mv $@.tmp $@
xl-scripts/pvscsid.conf: xl-scripts/pvscsid.conf.in Makefile
	$(AM_V_GEN)$(MKDIR_P) xl-scripts && $(edit_dirs) $(srcdir)/$@.in >$@.tmp && mv $@.tmp $@

# xl-scsi's file is for xl, too: the shim's commands. words.sh has the line of the licence for both parts.
completion_edit = sed -e '/^\# SPDX/d' -e 's|@sbindir[@]|$(sbindir)|g' -e "s|@NAMES[@]|$$names|g"
completion_words = $(srcdir)/xl-scripts/completion/words.sh
completion_names = names=`basename $@ | sed 's/^_//; s/^xl-scsi$$/xl-scsi xl/'`
$(bashcompletion_DATA): $(COMPLETION_IN) Makefile
	$(AM_V_GEN)$(MKDIR_P) xl-scripts/completion/bash && $(completion_names) && (grep SPDX $(completion_words) && \
	$(completion_edit) $(completion_words) $(srcdir)/xl-scripts/completion/complete.bash.in) >$@.tmp && mv $@.tmp $@
$(zshcompletion_DATA): $(COMPLETION_IN) Makefile
	$(AM_V_GEN)$(MKDIR_P) xl-scripts/completion/zsh && $(completion_names) && (echo "#compdef $$names" && \
	grep SPDX $(completion_words) && \
	$(completion_edit) $(completion_words) $(srcdir)/xl-scripts/completion/complete.zsh.in) >$@.tmp && mv $@.tmp $@
