// SPDX-License-Identifier: GPL-2.0-or-later
/* pvscsictl's text of an event. */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/util.h"
#include "pvscsictl/events.h"
#include "suite.h"

static const struct {
    const char *json, *text;
} cases[] = {
    { "{\"time\":\"T\",\"event\":\"attach\",\"domid\":3,\"vhost\":0,\"guest\":\"web\",\"dev\":\"dev-0\","
      "\"vdev\":\"0:0:0:1\",\"device\":\"/dev/sg3\",\"text\":\"it is there\"}",
      "T attach      web (3) 0:0:0:1 dev-0 /dev/sg3: it is there\n" },
    { "{\"time\":\"T\",\"event\":\"helper-away\",\"domid\":3}", "T helper-away guest 3\n" },
    { "{\"time\":\"T\",\"event\":\"lost\",\"count\":5}",
      "T lost       : 5 events, because they were not read in time\n" },
    { "{\"time\":\"T\",\"event\":\"following\",\"version\":\"1.0\",\"pid\":9,\"started\":1}",
      "T following  : pvscsid 1.0, pid 9\n" },
    { "{\"time\":7,\"text\":[]}", "            \n" },
};

START_TEST(an_event_is_one_line)
{
    struct json_object *event = json_tokener_parse(cases[_i].json);
    CLEANUP_FREE char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    ck_assert(event && out);
    events_render(event, out);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_str_eq(text, cases[_i].text);
    json_object_put(event);
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_loop_test(t, an_event_is_one_line, 0, ARRAY_SIZE(cases));
}

int main(void)
{
    return run_tests("events", NULL, NULL, add_tests);
}
