/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mock-xen's own objects: the whole (struct mock), connections, domains with their
 * memory and event channels. Everything that a connection holds (watches,
 * transactions, grants, mappings, ports) hangs on it and goes with it. Nothing
 * waits for a client: each has its queue, bounded, and one that does not read
 * is not read from.
 */
#ifndef MOCK_XEN_MOCK_H
#define MOCK_XEN_MOCK_H

#include <sys/un.h>

#include "common/loop.h"
#include "common/util.h"
#include "faults.h"
#include "txn.h"

#define DOMID_MAX 0x7fefu /* DOMID_FIRST_RESERVED - 1 (xen.h) */
#define CONN_IN_SIZE (4 * (sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX))
#define CONN_OUT_HIGH (64 * 1024)          /* bytes unsent: no more requests are taken */
#define CONN_EVENTS_HIGH (4 * 1024 * 1024) /* bytes unsent: watch events are dropped from here */

struct mock;
struct domain;

struct watch {
    struct watch *next;
    char *path, *token; /* path: absolute or "@..." */
    size_t relative;    /* bytes of a changed path that the client does not see */
};

struct chunk { /* one message to be sent */
    struct chunk *next;
    bool event;
    unsigned n_fds;
    int fds[MX_MAX_FDS]; /* owned */
    size_t len, sent;
    char data[];
};

struct mapped { /* a grant mapped by a connection */
    struct mapped *next;
    struct domain *domain;
    uint32_t page;
};

struct conn {
    struct conn *next;
    struct mock *mock;
    struct loop_source src;
    struct loop_timer delay; /* armed: a request waits for its time */
    uint32_t domid;          /* whom it acts for */
    bool dead;               /* freed after this round of the loop */
    bool greeted;            /* MX_HELLO was said */
    bool fault_over;         /* the request at hand has had its delay */
    bool dropped_events;
    int32_t restricted; /* events only with this domain; -1: not restricted */
    char in[CONN_IN_SIZE];
    size_t in_len;
    struct chunk *out, **out_last;
    size_t out_bytes;
    struct watch *watches;
    struct txn **txns;
    unsigned n_txns;
    uint32_t last_txn_id;
    struct mapped *mapped;
};

struct channel { /* an event channel, for as long as one end lives */
    unsigned refs;
    int fd[2]; /* eventfds, one for each side's events */
};

struct port {
    struct port *next; /* of its domain, by number */
    uint32_t number;
    struct domain *domain;
    struct conn *owner;
    uint32_t remote_domid;
    struct port *peer; /* NULL: unbound, to be bound by remote_domid */
    struct channel *channel;
    unsigned side;
};

struct page {
    struct conn *owner; /* who shared it; NULL while mapped: to be freed after that */
    uint32_t mapped;    /* times, by anybody */
    uint32_t granted_to;
    bool readonly, used;
};

struct domain {
    struct domain *next;
    struct mock *mock;
    uint32_t domid;
    bool dying; /* destroyed, but its pages are still mapped: a zombie */
    bool introduced;
    struct loop_source listener;
    struct loop_timer accept_again;
    char socket[sizeof(((struct sockaddr_un *)0)->sun_path)];
    int memfd;
    struct mx_memory *mem; /* header and grant table; NULL until it is needed */
    struct page *pages;
    uint32_t next_page, n_shared, n_mapped;
    struct port *ports;
};

struct mock {
    struct loop *loop;
    struct store store;
    struct tree tree;
    struct tree special; /* @introduceDomain and @releaseDomain, for their permissions */
    struct quota quota;
    struct faults faults;
    int fault_fd;
    struct conn *conns;
    struct domain *domains;
    const char *socket;
    uint32_t n_pages; /* of each domain */
    bool keep_orphans;
    size_t dropped_events;
};

/* --- conn.c --- */
/* Takes over fd. */
void conn_new(struct mock *mock, int fd, uint32_t domid);
/* Gives up all that it holds, at once; its memory goes after this round. */
void conn_kill(struct conn *conn);
/* Sends header and payload, and fds, which it takes over. A lack of memory ends the connection. */
void conn_send(struct conn *conn, const struct xsd_sockmsg *hdr, const void *payload, size_t len, const int *fds,
               unsigned n_fds);
void conns_reap(struct mock *mock);
void conns_free(struct mock *mock);

/* --- xs.c: xenstored's requests --- */
void xs_request(struct conn *conn, const struct xsd_sockmsg *hdr, char *payload);
/* The path a request is about, absolute, in buf; NULL: it has none, or a bad one. */
const char *xs_request_path(const struct conn *conn, const struct xsd_sockmsg *hdr, const char *payload,
                            char buf[XENSTORE_ABS_PATH_MAX + 1]);
void xs_error(struct conn *conn, const struct xsd_sockmsg *hdr, int errnum);
void xs_release(struct conn *conn); /* watches and transactions */
int canonical_path(uint32_t domid, const char *path, char out[XENSTORE_ABS_PATH_MAX + 1]);

/* --- watch.c --- */
int watch_add(struct conn *conn, const char *path, const char *canonical, const char *token);
int watch_remove(struct conn *conn, const char *canonical, const char *token);
void watches_free(struct conn *conn);
void watches_fire(struct mock *mock, const struct changes *changes);
void watches_fire_special(struct mock *mock, const char *name);
/* The event that a new watch starts with. */
void watch_event(struct conn *conn, const char *path, const char *token);
unsigned watches_of_domain(const struct mock *mock, uint32_t domid);

/* --- domain.c --- */
/* NULL: no such domain alive; with zombies: nor one dead but mapped. */
struct domain *domain_find(const struct mock *mock, uint32_t domid, bool zombies);
/* A new domain, with its socket and a toolstack's nodes. -EEXIST; -EBUSY: a zombie has the number. */
int domain_create(struct mock *mock, uint32_t domid, const char *name, struct domain **out);
/* The domain is gone from now on; as a zombie while somebody maps its pages. */
void domain_destroy(struct domain *domain);
int domain_introduce(struct mock *mock, uint32_t domid);
int domain_release(struct mock *mock, uint32_t domid);
/* Frees a zombie that nobody maps any more; nothing else. */
void domain_bury(struct domain *domain);
void domains_free(struct mock *mock);

/* --- grants.c --- */
int memory_get(struct domain *domain);
void memory_free(struct domain *domain);
int grants_share(struct conn *conn, struct domain *domain, uint32_t to, uint32_t n, bool readonly, uint32_t *first);
int grants_unshare(struct conn *conn, struct domain *domain, uint32_t first, uint32_t n);
int grants_map(struct conn *conn, struct domain *domain, uint32_t ref, uint32_t *page);
int grants_unmap(struct conn *conn, struct domain *domain, uint32_t ref);
void grants_release(struct conn *conn);

/* --- ports.c --- */
int port_alloc(struct conn *conn, struct domain *domain, uint32_t remote_domid, struct port **out);
int port_bind(struct conn *conn, struct domain *domain, uint32_t remote_domid, uint32_t remote_port, struct port **out);
int port_close(struct conn *conn, struct domain *domain, uint32_t number);
void ports_release(struct conn *conn);
void ports_close_all(struct domain *domain);

/* --- mx.c: private requests --- */
void mx_request(struct conn *conn, const struct xsd_sockmsg *hdr, const char *payload);
void mx_error(struct conn *conn, const struct xsd_sockmsg *hdr, int err);

/* --- control.c --- */
/* args: n strings. 0 and *answer (to be freed), or -errno. */
int control_command(struct mock *mock, char **args, unsigned n, char **answer);
/* The live objects as text; NULL: no memory. */
char *control_status(const struct mock *mock);

/* --- client.c --- */
/* `mock-xen --socket S ctl COMMAND ...`; the process's exit status. */
int ctl_main(const char *socket, int argc, char **argv);

#endif
