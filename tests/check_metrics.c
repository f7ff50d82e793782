// SPDX-License-Identifier: GPL-2.0-or-later
/* pvscsictl's metrics: the text that is made of an answer, and the file that it is written to. */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/util.h"
#include "pvscsictl/metrics.h"
#include "suite.h"

/* The guest's name holds a backslash, a quote, a newline and a byte that is not ASCII. */
static const char answer_text[] =
    "{\"version\":\"1.2\",\"serving\":true,\"xenstore\":false,\"started\":1700000000,"
    "\"vhosts\":[{\"domid\":3,\"vhost\":0,\"guest\":\"a\\\\b\\\"c\\nd\xff\","
    "\"uuid\":\"u-1\",\"up\":true,\"state\":4,\"frontend_state\":4,\"restarts\":2,"
    "\"stats\":{\"ring_events\":5,\"granted_pages\":3,\"restarts\":1,\"halted\":0},"
    "\"luns\":["
    "{\"name\":\"dev-0\",\"v_dev\":\"0:0:0:1\",\"device\":\"/dev/sg3\",\"wwid\":\"naa.5\","
    "\"up\":true,\"state\":4,\"pr_helper\":\"away\",\"stats\":{\"commands\":10,\"answered\":9,"
    "\"queued_us_sum\":1500000,\"latency_us_sum\":9000007,"
    "\"ends\":{\"good\":7,\"medium error\":2},\"errors_by_kind\":{\"medium error\":2},"
    "\"latency_us_log2\":[1,0,2,4,0,0]}},"
    "{\"name\":\"dev-1\",\"v_dev\":\"0:0:0:1\",\"state\":6,\"up\":false}]}]}";

#define VHOST "domid=\"3\",vhost=\"0\",guest=\"a\\\\b\\\"c\\nd\\\\xff\",uuid=\"u-1\""
#define LUN VHOST ",dev=\"dev-0\",vdev=\"0:0:0:1\",device=\"/dev/sg3\",wwid=\"naa.5\""

static char *rendered(const char *json, enum metrics_format format)
{
    struct json_object *answer = json ? json_tokener_parse(json) : NULL;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    ck_assert(!json || answer);
    ck_assert_ptr_nonnull(out);
    metrics_render(answer, format, out);
    ck_assert_int_eq(fclose(out), 0);
    json_object_put(answer);
    return text;
}

/* The text has this, from the beginning of a line. */
static void has(const char *text, const char *lines)
{
    const char *at = strstr(text, lines);

    if (!at)
        fprintf(stderr, "in:\n%s", text);
    ck_assert_msg(at && (at == text || at[-1] == '\n'), "%s is not there", lines);
}

START_TEST(prometheus_text_names_its_families_as_their_samples)
{
    CLEANUP_FREE char *text = rendered(answer_text, METRICS_PROMETHEUS);

    has(text, "# TYPE pvscsi_up gauge\npvscsi_up 1\n");
    has(text, "# TYPE pvscsi_build_info gauge\npvscsi_build_info{version=\"1.2\"} 1\n");
    has(text, "# TYPE pvscsi_start_time_seconds gauge\npvscsi_start_time_seconds 1700000000\n");
    has(text, "pvscsi_xenstore_connected 0\n");
    has(text, "# TYPE pvscsi_worker_restarts_total counter\npvscsi_worker_restarts_total{" VHOST "} 2\n");
    has(text, "pvscsi_ring_takeovers_total{" VHOST "} 1\n");
    has(text, "pvscsi_granted_bytes{" VHOST "} 12288\n");
    has(text, "pvscsi_pr_helper_away{" LUN "} 1\n");
    has(text, "pvscsi_commands_total{" LUN "} 9\n");
    has(text, "pvscsi_queued_seconds_total{" LUN "} 1.500000\n");
    ck_assert_ptr_null(strstr(text, "EOF"));
}
END_TEST

START_TEST(openmetrics_has_its_own_names_and_an_end)
{
    CLEANUP_FREE char *text = rendered(answer_text, METRICS_OPENMETRICS);

    has(text, "# TYPE pvscsi_build info\npvscsi_build_info{version=\"1.2\"} 1\n");
    has(text, "# TYPE pvscsi_worker_restarts counter\npvscsi_worker_restarts_total{" VHOST "} 2\n");
    ck_assert_str_eq(text + strlen(text) - 7, "\n# EOF\n");
}
END_TEST

START_TEST(an_end_is_an_error_or_a_success)
{
    CLEANUP_FREE char *text = rendered(answer_text, METRICS_PROMETHEUS);

    has(text, "# TYPE pvscsi_errors_total counter\npvscsi_errors_total{" LUN ",kind=\"medium error\"} 2\n"
              "# HELP pvscsi_successes_total ");
    has(text, "# TYPE pvscsi_successes_total counter\npvscsi_successes_total{" LUN ",kind=\"good\"} 7\n"
              "# HELP pvscsi_reads_total ");
}
END_TEST

START_TEST(buckets_add_up)
{
    CLEANUP_FREE char *text = rendered(answer_text, METRICS_PROMETHEUS);

    has(text, "# TYPE pvscsi_latency_seconds histogram\n"
              "pvscsi_latency_seconds_bucket{" LUN ",le=\"0.000016\"} 7\n"
              "pvscsi_latency_seconds_bucket{" LUN ",le=\"0.000032\"} 7\n"
              "pvscsi_latency_seconds_bucket{" LUN ",le=\"0.000064\"} 7\n"
              "pvscsi_latency_seconds_bucket{" LUN ",le=\"+Inf\"} 7\n"
              "pvscsi_latency_seconds_sum{" LUN "} 9.000007\n"
              "pvscsi_latency_seconds_count{" LUN "} 7\n");
}
END_TEST

/* Two nodes may ask for one vdev, and only one of them gets it: the collector would refuse one series twice. */
START_TEST(a_lun_without_statistics_has_a_state_of_its_own)
{
    CLEANUP_FREE char *text = rendered(answer_text, METRICS_PROMETHEUS);

    has(text, "pvscsi_lun_state{" LUN "} 4\n"
              "pvscsi_lun_state{" VHOST ",dev=\"dev-1\",vdev=\"0:0:0:1\",device=\"\",wwid=\"\"} 6\n");
    has(text, "pvscsi_lun_up{" LUN "} 1\n"
              "pvscsi_lun_up{" VHOST ",dev=\"dev-1\",vdev=\"0:0:0:1\",device=\"\",wwid=\"\"} 0\n");
    ck_assert_ptr_null(strstr(text, "pvscsi_commands_total{" VHOST ",dev=\"dev-1\""));
}
END_TEST

START_TEST(without_an_answer_nothing_is_up)
{
    CLEANUP_FREE char *text = rendered(NULL, METRICS_PROMETHEUS);
    CLEANUP_FREE char *open = rendered(NULL, METRICS_OPENMETRICS);

    has(text, "# TYPE pvscsi_up gauge\npvscsi_up 0\n");
    has(open, "pvscsi_up 0\n# EOF\n");
    ck_assert_ptr_null(strstr(text, "pvscsi_build"));
}
END_TEST

/* The daemon is of another version, or lacked memory. */
START_TEST(members_that_are_missing_or_of_another_type_count_as_none)
{
    static const char *const answers[] = {
        "{}",
        "{\"vhosts\":7,\"version\":1,\"serving\":\"yes\"}",
        "{\"vhosts\":[null,{\"luns\":[null,{\"stats\":{\"ends\":[],\"latency_us_log2\":{}}}],\"stats\":{}}]}",
    };

    for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
        CLEANUP_FREE char *text = rendered(answers[i], METRICS_PROMETHEUS);

        has(text, "pvscsi_up 0\n");
        has(text, "pvscsi_build_info{version=\"\"} 1\n");
    }
}
END_TEST

static char dir[] = "/tmp/pvscsi-metrics-XXXXXX";

static char *content(const char *path)
{
    char *text = NULL;

    ck_assert_int_eq(read_file(path, 65536, &text, NULL), 0);
    return text;
}

START_TEST(a_file_is_replaced_as_a_whole_or_not_at_all)
{
    CLEANUP_FREE char *path = NULL, *inside = NULL;
    struct stat before, after;
    FILE *f;

    strcpy(dir + strlen(dir) - 6, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    path = strf("%s/x.prom", dir);
    inside = strf("%s/x.prom/in-it", dir);
    f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs("old\n", f);
    fclose(f);
    ck_assert_int_eq(stat(path, &before), 0);
    ck_assert_int_eq(metrics_save(NULL, METRICS_PROMETHEUS, path), 0);
    ck_assert_int_eq(stat(path, &after), 0);
    ck_assert(before.st_ino != after.st_ino);
    ck_assert_int_eq(after.st_mode & 07777, 0644);
    {
        CLEANUP_FREE char *text = content(path);

        ck_assert_ptr_nonnull(strstr(text, "pvscsi_up 0\n"));
    }
    ck_assert_int_lt(metrics_save(NULL, METRICS_PROMETHEUS, inside), 0);
    /* What is no file is not replaced, and nothing that was begun stays. */
    unlink(path);
    ck_assert_int_eq(symlink("/dev/null", path), 0);
    ck_assert_int_eq(metrics_save(NULL, METRICS_PROMETHEUS, path), -EEXIST);
    ck_assert_int_eq(lstat(path, &after), 0);
    ck_assert(S_ISLNK(after.st_mode));
    unlink(path);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_int_eq(metrics_save(NULL, METRICS_PROMETHEUS, path), -EEXIST);
    ck_assert_int_eq(rmdir(path), 0);
    ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

START_TEST(formats_have_names)
{
    enum metrics_format f;

    ck_assert_int_eq(metrics_format_parse("prometheus", &f), 0);
    ck_assert_int_eq(f, METRICS_PROMETHEUS);
    ck_assert_int_eq(metrics_format_parse("openmetrics", &f), 0);
    ck_assert_int_eq(f, METRICS_OPENMETRICS);
    ck_assert_int_lt(metrics_format_parse("", &f), 0);
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_test(t, prometheus_text_names_its_families_as_their_samples);
    tcase_add_test(t, openmetrics_has_its_own_names_and_an_end);
    tcase_add_test(t, an_end_is_an_error_or_a_success);
    tcase_add_test(t, buckets_add_up);
    tcase_add_test(t, a_lun_without_statistics_has_a_state_of_its_own);
    tcase_add_test(t, without_an_answer_nothing_is_up);
    tcase_add_test(t, members_that_are_missing_or_of_another_type_count_as_none);
    tcase_add_test(t, a_file_is_replaced_as_a_whole_or_not_at_all);
    tcase_add_test(t, formats_have_names);
}

int main(void)
{
    return run_tests("metrics", NULL, NULL, add_tests);
}
