# SPDX-License-Identifier: GPL-2.0-or-later
control_checks = check_vhost_table check_lun_table check_presence check_news check_notify check_log check_control_policy check_device \
	check_eh_time check_identity check_claim check_options check_option_pages \
	check_host_protocol check_host_refusals check_host_workers check_host_xenstore check_host_reports \
	check_host_at_work check_host_devices check_host_cost \
	check_host_change check_host_claim check_host_identity check_host_places check_host_supervise
unit_checks += $(control_checks)
check_vhost_table_SOURCES = tests/check_vhost_table.c
check_vhost_table_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_vhost_table_LDADD = libcontrol.a libcommon.a $(CHECK_LIBS)
check_lun_table_SOURCES = tests/check_lun_table.c
check_lun_table_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_lun_table_LDADD = libcontrol.a $(CHECK_LIBS)
check_presence_SOURCES = tests/check_presence.c
check_presence_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_presence_LDADD = libcontrol.a $(CHECK_LIBS)
check_log_SOURCES = tests/check_log.c tests/suite.h
check_log_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_log_LDADD = $(COMMON_LIBS) $(CHECK_LIBS)
check_news_SOURCES = tests/check_news.c tests/suite.h
check_news_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_news_LDADD = libcontrol.a libdevice.a $(COMMON_LIBS) $(JSONC_LIBS) $(CHECK_LIBS)
check_notify_SOURCES = tests/check_notify.c
check_notify_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_notify_LDADD = $(COMMON_LIBS) $(CHECK_LIBS)
check_control_policy_SOURCES = tests/check_control_policy.c tests/check_scsi.h
check_control_policy_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_control_policy_LDADD = libcontrol.a libscsi.a $(CHECK_LIBS)
check_device_SOURCES = tests/check_device.c tests/made-sysfs.h tests/suite.h
check_device_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_device_LDADD = libdevice.a libcommon.a $(SGUTILS_LIBS) $(CHECK_LIBS)
check_eh_time_SOURCES = tests/check_eh_time.c tests/suite.h
check_eh_time_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_eh_time_LDADD = libdevice.a libcommon.a $(CHECK_LIBS)
check_identity_SOURCES = tests/check_identity.c
check_identity_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_identity_LDADD = libdevice.a libcommon.a $(SGUTILS_LIBS) $(CHECK_LIBS)
check_claim_SOURCES = tests/check_claim.c
check_claim_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_claim_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=open,--wrap=__open_2,--wrap=stat \
	-Wl,--wrap=open64,--wrap=__open64_2,--wrap=stat64
check_claim_LDADD = libcontrol.a libdevice.a libcommon.a $(CHECK_LIBS) -lpthread
# Its own store.h and supervise.h stand before the library's.
HOST_FAKES = tests/host-fixture.h tests/suite.h tests/fake-control.c tests/fake-control.h
HOST_C_OPTIONS = $(AM_CFLAGS) $(CHECK_CFLAGS)
HOST_LINK_OPTIONS = $(AM_LDFLAGS) -Wl,--wrap=device_open,--wrap=device_ask \
	-Wl,--wrap=device_claim,--wrap=device_claim_end,--wrap=device_send
HOST_LINKED = libcontrol.a libpr.a libworker.a $(CONFINE_LIBS) libscsi.a libdevice.a libmockxen.a $(COMMON_LIBS) \
	$(SGUTILS_LIBS) $(JSONC_LIBS) $(CHECK_LIBS) -lpthread
check_host_protocol_SOURCES = tests/check_host_protocol.c $(HOST_FAKES)
check_host_protocol_CFLAGS = $(HOST_C_OPTIONS)
check_host_protocol_LDFLAGS = $(HOST_LINK_OPTIONS)
check_host_protocol_LDADD = $(HOST_LINKED)
check_host_refusals_SOURCES = tests/check_host_refusals.c $(HOST_FAKES)
check_host_refusals_CFLAGS = $(HOST_C_OPTIONS)
check_host_refusals_LDFLAGS = $(HOST_LINK_OPTIONS)
check_host_refusals_LDADD = $(HOST_LINKED)
check_host_workers_SOURCES = tests/check_host_workers.c $(HOST_FAKES)
check_host_workers_CFLAGS = $(HOST_C_OPTIONS)
check_host_workers_LDFLAGS = $(HOST_LINK_OPTIONS) -Wl,--wrap=sandbox_nodes_kept -Wl,--wrap=ioctl -Wl,--wrap=opendir
check_host_workers_LDADD = $(HOST_LINKED)
check_host_xenstore_SOURCES = tests/check_host_xenstore.c $(HOST_FAKES)
check_host_xenstore_CFLAGS = $(HOST_C_OPTIONS)
check_host_xenstore_LDFLAGS = $(HOST_LINK_OPTIONS)
check_host_xenstore_LDADD = $(HOST_LINKED)
check_host_places_SOURCES = tests/check_host_places.c $(HOST_FAKES)
check_host_places_CFLAGS = $(HOST_C_OPTIONS)
check_host_places_LDFLAGS = $(HOST_LINK_OPTIONS)
check_host_places_LDADD = $(HOST_LINKED)
check_host_supervise_SOURCES = tests/check_host_supervise.c tests/suite.h
check_host_supervise_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_host_supervise_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=posix_spawn -Wl,--wrap=now_us
check_host_supervise_LDADD = libcontrol.a libdevice.a $(COMMON_LIBS) $(CHECK_LIBS)
check_host_reports_SOURCES = tests/check_host_reports.c $(HOST_FAKES)
check_host_reports_CFLAGS = $(HOST_C_OPTIONS)
check_host_reports_LDFLAGS = $(HOST_LINK_OPTIONS) -Wl,--wrap=now_us
check_host_reports_LDADD = $(HOST_LINKED)
check_host_at_work_SOURCES = tests/check_host_at_work.c $(HOST_FAKES)
check_host_at_work_CFLAGS = $(HOST_C_OPTIONS)
check_host_at_work_LDFLAGS = $(HOST_LINK_OPTIONS)
check_host_at_work_LDADD = $(HOST_LINKED)
check_host_devices_SOURCES = tests/check_host_devices.c $(HOST_FAKES)
check_host_devices_CFLAGS = $(HOST_C_OPTIONS)
check_host_devices_LDFLAGS = $(HOST_LINK_OPTIONS)
check_host_devices_LDADD = $(HOST_LINKED)
check_host_cost_SOURCES = tests/check_host_cost.c tests/wrapped.h $(HOST_FAKES)
check_host_cost_CFLAGS = $(HOST_C_OPTIONS)
check_host_cost_LDFLAGS = $(HOST_LINK_OPTIONS) -Wl,--wrap=open,--wrap=__open_2,--wrap=open64,--wrap=__open64_2 \
	-Wl,--wrap=opendir,--wrap=now_us
check_host_cost_LDADD = $(HOST_LINKED)
check_host_claim_SOURCES = tests/check_host_claim.c $(HOST_FAKES)
check_host_claim_CFLAGS = $(HOST_C_OPTIONS)
check_host_claim_LDFLAGS = $(HOST_LINK_OPTIONS)
check_host_claim_LDADD = $(HOST_LINKED)
check_host_change_SOURCES = tests/check_host_change.c $(HOST_FAKES)
check_host_change_CFLAGS = $(HOST_C_OPTIONS)
check_host_change_LDFLAGS = $(HOST_LINK_OPTIONS)
check_host_change_LDADD = $(HOST_LINKED)
check_host_identity_SOURCES = tests/check_host_identity.c $(HOST_FAKES)
check_host_identity_CFLAGS = $(HOST_C_OPTIONS)
check_host_identity_LDFLAGS = $(HOST_LINK_OPTIONS)
check_host_identity_LDADD = $(HOST_LINKED)
unit_checks += check_confined
check_confined_SOURCES = tests/check_confined.c tests/confined-attempts.h
check_confined_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(CAPNG_CFLAGS)
check_confined_LDADD = libcontrol.a libworker.a $(CONFINE_LIBS) libcommon.a $(CHECK_LIBS)
# The pages' directories are compared with the configured ones.
check_options_SOURCES = tests/check_options.c tests/expected-options.h tests/suite.h
check_options_CPPFLAGS = $(AM_CPPFLAGS) -DLOCALSTATEDIR='"$(localstatedir)"'
check_options_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_options_LDADD = libcontrol.a libworker.a $(CONFINE_LIBS) libscsi.a $(COMMON_LIBS) $(CONFUSE_LIBS) $(CHECK_LIBS)
check_option_pages_SOURCES = tests/check_option_pages.c tests/expected-options.h tests/suite.h
check_option_pages_CPPFLAGS = $(check_options_CPPFLAGS) -DPKGDATADIR='"$(pkgdatadir)"'
check_option_pages_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_option_pages_LDADD = $(check_options_LDADD)

# The same file is a fuzzer under libFuzzer, and else a program that replays the corpus. Its libxenstore is itself.
PARSE_SOURCES = tests/fuzz/fuzz_parse.c tests/fuzz/parse-mock.c tests/fuzz/parse-mock.h tests/fuzz/replay.h \
	$(MOCK_XEN_SOURCES)
PARSE_LIBS = libcontrol.a libpr.a libworker.a $(CONFINE_LIBS) libvscsisyntax.a libscsi.a libdevice.a libmockxen.a \
	$(COMMON_LIBS) $(SGUTILS_LIBS) $(JSONC_LIBS)
check_PROGRAMS += replay_parse
replay_parse_SOURCES = $(PARSE_SOURCES)
replay_parse_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tools
replay_parse_LDADD = $(PARSE_LIBS)
EXTRA_DIST += tests/fuzz/corpus-parse
if FUZZERS
LIBFUZZERS += fuzz_parse
fuzz_parse_SOURCES = $(PARSE_SOURCES)
fuzz_parse_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tools -DPVSCSI_LIBFUZZER
fuzz_parse_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
fuzz_parse_LDADD = $(PARSE_LIBS)
endif
HOST_FUZZ_SOURCES = tests/fuzz/fuzz_host.c tests/fuzz/input.h tests/fuzz/replay.h tests/fake-control.c \
	tests/fake-control.h
HOST_FUZZ_OPTIONS = $(HOST_LINK_OPTIONS) -Wl,--wrap=store_write_batch,--wrap=store_remove \
	-Wl,--wrap=pthread_cond_timedwait
HOST_FUZZ_LIBS = libcontrol.a libpr.a libworker.a $(CONFINE_LIBS) libscsi.a libdevice.a libmockxen.a $(COMMON_LIBS) \
	$(SGUTILS_LIBS) $(JSONC_LIBS) -lpthread
check_PROGRAMS += replay_host
replay_host_SOURCES = $(HOST_FUZZ_SOURCES)
replay_host_LDFLAGS = $(HOST_FUZZ_OPTIONS)
replay_host_LDADD = $(HOST_FUZZ_LIBS)
EXTRA_DIST += tests/fuzz/corpus-host
if FUZZERS
LIBFUZZERS += fuzz_host
fuzz_host_SOURCES = $(HOST_FUZZ_SOURCES)
fuzz_host_CPPFLAGS = $(AM_CPPFLAGS) -DPVSCSI_LIBFUZZER
fuzz_host_LDFLAGS = $(HOST_FUZZ_OPTIONS) -fsanitize=fuzzer
fuzz_host_LDADD = $(HOST_FUZZ_LIBS)
endif
