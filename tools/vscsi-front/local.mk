# SPDX-License-Identifier: GPL-2.0-or-later
bin_PROGRAMS += vscsi-front
vscsi_front_SOURCES = tools/vscsi-front/main.c tools/vscsi-front/front.h tools/vscsi-front/report.c \
	tools/vscsi-front/poll.c tools/vscsi-front/args.c \
	tools/vscsi-front/ring.c tools/vscsi-front/ring.h tools/vscsi-front/buf.c tools/vscsi-front/buf.h \
	tools/vscsi-front/pattern.c tools/vscsi-front/pattern.h tools/vscsi-front/session.c \
	tools/vscsi-front/persona.c tools/vscsi-front/persona.h \
	tools/vscsi-front/io.c tools/vscsi-front/show.c tools/vscsi-front/script.c \
	tools/vscsi-front/lines.c \
	tools/vscsi-front/verbs-session.c tools/vscsi-front/verbs-scsi.c tools/vscsi-front/load.c \
	tools/vscsi-front/bad.c tools/vscsi-front/bad.h tools/vscsi-front/attempt.c \
	tools/vscsi-front/malformed.c tools/vscsi-front/bad-ring.c
vscsi_front_LDADD = libstandalone.a $(XEN_LIBS) $(COMMON_LIBS) $(XENSTORE_LIBS) $(SGUTILS_LIBS) $(EDIT_LIBS)
dist_man_MANS += tools/vscsi-front/vscsi-front.1
