// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the control socket tells of a control process over a xenstore and workers in memory.
 */
#include "config.h"

#include <json-c/json.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "control/ctlsock.h"
#include "host-fixture.h"
#include "scsi/scsi.h"

/* Time passes when a test says so. */
static uint64_t later_us;
uint64_t __real_now_us(void);
uint64_t __wrap_now_us(void);

uint64_t __wrap_now_us(void)
{
    return __real_now_us() + later_us;
}

static struct json_object *field(struct json_object *o, const char *key)
{
    struct json_object *v = NULL;

    ck_assert_msg(json_object_object_get_ex(o, key, &v), "%s", key);
    return v;
}

START_TEST(the_status_says_what_is_served)
{
    struct json_object *o, *v, *l;

    connected();
    o = host_report_status(host);
    ck_assert(json_object_get_boolean(field(o, "serving")));
    ck_assert_int_eq(json_object_get_int(field(o, "domid")), 0);
    ck_assert_int_eq((int)json_object_array_length(field(o, "vhosts")), 1);
    v = json_object_array_get_idx(field(o, "vhosts"), 0);
    ck_assert_int_eq(json_object_get_int(field(v, "domid")), 3);
    ck_assert_int_eq(json_object_get_int(field(v, "state")), 4);
    ck_assert_int_eq(json_object_get_int(field(v, "worker_pid")), FAKE_PID);
    l = json_object_array_get_idx(field(v, "luns"), 0);
    ck_assert_str_eq(json_object_get_string(field(l, "p_dev")), pdev_a);
    ck_assert_str_eq(json_object_get_string(field(l, "v_dev")), "0:0:0:0");
    ck_assert_str_eq(json_object_get_string(field(l, "device")), file_a);
    ck_assert_int_eq(json_object_get_int(field(l, "state")), 4);
    ck_assert_str_eq(json_object_get_string(field(l, "pr_helper")), "idle");
    json_object_put(o);
    fake_say(fake_child(), &(struct worker_msg){ .type = WM_HELPER, .u.helper_state = HELPER_AWAY });
    o = host_report_status(host);
    l = json_object_array_get_idx(field(json_object_array_get_idx(field(o, "vhosts"), 0), "luns"), 0);
    ck_assert_str_eq(json_object_get_string(field(l, "pr_helper")), "away");
    json_object_put(o);
}
END_TEST

START_TEST(the_statistics_come_from_the_shared_page)
{
    struct pvscsi_stats *s;
    struct json_object *o, *v, *l;
    char path[128];
    int fd;

    connected();
    snprintf(path, sizeof(path), "%s/d3.0.stats", dir);
    fd = open(path, O_RDWR);
    ck_assert_int_ge(fd, 0);
    s = calloc(1, sizeof(*s));
    s->notifies = 17;
    s->lun[0] = (struct pvscsi_lun_stats){ .used = 1,
                                           .commands = 100,
                                           .answered = 97,
                                           .read_bytes = 4096,
                                           .latency = { 5, 6 },
                                           .kinds = { [SCSI_KIND_MEDIUM_ERROR] = 7 } };
    ck_assert_int_eq(pwrite(fd, s, sizeof(*s), 0), (int)sizeof(*s));
    free(s);
    close(fd);
    o = host_report_stats(host);
    v = json_object_array_get_idx(field(o, "vhosts"), 0);
    ck_assert_int_eq(json_object_get_int(field(v, "notifies")), 17);
    l = json_object_array_get_idx(field(v, "luns"), 0);
    ck_assert_int_eq(json_object_get_int(field(l, "commands")), 100);
    ck_assert_int_eq(json_object_get_int(field(l, "in_flight")), 3);
    ck_assert_int_eq(json_object_get_int(field(l, "read_bytes")), 4096);
    ck_assert_int_eq(json_object_get_int(json_object_array_get_idx(field(l, "latency_us_log2"), 1)), 6);
    ck_assert_int_eq(json_object_get_int(field(field(l, "ends"), "medium error")), 7);
    ck_assert_int_eq(json_object_get_int(field(field(l, "ends"), "good")), 0);
    json_object_put(o);

    fake_putf("a\nb\\c", "/local/domain/3/name");
    model_mark_all(host->vhosts);
    model_changed(host->vhosts);
    let_happen();
    o = host_report_metrics(host);
    ck_assert_int_gt(json_object_get_int64(field(o, "started")), 1500000000);
    v = json_object_array_get_idx(field(o, "vhosts"), 0);
    ck_assert(json_object_get_boolean(field(v, "up")));
    ck_assert_str_eq(json_object_get_string(field(v, "guest")), "a\\x0ab\\x5cc");
    ck_assert_str_eq(json_object_get_string(field(v, "uuid")), "3");
    ck_assert_int_eq(json_object_get_int(field(field(v, "stats"), "notifies")), 17);
    l = json_object_array_get_idx(field(v, "luns"), 0);
    ck_assert(json_object_get_boolean(field(l, "up")));
    l = field(l, "stats");
    ck_assert_int_eq(json_object_get_int(field(l, "commands")), 100);
    ck_assert_int_eq(json_object_get_int(field(field(l, "errors_by_kind"), "medium error")), 7);
    ck_assert(!json_object_object_get_ex(field(l, "errors_by_kind"), "good", NULL));
    json_object_put(o);
}
END_TEST

/* What the log and the reports say of the guest. */
static void is_called(const char *name, const char *prefix)
{
    struct json_object *o = host_report_status(host);

    ck_assert_str_eq(json_object_get_string(field(json_object_array_get_idx(field(o, "vhosts"), 0), "guest")), name);
    ck_assert_str_eq(host->vhosts->prefix, prefix);
    ck_assert_str_eq(fake_last(fake_child(), WM_PREFIX)->u.prefix, prefix);
    json_object_put(o);
}

START_TEST(a_guest_that_is_renamed_has_its_new_name_everywhere)
{
    unsigned watches, told;

    connected();
    watches = fake_watches;
    fake_put("/local/domain/3/name", "web");
    let_happen();
    ck_assert_str_eq(host->vhosts->prefix, "d3.0"); /* as in a driver domain, which may not read it or watch it */
    model_mark_all(host->vhosts);
    model_changed(host->vhosts);
    let_happen();
    is_called("web", "d3.0 (web)");
    ck_assert_uint_eq(fake_watches, watches + 1);
    fake_put("/local/domain/3/name", "db");
    let_happen();
    is_called("db", "d3.0 (db)");
    told = fake_count(fake_child(), WM_PREFIX);
    fake_put("/local/domain/3/name", "db--incoming");
    let_happen();
    is_called("db", "d3.0 (db)");
    ck_assert_uint_eq(fake_count(fake_child(), WM_PREFIX), told);
    destroy(3);
    ck_assert_uint_lt(fake_watches, watches);
}
END_TEST

static uint64_t place;

/* The next piece of news is this. */
static void tells(const char *event, const char *text)
{
    uint64_t missed;
    const char *line = news_read(news, &place, &missed);
    struct json_object *o = line ? json_tokener_parse(line) : NULL;

    ck_assert_msg(o != NULL, "no news, but %s: %s", event, text);
    ck_assert_str_eq(json_object_get_string(field(o, "event")), event);
    ck_assert_int_eq(json_object_get_int(field(o, "domid")), 3);
    ck_assert_msg(strstr(json_object_get_string(field(o, "text")), text), "%s, not %s",
                  json_object_get_string(field(o, "text")), text);
    json_object_put(o);
}

static void says(struct worker_msg msg)
{
    fake_say(fake_child(), &msg);
}

START_TEST(what_a_worker_says_is_news)
{
    struct worker_msg ended = { .type = WM_ENDED };
    uint64_t missed;
    unsigned n = 0;

    connected();
    place = news_follow(news);
    says((struct worker_msg){ .type = WM_HELPER, .u.helper_state = HELPER_AWAY });
    says((struct worker_msg){ .type = WM_HELPER, .u.helper_state = HELPER_AWAY });
    says((struct worker_msg){ .type = WM_HELPER, .u.helper_state = HELPER_CONNECTED });
    tells("helper-away", "does not run or has failed");
    tells("helper-back", "is back");
    ended.u.ended.cdb[0] = 0x28;
    ended.u.ended.cdb_len = 10;
    ended.u.ended.kind = SCSI_KIND_MEDIUM_ERROR;
    memcpy(ended.u.ended.sense, "\x70\0\x03\0\0\0\0\x0a\0\0\0\0\x11\0\0\0\0\0", 18);
    ended.u.ended.sense_len = 18;
    says(ended);
    tells("error", "Read(10): medium error: Medium Error: Unrecovered read error (03/11/00)");
    ended.u.ended.kind = SCSI_KIND_POLICY;
    says(ended);
    tells("refused", "Read(10) (28h) is refused by the command policy");
    /* A worker that a guest has taken over may say anything, as often as it likes. */
    memset(&ended.u.ended, 0xff, sizeof(ended.u.ended));
    says(ended);
    ended.u.ended.kind = SCSI_KIND_HOST;
    says(ended);
    ended.u.ended.cdb_len = 16;
    says(ended);
    ended.u.ended.sense_len = 96;
    ended.lun_index = 9;
    says(ended);
    ck_assert_ptr_null(news_read(news, &place, &missed));
    ended.lun_index = 0;
    for (unsigned i = 0; i < 200; i++)
        says(ended);
    while (news_read(news, &place, &missed))
        n++;
    ck_assert_uint_ge(n, 100);
    ck_assert_uint_le(n, 140);
    for (unsigned i = 0; i < 9; i++)
        says((struct worker_msg){ .type = WM_HALTED, .generation = host->vhosts->worker.generation });
    tells("error", "the ring is halted");
    ck_assert_ptr_null(news_read(news, &place, &missed));
}
END_TEST

/* Pieces of news until now. */
static unsigned pieces(void)
{
    uint64_t missed, n = 0;
    bool any = true;

    while (any) {
        any = news_read(news, &place, &missed) != NULL;
        n += missed + any;
        any |= missed > 0;
    }
    return (unsigned)n;
}

START_TEST(a_worker_that_tells_of_its_helper_without_end_is_not_heard)
{
    connected();
    place = news_follow(news);
    for (unsigned i = 0; i < 1000; i++)
        says((struct worker_msg){ .type = WM_HELPER, .u.helper_state = i % 2 ? HELPER_CONNECTED : HELPER_AWAY });
    ck_assert_uint_ge(pieces(), 200);
    for (unsigned i = 0; i < 1000; i++)
        says((struct worker_msg){ .type = WM_HELPER, .u.helper_state = i % 2 ? HELPER_CONNECTED : HELPER_AWAY });
    ck_assert_uint_le(pieces(), 80);
}
END_TEST

START_TEST(a_guest_cannot_flood_the_news)
{
    connected();
    place = news_follow(news);
    /* All but four are used up, and there is none before a very quick guest has done it all. */
    host->vhosts->news_limit.tokens = 4;
    host->vhosts->news_limit.interval_us = 3600000000;
    for (unsigned i = 0; i < 5; i++) {
        fake_put(FRONT "/state", "6");
        expect(BACK "/state", "2");
        offer_ring("8", "9");
        expect(BACK "/state", "4");
        fake_put(FRONT "/state", "4");
    }
    ck_assert_uint_eq(pieces(), 4);
    later_us += 3600000000;
    fake_put(FRONT "/state", "6");
    expect(BACK "/state", "2");
    tells("disconnect", "");
}
END_TEST

/* A new worker asks the helper anew. It may be as far away as before, or back. */
START_TEST(a_helper_is_told_away_once_and_back_once_over_a_workers_death)
{
    connected();
    place = news_follow(news);
    says((struct worker_msg){ .type = WM_HELPER, .u.helper_state = HELPER_AWAY });
    tells("helper-away", "");
    die_or_restart(true);
    expect(BACK "/state", "4");
    UNTIL(host->vhosts->ring == RING_LIVE);
    tells("restart", "");
    tells("connect", "");
    says((struct worker_msg){ .type = WM_HELPER, .u.helper_state = HELPER_AWAY });
    ck_assert_uint_eq(pieces(), 0);
    says((struct worker_msg){ .type = WM_HELPER, .u.helper_state = HELPER_CONNECTED });
    tells("helper-back", "");
}
END_TEST

static int client(void)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    snprintf(to.sun_path, sizeof(to.sun_path), "%s/" CTLSOCK_NAME, dir);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

START_TEST(a_lack_of_descriptors_does_not_spin_at_the_control_socket)
{
    struct rlimit before, none;
    struct ctlsock *s;
    unsigned rounds = 0;
    char answer[4096] = "";
    uint64_t end;
    ssize_t n = 0;
    int fd;

    connected();
    ck_assert_int_eq(ctlsock_new(loop, dir, host, host->news, &s), 0);
    let_happen();
    fd = client();
    ck_assert_int_eq(write(fd, "status\n", 7), 7);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){ .rlim_cur = 3, .rlim_max = before.rlim_max };
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    for (end = now_us() + 100000; now_us() < end; rounds++)
        ck_assert_int_eq(loop_once(loop, 20), 0);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert_uint_lt(rounds, 100);
    UNTIL(n > 0 || (n = read(fd, answer, sizeof(answer) - 1)) > 0);
    ck_assert_ptr_nonnull(strstr(answer, "\"serving\""));
    close(fd);
    ctlsock_free(s);
}
END_TEST

/* Reads what there is, and adds it to text. False: the end. */
static bool read_some(int fd, char *text, size_t size)
{
    size_t len = strlen(text);
    ssize_t n = read(fd, text + len, size - len - 1);

    if (n > 0)
        text[len + (size_t)n] = '\0';
    return n != 0;
}

static void tell_one(unsigned number)
{
    news_tell(news, NEWS_ERROR, host->vhosts, host->vhosts->devs, "%0900u", number);
}

/* A timer's round, and one for what the sockets say. */
static void turn(void)
{
    for (unsigned i = 0; i < 2; i++)
        ck_assert_int_eq(loop_once(loop, 0), 0);
}

/* The daemon goes on while one follower reads nothing, and the other one gets everything. */
START_TEST(a_follower_that_does_not_read_holds_nobody_up)
{
    static char slow[1u << 20], quick[1u << 20];
    struct ctlsock *s;
    int fd[2];

    connected();
    ck_assert_int_eq(ctlsock_new(loop, dir, host, news, &s), 0);
    for (unsigned i = 0; i < 2; i++) {
        fd[i] = client();
        ck_assert_int_eq(write(fd[i], "events\n", 7), 7);
    }
    UNTIL(strstr(quick, "\n") || !read_some(fd[1], quick, sizeof(quick)));
    ck_assert_ptr_nonnull(strstr(quick, "\"following\""));
    for (unsigned i = 0; i < 2 * NEWS_KEPT; i++) {
        tell_one(i);
        turn();
        read_some(fd[1], quick, sizeof(quick));
    }
    UNTIL(strstr(quick, "0511\"") || !read_some(fd[1], quick, sizeof(quick)));
    ck_assert_ptr_null(strstr(quick, "\"lost\""));
    while (!strstr(slow, "0511\"")) {
        ck_assert(read_some(fd[0], slow, sizeof(slow)));
        turn();
    }
    ck_assert_ptr_nonnull(strstr(slow, "\"lost\",\"count\":"));
    ck_assert_ptr_nonnull(strstr(slow, "0000\""));
    /* Both are gone, and nothing is kept for them. */
    close(fd[0]);
    close(fd[1]);
    let_happen();
    ck_assert_uint_eq(news_follow(news), 2 * NEWS_KEPT);
    news_unfollow(news);
    tell_one(0);
    ck_assert_uint_eq(news_follow(news), 2 * NEWS_KEPT);
    news_unfollow(news);
    ctlsock_free(s);
}
END_TEST

START_TEST(followers_leave_room_for_other_clients)
{
    struct ctlsock *s;
    char text[4096] = "";
    int fd[9];

    connected();
    ck_assert_int_eq(ctlsock_new(loop, dir, host, news, &s), 0);
    for (unsigned i = 0; i < ARRAY_SIZE(fd); i++) {
        fd[i] = client();
        ck_assert_int_eq(write(fd[i], "events\n", 7), 7);
        let_happen();
    }
    UNTIL(!read_some(fd[8], text, sizeof(text)));
    ck_assert_str_eq(text, "{\"error\":\"8 clients follow the events already, which is the most\"}\n");
    later_us = 60000000;
    let_happen();
    text[0] = '\0';
    UNTIL(strstr(text, "\n") || !read_some(fd[0], text, sizeof(text)));
    ck_assert_ptr_nonnull(strstr(text, "\"following\""));
    for (unsigned i = 0; i < ARRAY_SIZE(fd); i++)
        close(fd[i]);
    let_happen();
    ctlsock_free(s);
}
END_TEST

/* pvscsictl waits for 30 s: it is told before that, so it need not guess. A slow client keeps no place. */
START_TEST(a_client_has_25_s_at_the_control_socket)
{
    static const char *const half[] = { "", "stat" };
    struct ctlsock *s;
    char answer[4096];
    ssize_t n = 0;
    int fd;

    connected();
    ck_assert_int_eq(ctlsock_new(loop, dir, host, host->news, &s), 0);
    fd = client();
    ck_assert_int_eq(write(fd, half[_i], strlen(half[_i])), (int)strlen(half[_i]));
    let_happen();
    later_us = 24000000;
    let_happen();
    ck_assert_int_eq(read(fd, answer, sizeof(answer)), -1);
    ck_assert_int_eq(errno, EAGAIN);
    later_us = 25000000;
    UNTIL(read(fd, answer, sizeof(answer)) == 0);
    close(fd);
    /* One that asks at once is answered at any time. */
    fd = client();
    ck_assert_int_eq(write(fd, "status\n", 7), 7);
    UNTIL(n > 0 || (n = read(fd, answer, sizeof(answer))) > 0);
    close(fd);
    ctlsock_free(s);
}
END_TEST

/* --- what the policy is --- */

static const struct {
    bool policy, on, copy; /* of the config; options of the LUN: feature-host, third-party-copy */
    const char *of, *command, *state;
} policies[] = {
    { true, false, false, "disk", "28", "allowed" },
    { true, false, false, "disk", "3b", "refused" },
    { true, false, false, "disk", "others", "refused" },
    { true, false, false, "tape", "39", NULL },
    /* policy = 0: all passes, third-party copy too. */
    { false, false, false, "disk", "3b", "allowed" },
    { false, false, false, "disk", "others", "allowed" },
    { false, false, false, "disk", "7f", "allowed" },
    { false, false, false, "disk", "83", "allowed" },
    { false, false, false, "tape", "39", "allowed" },
    { false, false, false, "other", "others", "allowed" },
    { false, false, false, "3 0:0:0:0", "3b", "allowed" },
    { false, false, false, "3 0:0:0:0", "7f", "allowed" },
    /* feature-host: all but third-party copy, which is named whatever the table has for the type. */
    { true, true, false, "3 0:0:0:0", "3b", "allowed" },
    { true, true, false, "3 0:0:0:0", "others", "allowed" },
    { true, true, false, "3 0:0:0:0", "7f", "refused" },
    { true, true, false, "3 0:0:0:0", "39", "refused" },
    { true, true, false, "3 0:0:0:0", "83", "refused" },
    { true, true, true, "3 0:0:0:0", "7f", "allowed" },
    { true, true, true, "3 0:0:0:0", "83", "allowed" },
};

/* What the answer says of a command, or of the "others". NULL: it does not name it. */
static const char *state_of(struct json_object *answer, const char *command)
{
    struct json_object *list = field(answer, "commands");

    if (strcmp(command, "others") == 0)
        return json_object_get_string(field(answer, "others"));
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *o = json_object_array_get_idx(list, i);

        if (strcmp(json_object_get_string(field(o, "command")), command) == 0)
            return json_object_get_string(field(o, "state"));
    }
    return NULL;
}

START_TEST(the_policy_is_what_guests_meet)
{
    struct json_object *o;
    const char *state;

    settings.policy = policies[_i].policy;
    if (policies[_i].on)
        fake_put(BACK "/feature-host", "1");
    if (policies[_i].copy)
        fake_put(LUN_0 "/third-party-copy", "1");
    connected();
    o = host_report_policy(host, policies[_i].of);
    state = state_of(o, policies[_i].command);
    if (policies[_i].state)
        ck_assert_msg(state && strcmp(state, policies[_i].state) == 0, "%s of %s: %s", policies[_i].command,
                      policies[_i].of, state ? state : "not named");
    else
        ck_assert_ptr_null(state);
    json_object_put(o);
}
END_TEST

/* A tape with feature-host, of which the table has no third-party copy. */
START_TEST(the_policy_of_a_tape_names_third_party_copy)
{
    struct json_object *o;

    fake_put(BACK "/feature-host", "1");
    connected();
    host->vhosts->devs->dev.type = 0x01;
    o = host_report_policy(host, "3 0:0:0:0");
    ck_assert_str_eq(state_of(o, "others"), "allowed");
    for (unsigned i = 0; i < 6; i++) {
        static const char *const opcodes[] = { "18", "39", "3a", "7f", "83", "84" };
        const char *state = state_of(o, opcodes[i]);

        ck_assert_msg(state && strcmp(state, "refused") == 0, "%s: %s", opcodes[i], state ? state : "not named");
    }
    json_object_put(o);
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_test(t, the_status_says_what_is_served);
    tcase_add_test(t, the_statistics_come_from_the_shared_page);
    tcase_add_test(t, a_guest_that_is_renamed_has_its_new_name_everywhere);
    tcase_add_test(t, what_a_worker_says_is_news);
    tcase_add_test(t, a_worker_that_tells_of_its_helper_without_end_is_not_heard);
    tcase_add_test(t, a_guest_cannot_flood_the_news);
    tcase_add_test(t, a_helper_is_told_away_once_and_back_once_over_a_workers_death);
    tcase_add_test(t, a_follower_that_does_not_read_holds_nobody_up);
    tcase_add_test(t, followers_leave_room_for_other_clients);
    tcase_add_loop_test(t, a_client_has_25_s_at_the_control_socket, 0, 2);
    tcase_add_loop_test(t, the_policy_is_what_guests_meet, 0, ARRAY_SIZE(policies));
    tcase_add_test(t, the_policy_of_a_tape_names_third_party_copy);
    if (!under_valgrind())
        tcase_add_test(t, a_lack_of_descriptors_does_not_spin_at_the_control_socket);
}

int main(void)
{
    return run_host_tests("host-reports", add_tests);
}
