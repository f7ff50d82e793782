# SPDX-License-Identifier: GPL-2.0-or-later
libworker_a_SOURCES += src/worker/pr-check.c src/worker/pr-check.h src/worker/pr-proto.c src/worker/pr-proto.h \
	src/worker/pr-client.c src/worker/pr-client.h
