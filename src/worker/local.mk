# SPDX-License-Identifier: GPL-2.0-or-later
noinst_LIBRARIES += libworker.a
libworker_a_SOURCES = src/worker/worker.h src/worker/main.c \
	src/worker/ring.c src/worker/ring.h src/worker/request.c src/worker/request.h \
	src/worker/model.h src/worker/service.c src/worker/service.h src/worker/hotplug.c src/worker/hotplug.h \
	src/worker/manage.c src/worker/manage.h src/worker/account.c src/worker/account.h src/worker/command.c \
	src/worker/command.h \
	src/worker/lun.c src/worker/lun.h src/worker/grants.c src/worker/grants.h src/worker/buffers.c \
	src/worker/buffers.h src/worker/at-device.c src/worker/at-device.h src/worker/poll.c src/worker/poll.h \
	src/worker/rate.c src/worker/rate.h src/worker/throttle.c src/worker/throttle.h \
	src/worker/sg.c src/worker/sg.h src/worker/confine.c src/worker/confine.h src/worker/syscalls.c \
	src/worker/syscalls.h
libworker_a_CFLAGS = $(AM_CFLAGS) $(XENGNTTAB_CFLAGS) $(SECCOMP_CFLAGS) $(CAPNG_CFLAGS)
CONFINE_LIBS = $(SECCOMP_LIBS) $(CAPNG_LIBS)
WORKER_LIBS = libworker.a libpr.a libfiledisk.a libscsi.a $(CONFINE_LIBS)
