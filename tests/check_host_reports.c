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
    ck_assert_int_eq(ctlsock_new(loop, dir, host, &s), 0);
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

/* pvscsictl waits for 30 s: it is told before that, so it need not guess. A slow client keeps no place. */
START_TEST(a_client_has_25_s_at_the_control_socket)
{
    static const char *const half[] = { "", "stat" };
    struct ctlsock *s;
    char answer[4096];
    ssize_t n = 0;
    int fd;

    connected();
    ck_assert_int_eq(ctlsock_new(loop, dir, host, &s), 0);
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

static void add_tests(TCase *t)
{
    tcase_add_test(t, the_status_says_what_is_served);
    tcase_add_test(t, the_statistics_come_from_the_shared_page);
    tcase_add_loop_test(t, a_client_has_25_s_at_the_control_socket, 0, 2);
    if (!under_valgrind())
        tcase_add_test(t, a_lack_of_descriptors_does_not_spin_at_the_control_socket);
}

int main(void)
{
    return run_host_tests("host-reports", add_tests);
}
