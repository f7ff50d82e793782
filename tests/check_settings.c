// SPDX-License-Identifier: GPL-2.0-or-later
/* Options of a device that change while the guest has it: each key and its node, and what is said of all others. */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>

#include "alloc-fail.h"
#include "suite.h"
#include "common/util.h"
#include "xl-scsi/settings.h"

/* before and after: an entry that is given this change. node: what the key's node holds; NULL: it does not exist. */
static const struct {
    const char *text, *key, *node, *before, *after;
} good[] = {
    { "readonly=1", "readonly", "1", "/dev/sda,0:0:0:0", "/dev/sda,0:0:0:0,readonly" },
    { "readonly=0", "readonly", NULL, "/dev/sda,0:0:0:0,readonly", "/dev/sda,0:0:0:0" },
    { "pr=auto", "pr", "auto", "/dev/sda,0:0:0:0", "/dev/sda,0:0:0:0,pr=auto" },
    { "pr=helper", "pr", "helper", "/dev/sda,0:0:0:0,pr=deny", "/dev/sda,0:0:0:0,pr=helper" },
    { "pr=direct", "pr", "direct", "/dev/sda,0:0:0:0", "/dev/sda,0:0:0:0,pr=direct" },
    { "pr=deny", "pr", "deny", "/dev/sda,0:0:0:0", "/dev/sda,0:0:0:0,pr=deny" },
    { "pr-move=1", "pr-move", "1", "/dev/sda,0:0:0:0", "/dev/sda,0:0:0:0,pr-move" },
    { "pr-move=0", "pr-move", NULL, "/dev/sda,0:0:0:0,pr-move,optional", "/dev/sda,0:0:0:0,optional" },
    { "pr-force=1", "pr-force", "1", "/dev/sda,0:0:0:0", "/dev/sda,0:0:0:0,pr-force" },
    { "pr-force=0", "pr-force", NULL, "/dev/sda,0:0:0:0", "/dev/sda,0:0:0:0" },
    { "allow=3b+a4/0a", "allow", "3b+a4/0a", "/dev/sda,0:0:0:0,allow=85", "/dev/sda,0:0:0:0,allow=3b+a4/0a" },
    { "allow=none", "allow", NULL, "/dev/sda,0:0:0:0,allow=85", "/dev/sda,0:0:0:0" },
    { "deny=42", "deny", "42", "/dev/sda,0:0:0:0", "/dev/sda,0:0:0:0,deny=42" },
    { "deny=none", "deny", NULL, "/dev/sda,0:0:0:0", "/dev/sda,0:0:0:0" },
    { "third-party-copy=1", "third-party-copy", "1", "/dev/sda,0:0:0:0", "/dev/sda,0:0:0:0,third-party-copy" },
    { "third-party-copy=0", "third-party-copy", NULL, "/dev/sda,0:0:0:0,third-party-copy", "/dev/sda,0:0:0:0" },
    { "iops=50", "iops", "50", "/dev/sda,0:0:0:0", "/dev/sda,0:0:0:0,iops=50" },
    { "iops=none", "iops", NULL, "/dev/sda,0:0:0:0,iops=50,burst=5", "/dev/sda,0:0:0:0" },
    { "bps=100M", "bps", "100M", "/dev/sda,0:0:0:0,iops=50", "/dev/sda,0:0:0:0,iops=50,bps=100M" },
    { "burst=5", "burst", "5", "/dev/sda,0:0:0:0,iops=50", "/dev/sda,0:0:0:0,iops=50,burst=5" },
    { "burst=none", "burst", NULL, "/dev/sda,0:0:0:0,iops=50,burst=5", "/dev/sda,0:0:0:0,iops=50" },
};

START_TEST(a_change_is_understood)
{
    struct dev_settings s = { 0 };
    CLEANUP_FREE char *after = NULL;
    char err[VSCSI_ERROR_MAX];
    struct vscsi_entry e;
    unsigned given = 0;

    ck_assert_int_eq(vscsi_entry_parse(good[_i].before, &e, err), 0);
    ck_assert_msg(settings_parse(good[_i].text, &s, err) == 0, "%s", err);
    for (unsigned i = 0; settings_key(i); i++) {
        const char *node = settings_value(&s, i);

        if (!(s.given & 1u << i))
            continue;
        given++;
        ck_assert_str_eq(settings_key(i), good[_i].key);
        ck_assert_msg(node && good[_i].node ? strcmp(node, good[_i].node) == 0 : node == good[_i].node, "%s",
                      node ? node : "none");
    }
    ck_assert_uint_eq(given, 1);
    ck_assert_int_eq(settings_apply(&s, &e), 0);
    after = vscsi_entry_format(&e);
    ck_assert_str_eq(after, good[_i].after);
    settings_clear(&s);
    vscsi_entry_clear(&e);
}
END_TEST

START_TEST(every_key_is_tried)
{
    unsigned keys = 0;

    for (; settings_key(keys); keys++) {
        bool found = false;

        for (size_t i = 0; i < ARRAY_SIZE(good); i++)
            found |= strcmp(good[i].key, settings_key(keys)) == 0;
        ck_assert_msg(found, "%s", settings_key(keys));
        ck_assert_uint_gt(strlen(settings_values(keys)), 0);
    }
    ck_assert_uint_eq(keys, 10);
}
END_TEST

START_TEST(a_node_is_read)
{
    static const struct {
        const char *key, *node;
        enum setting_kind kind;
        uint64_t number;
    } nodes[] = {
        { "readonly", "1", SETTING_FLAG, 1 },       { "readonly", "0", SETTING_FLAG, 0 },
        { "readonly", "", SETTING_FLAG, 0 },        { "pr-move", "2", SETTING_FLAG, 0 },
        { "pr", "deny", SETTING_TEXT, 0 },          { "allow", "12", SETTING_TEXT, 0 },
        { "iops", "50", SETTING_LIMIT, 50 },        { "iops", "0", SETTING_LIMIT, 0 },
        { "iops", "1", SETTING_LIMIT, 0 },          { "bps", "8M", SETTING_LIMIT, 8 << 20 },
        { "bps", "1T", SETTING_LIMIT, 1ull << 40 }, { "bps", "much", SETTING_LIMIT, 0 },
        { "burst", "3600", SETTING_LIMIT, 3600 },   { "burst", "", SETTING_LIMIT, 0 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
        unsigned k = 0;

        while (strcmp(settings_key(k), nodes[i].key) != 0)
            k++;
        ck_assert_int_eq(settings_kind(k), nodes[i].kind);
        ck_assert_uint_eq(settings_number(k, nodes[i].node), nodes[i].number);
    }
}
END_TEST

static const struct {
    const char *text, *say;
} bad[] = {
    { "", "unknown option '': expected one of readonly=0|1 pr=auto|helper|direct|deny pr-move=0|1 "
          "pr-force=0|1 allow=COMMANDS|none deny=COMMANDS|none third-party-copy=0|1 iops=COUNT|none" },
    { "=1", "unknown option '=1': expected" },
    { "readonl=1", "unknown option 'readonl=1': expected" },
    { "read\033=1", "unknown option 'read\\x1b=1': expected" },
    { "readonly", "option 'readonly' has no value: expected readonly=0|1" },
    { "readonly=", "option 'readonly': expected readonly=0 or readonly=1" },
    { "readonly=2", "option 'readonly': expected readonly=0 or readonly=1" },
    { "readonly=yes", "option 'readonly': expected readonly=0 or readonly=1" },
    { "readonly=none", "option 'readonly': expected readonly=0 or readonly=1" },
    { "pr=off", "option 'pr=off': expected pr=auto, pr=helper, pr=direct or pr=deny" },
    { "pr=none", "option 'pr=none': expected pr=auto" },
    { "iops=1", "option 'iops=1': expected" },
    { "bps=x", "option 'bps=x': expected" },
    { "allow=", "option 'allow=' has no value: expected allow=COMMANDS|none" },
    { "iops=", "option 'iops=' has no value: expected iops=COUNT|none" },
    { "pr=", "option 'pr=' has no value: expected pr=auto|helper|direct|deny" },
    { "allow=zz", "option 'allow=': " },
    { "deny=12", "option 'deny=': " },
    { "p-dev=/dev/sdb", "option 'p-dev' cannot change while the guest has the device: detach the device, and attach" },
    { "v-dev=0:0:0:1", "option 'v-dev' cannot change" },
    { "unit=x", "option 'unit' cannot change" },
    { "backend=storage", "option 'backend' cannot change" },
    { "feature-host=1", "option 'feature-host' cannot change while the guest has the device: it holds for all" },
    { "force", "option 'force' cannot change while the guest has the device: it is for the moment of attaching" },
    { "required", "option 'required' cannot change" },
    { "optional=1", "option 'optional' cannot change" },
};

START_TEST(a_mistake_is_explained)
{
    struct dev_settings s = { 0 };
    char err[VSCSI_ERROR_MAX] = "";

    ck_assert_int_eq(settings_parse(bad[_i].text, &s, err), -EINVAL);
    ck_assert_msg(strncmp(err, bad[_i].say, strlen(bad[_i].say)) == 0, "%s, not %s", err, bad[_i].say);
    settings_clear(&s);
}
END_TEST

START_TEST(only_readonly_0_lets_the_guest_write)
{
    static const struct {
        const char *text;
        bool write;
    } texts[] = { { "readonly=0", true }, { "readonly=1", false }, { "pr=deny", false }, { "allow=none", false } };

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct dev_settings s = { 0 };
        char err[VSCSI_ERROR_MAX] = "";

        ck_assert_int_eq(settings_parse(texts[i].text, &s, err), 0);
        ck_assert_int_eq(settings_let_write(&s), texts[i].write);
        settings_clear(&s);
    }
}
END_TEST

START_TEST(several_changes_go_together_and_none_twice)
{
    static const char *const texts[] = { "readonly=1", "pr=deny", "deny=42+93", "allow=none" };
    struct dev_settings s = { 0 };
    char err[VSCSI_ERROR_MAX] = "";

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        ck_assert_int_eq(settings_parse(texts[i], &s, err), 0);
    ck_assert_int_eq(__builtin_popcount(s.given), (int)ARRAY_SIZE(texts));
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        ck_assert_int_eq(settings_parse(texts[i], &s, err), -EINVAL);
        ck_assert_ptr_nonnull(strstr(err, "is given twice"));
    }
    settings_clear(&s);
    ck_assert_uint_eq(s.given, 0);
}
END_TEST

/* has: the device's limits, as options. nodes: the keys whose nodes change; NULL: it is refused. */
static const struct {
    const char *has, *change, *nodes;
} touches[] = {
    { "", "readonly=1", "readonly " },
    { "", "iops=50", "iops " },
    { ",iops=50,burst=5", "readonly=1", "readonly " },
    { ",iops=50,burst=5", "iops=none", "iops burst " },
    { ",iops=50,burst=5", "iops=60", "iops " },
    { ",iops=50,burst=5", "burst=none", "burst " },
    { ",iops=50,bps=100M,burst=5", "iops=none", "iops " },
    { ",iops=50", "iops=none", "iops " },
    { ",iops=50,burst=5", "iops=none burst=none", "iops burst " },
    { ",iops=50,burst=5", "iops=none bps=100M", "iops bps " },
    { "", "bps=100M burst=3", "bps burst " },
    { "", "burst=5", NULL },
    { ",iops=50", "iops=none burst=5", NULL },
    { ",bps=100M,burst=2", "burst=5 bps=none", NULL },
};

START_TEST(a_burst_goes_with_the_last_limit)
{
    CLEANUP_FREE char *text = strf("/dev/sda,0:0:0:0%s", touches[_i].has), *changes = strdup(touches[_i].change);
    struct dev_settings s = { 0 };
    char err[VSCSI_ERROR_MAX] = "", nodes[128] = "", *rest = changes;
    struct vscsi_entry e;
    unsigned bits = 0;

    ck_assert_int_eq(vscsi_entry_parse(text, &e, err), 0);
    for (const char *word; (word = strsep(&rest, " ")) != NULL;)
        ck_assert_int_eq(settings_parse(word, &s, err), 0);
    int r = settings_touch(&s, &e.limits, &bits, err);

    for (unsigned i = 0; settings_key(i); i++)
        if (bits & 1u << i) {
            strcat(nodes, settings_key(i));
            strcat(nodes, " ");
            ck_assert(s.given & 1u << i || !settings_value(&s, i));
        }
    if (touches[_i].nodes) {
        ck_assert_int_eq(r, 0);
        ck_assert_str_eq(nodes, touches[_i].nodes);
    } else {
        ck_assert_int_eq(r, -EINVAL);
        ck_assert_str_eq(err, "option 'burst=' without a limit: give iops= or bps= too");
    }
    settings_clear(&s);
    vscsi_entry_clear(&e);
}
END_TEST

START_TEST(lack_of_memory_is_survived)
{
    struct dev_settings s = { 0 };
    struct vscsi_entry e = { 0 };
    char err[VSCSI_ERROR_MAX];
    int n = 1;

    for (; fail_at = n, settings_parse("pr=deny", &s, err) < 0; n++) {
        ck_assert_str_eq(err, "out of memory");
        settings_clear(&s);
    }
    ck_assert_int_ge(n, 3); /* the name, the value */
    for (n = 1; fail_at = n, settings_apply(&s, &e) < 0; n++)
        ck_assert_ptr_null(e.pr);
    ck_assert_int_eq(n, 2);
    fail_at = 0;
    ck_assert_str_eq(e.pr, "deny");
    settings_clear(&s);
    vscsi_entry_clear(&e);
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_loop_test(t, a_change_is_understood, 0, (int)ARRAY_SIZE(good));
    tcase_add_test(t, every_key_is_tried);
    tcase_add_test(t, a_node_is_read);
    tcase_add_loop_test(t, a_mistake_is_explained, 0, (int)ARRAY_SIZE(bad));
    tcase_add_test(t, only_readonly_0_lets_the_guest_write);
    tcase_add_test(t, several_changes_go_together_and_none_twice);
    tcase_add_loop_test(t, a_burst_goes_with_the_last_limit, 0, (int)ARRAY_SIZE(touches));
    tcase_add_test(t, lack_of_memory_is_survived);
}

int main(void)
{
    return run_tests("settings of devices", NULL, NULL, add_tests);
}
