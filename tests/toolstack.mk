# SPDX-License-Identifier: GPL-2.0-or-later
# What xl-scsi's tests talk to: backend and guest as states only.
check_PROGRAMS += fake-peers
fake_peers_SOURCES = tests/fake-peers.c
fake_peers_LDADD = $(COMMON_LIBS) $(XENSTORE_LIBS)
# ... and what their played xl has its lock by.
check_PROGRAMS += with-posix-lock
with_posix_lock_SOURCES = tests/with-posix-lock.c
# xl-scsi itself, over a hypervisor that is a directory: its objects come before the library's hyp.o.
check_PROGRAMS += xl-scsi-fake-hyp
xl_scsi_fake_hyp_SOURCES = $(xl_scsi_SOURCES) tests/fake-hyp.c
xl_scsi_fake_hyp_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tools
xl_scsi_fake_hyp_CFLAGS = $(xl_scsi_CFLAGS)
xl_scsi_fake_hyp_LDADD = $(xl_scsi_LDADD)

toolstack_checks = check_settings check_vscsi_syntax check_xl_args check_vscsi_config check_inuse check_made check_scan
unit_checks += $(toolstack_checks)
TOOLSTACK_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tools

check_vscsi_syntax_SOURCES = tests/check_vscsi_syntax.c tests/alloc-fail.h
check_vscsi_syntax_CPPFLAGS = $(TOOLSTACK_CPPFLAGS)
check_vscsi_syntax_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_vscsi_syntax_LDFLAGS = $(AM_LDFLAGS) $(ALLOC_FAIL_FLAGS)
check_vscsi_syntax_LDADD = libvscsisyntax.a libscsi.a libdevice.a $(COMMON_LIBS) $(CHECK_LIBS)
check_settings_SOURCES = tests/check_settings.c tests/suite.h tests/alloc-fail.h
check_settings_CPPFLAGS = $(TOOLSTACK_CPPFLAGS)
check_settings_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_settings_LDFLAGS = $(AM_LDFLAGS) $(ALLOC_FAIL_FLAGS)
check_settings_LDADD = libvscsisyntax.a libscsi.a libdevice.a $(COMMON_LIBS) $(CHECK_LIBS)
check_xl_args_SOURCES = tests/check_xl_args.c
check_xl_args_CPPFLAGS = $(TOOLSTACK_CPPFLAGS)
check_xl_args_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_xl_args_LDADD = libvscsisyntax.a libscsi.a libdevice.a $(COMMON_LIBS) $(CHECK_LIBS)
check_vscsi_config_SOURCES = tests/check_vscsi_config.c
check_vscsi_config_CPPFLAGS = $(TOOLSTACK_CPPFLAGS)
check_vscsi_config_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_vscsi_config_LDADD = $(XL_SCSI_LIBS) $(CHECK_LIBS)
check_made_SOURCES = tests/check_made.c
check_made_CPPFLAGS = $(TOOLSTACK_CPPFLAGS)
check_made_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_made_LDADD = $(XL_SCSI_LIBS) $(CHECK_LIBS)
check_scan_SOURCES = tests/check_scan.c tests/made-sysfs.h tests/suite.h tests/wrapped.h
check_scan_CPPFLAGS = $(TOOLSTACK_CPPFLAGS)
check_scan_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_scan_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=open,--wrap=__open_2,--wrap=open64,--wrap=__open64_2
check_scan_LDADD = $(XL_SCSI_LIBS) $(CHECK_LIBS)
check_inuse_SOURCES = tests/check_inuse.c
check_inuse_CPPFLAGS = $(TOOLSTACK_CPPFLAGS)
check_inuse_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_inuse_LDADD = $(XL_SCSI_LIBS) $(CHECK_LIBS)

toolstack_tests = \
	tests/test-a-guest-waits-for-a-device-that-it-requires.sh \
	tests/test-a-paused-guest-gets-its-devices-when-it-runs-again.sh \
	tests/test-a-driver-domain-says-that-its-quota-is-used-up.sh \
	tests/test-a-driver-domain-serves-many-devices-within-its-quota.sh \
	tests/test-a-killed-detach-can-be-repeated.sh \
	tests/test-a-change-of-a-storming-guest-ends-in-its-time.sh \
	tests/test-a-change-without-a-daemon-says-so-in-ten-seconds.sh \
	tests/test-a-device-is-tried-again-when-its-backend-returns.sh \
	tests/test-a-missing-device-is-tried-again.sh \
	tests/test-fifty-guests-reboot-together.sh \
	tests/test-forty-attaches-at-once-all-succeed.sh \
	tests/test-an-attach-costs-the-same-with-many-guests.sh \
	tests/test-one-more-device-of-a-create-costs-the-same.sh \
	tests/test-concurrent-xl-scsi-do-not-collide.sh \
	tests/test-re-made-domains-get-their-devices-back.sh \
	tests/test-libvirts-guests-get-their-devices.sh \
	tests/test-a-signal-ends-the-xl-shim-and-its-guest.sh \
	tests/test-the-xl-shim-gives-a-guest-its-devices-before-it-runs.sh \
	tests/test-the-xl-shim-has-the-scsi-commands.sh \
	tests/test-the-xl-shim-leaves-no-guest-when-something-fails.sh \
	tests/test-the-xl-shim-never-harms-another-domain.sh \
	tests/test-the-xl-shim-passes-on-what-is-not-its-own.sh \
	tests/test-xl-scsi-escapes-what-backends-write.sh \
	tests/test-xl-scsi-is-documented.sh \
	tests/test-xl-scsi-knows-others-nodes.sh \
	tests/test-xl-scsi-locks-hold-nobody-up.sh \
	tests/test-xl-scsi-says-when-no-frontend-answers.sh \
	tests/test-xl-scsi-survives-a-failing-xenstored.sh \
	tests/test-xl-scsi-undoes-what-fails.sh \
	tests/test-xl-scsi-watch-never-leaves-a-guest-paused.sh \
	tests/test-xl-scsi-writes-what-a-toolstack-must.sh
TESTS += $(toolstack_tests)
dist_check_SCRIPTS += $(toolstack_tests)
EXTRA_DIST += tests/toolstack-lib.sh tests/played-xl.sh tests/watch-lib.sh tests/many-lib.sh
