// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of frontends; see persona.h. */
#include "config.h"

#include <stddef.h>
#include <string.h>
#include <xen/io/protocols.h>
#include <xen/io/xenbus.h>

#include "common/util.h"
#include "persona.h"

static const struct persona personas[] = {
    /*
     * drivers/scsi/xen-scsifront.c of Linux. Its request ids are the lowest that are free. Here they are not, so that
     * an answer that is given twice never meets a new request.
     */
    {
        .name = "linux",
        .about = "Linux's xen-scsifront",
        .segments_node = "feature-sg-grant",
        .added = XenbusStateConnected,
        .refused = XenbusStateClosed,
        .removed = XenbusStateClosed,
        .tries = true,
        .reconfigures = true,
        .closes_with_6 = true,
        .keeps_devices = true,
        .goodbye = GOODBYE_CLOSED,
        .aborts = true,
        .resets = true,
        .timeout_s = 30,
    },
    /*
     * drivers/xen/scsifront of xenlinux, in the kernels of SUSE and others. It looks for segs-per-req, which no Xen
     * documents, and never for feature-sg-grant.
     */
    {
        .name = "xenlinux",
        .about = "Linux 2.6.32 to 4.4 with xenlinux's scsifront",
        .added = XenbusStateConnected,
        .removed = XenbusStateClosed,
        .tries = true,
        .reconfigures = true,
        .closes_with_6 = true,
        .keeps_devices = true,
        .goodbye = GOODBYE_CLOSED,
        .resets = true,
        .reuses_ids = true,
        .timeout_s = 30,
    },
    /* The first version, of Linux 2.6.18. It has other states for devices, no resume, and closes only at a 5. */
    {
        .name = "linux-2.6.18",
        .about = "Linux 2.6.18 with the first scsifront",
        .extra_node = "vhostno",
        .extra_value = "0",
        .added = XenbusStateInitialised,
        .removed = XenbusStateClosing,
        .tries = true,
        .reconfigures = true,
        .goodbye = GOODBYE_CLOSED,
        .resets = true,
        .reuses_ids = true,
        .timeout_s = 30,
    },
    /*
     * xen/xenscsi of SUSE's VMDP. It waits for exactly 5, 6 and 2 when it is disabled, without a limit. It answers
     * PREVENT ALLOW MEDIUM REMOVAL and REPORT LUNS itself. It tells Windows that a command has failed, but neither its
     * status nor that its sense is valid.
     */
    {
        .name = "vmdp",
        .about = "Windows with SUSE's VMDP",
        .extra_node = "protocol",
        .extra_value = XEN_IO_PROTO_ABI_NATIVE,
        .added = XenbusStateConnected,
        .refused = XenbusStateClosed,
        .removed = XenbusStateClosed,
        .reconfigures = true,
        .goodbye = GOODBYE_RESTARTS,
        .drops_host = true,
        .repeats_all = true,
        .resets = true,
        .reuses_ids = true,
        .unsent = { 0x1e, 0xa0 },
        .timeout_s = 60,
    },
    /*
     * xenscsi of James Harper's GPLPV. It takes a device as soon as its node exists, and never removes one: it does not
     * answer 7. It sends no RESET.
     */
    {
        .name = "gplpv",
        .about = "Windows with GPLPV",
        .waits_for_2 = true,
        .added = XenbusStateConnected,
        .takes_all = true,
        .goodbye = GOODBYE_IN_STEPS,
        .reuses_ids = true,
        .timeout_s = 60,
    },
};

const struct persona *persona_default(void)
{
    return &personas[0];
}

const struct persona *persona_find(const char *name)
{
    for (unsigned i = 0; i < ARRAY_SIZE(personas); i++)
        if (strcmp(personas[i].name, name) == 0)
            return &personas[i];
    return NULL;
}

bool persona_sends(const struct persona *p, uint8_t opcode)
{
    for (unsigned i = 0; i < ARRAY_SIZE(p->unsent); i++)
        if (p->unsent[i] && p->unsent[i] == opcode)
            return false;
    return true;
}

void persona_list(FILE *to)
{
    for (unsigned i = 0; i < ARRAY_SIZE(personas); i++)
        fprintf(to, "  %-14s %s\n", personas[i].name, personas[i].about);
}
