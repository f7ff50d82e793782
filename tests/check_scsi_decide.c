// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The decision for every opcode on every type: route, direction, limits, time-outs.
 * What a LUN that may only be read refuses is in check_scsi_readonly.c.
 */
#include "config.h"

#include "check_scsi_commands.h"
#include "scsi-page.h"

#include "scsi/cdb-table.h"
#include "scsi/opcodes.h"

struct seconds {
    uint32_t usual, least;
};

/* As a read or write of that type. */
static struct seconds media_seconds(uint8_t t)
{
    if (is_disk(t))
        return (struct seconds){ 25, 25 };
    if (t == 0x01)
        return (struct seconds){ 900, 840 };
    return t == 0x08 ? (struct seconds){ 900, 60 } : (struct seconds){ 50, 25 };
}

/* What touches no medium. */
static struct seconds short_seconds(uint8_t t)
{
    return (struct seconds){ is_disk(t) ? 25 : 50, 1 };
}

/* An opcode that the table does not have. */
static struct seconds unknown_seconds(uint8_t t)
{
    uint32_t s = is_disk(t) || t == 0x08 ? 3600 : t == 0x01 ? 14400 : t == 0x05 ? 1800 : 900;

    return (struct seconds){ s, s };
}

static void check_seconds(const struct scsi_decision *d, struct seconds want, const char *name, uint8_t t)
{
    must(d->timeout_s == want.usual && d->min_timeout_s == want.least, "%s, type %02x: %u s, least %u s", name, t,
         d->timeout_s, d->min_timeout_s);
}

static enum scsi_route decide(const struct scsi_lun_facts *f, const uint8_t *cdb, uint8_t len, enum scsi_direction dir,
                              uint32_t data_len, struct scsi_decision *d)
{
    memset(d, 0xee, sizeof(*d));
    scsi_decide(f, cdb, len, dir, data_len, d);
    if (d->route == SCSI_REFUSED) {
        must(d->sense.key == 0x05 && !d->filter_in, "refused with key %x", d->sense.key);
    } else {
        must(d->sense.key == 0, "not refused, with key %x", d->sense.key);
    }
    return d->route;
}

static void expect(const struct command *c, uint8_t type, const uint8_t *cdb, uint8_t len, enum scsi_direction dir,
                   uint32_t data_len, bool pass)
{
    struct scsi_lun_facts f = facts_of(type);
    struct scsi_decision d;
    enum scsi_route want = cdb[0] == 0xa0 ? SCSI_TO_US : SCSI_TO_DEVICE;
    enum scsi_route got = decide(&f, cdb, len, dir, data_len, &d);

    must(got == (pass ? want : SCSI_REFUSED), "%s, type %02x, direction %d, %u bytes: route %d", c->name, type, dir,
         data_len, got);
    if (!pass)
        must(d.sense.asc == 0x24 && d.sense.ascq == 0, "%s: %02x/%02x", c->name, d.sense.asc, d.sense.ascq);
    must(d.no_data == (c->data == 'n'), "%s, type %02x", c->name, type);
}

START_TEST(direction_of_every_command_on_every_type)
{
    const struct command *c = &commands[_i];
    bool in = c->data == 'i' || c->data == 'I' || c->data == 'u' || c->data == 'e';
    bool out = c->data == 'o' || c->data == 'O' || c->data == 'e';
    bool none = c->data == 'n'; /* it is sent without the buffer */
    uint8_t cdb[SCSI_CDB_MAX], full[SCSI_CDB_MAX], len;
    int marks = make_cdb(c->cdb, -1, cdb, &len);

    ck_assert_int_eq(marks > 0, c->data == 'i' || c->data == 'o');
    for (uint8_t t = 0; t < 32; t++) {
        if (!has_type(c, t))
            continue;
        expect(c, t, cdb, len, SCSI_DIR_IN, 512, in || none);
        expect(c, t, cdb, len, SCSI_DIR_OUT, 512, out || none);
        /* A buffer that is not used has no limit. */
        if (none)
            expect(c, t, cdb, len, SCSI_DIR_OUT, UINT32_MAX, true);
        expect(c, t, cdb, len, SCSI_DIR_NONE, 512, false);
        expect(c, t, cdb, len, SCSI_DIR_BOTH, 512, false);
        /* No data: right where there is none to move, whatever direction is named with it. */
        for (int dir = SCSI_DIR_BOTH; dir <= SCSI_DIR_NONE; dir++)
            expect(c, t, cdb, len, (enum scsi_direction)dir, 0, c->data != 'I' && c->data != 'O');
        /* Each byte of the length counts, ... */
        for (int i = 0; i < marks; i++) {
            make_cdb(c->cdb, i, full, &len);
            expect(c, t, full, len, SCSI_DIR_NONE, 0, false);
            expect(c, t, full, len, SCSI_DIR_IN, 512, in);
            expect(c, t, full, len, SCSI_DIR_OUT, 512, out);
        }
        /* ... and none beside them. */
        for (unsigned i = 0; i < len; i++)
            full[i] = strncmp(c->cdb + 3 * i, "LL", 2) == 0 ? 0 : i < 2 ? cdb[i] : 0xff;
        expect(c, t, full, len, SCSI_DIR_NONE, 0, c->data != 'I' && c->data != 'O');
    }
}
END_TEST

START_TEST(seconds_of_every_command_on_every_type)
{
    const struct command *c = &commands[_i];
    uint8_t cdb[SCSI_CDB_MAX], len;

    make_cdb(c->cdb, 0, cdb, &len);
    for (uint8_t t = 0; t < 32; t++) {
        struct scsi_lun_facts f = facts_of(t);
        struct scsi_decision d;
        struct seconds want = { c->usual, c->least };

        if (!has_type(c, t))
            continue;
        if (c->usual <= 1)
            want = c->usual ? short_seconds(t) : media_seconds(t);
        if (c->usual == 2)
            want = unknown_seconds(t);
        decide(&f, cdb, len, SCSI_DIR_IN, 512, &d);
        check_seconds(&d, want, c->name, t);
        must(d.min_timeout_s > 0 && d.min_timeout_s <= d.timeout_s, "%s", c->name);
        /* The same when it is refused. */
        decide(&f, cdb, len, SCSI_DIR_BOTH, 512, &d);
        check_seconds(&d, want, c->name, t);
    }
}
END_TEST

/* Is one of the listed commands this one? By opcode and type, and by byte 1 where only some forms are listed. */
static bool listed(uint8_t op, uint8_t byte1, uint8_t type)
{
    static uint8_t cdbs[N_COMMANDS][SCSI_CDB_MAX];
    static bool made;

    for (unsigned i = 0; i < N_COMMANDS && !made; i++) {
        uint8_t len;

        make_cdb(commands[i].cdb, -1, cdbs[i], &len);
    }
    made = true;
    for (unsigned i = 0; i < N_COMMANDS; i++) {
        uint8_t mask = 0;

        if (cdbs[i][0] != op || !has_type(&commands[i], type))
            continue;
        if (op == 0x9e || op == 0x9f)
            mask = 0x1f; /* the service action */
        else if (op == 0x2f || op == 0x8f || op == 0xaf)
            mask = type == 0x01 ? 0x02 : 0x06; /* BYTCMP; BYTCHK, of which 10b is reserved */
        if ((cdbs[i][1] & mask) == (byte1 & mask))
            return true;
    }
    return false;
}

/* --- docs/scsi.md has the same times --- */
static struct page_row {
    char class[16], device[16];
    struct seconds s;
    bool used;
} page_rows[32];
static unsigned n_page_rows;

/* "25 s", "15 min", "4 h" */
static uint32_t seconds_of(const char *cell)
{
    char *unit;
    uint32_t n = (uint32_t)strtoul(cell, &unit, 10);

    if (strcmp(unit, " min") == 0)
        return n * 60;
    if (strcmp(unit, " h") == 0)
        return n * 3600;
    must(strcmp(unit, " s") == 0, "a time: %s", cell);
    return n;
}

static void read_time(char *cell[CELLS], unsigned n)
{
    struct page_row *row = &page_rows[n_page_rows++];

    ck_assert_uint_eq(n, 5);
    ck_assert_uint_lt(n_page_rows, 32);
    snprintf(row->class, sizeof(row->class), "%s", cell[0]);
    snprintf(row->device, sizeof(row->device), "%s", cell[1]);
    row->s = (struct seconds){ seconds_of(cell[3]), seconds_of(cell[4]) };
}

static bool device_is(const char *device, uint8_t t)
{
    if (strcmp(device, "disk") == 0)
        return is_disk(t);
    if (strcmp(device, "tape") == 0)
        return t == 0x01;
    if (strcmp(device, "optical drive") == 0)
        return t == 0x05;
    if (strcmp(device, "changer") == 0)
        return t == 0x08;
    must(strcmp(device, "all") == 0 || strcmp(device, "any other") == 0, "a device: %s", device);
    return true;
}

/* The first row of this class that is for this type of device. */
static struct seconds page_says(const char *class, uint8_t t)
{
    for (unsigned i = 0; i < n_page_rows; i++) {
        if (strcmp(page_rows[i].class, class) != 0 || !device_is(page_rows[i].device, t))
            continue;
        page_rows[i].used = true;
        return page_rows[i].s;
    }
    must(false, "no time of class %s for type %02x", class, t);
    return (struct seconds){ 0, 0 };
}

START_TEST(the_documented_times_are_these)
{
    static const char *const classes[CDB_TIMES] = {
        [CDB_TIME_MEDIA] = "media",     [CDB_TIME_SHORT] = "short", [CDB_TIME_FLUSH] = "flush",
        [CDB_TIME_START] = "start",     [CDB_TIME_BULK] = "bulk",   [CDB_TIME_LASER] = "laser",
        [CDB_TIME_LOAD] = "load",       [CDB_TIME_MOVE] = "move",   [CDB_TIME_INVENTORY] = "inventory",
        [CDB_TIME_WIND] = "wind",       [CDB_TIME_BURN] = "burn",   [CDB_TIME_FORMAT] = "format",
        [CDB_TIME_UNKNOWN] = "unknown",
    };
    struct scsi_decision d;

    ck_assert_uint_eq(read_table("## Time", read_time), 2 + 21);
    for (uint8_t t = 0; t < 32; t++) {
        struct scsi_lun_facts f = facts_of(t);
        uint8_t vendor[SCSI_CDB_MAX] = { 0xc1 };

        for (unsigned i = 0; i < cdb_table_len; i++) {
            const struct cdb_row *row = &cdb_table[i];
            uint8_t cdb[SCSI_CDB_MAX] = { row->opcode, row->form };

            if (!scsi_type_in(t, row->types) || cdb_find(cdb, t) != row)
                continue;
            decide(&f, cdb, 16, SCSI_DIR_NONE, 0, &d);
            check_seconds(&d, page_says(classes[row->time], t), "a row", t);
        }
        decide(&f, vendor, 16, SCSI_DIR_NONE, 0, &d);
        check_seconds(&d, page_says("unknown", t), "a vendor's command", t);
    }
    for (unsigned i = 0; i < n_page_rows; i++)
        must(page_rows[i].used, "no command has the class %s, %s", page_rows[i].class, page_rows[i].device);
}
END_TEST

/* A command that no list names goes to the device, in either direction. */
START_TEST(every_other_opcode_is_forwarded_unjudged)
{
    uint8_t op = (uint8_t)_i;

    for (uint8_t t = 0; t < 32; t++) {
        for (unsigned byte1 = 0; byte1 < 32; byte1++) {
            struct scsi_lun_facts f = facts_of(t);
            uint8_t cdb[SCSI_CDB_MAX] = { op, (uint8_t)byte1 };
            struct scsi_decision d;

            if (listed(op, (uint8_t)byte1, t))
                continue;
            for (int dir = SCSI_DIR_OUT; dir <= SCSI_DIR_NONE; dir++) {
                uint32_t n = dir == SCSI_DIR_NONE ? 0 : 65536;

                must(decide(&f, cdb, 16, (enum scsi_direction)dir, n, &d) == SCSI_TO_DEVICE,
                     "opcode %02x %02x, type %02x, direction %d", op, byte1, t, dir);
                must(!d.filter_in, "opcode %02x", op);
            }
            must(decide(&f, cdb, 16, SCSI_DIR_BOTH, 512, &d) == SCSI_REFUSED && d.sense.asc == 0x24,
                 "opcode %02x %02x, type %02x, both directions", op, byte1, t);
            check_seconds(&d, unknown_seconds(t), "an unknown opcode", t);
        }
    }
}
END_TEST

/* --- the table itself --- */
START_TEST(table_is_sorted_and_every_row_is_sound)
{
    for (unsigned i = 0; i < cdb_table_len; i++) {
        const struct cdb_row *r = &cdb_table[i];
        uint8_t group = scsi_cdb_group_len(r->opcode);

        bool field = r->data != CDB_DATA_NONE && r->data != CDB_DATA_EITHER && r->len_size != CDB_LEN_ALWAYS
                     && r->len_size != CDB_LEN_UNSAID;

        must(i == 0 || cdb_table[i - 1].opcode <= r->opcode, "row %u is out of order", i);
        must(r->types != 0 && r->time < CDB_TIMES && r->data <= CDB_DATA_EITHER && group >= 6, "row %u", i);
        must(r->readonly <= CDB_READONLY_PASS && r->guest <= CDB_GUEST_KEY, "row %u", i);
        must((r->form & ~r->form_mask) == 0, "row %u can never be found", i);
        if (field)
            must(r->len_size <= 4 && r->len_at > 0 && r->len_at + r->len_size < group, "row %u: length field", i);
        else
            must(r->len_at == 0, "row %u: a length field that nobody reads", i);
    }
}
END_TEST

START_TEST(every_row_is_found_on_each_of_its_types_and_no_other)
{
    for (unsigned i = 0; i < cdb_table_len; i++) {
        const struct cdb_row *r = &cdb_table[i];

        for (uint8_t t = 0; t < 32; t++) {
            unsigned found = 0;

            for (unsigned byte1 = 0; byte1 < 256; byte1++) {
                uint8_t cdb[SCSI_CDB_MAX] = { r->opcode, (uint8_t)byte1 };
                bool fits = (byte1 & r->form_mask) == r->form;

                if (cdb_find(cdb, t) != r)
                    continue;
                must(fits, "row %u (%02x %02x)", i, r->opcode, byte1);
                found++;
            }
            must((found > 0) == (r->types >> t & 1), "row %u (%02x) on type %02x", i, r->opcode, t);
        }
    }
}
END_TEST

START_TEST(every_row_is_named_by_this_test)
{
    static bool seen[1024];

    ck_assert_uint_lt(cdb_table_len, 1024);
    for (unsigned i = 0; i < N_COMMANDS; i++) {
        uint8_t cdb[SCSI_CDB_MAX], len;

        make_cdb(commands[i].cdb, -1, cdb, &len);
        for (uint8_t t = 0; t < 32; t++) {
            const struct cdb_row *r = cdb_find(cdb, t);

            if (has_type(&commands[i], t)) {
                must(r != NULL, "%s, type %02x", commands[i].name, t);
                seen[r - cdb_table] = true;
            }
        }
    }
    for (unsigned i = 0; i < cdb_table_len; i++)
        must(seen[i], "row %u, opcode %02x, is not tested", i, cdb_table[i].opcode);
}
END_TEST

/* Of a disk. Whatever is not in this list must not. */
START_TEST(these_commands_may_run_twice)
{
    static const char list[] =
        "00 03 08 0a 0b 12 1a 1e 25 28 2a 2b 2e 2f 34 35 37 41 42 4d 5a 5e 88 8a 8e 8f 90 91 93 95 "
        "9c 9e a0 a3 a8 aa ae af b7";
    uint8_t ops[64];
    unsigned n = unhex(list, ops, sizeof(ops));

    ck_assert_uint_eq(n, 39);
    for (unsigned op = 0; op < 256; op++)
        must(scsi_may_run_twice((uint8_t)op) == (memchr(ops, (int)op, n) != NULL), "%02x", op);
}
END_TEST

/* --- CDB length, data length --- */
static const struct {
    uint8_t opcode, need;
} groups[] = {
    { 0x00, 6 },
    { 0x1f, 6 },
    { 0x20, 10 },
    { 0x5f, 10 },
    { 0x80, 16 },
    { 0x9f, 16 },
    { 0xa0, 12 },
    { 0xbf, 12 },
    /* reserved, variable length, vendor specific */
    { 0x60, 1 },
    { 0x7f, 1 },
    { 0xc0, 1 },
    { 0xdf, 1 },
    { 0xe0, 1 },
    { 0xff, 1 },
};

START_TEST(cdb_shorter_than_its_group_is_refused)
{
    struct scsi_lun_facts f = facts_of(0x05); /* BFh is known there, and wants data */
    uint8_t cdb[SCSI_CDB_MAX] = { groups[_i].opcode };
    struct scsi_decision d;

    for (unsigned len = 0; len <= 255; len++) {
        enum scsi_route r = decide(&f, cdb, (uint8_t)len, SCSI_DIR_NONE, 0, &d);

        if (len < groups[_i].need || len > 16)
            must(r == SCSI_REFUSED && d.sense.asc == 0x24, "opcode %02x in %u bytes", cdb[0], len);
        else
            must(r != SCSI_REFUSED, "opcode %02x in %u bytes", cdb[0], len);
    }
}
END_TEST

static const struct {
    uint32_t max, len;
    bool pass;
} transfers[] = {
    { 65536, 65536, true }, { 65536, 65537, false }, { 65536, UINT32_MAX, false },
    { 0, 0, true },         { 0, 1, false },         { UINT32_MAX, UINT32_MAX, true },
};

START_TEST(more_than_the_transfer_limit_is_refused)
{
    static const char *const cdbs[] = { "28 00 00 00 00 00 00 ff ff 00", "a0 00 00 00 00 00 ff ff ff ff 00 00",
                                        "5e 00 00 00 00 00 00 ff ff 00", "c1 00 00 00 00 00 00 00 00 00" };

    for (unsigned i = 0; i < 4; i++) {
        struct scsi_lun_facts f = facts_of(0x00);
        uint8_t cdb[SCSI_CDB_MAX];
        struct scsi_decision d;

        cdb_of(cdbs[i], cdb);
        f.feature_host = true;
        f.max_transfer = transfers[_i].max;
        /* Without data the first three would be refused for that. */
        if (!transfers[_i].len)
            cdb[0] = 0xc1;
        decide(&f, cdb, 12, SCSI_DIR_IN, transfers[_i].len, &d);
        ck_assert_int_eq(d.route != SCSI_REFUSED, transfers[_i].pass);
        if (!transfers[_i].pass)
            ck_assert_uint_eq(d.sense.asc, 0x24);
    }
}
END_TEST

START_TEST(direction_outside_the_protocol_is_refused)
{
    struct scsi_lun_facts f = facts_of(0x00);
    uint8_t cdb[SCSI_CDB_MAX] = { 0 };
    struct scsi_decision d;

    for (int dir = 4; dir < 256; dir++)
        must(decide(&f, cdb, 6, (enum scsi_direction)dir, 0, &d) == SCSI_REFUSED, "direction %d", dir);
}
END_TEST

/* --- which commands the daemon answers itself --- */
START_TEST(report_luns_is_always_ours)
{
    uint8_t cdb[SCSI_CDB_MAX];
    struct scsi_decision d;

    cdb_of("a0 00 00 00 00 00 00 00 10 00 00 00", cdb);
    for (uint8_t t = 0; t < 32; t++) {
        for (int host = 0; host < 2; host++) {
            struct scsi_lun_facts f = facts_of(t);

            f.feature_host = host;
            ck_assert(decide(&f, cdb, 12, SCSI_DIR_IN, 4096, &d) == SCSI_TO_US);
            ck_assert(!d.filter_in);
        }
    }
}
END_TEST

#define US SCSI_TO_US
#define DEV SCSI_TO_DEVICE
#define HLP SCSI_TO_HELPER
#define NO SCSI_REFUSED
static const struct {
    enum scsi_pr mode;
    bool shared, forced, move;
    enum scsi_route in, reserve, move_route; /* READ KEYS; RESERVE; REGISTER AND MOVE */
    uint8_t asc;                             /* of a refusal of the first two; REGISTER AND MOVE has 24h, or this */
} reservations[] = {
    { SCSI_PR_HELPER, 0, 0, 0, HLP, HLP, NO, 0 },     { SCSI_PR_HELPER, 0, 0, 1, HLP, HLP, HLP, 0 },
    { SCSI_PR_HELPER, 0, 1, 0, HLP, HLP, NO, 0 },     { SCSI_PR_HELPER, 0, 1, 1, HLP, HLP, HLP, 0 },
    { SCSI_PR_HELPER, 1, 0, 0, NO, NO, NO, 0x20 },    { SCSI_PR_HELPER, 1, 0, 1, NO, NO, NO, 0x20 },
    { SCSI_PR_HELPER, 1, 1, 0, HLP, HLP, NO, 0 },     { SCSI_PR_HELPER, 1, 1, 1, HLP, HLP, HLP, 0 },
    { SCSI_PR_DIRECT, 0, 0, 0, DEV, DEV, NO, 0 },     { SCSI_PR_DIRECT, 0, 0, 1, DEV, DEV, DEV, 0 },
    { SCSI_PR_DIRECT, 0, 1, 0, DEV, DEV, NO, 0 },     { SCSI_PR_DIRECT, 0, 1, 1, DEV, DEV, DEV, 0 },
    { SCSI_PR_DIRECT, 1, 0, 0, NO, NO, NO, 0x20 },    { SCSI_PR_DIRECT, 1, 0, 1, NO, NO, NO, 0x20 },
    { SCSI_PR_DIRECT, 1, 1, 0, DEV, DEV, NO, 0 },     { SCSI_PR_DIRECT, 1, 1, 1, DEV, DEV, DEV, 0 },
    { SCSI_PR_DENY, 0, 0, 0, NO, NO, NO, 0x20 },      { SCSI_PR_DENY, 0, 0, 1, NO, NO, NO, 0x20 },
    { SCSI_PR_DENY, 0, 1, 0, NO, NO, NO, 0x20 },      { SCSI_PR_DENY, 0, 1, 1, NO, NO, NO, 0x20 },
    { SCSI_PR_DENY, 1, 0, 0, NO, NO, NO, 0x20 },      { SCSI_PR_DENY, 1, 0, 1, NO, NO, NO, 0x20 },
    { SCSI_PR_DENY, 1, 1, 0, NO, NO, NO, 0x20 },      { SCSI_PR_DENY, 1, 1, 1, NO, NO, NO, 0x20 },
    { (enum scsi_pr)3, 0, 1, 1, NO, NO, NO, 0x20 }, /* no such mode: nothing is let through */
    { (enum scsi_pr)255, 0, 1, 1, NO, NO, NO, 0x20 },
};

START_TEST(persistent_reservations_by_mode)
{
    uint8_t cdb[SCSI_CDB_MAX];
    struct scsi_decision d;

    for (int host = 0; host < 2; host++) {
        struct scsi_lun_facts f = facts_of(0x00);

        f.feature_host = host;
        f.pr = reservations[_i].mode;
        f.shared = reservations[_i].shared;
        f.pr_forced = reservations[_i].forced;
        f.pr_move = reservations[_i].move;
        cdb_of("5e 00 00 00 00 00 00 00 ff 00", cdb);
        ck_assert_int_eq(decide(&f, cdb, 10, SCSI_DIR_IN, 255, &d), reservations[_i].in);
        ck_assert_uint_eq(d.sense.asc, reservations[_i].asc);
        cdb_of("5f 01 05 00 00 00 00 00 18 00", cdb);
        ck_assert_int_eq(decide(&f, cdb, 10, SCSI_DIR_OUT, 24, &d), reservations[_i].reserve);
        ck_assert_uint_eq(d.sense.asc, reservations[_i].asc);
        for (unsigned high = 0; high < 256; high += 32) { /* the service action is 5 bits */
            cdb_of("5f 07 05 00 00 00 00 00 18 00", cdb);
            cdb[1] = (uint8_t)(high | 0x07);
            ck_assert_int_eq(decide(&f, cdb, 10, SCSI_DIR_OUT, 24, &d), reservations[_i].move_route);
            if (d.route == SCSI_REFUSED)
                ck_assert_uint_eq(d.sense.asc, reservations[_i].asc ? reservations[_i].asc : 0x24);
        }
    }
}
END_TEST

/* Reservations of SPC-2 belong to the I_T nexus too. */
static const struct {
    bool shared, forced;
    enum scsi_route route;
} spc2_reservations[] = {
    { false, false, DEV },
    { true, false, NO },
    { true, true, DEV },
    { false, true, DEV },
};

START_TEST(reserve_and_release_need_a_lun_that_no_other_guest_has)
{
    static const char *const cdbs[] = { "16 00 00 00 00 00", "17 00 00 00 00 00", "56 00 00 00 00 00 00 00 00 00",
                                        "57 00 00 00 00 00 00 00 00 00" };
    static const uint8_t types[] = { 0x00, 0x01, 0x08 };
    uint8_t cdb[SCSI_CDB_MAX];
    struct scsi_decision d;

    for (unsigned i = 0; i < 4 * 3; i++) {
        struct scsi_lun_facts f = facts_of(types[i % 3]);

        f.shared = spc2_reservations[_i].shared;
        f.pr_forced = spc2_reservations[_i].forced;
        cdb_of(cdbs[i / 3], cdb);
        ck_assert_int_eq(decide(&f, cdb, i / 3 < 2 ? 6 : 10, SCSI_DIR_NONE, 0, &d), spc2_reservations[_i].route);
        ck_assert_uint_eq(d.sense.key, d.route == SCSI_REFUSED ? 0x05 : 0);
        ck_assert_uint_eq(d.sense.asc, d.route == SCSI_REFUSED ? 0x20 : 0);
        ck_assert_uint_eq(d.sense.ascq, 0);
    }
}
END_TEST

static const struct {
    const char *cdb;
    uint8_t len;
    const char *types; /* 'd' disks, 't' tape, '-' none */
} filtered[] = {
    { "12 01 00 00 ff 00", 6, "d" },
    { "12 01 b0 00 ff 00", 6, "d" },
    { "12 01 83 00 ff 00", 6, "-" },
    { "12 01 b1 00 ff 00", 6, "-" },
    { "12 00 00 00 ff 00", 6, "-" },
    { "12 00 b0 00 ff 00", 6, "-" },
    { "05 00 00 00 00 00", 6, "t" },
    { "25 00 00 00 00 00 00 00 00 00", 10, "d" },
    { "9e 10 00 00 00 00 00 00 00 00 00 00 00 20 00 00", 16, "d" },
    { "9e 12 00 00 00 00 00 00 00 00 00 00 00 20 00 00", 16, "-" },
    { "28 00 00 00 00 00 00 00 01 00", 10, "-" },
    { "1a 00 3f 00 ff 00", 6, "-" },
};

START_TEST(only_what_must_be_patched_is)
{
    uint8_t cdb[SCSI_CDB_MAX];

    cdb_of(filtered[_i].cdb, cdb);
    for (uint8_t t = 0; t < 32; t++) {
        struct scsi_lun_facts f = facts_of(t);
        struct scsi_decision d;
        bool want = (*filtered[_i].types == 'd' && is_disk(t)) || (*filtered[_i].types == 't' && t == 0x01);

        decide(&f, cdb, filtered[_i].len, SCSI_DIR_IN, 32, &d);
        ck_assert(d.route == SCSI_TO_DEVICE);
        ck_assert_int_eq(d.filter_in, want);
    }
}
END_TEST

START_TEST(types_beyond_5_bits_are_harmless)
{
    uint8_t cdb[SCSI_CDB_MAX] = { 0x28 };

    for (unsigned t = 32; t < 256; t++) {
        struct scsi_lun_facts f = facts_of((uint8_t)t);
        struct scsi_decision d;

        must(decide(&f, cdb, 10, SCSI_DIR_OUT, 512, &d) == SCSI_TO_DEVICE, "type %u", t);
        check_seconds(&d, (struct seconds){ 900, 900 }, "a type that does not exist", (uint8_t)t);
    }
}
END_TEST

/* --- time --- */
static const struct {
    uint32_t usual, least;
    uint16_t guest;
    uint32_t ms;
} times[] = {
    { 25, 25, 0, 25000 },  /* none given */
    { 25, 25, 30, 25000 }, /* a sixth less */
    { 25, 25, 60, 50000 },
    { 25, 25, 66, 56000 }, /* at most 10 s less */
    { 25, 25, 600, 590000 },
    { 25, 25, 65535, 65525000 },
    { 25, 25, 12, 25000 },
    { 25, 25, 4, 25000 }, /* the table counts: 4 may have been 65540 */
    { 25, 25, 1, 25000 },
    { 14400, 14400, 0, 14400000 },
    { 14400, 14400, 30, 14400000 },
    { 14400, 10800, 14000, 13990000 }, /* Linux's st: dom0 acts before it */
    { 900, 840, 900, 890000 },
    { 172800, 172800, 20864, 172800000 }, /* the guest gave 86400 */
    { 172800, 172800, 6464, 172800000 },  /* 72000 */
    { 172800, 172800, 0, 172800000 },
    { 25, 1, 6, 5000 },
    { 25, 1, 10, 9000 },
    { 25, 1, 5, 4000 }, /* at least 1 s less */
    { 25, 1, 2, 1000 },
    { 25, 1, 1, 1000 },
};

START_TEST(timeout_leaves_time_for_error_handling)
{
    struct scsi_decision d = { .timeout_s = times[_i].usual, .min_timeout_s = times[_i].least };

    ck_assert_uint_eq(scsi_timeout_ms(&d, times[_i].guest), times[_i].ms);
}
END_TEST

/* Linux's error handler sends it with the time-out of the command that failed: 30 s, or st's 900 s and 14000 s. */
START_TEST(test_unit_ready_has_no_more_than_its_usual_time)
{
    static const struct {
        uint8_t type;
        uint16_t guest;
        uint32_t ready, inquiry; /* ms */
    } rows[] = {
        { 0x00, 0, 25000, 25000 },    { 0x00, 10, 9000, 9000 },         { 0x00, 30, 25000, 25000 },
        { 0x00, 60, 25000, 50000 },   { 0x01, 30, 25000, 25000 },       { 0x01, 900, 50000, 890000 },
        { 0x01, 0, 50000, 50000 },    { 0x01, 14000, 50000, 13990000 }, { 0x05, 65535, 50000, 65525000 },
        { 0x08, 900, 50000, 890000 },
    };
    static const uint8_t ready[SCSI_CDB_MAX] = { 0x00 }, inquiry[SCSI_CDB_MAX] = { 0x12 };
    struct scsi_decision d;

    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct scsi_lun_facts f = facts_of(rows[i].type);

        decide(&f, ready, 6, SCSI_DIR_NONE, 0, &d);
        ck_assert_uint_eq(scsi_timeout_ms(&d, rows[i].guest), rows[i].ready);
        decide(&f, inquiry, 6, SCSI_DIR_NONE, 0, &d);
        ck_assert_uint_eq(scsi_timeout_ms(&d, rows[i].guest), rows[i].inquiry);
    }
}
END_TEST

#define LOOP(tc, test, table) tcase_add_loop_test(tc, test, 0, sizeof(table) / sizeof((table)[0]))

int main(void)
{
    Suite *s = suite_create("scsi-decide");
    TCase *tc = tcase_create("commands");

    LOOP(tc, direction_of_every_command_on_every_type, commands);
    LOOP(tc, seconds_of_every_command_on_every_type, commands);
    tcase_add_test(tc, the_documented_times_are_these);
    tcase_add_loop_test(tc, every_other_opcode_is_forwarded_unjudged, 0, 256);
    suite_add_tcase(s, tc);
    tc = tcase_create("table");
    tcase_add_test(tc, table_is_sorted_and_every_row_is_sound);
    tcase_add_test(tc, every_row_is_found_on_each_of_its_types_and_no_other);
    tcase_add_test(tc, every_row_is_named_by_this_test);
    tcase_add_test(tc, these_commands_may_run_twice);
    suite_add_tcase(s, tc);
    tc = tcase_create("limits");
    LOOP(tc, cdb_shorter_than_its_group_is_refused, groups);
    LOOP(tc, more_than_the_transfer_limit_is_refused, transfers);
    tcase_add_test(tc, direction_outside_the_protocol_is_refused);
    tcase_add_test(tc, types_beyond_5_bits_are_harmless);
    suite_add_tcase(s, tc);
    tc = tcase_create("routes");
    tcase_add_test(tc, report_luns_is_always_ours);
    LOOP(tc, persistent_reservations_by_mode, reservations);
    LOOP(tc, reserve_and_release_need_a_lun_that_no_other_guest_has, spc2_reservations);
    LOOP(tc, only_what_must_be_patched_is, filtered);
    suite_add_tcase(s, tc);
    tc = tcase_create("time");
    LOOP(tc, timeout_leaves_time_for_error_handling, times);
    tcase_add_test(tc, test_unit_ready_has_no_more_than_its_usual_time);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
