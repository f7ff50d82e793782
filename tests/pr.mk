# SPDX-License-Identifier: GPL-2.0-or-later
pr_checks = check_pr_check check_pr_proto check_pr_client check_pr_client_away check_pr_client_queue
unit_checks += $(pr_checks)
check_pr_check_SOURCES = tests/check_pr_check.c
check_pr_check_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_pr_check_LDADD = libpr.a $(CHECK_LIBS)
check_pr_proto_SOURCES = tests/check_pr_proto.c
check_pr_proto_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_pr_proto_LDADD = libpr.a $(CHECK_LIBS)
PR_CLIENT_FAKES = tests/pr-client-fixture.h tests/suite.h tests/fake-pr-helper.c tests/fake-pr-helper.h
PR_CLIENT_LINKED = libpr.a libscsi.a $(COMMON_LIBS) $(CHECK_LIBS)
check_pr_client_SOURCES = tests/check_pr_client.c $(PR_CLIENT_FAKES)
check_pr_client_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_pr_client_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=calloc
check_pr_client_LDADD = $(PR_CLIENT_LINKED)
check_pr_client_away_SOURCES = tests/check_pr_client_away.c $(PR_CLIENT_FAKES)
check_pr_client_away_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_pr_client_away_LDADD = $(PR_CLIENT_LINKED)
check_pr_client_queue_SOURCES = tests/check_pr_client_queue.c $(PR_CLIENT_FAKES)
check_pr_client_queue_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_pr_client_queue_LDADD = $(PR_CLIENT_LINKED)

# The same file is a fuzzer under libFuzzer, and else a program that replays the corpus.
check_PROGRAMS += replay_pr
replay_pr_SOURCES = tests/fuzz/fuzz_pr.c
replay_pr_LDADD = libpr.a libcommon.a
if FUZZERS
LIBFUZZERS += fuzz_pr
fuzz_pr_SOURCES = tests/fuzz/fuzz_pr.c
fuzz_pr_CPPFLAGS = $(AM_CPPFLAGS) -DPVSCSI_LIBFUZZER
fuzz_pr_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
fuzz_pr_LDADD = libpr.a libcommon.a
endif
EXTRA_DIST += tests/fuzz/corpus-pr
