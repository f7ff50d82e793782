# SPDX-License-Identifier: GPL-2.0-or-later
# Scripts and files for the system. Where they go can be said at `make install`, as with any directory.
unitdir = $(prefix)/lib/systemd/system
modprobedir = $(prefix)/lib/modprobe.d
modulesloaddir = $(prefix)/lib/modules-load.d
completiondir = $(datadir)/bash-completion/completions
shimdir = $(libexecdir)/xen-pvscsi

shim_SCRIPTS = xl-scripts/xl xl-scripts/libvirt-hook
unit_DATA = xl-scripts/pvscsid.service xl-scripts/xl-scsi-watch.service
dist_modprobe_DATA = xl-scripts/xen-pvscsi.conf
dist_modulesload_DATA = xl-scripts/modules-load.d/xen-pvscsi.conf
# An example: what is in sysconfdir belongs to the administrator, or to a package.
doc_DATA = xl-scripts/pvscsid.conf
XL_SCRIPTS_IN = xl-scripts/xl.in xl-scripts/libvirt-hook.in xl-scripts/pvscsid.service.in \
	xl-scripts/xl-scsi-watch.service.in xl-scripts/pvscsid.conf.in
# Completion is looked up by the command's name.
dist_completion_DATA = xl-scripts/completion/xl-scsi
EXTRA_DIST += $(XL_SCRIPTS_IN)
CLEANFILES += xl-scripts/xl xl-scripts/libvirt-hook xl-scripts/pvscsid.service xl-scripts/xl-scsi-watch.service \
	xl-scripts/pvscsid.conf

# Directories as make has them: configure's are not expanded yet.
edit_dirs = sed -e 's|@sbindir[@]|$(sbindir)|g' -e 's|@libexecdir[@]|$(libexecdir)|g' \
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
