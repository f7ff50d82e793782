// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The frontend's half of the handshake through xenstore, in the order in which
 * Linux's xen-scsifront does it, with the differences that persona.h has (--like).
 * The backend's state is looked at when a watch fires, and only then, as
 * xenbus does; a device is tried with INQUIRY before it is declared usable, as
 * the SCSI midlayer does.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <xen/io/xenbus.h>

#include "front.h"

#define TOKEN_BACKEND "backend"
#define TOKEN_FRONTEND "frontend"
#define TOKEN_DEVICES "devices"
#define LINUX_MAX_SEGMENTS 128u /* SG_ALL */
#define LOAD_MODULE_US 500000u

static char *read_node(struct front *f, const char *dir, const char *node)
{
    CLEANUP_FREE char *path = strf("%s/%s", dir, node);

    return path ? xs_read(f->xs, XBT_NULL, path, NULL) : NULL;
}

static int read_number(struct front *f, const char *dir, const char *node, uint32_t *out)
{
    CLEANUP_FREE char *text = read_node(f, dir, node);

    return text ? parse_u32_str(text, UINT32_MAX, out) : -ENOENT;
}

int session_write(struct front *f, const char *node, const char *value, unsigned len)
{
    CLEANUP_FREE char *path = strf("%s/%s", f->session.frontend, node);

    if (!path)
        return fail(f, "out of memory");
    if (!xs_write(f->xs, XBT_NULL, path, value, len))
        return fail(f, "cannot write %s: %s", path, strerror(errno));
    return 0;
}

static int write_number(struct front *f, const char *node, unsigned value)
{
    char text[16];

    snprintf(text, sizeof(text), "%u", value);
    return session_write(f, node, text, (unsigned)strlen(text));
}

int session_set_state(struct front *f, unsigned state)
{
    f->session.own_state = state;
    return write_number(f, "state", state);
}

static void dev_state(struct front *f, const struct device *d, unsigned state)
{
    char node[80];

    if (state == 0)
        return;
    snprintf(node, sizeof(node), "vscsi-devs/%s/state", d->node);
    write_number(f, node, state);
}

struct device *session_device(struct front *f, const struct hctl *v)
{
    for (unsigned i = 0; i < f->session.n_devices; i++) {
        struct device *d = &f->session.devices[i];

        if (d->v.channel == v->channel && d->v.target == v->target && d->v.lun == v->lun)
            return d;
    }
    return NULL;
}

unsigned session_backend_dev_state(struct front *f, const struct device *d)
{
    char node[80];
    uint32_t state = 0;

    snprintf(node, sizeof(node), "vscsi-devs/%s/state", d->node);
    return read_number(f, f->session.backend, node, &state) < 0 ? 0 : state;
}

/* Linux's scsi_add_device() begins with INQUIRY; a device that does not answer it counts as absent. */
static bool probe(struct front *f, const struct hctl *v)
{
    uint8_t data[36] = { 0 };
    struct command c = { .dev = *v,
                         .cdb = { 0x12, 0, 0, 0, sizeof(data), 0 },
                         .cdb_len = 6,
                         .dir = DIR_IN,
                         .len = sizeof(data),
                         .data = data,
                         .timeout_s = 20 };
    struct result res;

    return io_run_retry(f, &c, &res) == 0 && data[0] >> 5 == 0;
}

static void add_device(struct front *f, const char *node, const struct hctl *v)
{
    struct session *s = &f->session;
    struct device *d = session_device(f, v);

    if (!d) {
        if (s->n_devices == MAX_DEVICES)
            return;
        d = &s->devices[s->n_devices];
        memset(d, 0, sizeof(*d));
        d->v = *v;
        s->n_devices++;
    }
    snprintf(d->node, sizeof(d->node), "%s", node);
    bool usable = !f->opt.as->tries || probe(f, v);

    /* The connection may have been lost meanwhile, and all devices with it. */
    d = session_device(f, v);
    if (!d)
        return;
    d->usable = usable;
    /* Some say of a device that they have refused that they have it. */
    dev_state(f, d, d->usable || f->opt.as->refused == 0 ? f->opt.as->added : f->opt.as->refused);
    if (!d->usable)
        *d = s->devices[--s->n_devices];
}

static void remove_device(struct front *f, const char *node, const struct hctl *v)
{
    struct session *s = &f->session;
    struct device *d = session_device(f, v);

    if (!d || strcmp(d->node, node) != 0)
        return;
    d->usable = false;
    dev_state(f, d, f->opt.as->removed);
    *d = s->devices[--s->n_devices];
}

enum scan {
    SCAN_ADD,
    SCAN_REMOVE,
    SCAN_ADD_AGAIN,
    SCAN_ALL
};

static void scan_devices(struct front *f, enum scan what)
{
    CLEANUP_FREE char *dir = strf("%s/vscsi-devs", f->session.backend);
    CLEANUP_FREE char **names = NULL;
    unsigned n = 0;

    if (dir)
        names = xs_directory(f->xs, XBT_NULL, dir, &n);
    for (unsigned i = 0; names && i < n; i++) {
        CLEANUP_FREE char *dev = strf("%s/%s", dir, names[i]);
        CLEANUP_FREE char *vdev = NULL;
        uint32_t state;
        struct hctl v;

        if (!dev || strlen(names[i]) >= sizeof(f->session.devices[0].node))
            continue;
        vdev = read_node(f, dev, "v-dev");
        if (read_number(f, dev, "state", &state) < 0 || !vdev || hctl_parse(vdev, &v) < 0)
            continue;
        if (what == SCAN_ALL) {
            if (!session_device(f, &v))
                add_device(f, names[i], &v);
        } else if (what == SCAN_ADD && state == XenbusStateInitialised)
            add_device(f, names[i], &v);
        else if (what == SCAN_REMOVE && state == XenbusStateClosing)
            remove_device(f, names[i], &v);
        else if (what == SCAN_ADD_AGAIN && state == XenbusStateConnected) {
            struct device *d = session_device(f, &v);

            if (d)
                dev_state(f, d, XenbusStateConnected);
        }
    }
}

static void read_backend_params(struct front *f)
{
    struct session *s = &f->session;
    uint32_t segs = 0;

    s->max_segments = VSCSIIF_SG_TABLESIZE;
    if (!f->opt.as->segments_node || read_number(f, s->backend, f->opt.as->segments_node, &segs) < 0)
        return;
    if (segs > LINUX_MAX_SEGMENTS)
        segs = LINUX_MAX_SEGMENTS;
    if (segs > s->max_segments)
        s->max_segments = segs;
}

static void forget_devices(struct front *f)
{
    for (unsigned i = 0; i < f->session.n_devices; i++)
        f->session.devices[i].usable = false;
    f->session.n_devices = 0;
}

static void lower_ring(struct front *f)
{
    int e = ring_down(&f->ring);

    /* -EBUSY: the backend still maps the page. The hypervisor ends the grant when it is unmapped. */
    if (e < 0 && e != -EBUSY)
        violation(f, "the ring could not be given back: %s", strerror(-e));
}

static void backend_changed(struct front *f, unsigned state)
{
    struct session *s = &f->session;

    s->backend_state = state;
    switch (state) {
    case XenbusStateConnected:
        if (s->own_state != XenbusStateInitialised && s->own_state != XenbusStateConnected)
            break;
        read_backend_params(f);
        if (s->paused) {
            scan_devices(f, f->opt.as->keeps_devices ? SCAN_ADD_AGAIN : SCAN_ADD);
            s->paused = false;
            session_set_state(f, XenbusStateConnected);
        } else if (s->own_state == XenbusStateInitialised) {
            scan_devices(f, f->opt.as->takes_all ? SCAN_ALL : SCAN_ADD);
            session_set_state(f, XenbusStateConnected);
        }
        break;
    case XenbusStateClosed:
    case XenbusStateClosing:
        if (state == XenbusStateClosed && !f->opt.as->closes_with_6)
            break;
        if (s->own_state == XenbusStateInitialised || s->own_state == XenbusStateConnected
            || s->own_state == XenbusStateReconfiguring) {
            forget_devices(f);
            session_set_state(f, XenbusStateClosed);
        }
        break;
    case XenbusStateReconfiguring:
        if (!f->ring.up || !f->opt.as->reconfigures)
            break;
        scan_devices(f, SCAN_REMOVE);
        if (s->own_state != XenbusStateReconfiguring)
            session_set_state(f, XenbusStateReconfiguring);
        break;
    case XenbusStateReconfigured:
        if (s->own_state != XenbusStateReconfiguring)
            break;
        scan_devices(f, SCAN_ADD);
        session_set_state(f, XenbusStateConnected);
        s->reconfigured++;
        break;
    default:
        break;
    }
}

static void look_at_backend(struct front *f)
{
    uint32_t state;

    if (f->session.backend && read_number(f, f->session.backend, "state", &state) == 0)
        backend_changed(f, state);
    else
        f->session.backend_state = XenbusStateUnknown;
}

static void look_at_frontend(struct front *f)
{
    CLEANUP_FREE char *backend = f->session.frontend ? read_node(f, f->session.frontend, "backend") : NULL;

    /* The toolstack has removed the controller: there is no state to write any more. */
    if (!backend && !f->session.gone) {
        f->session.gone = true;
        f->session.own_state = XenbusStateUnknown;
        forget_devices(f);
        lower_ring(f);
    }
}

void session_event(struct front *f)
{
    char **event;

    if (f->in_session)
        return;
    f->in_session = true;
    while ((event = xs_check_watch(f->xs))) {
        bool backend = strcmp(event[XS_WATCH_TOKEN], TOKEN_BACKEND) == 0;
        bool devices = strcmp(event[XS_WATCH_TOKEN], TOKEN_DEVICES) == 0;

        free(event);
        if (backend)
            look_at_backend(f);
        else if (!devices)
            look_at_frontend(f);
        else if (f->session.own_state == XenbusStateConnected)
            scan_devices(f, SCAN_ALL);
    }
    f->in_session = false;
}

bool session_usable(const struct front *f)
{
    return f->ring.up && !f->session.paused && f->session.backend_state != XenbusStateClosing
           && f->session.backend_state != XenbusStateClosed
           && (f->session.own_state == XenbusStateConnected || f->session.own_state == XenbusStateReconfiguring);
}

static int watch(struct front *f, const char *dir, const char *node, const char *token)
{
    CLEANUP_FREE char *path = strf("%s/%s", dir, node);

    if (!path)
        return fail(f, "out of memory");
    /* A controller that came back is watched already. */
    if (!xs_watch(f->xs, path, token) && errno != EEXIST)
        return fail(f, "cannot watch %s: %s", path, strerror(errno));
    return 0;
}

/* The controller meant by --vhost, else the lowest that there is. False: none (yet). */
static bool find_controller(struct front *f)
{
    struct session *s = &f->session;
    CLEANUP_FREE char **names = NULL;
    uint32_t id, lowest = UINT32_MAX;
    unsigned n = 0;

    if (f->opt.vhost >= 0) {
        lowest = (uint32_t)f->opt.vhost;
    } else {
        names = xs_directory(f->xs, XBT_NULL, "device/vscsi", &n);
        for (unsigned i = 0; names && i < n; i++)
            if (parse_u32_str(names[i], UINT32_MAX, &id) == 0 && id < lowest)
                lowest = id;
        if (lowest == UINT32_MAX)
            return false;
    }
    free(s->frontend);
    free(s->backend);
    s->frontend = strf("device/vscsi/%u", lowest);
    s->backend = s->frontend ? read_node(f, s->frontend, "backend") : NULL;
    if (!s->backend || read_number(f, s->frontend, "backend-id", &id) < 0 || id > UINT16_MAX)
        return false;
    s->backend_id = (uint16_t)id;
    return true;
}

int session_open(struct front *f)
{
    struct session *s = &f->session;
    uint64_t end = now_us() + (uint64_t)f->opt.timeout_ms * 1000;
    uint32_t state = 0;

    free(s->frontend);
    free(s->backend);
    memset(s, 0, sizeof(*s));
    s->max_segments = VSCSIIF_SG_TABLESIZE;
    while (!find_controller(f)) {
        if (now_us() >= end)
            return fail(f, "no controller under device/vscsi in xenstore: has the toolstack attached a device?");
        front_poll(f, 20, -1);
        s->gone = false;
    }
    if (read_number(f, s->frontend, "state", &state) == 0)
        s->own_state = state;
    s->watching = true;
    if (watch(f, s->frontend, "backend", TOKEN_FRONTEND) < 0)
        return -1;
    if (f->opt.as->takes_all && watch(f, s->backend, "vscsi-devs", TOKEN_DEVICES) < 0)
        return -1;
    return watch(f, s->backend, "state", TOKEN_BACKEND);
}

void session_close(struct front *f)
{
    ring_down(&f->ring);
    free(f->session.frontend);
    free(f->session.backend);
    f->session.frontend = NULL;
    f->session.backend = NULL;
}

static int publish_ring(struct front *f)
{
    CLEANUP_FREE char *ref = strf("%u", f->ring.ref), *port = strf("%u", f->ring.port);
    const struct {
        const char *node, *value;
    } nodes[] = {
        { "ring-ref", ref },
        { "event-channel", port },
        { f->opt.as->extra_node, f->opt.as->extra_value },
    };

    if (!ref || !port)
        return fail(f, "out of memory");
    for (;;) {
        xs_transaction_t t = xs_transaction_start(f->xs);

        if (t == XBT_NULL)
            return fail(f, "cannot start a transaction: %s", strerror(errno));
        for (unsigned i = 0; i < ARRAY_SIZE(nodes) && nodes[i].node; i++) {
            CLEANUP_FREE char *path = strf("%s/%s", f->session.frontend, nodes[i].node);

            if (!path || !xs_write(f->xs, t, path, nodes[i].value, (unsigned)strlen(nodes[i].value))) {
                int e = errno;

                xs_transaction_end(f->xs, t, true);
                return fail(f, "cannot write %s: %s", nodes[i].node, strerror(e));
            }
        }
        if (xs_transaction_end(f->xs, t, false))
            return 0;
        if (errno != EAGAIN)
            return fail(f, "cannot commit ring-ref and event-channel: %s", strerror(errno));
    }
}

int session_offer(struct front *f)
{
    int e;

    if (f->session.gone || !f->session.backend)
        return fail(f, "the controller is gone from xenstore");
    lower_ring(f);
    e = ring_up(&f->ring, f->xen, f->session.backend_id);
    if (e < 0)
        return fail(f, "cannot grant a ring and allocate a port: %s", strerror(-e));
    if (publish_ring(f) < 0)
        return -1;
    return session_set_state(f, XenbusStateInitialised);
}

static int wait_until(struct front *f, bool (*there)(const struct front *f), const char *what)
{
    uint64_t end = now_us() + (uint64_t)f->opt.timeout_ms * 1000;

    while (!there(f)) {
        if (now_us() >= end)
            return fail(f, "time-out waiting for %s: backend state %u, own state %u", what, f->session.backend_state,
                        f->session.own_state);
        front_poll(f, 100, -1);
    }
    return 0;
}

static bool is_connected(const struct front *f)
{
    return session_usable(f) && f->session.own_state == XenbusStateConnected
           && f->session.backend_state == XenbusStateConnected;
}

static bool backend_closing(const struct front *f)
{
    return f->session.gone || f->session.backend_state == XenbusStateClosing
           || f->session.backend_state == XenbusStateClosed || f->session.backend_state == XenbusStateUnknown;
}

/* State 2 counts too: the backend was closed and is already ready for a new connection. */
static bool backend_closed(const struct front *f)
{
    return f->session.gone || f->session.backend_state == XenbusStateClosed
           || f->session.backend_state == XenbusStateInitWait || f->session.backend_state == XenbusStateUnknown;
}

static bool backend_init_wait(const struct front *f)
{
    return f->session.gone || f->session.backend_state == XenbusStateInitWait;
}

static bool backend_at_5(const struct front *f)
{
    return f->session.gone || f->session.backend_state == XenbusStateClosing;
}

static bool backend_at_6(const struct front *f)
{
    return f->session.gone || f->session.backend_state == XenbusStateClosed;
}

/* Each of them looks for one state only: a backend that is past it is waited for without end. */
static int close_in_steps(struct front *f)
{
    if (session_set_state(f, XenbusStateClosing) < 0 || wait_until(f, backend_at_5, "the backend to be at 5") < 0
        || session_set_state(f, XenbusStateClosed) < 0 || wait_until(f, backend_at_6, "the backend to be at 6") < 0)
        return -1;
    if (f->opt.as->goodbye == GOODBYE_RESTARTS
        && (session_set_state(f, XenbusStateInitialising) < 0
            || wait_until(f, backend_init_wait, "the backend to be at 2") < 0))
        return -1;
    lower_ring(f);
    return 0;
}

/* Write 5, wait for 5; write 6, wait for 6; write 1, wait for 2: what a frontend does that finds states of another. */
static int reset(struct front *f)
{
    if (session_set_state(f, XenbusStateClosing) < 0 || wait_until(f, backend_closing, "the backend to close") < 0)
        return -1;
    lower_ring(f);
    if (session_set_state(f, XenbusStateClosed) < 0 || wait_until(f, backend_closed, "the backend to be closed") < 0
        || session_set_state(f, XenbusStateInitialising) < 0)
        return -1;
    return wait_until(f, backend_init_wait, "the backend to be ready again");
}

int session_connect(struct front *f)
{
    if (is_connected(f))
        return 0;
    if (f->session.gone || !f->session.watching) {
        if (session_open(f) < 0)
            return -1;
    }
    /* A previous frontend was connected and did not disconnect. */
    if (!f->ring.up && f->session.own_state > XenbusStateInitialising && f->session.own_state != XenbusStateClosed
        && reset(f) < 0)
        return -1;
    if (!f->ring.up || f->session.own_state == XenbusStateClosed) {
        uint64_t patience = now_us() + LOAD_MODULE_US;

        /* Loading a module takes longer than a backend needs to go from 5 to 2. At 6, Linux would close again. */
        while (backend_closing(f) && !f->session.gone && now_us() < patience)
            front_poll(f, 20, -1);
        if (f->opt.as->waits_for_2
            && ((f->session.own_state == XenbusStateClosed && session_set_state(f, XenbusStateInitialising) < 0)
                || wait_until(f, backend_init_wait, "the backend to be at 2") < 0))
            return -1;
        if (session_offer(f) < 0)
            return -1;
        /* After a resume the backend may already be at 4: xenbus reads the state once when it sets its watch. */
        look_at_backend(f);
    }
    return wait_until(f, is_connected, "the connection");
}

int session_disconnect(struct front *f)
{
    forget_devices(f);
    if (f->session.gone || !f->session.backend) {
        lower_ring(f);
        return 0;
    }
    if (f->opt.as->goodbye != GOODBYE_CLOSED)
        return close_in_steps(f);
    /* When the module is unloaded, Linux takes the ring away first and writes its state afterwards. */
    lower_ring(f);
    if (session_set_state(f, XenbusStateClosed) < 0)
        return -1;
    return wait_until(f, backend_closed, "the backend to be closed");
}

int session_suspend(struct front *f)
{
    if (!session_usable(f))
        return fail(f, "not connected");
    f->session.paused = true;
    if (!f->opt.as->keeps_devices)
        forget_devices(f);
    if (session_offer(f) < 0)
        return -1;
    look_at_backend(f);
    return wait_until(f, is_connected, "the connection after the resume");
}
