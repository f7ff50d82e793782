# SPDX-License-Identifier: GPL-2.0-or-later
noinst_LIBRARIES += libpr.a
libpr_a_SOURCES = src/pr/check.h src/pr/check.c src/pr/proto.h src/pr/proto.c src/pr/client.h src/pr/client.c \
	src/pr/connect.h src/pr/connect.c
