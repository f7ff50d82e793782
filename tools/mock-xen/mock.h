/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mock-xen's objects: struct mock with all of them, connections, domains with their memory and event channels.
 * Everything that a connection holds (watches, transactions, grants, mappings, ports) belongs to it and is released
 * with it. mock-xen never waits for a client: each has a bounded queue, and mock-xen takes no more requests from a
 * client that does not read its answers.
 *
 * Calls go one way, in the order of the sections below: a function calls only those
 * above it. Two callbacks in struct mock are the only calls upward.
 */
#ifndef MOCK_XEN_MOCK_H
#define MOCK_XEN_MOCK_H

#include <stdio.h>
#include <sys/un.h>

#include "common/loop.h"
#include "common/util.h"
#include "faults.h"
#include "path.h"
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
    uint32_t domid;          /* the domain that it acts for */
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
    struct conn *owner; /* that shared it; NULL: no longer shared, but still mapped */
    uint32_t mapped;    /* how often, by all connections */
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
    struct page *pages;    /* n_pages of them */
    uint32_t next_page, n_shared, n_mapped;
    struct port *ports;
};

struct mock {
    /* The calls upward. conn.c sets both. */
    void (*connected)(struct mock *mock, int fd, uint32_t domid); /* a new client of domid; takes over fd */
    void (*ended)(struct conn *conn);                             /* gives up all that the connection holds */
    struct loop *loop;
    struct node_pool pool;
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

/* --- memory.c --- */
/* Makes the domain's memory when it is needed first. 0 or -errno. */
int memory_get(struct domain *domain);
void memory_free(struct domain *domain);
/*
 * n free pages in a row, searched for from where the last search ended: a page is used again as late as
 * possible, so that a copy that lost a race against a revocation does not hit another user of the page. false:
 * there are none.
 */
bool memory_find_pages(const struct domain *domain, uint32_t n, uint32_t *first);
/* Frees the page: its grant ends, and its next user finds zeros. */
void memory_page_free(struct domain *domain, uint32_t page);
/* The page in use that has this reference, and its number; NULL: none has it. */
struct page *memory_page_of_ref(const struct domain *domain, uint32_t ref, uint32_t *number);

/* --- out.c --- */
/* Ends the connection: what it holds is released at once (mock->ended), its memory is freed after this round. */
void conn_kill(struct conn *conn);
/* Queues header and payload, and fds, which it takes over. A lack of memory ends the connection. */
void conn_send(struct conn *conn, const struct xsd_sockmsg *hdr, const void *payload, size_t len, const int *fds,
               unsigned n_fds);
/* Sends as much as the client takes now. */
void conn_flush(struct conn *conn);
/* Tells the loop which events the connection needs now: room to send, or requests while few answers wait. */
void conn_poll_again(struct conn *conn);

/* --- watches.c --- */
int watch_add(struct conn *conn, const char *path, const char *canonical, const char *token);
int watch_remove(struct conn *conn, const char *canonical, const char *token);
void watches_free(struct conn *conn);
void watches_fire(struct mock *mock, const struct tree_changes *changes);
void watches_fire_special(struct mock *mock, const char *name);
/* The event that a new watch starts with. */
void watch_event(struct conn *conn, const char *path, const char *token);
unsigned watches_of_domain(const struct mock *mock, uint32_t domid);

/* --- ports.c --- */
int port_alloc(struct conn *conn, struct domain *domain, uint32_t remote_domid, struct port **out);
/* remote: the domain remote_domid; NULL: it is not alive. -ESRCH then, -EINVAL: no such port to be bound. */
int port_bind(struct conn *conn, struct domain *domain, uint32_t remote_domid, const struct domain *remote,
              uint32_t remote_port, struct port **out);
int port_close(struct conn *conn, struct domain *domain, uint32_t number);
/* Closes what the connection opened; domain: its own, NULL when that is gone. */
void ports_release(struct conn *conn, struct domain *domain);
void ports_close_all(struct domain *domain);

/* --- domain.c --- */
/* A domain that is alive, or, with zombies, one that is dead but still mapped; else NULL. */
struct domain *domain_find(const struct mock *mock, uint32_t domid, bool zombies);
/* A new domain, with its socket and a toolstack's nodes. -EEXIST; -EBUSY: a zombie has the number. */
int domain_create(struct mock *mock, uint32_t domid, const char *name, struct domain **out);
/* Ends the domain. It stays as a zombie while a page of it is mapped. */
void domain_destroy(struct domain *domain);
int domain_introduce(struct mock *mock, uint32_t domid);
int domain_release(struct mock *mock, uint32_t domid);
/* Frees the domain if it is a zombie without mapped pages; else does nothing. */
void domain_bury(struct domain *domain);
void domains_free(struct mock *mock);

/* --- control.c --- */
/* args: n strings. 0 and *answer (to be freed), or -errno. */
int control_command(struct mock *mock, char **args, unsigned n, char **answer);
/* Whether a command can be right, without a mock-xen. 0, or -EINVAL or -ENOMEM: why says what is wrong and allowed. */
int control_check(char **args, unsigned n, char why[FAULT_WHY_MAX]);
/* The live objects as text; NULL: no memory. */
char *control_status(const struct mock *mock);
/* The commands, a line each, with two blanks before it. */
void control_help(FILE *out);

/* --- grants.c --- */
int grants_share(struct conn *conn, struct domain *domain, uint32_t to, uint32_t n, bool readonly, uint32_t *first);
int grants_unshare(struct conn *conn, struct domain *domain, uint32_t first, uint32_t n);
int grants_map(struct conn *conn, struct domain *domain, uint32_t ref, uint32_t *page);
int grants_unmap(struct conn *conn, struct domain *domain, uint32_t ref);
void grants_release(struct conn *conn);

/* --- xs.c: xenstored's requests --- */
void xs_request(struct conn *conn, const struct xsd_sockmsg *hdr, char *payload);
void xs_error(struct conn *conn, const struct xsd_sockmsg *hdr, int errnum);
void xs_release(struct conn *conn); /* watches and transactions */

/* --- mx.c: private requests --- */
void mx_request(struct conn *conn, const struct xsd_sockmsg *hdr, const char *payload);
void mx_error(struct conn *conn, const struct xsd_sockmsg *hdr, int err);

/* --- conn.c --- */
/* Sets mock->connected and mock->ended. */
void conns_init(struct mock *mock);
/* Frees dead connections; once after each round of the loop. */
void conns_reap(struct mock *mock);
void conns_free(struct mock *mock);

/* --- mock.c --- */
/*
 * Makes an empty store without domains. The caller has set loop, quota, socket, n_pages and fault_fd. 0 or -ENOMEM;
 * mock_deinit() must follow in both cases.
 */
int mock_init(struct mock *mock);
/*
 * Ends connections and domains, frees the store. false: nodes were left over. The caller still owns loop and fault
 * page.
 */
bool mock_deinit(struct mock *mock);

/* --- client.c --- */
/* `mock-xen --socket S ctl COMMAND ...`; the process's exit status. */
int ctl_main(const char *socket, int argc, char **argv);

#endif
