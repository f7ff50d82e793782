// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands about the connection: what a guest does when it boots, suspends, or is changed by its administrator. */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "common/xenbus.h"
#include "front.h"
#include "pattern.h"

static int cmd_status(struct front *f, int argc, char **argv)
{
    const struct session *s = &f->session;

    printf("frontend %s, state %u (%s)\n", s->frontend ? s->frontend : "none", s->own_state,
           xenbus_state_name((enum xenbus_state)s->own_state));
    printf("backend %s in domain %u, state %u (%s)%s\n", s->backend ? s->backend : "none", s->backend_id,
           s->backend_state, xenbus_state_name((enum xenbus_state)s->backend_state), s->gone ? ", gone" : "");
    if (f->ring.up)
        printf("ring-ref %u, event-channel %u, at most %u segments\n", f->ring.ref, f->ring.port, s->max_segments);
    printf("requests %llu, responses %llu, in flight %u, events %llu, without a response %llu, "
           "notifies %llu, violations %u\n",
           (unsigned long long)f->ring.requests, (unsigned long long)f->ring.responses, f->ring.in_flight,
           (unsigned long long)f->ring.events, (unsigned long long)f->ring.spurious,
           (unsigned long long)f->ring.notifies, f->violations);
    return 0;
}

static int cmd_connect(struct front *f, int argc, char **argv)
{
    return session_connect(f);
}

static int cmd_disconnect(struct front *f, int argc, char **argv)
{
    return session_disconnect(f);
}

static int cmd_reconnect(struct front *f, int argc, char **argv)
{
    return f->ring.up && session_disconnect(f) < 0 ? -1 : session_connect(f);
}

static int cmd_suspend(struct front *f, int argc, char **argv)
{
    return session_suspend(f);
}

static int cmd_open(struct front *f, int argc, char **argv)
{
    return session_open(f);
}

static int cmd_offer(struct front *f, int argc, char **argv)
{
    if (!f->session.backend && session_open(f) < 0)
        return -1;
    return session_offer(f);
}

static int cmd_state(struct front *f, int argc, char **argv)
{
    uint64_t state;

    if (parse_number(f, argv[1], "state", UINT32_MAX, &state) < 0)
        return -1;
    if (!f->session.backend && session_open(f) < 0)
        return -1;
    return session_set_state(f, (unsigned)state);
}

static int cmd_node(struct front *f, int argc, char **argv)
{
    if (!f->session.backend && session_open(f) < 0)
        return -1;
    return session_write(f, argv[1], argc > 2 ? argv[2] : "", argc > 2 ? (unsigned)strlen(argv[2]) : 0);
}

/* Waits until `there` says so; serves everything meanwhile. */
static int wait_for(struct front *f, int argc, char **argv, bool (*there)(struct front *f, void *ctx), void *ctx,
                    const char *what)
{
    uint64_t seconds = f->opt.timeout_ms / 1000, end;

    if (arg_number(f, argc, argv, "timeout", &seconds) < 0)
        return -1;
    end = now_us() + seconds * 1000000;
    while (!there(f, ctx)) {
        if (now_us() >= end)
            return fail(f, "time-out waiting for %s (backend state %u, own state %u)", what, f->session.backend_state,
                        f->session.own_state);
        front_poll(f, 50, -1);
    }
    return 0;
}

struct wait_dev {
    struct hctl v;
    unsigned state;
};

static bool dev_there(struct front *f, void *ctx)
{
    const struct wait_dev *w = ctx;
    struct device *d = session_device(f, &w->v);

    if (w->state == 0)
        return d == NULL;
    return d && d->usable && (w->state != 4 || session_usable(f)) && session_backend_dev_state(f, d) == w->state;
}

static int cmd_wait_dev(struct front *f, int argc, char **argv)
{
    struct wait_dev w;
    uint64_t state;

    if (arg_device(f, argv[1], &w.v) < 0
        || (strcmp(argv[2], "gone") != 0 && parse_number(f, argv[2], "state", 8, &state) < 0))
        return -1;
    w.state = strcmp(argv[2], "gone") == 0 ? 0 : (unsigned)state;
    return wait_for(f, argc, argv, dev_there, &w, argv[1]);
}

static bool reconfigured(struct front *f, void *ctx)
{
    return f->session.reconfigured != *(unsigned *)ctx && session_usable(f) && f->session.backend_state == 4;
}

static int cmd_hotplug_wait(struct front *f, int argc, char **argv)
{
    unsigned before = f->session.reconfigured;

    return wait_for(f, argc, argv, reconfigured, &before, "a hotplug round");
}

static bool backend_at(struct front *f, void *ctx)
{
    return f->session.backend_state == *(unsigned *)ctx;
}

static int cmd_wait_backend(struct front *f, int argc, char **argv)
{
    uint64_t state;
    unsigned want;

    if (parse_number(f, argv[1], "state", 8, &state) < 0)
        return -1;
    if (!f->session.backend && session_open(f) < 0)
        return -1;
    want = (unsigned)state;
    return wait_for(f, argc, argv, backend_at, &want, "the backend's state");
}

static bool is_gone(struct front *f, void *ctx)
{
    return f->session.gone;
}

static int cmd_wait_gone(struct front *f, int argc, char **argv)
{
    return wait_for(f, argc, argv, is_gone, NULL, "the controller to go");
}

static int cmd_sleep(struct front *f, int argc, char **argv)
{
    uint64_t ms, end;

    if (parse_number(f, argv[1], "milliseconds", 3600000, &ms) < 0)
        return -1;
    end = now_us() + ms * 1000;
    for (uint64_t now = now_us(); now < end; now = now_us())
        front_poll(f, (int)((end - now) / 1000) + 1, -1);
    return 0;
}

/* Writes nonsense to the guest's own nodes, as fast as xenstored accepts it. */
static int cmd_storm(struct front *f, int argc, char **argv)
{
    static const char *const nodes[] = { "state",
                                         "state",
                                         "state",
                                         "ring-ref",
                                         "event-channel",
                                         "protocol",
                                         "vscsi-devs/dev-0/state",
                                         "vscsi-devs/dev-1/state",
                                         "backend-id" };
    uint64_t count, children = 0, seed = 1, below = 0, begin = now_us();
    char node[64], value[32];
    unsigned refused = 0;

    if (parse_number(f, argv[1], "count", 100000000, &count) < 0 || arg_number(f, argc, argv, "children", &children) < 0
        || arg_number(f, argc, argv, "seed", &seed) < 0 || arg_number(f, argc, argv, "below", &below) < 0)
        return -1;
    if (!f->session.backend && session_open(f) < 0)
        return -1;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t dice = pattern_next(&seed), limit = dice & 128 ? 10 : 100000;

        if (below)
            limit = below;
        if (children && dice % 4 == 0)
            snprintf(node, sizeof(node), "vscsi-devs/dev-%llu/state", (unsigned long long)(dice >> 8) % children);
        else
            snprintf(node, sizeof(node), "%s", nodes[(dice >> 8) % ARRAY_SIZE(nodes)]);
        snprintf(value, sizeof(value), "%llu", (unsigned long long)((dice >> 40) % limit));
        if (session_write(f, node, value, (unsigned)strlen(value)) < 0)
            refused++; /* the guest's quota */
        if (i % 64 == 0)
            front_poll(f, 0, -1);
    }
    printf("%llu writes in %.2f s, %u refused\n", (unsigned long long)count, (double)(now_us() - begin) / 1e6, refused);
    return 0;
}

static int cmd_echo(struct front *f, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        printf("%s%s", argv[i], i + 1 < argc ? " " : "\n");
    return 0;
}

const struct verb verbs_session[] = {
    { "status", "", "the connection, and what has passed through it", 0, true, cmd_status },
    { "connect", "", "state 3 with a new ring, then to 4", 0, true, cmd_connect },
    { "disconnect", "", "as when the frontend's module is unloaded, or the device disabled", 0, true, cmd_disconnect },
    { "reconnect", "", "disconnect where needed, then connect", 0, true, cmd_reconnect },
    { "suspend", "", "as after save and restore: a new ring, what was in flight is lost", 0, true, cmd_suspend },
    { "open", "", "find the controller's nodes and watch the backend; does not connect", 0, true, cmd_open },
    { "offer", "", "a new ring, its nodes, state 3; waits for nothing", 0, true, cmd_offer },
    { "state", "N", "write the frontend's state", 1, true, cmd_state },
    { "node", "NAME [VALUE]", "write one of the frontend's nodes", 1, true, cmd_node },
    { "wait-dev", "H:C:T:L STATE|gone [timeout=SECONDS]",
      "wait until the backend has the device in this state and the frontend uses it (gone: no longer)", 2, true,
      cmd_wait_dev },
    { "hotplug-wait", "[timeout=SECONDS]", "wait until the next round of states 7 and 8 is over", 0, true,
      cmd_hotplug_wait },
    { "wait-backend", "STATE [timeout=SECONDS]", "wait until the backend is in this state", 1, true, cmd_wait_backend },
    { "wait-gone", "[timeout=SECONDS]", "wait until the toolstack has removed the controller", 0, true, cmd_wait_gone },
    { "sleep", "MILLISECONDS", "wait, and serve xenstore and the ring meanwhile", 1, true, cmd_sleep },
    { "storm", "COUNT [children=N] [seed=N] [below=N]",
      "write nonsense (numbers below N) to the frontend's nodes, as fast as xenstored accepts it", 1, true, cmd_storm },
    { "echo", "[WORD]...", "print the words", 0, true, cmd_echo },
    { NULL },
};
