# SPDX-License-Identifier: GPL-2.0-or-later
scsi_checks = check_scsi_sense check_scsi_outcome check_scsi_decide check_scsi_readonly check_scsi_filter \
	check_scsi_luns check_scsi_notable \
	check_scsi_filedisk check_scsi_split check_scsi_left check_scsi_policy check_scsi_programs check_scsi_rules \
	check_sense_text
check_PROGRAMS += replay_scsi
unit_checks += $(scsi_checks)

check_scsi_sense_SOURCES = tests/check_scsi_sense.c tests/check_scsi.h tests/must.h
check_scsi_sense_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_scsi_sense_LDADD = libscsi.a $(CHECK_LIBS)
check_scsi_outcome_SOURCES = tests/check_scsi_outcome.c tests/check_scsi.h tests/must.h tests/scsi-page.h
check_scsi_outcome_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_scsi_outcome_LDADD = libscsi.a $(CHECK_LIBS)
check_scsi_notable_SOURCES = tests/check_scsi_notable.c tests/check_scsi.h tests/must.h tests/scsi-page.h
check_scsi_notable_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_scsi_notable_LDADD = libscsi.a $(CHECK_LIBS)
check_scsi_decide_SOURCES = tests/check_scsi_decide.c tests/check_scsi_commands.h tests/check_scsi.h tests/must.h tests/scsi-page.h
check_scsi_decide_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_scsi_decide_LDADD = libscsi.a $(CHECK_LIBS)
check_scsi_readonly_SOURCES = tests/check_scsi_readonly.c tests/check_scsi_commands.h tests/check_scsi.h tests/must.h \
	tests/rounds.h
check_scsi_readonly_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_scsi_readonly_LDADD = libscsi.a $(CHECK_LIBS)
check_scsi_filter_SOURCES = tests/check_scsi_filter.c tests/check_scsi.h tests/must.h
check_scsi_filter_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_scsi_filter_LDADD = libscsi.a $(CHECK_LIBS)
check_scsi_luns_SOURCES = tests/check_scsi_luns.c tests/check_scsi.h tests/must.h
check_scsi_luns_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_scsi_luns_LDADD = libscsi.a $(CHECK_LIBS)
check_scsi_filedisk_SOURCES = tests/check_scsi_filedisk.c tests/check_scsi.h tests/must.h
check_scsi_filedisk_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_scsi_filedisk_LDADD = libfiledisk.a libscsi.a $(CHECK_LIBS)
check_scsi_filedisk_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=pread,--wrap=pwrite,--wrap=fdatasync \
	-Wl,--wrap=pread64,--wrap=pwrite64
check_scsi_split_SOURCES = tests/check_scsi_split.c tests/check_scsi.h tests/must.h
check_scsi_split_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_scsi_split_LDADD = libscsi.a $(CHECK_LIBS)
check_scsi_left_SOURCES = tests/check_scsi_left.c
check_scsi_left_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_scsi_left_LDADD = libscsi.a $(CHECK_LIBS)
check_scsi_policy_SOURCES = tests/check_scsi_policy.c tests/check_scsi.h tests/must.h tests/rounds.h
check_scsi_policy_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_scsi_policy_LDADD = libscsi.a $(CHECK_LIBS)
check_scsi_programs_SOURCES = tests/check_scsi_programs.c tests/check_scsi.h tests/must.h
check_scsi_programs_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_scsi_programs_LDADD = libscsi.a $(CHECK_LIBS)
check_scsi_rules_SOURCES = tests/check_scsi_rules.c tests/check_scsi.h tests/must.h
check_scsi_rules_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_scsi_rules_LDADD = libscsi.a $(CHECK_LIBS)
check_sense_text_SOURCES = tests/check_sense_text.c tests/check_scsi.h tests/must.h
check_sense_text_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_sense_text_LDADD = libcommon.a $(SGUTILS_LIBS) $(CHECK_LIBS)

# The same file is a fuzzer under libFuzzer, and else a program that replays the corpus.
replay_scsi_SOURCES = tests/fuzz/fuzz_scsi.c
replay_scsi_LDADD = libfiledisk.a libscsi.a
EXTRA_DIST += tests/fuzz/corpus-scsi
if FUZZERS
LIBFUZZERS += fuzz_scsi
fuzz_scsi_SOURCES = tests/fuzz/fuzz_scsi.c
fuzz_scsi_CPPFLAGS = $(AM_CPPFLAGS) -DPVSCSI_LIBFUZZER
fuzz_scsi_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
fuzz_scsi_LDADD = libfiledisk.a libscsi.a
endif
