# SPDX-License-Identifier: GPL-2.0-or-later
control_checks = check_vhost_table check_lun_table check_device check_host check_host_devices check_options
check_PROGRAMS += $(control_checks)
TESTS += $(control_checks)
check_vhost_table_SOURCES = tests/check_vhost_table.c
check_vhost_table_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_vhost_table_LDADD = libcontrol.a libcommon.a $(CHECK_LIBS)
check_lun_table_SOURCES = tests/check_lun_table.c
check_lun_table_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_lun_table_LDADD = libcontrol.a $(CHECK_LIBS)
check_device_SOURCES = tests/check_device.c
check_device_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_device_LDADD = libdevice.a libcommon.a $(CHECK_LIBS)
# Its own store.h and supervise.h stand before the library's.
check_host_SOURCES = tests/check_host.c tests/host-fixture.h tests/fake-control.c tests/fake-control.h
check_host_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_host_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=device_open
check_host_LDADD = libcontrol.a libdevice.a libmockxen.a $(COMMON_LIBS) $(JSONC_LIBS) $(CHECK_LIBS) -lpthread
check_host_devices_SOURCES = tests/check_host_devices.c tests/host-fixture.h tests/fake-control.c tests/fake-control.h
check_host_devices_CFLAGS = $(check_host_CFLAGS)
check_host_devices_LDFLAGS = $(check_host_LDFLAGS)
check_host_devices_LDADD = $(check_host_LDADD)
# The pages' directories are compared with the configured ones.
check_options_SOURCES = tests/check_options.c
check_options_CPPFLAGS = $(AM_CPPFLAGS) -DLOCALSTATEDIR='"$(localstatedir)"'
check_options_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_options_LDADD = libcontrol.a $(COMMON_LIBS) $(XLUTIL_LIBS) $(CHECK_LIBS)

# The same file is a fuzzer under libFuzzer, and else a program that replays the corpus. Its libxenstore is itself.
PARSE_SOURCES = tests/fuzz/fuzz_parse.c tests/fuzz/parse-mock.c tests/fuzz/parse-mock.h tests/fuzz/replay.h \
	$(MOCK_XEN_SOURCES)
PARSE_LIBS = libcontrol.a libvscsisyntax.a libdevice.a libmockxen.a $(COMMON_LIBS) $(JSONC_LIBS)
check_PROGRAMS += replay_parse
replay_parse_SOURCES = $(PARSE_SOURCES)
replay_parse_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tools
replay_parse_LDADD = $(PARSE_LIBS)
EXTRA_DIST += tests/fuzz/corpus-parse
if FUZZERS
noinst_PROGRAMS += fuzz_parse
fuzz_parse_SOURCES = $(PARSE_SOURCES)
fuzz_parse_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tools -DPVSCSI_LIBFUZZER
fuzz_parse_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
fuzz_parse_LDADD = $(PARSE_LIBS)
endif
