/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frontends that vscsi-front can be: what each of them does where they differ, read from their public source. A
 * persona is a row of a table. This page knows nothing of a session.
 */
#ifndef VSCSI_FRONT_PERSONA_H
#define VSCSI_FRONT_PERSONA_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* How a frontend ends its connection when the guest wants it. */
enum goodbye {
    GOODBYE_CLOSED,   /* gives the ring back; 6, until the backend is closed */
    GOODBYE_IN_STEPS, /* 5, until the backend is at 5; 6, until it is at 6; no more */
    GOODBYE_RESTARTS, /* the same, then 1, until the backend is at 2; gives the ring back at last */
};

struct persona {
    const char *name, *about;
    /* The handshake. */
    const char *segments_node; /* of the backend: more segments than 26, in lists. NULL: knows no lists */
    const char *extra_node;    /* written with ring-ref and event-channel, or NULL */
    const char *extra_value;
    bool waits_for_2; /* the ring is written only when the backend is at 2 */
    /* Single devices: the states that are written to vscsi-devs/dev-N/state; 0: none. */
    unsigned added, refused, removed;
    bool tries;         /* INQUIRY first; a device that does not answer is refused */
    bool takes_all;     /* takes a device as soon as its node is there, whatever its state */
    bool reconfigures;  /* answers 7 and 8 */
    bool closes_with_6; /* closes too when the backend is at 6 and was not seen at 5 */
    bool keeps_devices; /* after a resume, those that are at 4 */
    enum goodbye goodbye;
    /* Commands and answers. */
    bool drops_host;  /* of a result only the low half is used */
    bool repeats_all; /* the guest sees neither status nor sense, so it tries every failed command again */
    bool aborts, resets;
    bool reuses_ids;    /* the lowest request id that is free */
    uint8_t unsent[2];  /* operation codes that it answers itself; 0: none */
    unsigned timeout_s; /* of a READ or WRITE */
};

/* The default one is the first. NULL: there is no such persona. */
const struct persona *persona_find(const char *name);
const struct persona *persona_default(void);
bool persona_sends(const struct persona *p, uint8_t opcode);
/* A line for each. */
void persona_list(FILE *to);

#endif
