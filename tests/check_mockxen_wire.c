// SPDX-License-Identifier: GPL-2.0-or-later
/* xenstored's wire protocol in mock-xen, byte by byte: bad requests, pieces, late readers, garbage. */
#include "config.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "mockxen-client.h"
#include "suite.h"

static int raw_connect(void)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strcpy(addr.sun_path, server.socket);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    return fd;
}

static void raw_send(int fd, uint32_t type, uint32_t tx, const char *payload, uint32_t len)
{
    struct xsd_sockmsg hdr = { .type = type, .req_id = 0x1234, .tx_id = tx, .len = len };

    ck_assert_int_eq(send(fd, &hdr, sizeof(hdr), MSG_NOSIGNAL), sizeof(hdr));
    if (len > 0 && len <= XENSTORE_PAYLOAD_MAX)
        ck_assert_int_eq(send(fd, payload, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* The answer's payload as a string; NULL: end of file. */
static const char *raw_answer(int fd, struct xsd_sockmsg *hdr)
{
    static char buf[XENSTORE_PAYLOAD_MAX + 1];

    if (recv(fd, hdr, sizeof(*hdr), MSG_WAITALL) != sizeof(*hdr))
        return NULL;
    ck_assert_uint_le(hdr->len, XENSTORE_PAYLOAD_MAX);
    if (hdr->len > 0)
        ck_assert_int_eq(recv(fd, buf, hdr->len, MSG_WAITALL), (ssize_t)hdr->len);
    buf[hdr->len] = '\0';
    return buf;
}

#define PAYLOAD(text) text, sizeof(text) - 1

static const struct {
    uint32_t type, tx;
    const char *payload;
    uint32_t len;
    const char *error;
} bad_requests[] = {
    { XS_READ, 0, PAYLOAD("/a"), "EINVAL" }, /* no NUL */
    { XS_READ, 0, PAYLOAD(""), "EINVAL" },
    { XS_READ, 0, PAYLOAD("\0"), "EINVAL" },
    { XS_READ, 0, PAYLOAD("/a\0b\0"), "EINVAL" },
    { XS_READ, 0, PAYLOAD("/a/\0"), "EINVAL" },
    { XS_READ, 0, PAYLOAD("/a//b\0"), "EINVAL" },
    { XS_READ, 0, PAYLOAD("/a b\0"), "EINVAL" },
    { XS_READ, 0, PAYLOAD("@releaseDomain\0"), "EINVAL" },
    { XS_READ, 0, PAYLOAD("/none\0"), "ENOENT" },
    { XS_READ, 99, PAYLOAD("/\0"), "ENOENT" }, /* no such transaction */
    { XS_WRITE, 0, PAYLOAD("/a"), "EINVAL" },
    { XS_WRITE, 0, PAYLOAD("@releaseDomain\0x"), "EINVAL" },
    { XS_DIRECTORY, 0, PAYLOAD("/none\0"), "ENOENT" },
    { XS_DIRECTORY_PART, 0, PAYLOAD("/\0"), "EINVAL" },
    { XS_DIRECTORY_PART, 0, PAYLOAD("/\0x\0"), "EINVAL" },
    { XS_MKDIR, 0, PAYLOAD("relative/\0"), "EINVAL" },
    { XS_RM, 0, PAYLOAD("/\0"), "EINVAL" },
    { XS_RM, 0, PAYLOAD("/none/none\0"), "ENOENT" },
    { XS_GET_PERMS, 0, PAYLOAD("/none\0"), "ENOENT" },
    { XS_GET_PERMS, 0, PAYLOAD("@none\0"), "EINVAL" },
    { XS_SET_PERMS, 0, PAYLOAD("/\0"), "EINVAL" },
    { XS_SET_PERMS, 0, PAYLOAD("/\0q0\0"), "EINVAL" },
    { XS_SET_PERMS, 0, PAYLOAD("/\0n0"), "EINVAL" },
    { XS_WATCH, 0, PAYLOAD("/\0"), "EINVAL" },
    { XS_UNWATCH, 0, PAYLOAD("/\0t\0"), "ENOENT" },
    { XS_TRANSACTION_END, 0, PAYLOAD("T\0"), "ENOENT" },
    { XS_TRANSACTION_END, 0, PAYLOAD("X\0"), "EINVAL" },
    { XS_INTRODUCE, 0, PAYLOAD("5\0"), "EINVAL" },
    { XS_INTRODUCE, 0,
      PAYLOAD("70000\0"
              "0\0"
              "0\0"),
      "EINVAL" },
    { XS_RELEASE, 0, PAYLOAD("x\0"), "EINVAL" },
    { XS_RELEASE, 0, PAYLOAD("0\0"), "EINVAL" },
    { XS_RELEASE, 0, PAYLOAD("55\0"), "ENOENT" },
    { XS_RESUME, 0, PAYLOAD("55\0"), "ENOENT" },
    { XS_GET_DOMAIN_PATH, 0, PAYLOAD("-1\0"), "EINVAL" },
    { XS_CONTROL, 0, PAYLOAD(""), "EINVAL" },
    { XS_CONTROL, 0, PAYLOAD("no-such-command\0"), "ENOENT" },
    { XS_CONTROL, 0, PAYLOAD("destroy\0"), "EINVAL" },
    { XS_CONTROL, 0,
      PAYLOAD("destroy\0"
              "0\0"),
      "EINVAL" },
    { XS_CONTROL, 0,
      PAYLOAD("create\0"
              "1\0"),
      "EEXIST" },
    { XS_CONTROL, 0, PAYLOAD("fault\0nonsense\0"), "EINVAL" },
    { XS_WATCH_EVENT, 0, PAYLOAD("/\0t\0"), "ENOSYS" },
    { XS_SET_TARGET, 0,
      PAYLOAD("1\0"
              "2\0"),
      "ENOSYS" },
    { 4711, 0, PAYLOAD("x\0"), "ENOSYS" },
    { XS_INVALID, 0, PAYLOAD(""), "ENOSYS" },
};

START_TEST(a_bad_request_gets_one_error_and_the_next_is_served)
{
    struct xsd_sockmsg hdr;
    int fd = raw_connect();

    raw_send(fd, bad_requests[_i].type, bad_requests[_i].tx, bad_requests[_i].payload, bad_requests[_i].len);
    ck_assert_str_eq(raw_answer(fd, &hdr), bad_requests[_i].error);
    ck_assert_uint_eq(hdr.type, XS_ERROR);
    ck_assert_uint_eq(hdr.req_id, 0x1234);
    ck_assert_uint_eq(hdr.tx_id, bad_requests[_i].tx);
    ck_assert_uint_eq(hdr.len, strlen(bad_requests[_i].error) + 1);
    raw_send(fd, XS_READ, 0, PAYLOAD("domid\0"));
    ck_assert_str_eq(raw_answer(fd, &hdr), "0");
    ck_assert_uint_eq(hdr.type, XS_READ);
    close(fd);
}
END_TEST

START_TEST(a_path_of_the_longest_kind_is_taken_and_one_byte_more_is_not)
{
    static char payload[XENSTORE_PAYLOAD_MAX];
    struct xsd_sockmsg hdr;
    int fd = raw_connect();

    for (int relative = 0; relative < 2; relative++) {
        memset(payload, 'a', sizeof(payload));
        payload[0] = relative ? 'a' : '/';
        payload[2048] = '\0';
        raw_send(fd, XS_MKDIR, 0, payload, 2049);
        ck_assert_str_eq(raw_answer(fd, &hdr), "OK");
        payload[2048] = 'a';
        payload[2049] = '\0';
        raw_send(fd, XS_MKDIR, 0, payload, 2050);
        ck_assert_str_eq(raw_answer(fd, &hdr), "EINVAL");
        payload[4095] = '\0';
        memset(payload + 2049, 'a', 4095 - 2049);
        raw_send(fd, XS_MKDIR, 0, payload, 4096);
        ck_assert_str_eq(raw_answer(fd, &hdr), "EINVAL");
    }
    close(fd);
}
END_TEST

START_TEST(a_message_that_is_too_long_ends_the_connection)
{
    struct xsd_sockmsg hdr;
    int fd = raw_connect();

    raw_send(fd, XS_READ, 0, NULL, XENSTORE_PAYLOAD_MAX + 1);
    ck_assert_ptr_null(raw_answer(fd, &hdr));
    close(fd);
    expect_value(xs, XBT_NULL, "domid", "0");
}
END_TEST

START_TEST(requests_in_one_go_are_answered_in_order_and_pieces_are_waited_for)
{
    struct xsd_sockmsg hdr;
    int fd = raw_connect();

    put(xs, "/a", "first");
    put(xs, "/b", "second");
    put(xs, "/c", "third");
    for (int i = 0; i < 3; i++) {
        struct xsd_sockmsg h = { .type = XS_READ, .req_id = (uint32_t)i, .len = 3 };
        char path[3] = { '/', (char)('a' + i), '\0' };
        char message[sizeof(h) + 3];

        memcpy(message, &h, sizeof(h));
        memcpy(message + sizeof(h), path, 3);
        if (i < 2) {
            ck_assert_int_eq(send(fd, message, sizeof(message), 0), sizeof(message));
        } else {
            for (size_t at = 0; at < sizeof(message); at++) {
                ck_assert_int_eq(send(fd, message + at, 1, 0), 1);
                usleep(1000);
            }
        }
    }
    ck_assert_str_eq(raw_answer(fd, &hdr), "first");
    ck_assert_str_eq(raw_answer(fd, &hdr), "second");
    ck_assert_uint_eq(hdr.req_id, 1);
    ck_assert_str_eq(raw_answer(fd, &hdr), "third");
    close(fd);
}
END_TEST

/* Asks for more than the socket holds, reads nothing for a while, then all of it. */
START_TEST(a_client_that_reads_late_gets_every_answer)
{
    static char value[4000];
    struct xsd_sockmsg hdr;
    int fd = raw_connect();
    unsigned sent = 0, got = 0;

    memset(value, 'v', sizeof(value) - 1);
    put(xs, "/v", value);
    ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    for (int idle = 0; idle < 50 && sent < 100000;) {
        struct {
            struct xsd_sockmsg hdr;
            char path[3];
        } __attribute__((packed)) message = { { .type = XS_READ, .req_id = sent, .len = 3 }, "/v" };
        ssize_t n = send(fd, &message, sizeof(message), MSG_NOSIGNAL);

        if (n == sizeof(message)) {
            sent++;
            idle = 0;
        } else {
            ck_assert_int_eq(n, -1);
            ck_assert_int_eq(errno, EAGAIN);
            idle++;
            usleep(1000);
        }
    }
    ck_assert_uint_gt(sent, 100);
    ck_assert_uint_lt(sent, 100000); /* mock-xen stopped reading at some point */
    ck_assert_int_eq(fcntl(fd, F_SETFL, 0), 0);
    expect_value(xs, XBT_NULL, "domid", "0");
    while (got < sent) {
        ck_assert_uint_eq(strlen(raw_answer(fd, &hdr)), sizeof(value) - 1);
        ck_assert_uint_eq(hdr.req_id, got++);
    }
    close(fd);
}
END_TEST

START_TEST(a_client_that_never_reads_its_events_costs_a_bounded_amount)
{
    struct xsd_sockmsg hdr;
    char path[1100];
    int fd = raw_connect();

    raw_send(fd, XS_WATCH, 0, PAYLOAD("/flood\0t\0"));
    ck_assert_str_eq(raw_answer(fd, &hdr), "OK");
    for (int i = 0; i < 8000; i++) { /* 8 MiB of events */
        snprintf(path, sizeof(path), "/flood/%01020d", i % 600);
        put(xs, path, "x");
    }
    ck_assert_int_gt(server_count(server_ctl("status"), "dropped-events"), 0);
    ck_assert_int_gt(server_count(server.answer, "queued-bytes"), 1024 * 1024);
    ck_assert_int_lt(server_count(server.answer, "queued-bytes"), 4 * 1024 * 1024 + 4200);
    close(fd);
}
END_TEST

START_TEST(reset_watches_ends_watches_and_transactions)
{
    struct xsd_sockmsg hdr;
    int fd = raw_connect();

    raw_send(fd, XS_WATCH, 0, PAYLOAD("/x\0t\0"));
    ck_assert_str_eq(raw_answer(fd, &hdr), "OK");
    raw_answer(fd, &hdr);
    ck_assert_uint_eq(hdr.type, XS_WATCH_EVENT);
    raw_send(fd, XS_TRANSACTION_START, 0, PAYLOAD("\0"));
    ck_assert_str_eq(raw_answer(fd, &hdr), "1");
    raw_send(fd, XS_RESET_WATCHES, 0, PAYLOAD("\0"));
    ck_assert_str_eq(raw_answer(fd, &hdr), "OK");
    put(xs, "/x", "1");
    raw_send(fd, XS_READ, 1, PAYLOAD("/x\0"));
    ck_assert_str_eq(raw_answer(fd, &hdr), "ENOENT");
    close(fd);
}
END_TEST

START_TEST(garbage_of_any_kind_leaves_others_served)
{
    unsigned seed = 12345;

    for (int round = 0; round < 200; round++) {
        char junk[600];
        int fd = raw_connect();

        for (size_t i = 0; i < sizeof(junk); i++)
            junk[i] = (char)(rand_r(&seed) >> 8);
        if (round % 2) { /* headers that are nearly right */
            for (size_t at = 0; at + 40 <= sizeof(junk); at += 40) {
                struct xsd_sockmsg h = { .type = (uint32_t)rand_r(&seed) % 24,
                                         .tx_id = (uint32_t)rand_r(&seed) % 3,
                                         .len = 24 };

                if (round % 4 == 3)
                    h.type += 0x4d580000 - 6;
                memcpy(junk + at, &h, sizeof(h));
            }
        }
        (void)!send(fd, junk, sizeof(junk), MSG_NOSIGNAL);
        shutdown(fd, SHUT_WR);
        while (recv(fd, junk, sizeof(junk), 0) > 0)
            ;
        close(fd);
    }
    expect_value(xs, XBT_NULL, "domid", "0");
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_loop_test(t, a_bad_request_gets_one_error_and_the_next_is_served, 0, ARRAY_SIZE(bad_requests));
    tcase_add_test(t, a_path_of_the_longest_kind_is_taken_and_one_byte_more_is_not);
    tcase_add_test(t, a_message_that_is_too_long_ends_the_connection);
    tcase_add_test(t, requests_in_one_go_are_answered_in_order_and_pieces_are_waited_for);
    tcase_add_test(t, a_client_that_reads_late_gets_every_answer);
    tcase_add_test(t, a_client_that_never_reads_its_events_costs_a_bounded_amount);
    tcase_add_test(t, reset_watches_ends_watches_and_transactions);
    tcase_add_test(t, garbage_of_any_kind_leaves_others_served);
}

int main(void)
{
    return run_tests("mock-xen wire", begin, end, add_tests);
}
