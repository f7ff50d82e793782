# SPDX-License-Identifier: GPL-2.0-or-later
unit_checks += check_ring check_request check_buffers check_poll check_rate check_service check_service_poll \
	check_service_change
check_service_change_SOURCES = tests/check_service_change.c tests/suite.h tests/service-fixture.h tests/fake-xen.h
check_service_change_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_service_change_LDADD = $(WORKER_LIBS) $(COMMON_LIBS) $(SGUTILS_LIBS) $(CHECK_LIBS)
check_service_poll_SOURCES = tests/check_service_poll.c tests/suite.h tests/service-fixture.h tests/fake-xen.h
check_service_poll_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_service_poll_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=now_us -Wl,--wrap=sched_yield
check_service_poll_LDADD = $(WORKER_LIBS) $(COMMON_LIBS) $(SGUTILS_LIBS) $(CHECK_LIBS)
check_poll_SOURCES = tests/check_poll.c tests/suite.h
check_poll_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_poll_LDADD = libworker.a $(CHECK_LIBS)
check_rate_SOURCES = tests/check_rate.c tests/suite.h
check_rate_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_rate_LDADD = libworker.a $(COMMON_LIBS) $(CHECK_LIBS)
check_buffers_SOURCES = tests/check_buffers.c tests/fake-xen.h
check_buffers_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_buffers_LDADD = libworker.a $(COMMON_LIBS) $(CHECK_LIBS)
check_ring_SOURCES = tests/check_ring.c
check_ring_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_ring_LDADD = libworker.a $(CHECK_LIBS)
check_request_SOURCES = tests/check_request.c tests/must.h tests/suite.h
check_request_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_request_LDADD = libworker.a $(COMMON_LIBS) $(CHECK_LIBS)
check_service_SOURCES = tests/check_service.c tests/service-fixture.h tests/fake-xen.h
check_service_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_service_LDADD = $(WORKER_LIBS) $(COMMON_LIBS) $(SGUTILS_LIBS) $(CHECK_LIBS)

# The same file is a fuzzer under libFuzzer, and else a program that replays the corpus.
check_PROGRAMS += replay_service
replay_service_SOURCES = tests/fuzz/fuzz_service.c tests/fuzz/replay.h tests/fake-xen.h
replay_service_LDADD = $(WORKER_LIBS) $(COMMON_LIBS) $(SGUTILS_LIBS)
if FUZZERS
LIBFUZZERS += fuzz_service
fuzz_service_SOURCES = tests/fuzz/fuzz_service.c tests/fuzz/replay.h tests/fake-xen.h
fuzz_service_CPPFLAGS = $(AM_CPPFLAGS) -DPVSCSI_LIBFUZZER
fuzz_service_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
fuzz_service_LDADD = $(WORKER_LIBS) $(COMMON_LIBS) $(SGUTILS_LIBS)
endif
dist_check_SCRIPTS += tests/test-corpus-replays.sh
TESTS += tests/test-corpus-replays.sh
EXTRA_DIST += tests/fuzz/corpus-service

# sg nodes that the tests themselves are (fake-sg.h).
FAKE_SG_FLAGS = -Wl,--wrap=open -Wl,--wrap=open64 -Wl,--wrap=close -Wl,--wrap=read -Wl,--wrap=write -Wl,--wrap=ioctl
device_checks = check_service_device check_service_pieces \
	check_service_manage check_service_successor check_service_pr check_service_counters \
	check_service_places check_service_limits
unit_checks += check_sg check_service_random $(device_checks)
check_sg_SOURCES = tests/check_sg.c tests/fake-sg.h
check_sg_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_sg_LDFLAGS = $(AM_LDFLAGS) $(FAKE_SG_FLAGS)
check_sg_LDADD = $(WORKER_LIBS) $(COMMON_LIBS) $(SGUTILS_LIBS) $(CHECK_LIBS)
DEVICE_FIXTURE = tests/device-fixture.h tests/suite.h tests/service-fixture.h tests/fake-xen.h tests/fake-sg.h
check_service_device_SOURCES = tests/check_service_device.c $(DEVICE_FIXTURE)
check_service_device_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_service_device_LDFLAGS = $(AM_LDFLAGS) $(FAKE_SG_FLAGS) -Wl,--wrap=now_us
check_service_device_LDADD = $(WORKER_LIBS) $(COMMON_LIBS) $(SGUTILS_LIBS) $(CHECK_LIBS)
check_service_pieces_SOURCES = tests/check_service_pieces.c $(DEVICE_FIXTURE)
check_service_pieces_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_service_pieces_LDFLAGS = $(AM_LDFLAGS) $(FAKE_SG_FLAGS) -Wl,--wrap=now_us
check_service_pieces_LDADD = $(WORKER_LIBS) $(COMMON_LIBS) $(SGUTILS_LIBS) $(CHECK_LIBS)
check_service_places_SOURCES = tests/check_service_places.c $(DEVICE_FIXTURE)
check_service_places_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_service_places_LDFLAGS = $(AM_LDFLAGS) $(FAKE_SG_FLAGS) -Wl,--wrap=now_us
check_service_places_LDADD = $(WORKER_LIBS) $(COMMON_LIBS) $(SGUTILS_LIBS) $(CHECK_LIBS)
check_service_limits_SOURCES = tests/check_service_limits.c $(DEVICE_FIXTURE)
check_service_limits_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_service_limits_LDFLAGS = $(AM_LDFLAGS) $(FAKE_SG_FLAGS) -Wl,--wrap=now_us
check_service_limits_LDADD = $(WORKER_LIBS) $(COMMON_LIBS) $(SGUTILS_LIBS) $(CHECK_LIBS)
check_service_manage_SOURCES = tests/check_service_manage.c $(DEVICE_FIXTURE)
check_service_manage_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_service_manage_LDFLAGS = $(AM_LDFLAGS) $(FAKE_SG_FLAGS) -Wl,--wrap=now_us
check_service_manage_LDADD = $(WORKER_LIBS) $(COMMON_LIBS) $(SGUTILS_LIBS) $(CHECK_LIBS)
check_service_successor_SOURCES = tests/check_service_successor.c $(DEVICE_FIXTURE)
check_service_successor_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_service_successor_LDFLAGS = $(AM_LDFLAGS) $(FAKE_SG_FLAGS) -Wl,--wrap=now_us
check_service_successor_LDADD = $(WORKER_LIBS) $(COMMON_LIBS) $(SGUTILS_LIBS) $(CHECK_LIBS)
check_service_pr_SOURCES = tests/check_service_pr.c $(DEVICE_FIXTURE)
check_service_pr_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_service_pr_LDFLAGS = $(AM_LDFLAGS) $(FAKE_SG_FLAGS) -Wl,--wrap=now_us
check_service_pr_LDADD = $(WORKER_LIBS) $(COMMON_LIBS) $(SGUTILS_LIBS) $(CHECK_LIBS)
check_service_counters_SOURCES = tests/check_service_counters.c $(DEVICE_FIXTURE)
check_service_counters_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_service_counters_LDFLAGS = $(AM_LDFLAGS) $(FAKE_SG_FLAGS) -Wl,--wrap=now_us
check_service_counters_LDADD = $(WORKER_LIBS) $(COMMON_LIBS) $(SGUTILS_LIBS) $(CHECK_LIBS)
check_service_random_SOURCES = tests/check_service_random.c tests/service-fixture.h tests/fake-xen.h tests/fake-sg.h \
	tests/must.h tests/rounds.h
check_service_random_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_service_random_LDFLAGS = $(AM_LDFLAGS) $(FAKE_SG_FLAGS)
check_service_random_LDADD = $(WORKER_LIBS) $(COMMON_LIBS) $(SGUTILS_LIBS) $(CHECK_LIBS)
# The same file is a fuzzer under libFuzzer, and else a program that replays the corpus.
DEVICE_FUZZ_SOURCES = tests/fuzz/fuzz_device.c tests/fuzz/input.h tests/fuzz/replay.h $(DEVICE_FIXTURE)
check_PROGRAMS += replay_device
replay_device_SOURCES = $(DEVICE_FUZZ_SOURCES)
replay_device_CFLAGS = $(check_service_device_CFLAGS)
replay_device_LDFLAGS = $(check_service_device_LDFLAGS)
replay_device_LDADD = $(check_service_device_LDADD)
EXTRA_DIST += tests/fuzz/corpus-device
if FUZZERS
LIBFUZZERS += fuzz_device
fuzz_device_SOURCES = $(DEVICE_FUZZ_SOURCES)
fuzz_device_CPPFLAGS = $(AM_CPPFLAGS) -DPVSCSI_LIBFUZZER
fuzz_device_CFLAGS = $(check_service_device_CFLAGS)
fuzz_device_LDFLAGS = $(check_service_device_LDFLAGS) -fsanitize=fuzzer
fuzz_device_LDADD = $(check_service_device_LDADD)
endif

# The whole process, over the same hypervisor.
unit_checks += check_worker
check_worker_SOURCES = tests/check_worker.c tests/service-fixture.h tests/fake-xen.h
check_worker_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_worker_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=open -Wl,--wrap=open64 -Wl,--wrap=xen_open_real
check_worker_LDADD = $(WORKER_LIBS) libstandalone.a $(XEN_LIBS) $(COMMON_LIBS) $(SGUTILS_LIBS) $(CHECK_LIBS)
