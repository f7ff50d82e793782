# SPDX-License-Identifier: GPL-2.0-or-later
noinst_LIBRARIES += libdevice.a
libdevice_a_SOURCES = src/device/pdev.h src/device/pdev.c src/device/device.h src/device/device.c src/device/open.c \
	src/device/inventory.h src/device/inventory.c \
	src/device/host-eh.h src/device/host-eh.c \
	src/device/watch.h src/device/watch.c src/device/uevents.h src/device/uevents.c \
	src/device/identity.h src/device/identity.c src/device/vpd.h src/device/vpd.c src/device/ask.h \
	src/device/ask.c \
	src/device/holder.h src/device/holder.c src/device/claim.h src/device/claim.c src/device/send.h \
	src/device/send.c src/device/process.h src/device/process.c
