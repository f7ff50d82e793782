/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A xenstore and worker processes in memory, for the tests of the control
 * process: fake-control.c implements store.h, over mock-xen's tree of nodes, and
 * supervise.h.
 */
#ifndef FAKE_CONTROL_H
#define FAKE_CONTROL_H

#include <stdbool.h>

#include "pvscsi/worker-proto.h"

/* --- xenstore --- */
void fake_reset(void);
/* As the toolstack or a frontend: the node changes, watches fire. */
void fake_put(const char *path, const char *value);
void fake_putf(const char *value, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void fake_remove(const char *path);
/* The value, or NULL. */
const char *fake_get(const char *path);
/* Domains that are introduced. */
void fake_domain(unsigned domid, bool there);
void fake_fire(const char *watch_path);
/* The nth store call from now fails with this errno, once. */
void fake_fail(unsigned nth, int error);
/* From now on every call fails: xenstored is gone. */
void fake_lose(bool lost);
extern unsigned fake_calls; /* round trips to xenstored */
extern unsigned fake_watches;
extern bool fake_no_domain_watch;
extern bool fake_quota; /* the daemon cannot make nodes (ENOSPC) */

/* --- workers --- */
struct fake_child {
    bool alive, quit, connected;
    int pid;
    unsigned n_msgs;
    struct worker_msg msgs[512];
    uint64_t ticket[256]; /* of the last message about each LUN that has one */
};
#define FAKE_CHILDREN 64
#define FAKE_PID 2000000000 /* of the first; more than any process of this machine can have (pid_max is 2^22 at most) */
extern struct fake_child fake_children[FAKE_CHILDREN];
extern unsigned fake_n_children; /* ever started */
extern bool fake_child_mute;     /* answers nothing by itself */
extern bool fake_child_refuses;  /* cannot be started */
extern int fake_connect_error;   /* its answer to CONNECT */
extern int fake_added_error;     /* ... to LUN_ADD */
extern int *fake_keeps_helper;   /* gets a duplicate of what the next HELPER_SOCKET brings; NULL: all are closed */
/* The last started. */
struct fake_child *fake_child(void);
/* Messages of this type that the child got. */
unsigned fake_count(const struct fake_child *c, uint32_t type);
const struct worker_msg *fake_last(const struct fake_child *c, uint32_t type);
/* Without a ticket, LUN_ADDED and LUN_REMOVED get that of the last LUN_ADD or LUN_REMOVE. */
void fake_say(struct fake_child *c, const struct worker_msg *msg);
/* Delivers what the children have answered so far; false: nothing. */
bool fake_pump(void);
void fake_die(struct fake_child *c);

#endif
