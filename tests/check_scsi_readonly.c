// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A read-only LUN: the result of every command on every type of device, with the sense of each refusal.
 * The expectations are in check_scsi_commands.h, one letter for each command.
 */
#include "config.h"

#include "check_scsi_commands.h"
#include "rounds.h"

static struct scsi_lun_facts readonly_facts(uint8_t type)
{
    struct scsi_lun_facts f = facts_of(type);

    f.readonly = true;
    return f;
}

/* The letter of what was decided: p passes, w 07/27/00, x 05/20/00, f 05/24/00. */
static char decide(const struct scsi_lun_facts *f, const uint8_t *cdb, uint8_t len, enum scsi_direction dir,
                   uint32_t data_len, struct scsi_decision *d)
{
    memset(d, 0xee, sizeof(*d));
    scsi_decide(f, cdb, len, dir, data_len, d);
    if (d->route != SCSI_REFUSED) {
        must(d->sense.key == 0 && d->sense.asc == 0 && d->sense.ascq == 0, "not refused, with sense");
        must(d->route == (cdb[0] == 0xa0 ? SCSI_TO_US : SCSI_TO_DEVICE), "opcode %02x: route %d", cdb[0], d->route);
        return 'p';
    }
    must(!d->filter_in, "refused, with data-in");
    must(d->sense.ascq == 0, "opcode %02x: ASCQ %02x", cdb[0], d->sense.ascq);
    if (d->sense.key == 0x07 && d->sense.asc == 0x27)
        return 'w';
    must(d->sense.key == 0x05, "opcode %02x: key %x", cdb[0], d->sense.key);
    return d->sense.asc == 0x20 ? 'x' : d->sense.asc == 0x24 ? 'f' : '?';
}

START_TEST(every_command_on_every_type)
{
    const struct command *c = &commands[_i];
    bool in = c->data == 'i' || c->data == 'I' || c->data == 'u', none = c->data == 'n';
    enum scsi_direction dir = in ? SCSI_DIR_IN : none ? SCSI_DIR_NONE : SCSI_DIR_OUT;
    uint32_t data_len = none ? 0 : 512;
    uint8_t cdb[SCSI_CDB_MAX], len;
    struct scsi_decision d;

    must(strchr("pwxf", c->readonly) != NULL, "%s: %c", c->name, c->readonly);
    make_cdb(c->cdb, 0, cdb, &len);
    for (uint8_t t = 0; t < 32; t++) {
        if (!has_type(c, t))
            continue;
        for (int host = 0; host < 2; host++) {
            struct scsi_lun_facts f = readonly_facts(t);
            char got;

            f.feature_host = host;
            got = decide(&f, cdb, len, dir, data_len, &d);
            /* The command policy can only refuse more. */
            if (!host && (got == 'x' || got == 'f'))
                continue;
            must(got == c->readonly, "%s, type %02x: %c, expected %c", c->name, t, got, c->readonly);
            /* A longer CDB is refused too. */
            got = decide(&f, cdb, 16, dir, data_len, &d);
            must(got == c->readonly, "%s in 16 bytes, type %02x: %c", c->name, t, got);
            f.readonly = false;
            must(!host || decide(&f, cdb, len, dir, data_len, &d) == 'p', "%s, type %02x, writable", c->name, t);
        }
    }
}
END_TEST

/* The bits of byte 1 that make another command, or another form of it, out of an opcode. */
static uint8_t form_mask(uint8_t op, uint8_t type)
{
    switch (op) {
    case 0x3c:
    case 0x8c:
    case 0x95:
    case 0x9b:
    case 0x9e:
    case 0x9f:
    case 0xa3:
    case 0xab:
        return 0x1f;
    case 0x4d:
        return 0x01;
    case 0x2f:
    case 0xaf:
        return 0x06;
    case 0x8f:
        return type == 0x01 ? 0x02 : 0x06;
    default:
        return 0;
    }
}

/* The commands of the list that have this opcode, with the byte 1 of each. */
struct of_opcode {
    const struct command *command[N_COMMANDS];
    uint8_t byte1[N_COMMANDS];
    unsigned n;
};

static void find_opcode(struct of_opcode *o, uint8_t op)
{
    o->n = 0;
    for (unsigned i = 0; i < N_COMMANDS; i++) {
        uint8_t cdb[SCSI_CDB_MAX], len;

        make_cdb(commands[i].cdb, -1, cdb, &len);
        if (cdb[0] != op)
            continue;
        o->command[o->n] = &commands[i];
        o->byte1[o->n++] = cdb[1];
    }
}

/* What the list says of this form; f of one that it does not name where it lets others pass; else x. */
static char expected(const struct of_opcode *o, uint8_t op, uint8_t byte1, uint8_t type)
{
    uint8_t mask = op == 0xa3 && type == 0x05 ? 0 : form_mask(op, type); /* SEND KEY has no service action */
    char other = 'x';

    for (unsigned i = 0; i < o->n; i++) {
        if (!has_type(o->command[i], type))
            continue;
        if ((o->byte1[i] & mask) == (byte1 & mask))
            return o->command[i]->readonly;
        if (o->command[i]->readonly == 'p')
            other = 'f';
    }
    return other;
}

/*
 * Each byte 1 of each opcode on each type: with the right direction for it exactly what is expected; with a
 * wrong one that, or 05/24/00 for it, but never a pass that is not due.
 */
START_TEST(every_form_of_every_opcode)
{
    uint8_t op = (uint8_t)_i;
    unsigned step = 256 / rounds(256);
    struct of_opcode o;

    find_opcode(&o, op);
    for (uint8_t t = 0; t < 32; t++) {
        for (unsigned byte1 = 0; byte1 < 256; byte1 += step) {
            char want = expected(&o, op, (uint8_t)byte1, t);

            for (int host = 0; host < 2; host++) {
                struct scsi_lun_facts f = readonly_facts(t);
                uint8_t cdb[SCSI_CDB_MAX] = { op, (uint8_t)byte1 };
                struct scsi_decision d;
                unsigned met = 0;

                f.feature_host = host;
                for (int dir = SCSI_DIR_OUT; dir <= SCSI_DIR_NONE; dir++) {
                    uint32_t data_len = dir == SCSI_DIR_NONE ? 0 : 512;
                    char got = decide(&f, cdb, 16, (enum scsi_direction)dir, data_len, &d);

                    must(got == want || got == 'f' || (!host && got == 'x'),
                         "%02x %02x, type %02x, direction %d: %c, expected %c", op, byte1, t, dir, got, want);
                    met += got == want;
                }
                must(met > 0 || !host, "%02x %02x, type %02x: never %c", op, byte1, t, want);
            }
        }
    }
}
END_TEST

/* A few that matter most, spelt out: opcode, byte 1, type, direction, outcome. */
static const struct {
    uint8_t op, byte1, type;
    enum scsi_direction dir;
    char want;
} spelt[] = {
    { 0x2a, 0x00, 0x00, SCSI_DIR_OUT, 'w' }, /* WRITE(10) */
    { 0x2a, 0x08, 0x05, SCSI_DIR_OUT, 'w' },
    { 0x0a, 0x01, 0x01, SCSI_DIR_OUT, 'w' },  /* a tape's WRITE(6) */
    { 0x0a, 0x00, 0x03, SCSI_DIR_OUT, 'x' },  /* a processor's SEND: unknown */
    { 0x94, 0x04, 0x14, SCSI_DIR_NONE, 'w' }, /* RESET WRITE POINTER */
    { 0x95, 0x08, 0x14, SCSI_DIR_IN, 'f' },   /* ZONE ACTIVATE hides among reports */
    { 0x9e, 0x15, 0x00, SCSI_DIR_IN, 'f' },   /* an unknown service action of known ones */
    { 0x9f, 0x10, 0x00, SCSI_DIR_OUT, 'x' },
    { 0x2f, 0x04, 0x00, SCSI_DIR_OUT, 'f' },  /* VERIFY, BYTCHK 10b: reserved */
    { 0x35, 0x00, 0x00, SCSI_DIR_NONE, 'p' }, /* SYNCHRONIZE CACHE */
    { 0x35, 0x00, 0x05, SCSI_DIR_NONE, 'x' },
    { 0x7f, 0x00, 0x00, SCSI_DIR_IN, 'x' },  /* variable length */
    { 0xc0, 0x00, 0x00, SCSI_DIR_IN, 'x' },  /* vendor specific */
    { 0xa4, 0x0a, 0x00, SCSI_DIR_OUT, 'x' }, /* SET TARGET PORT GROUPS */
    { 0x28, 0x00, 0x1f, SCSI_DIR_IN, 'x' },  /* READ(10) on a device of no known type */
    { 0x12, 0x00, 0x1f, SCSI_DIR_IN, 'p' },
};

START_TEST(spelt_out)
{
    struct scsi_lun_facts f = readonly_facts(spelt[_i].type);
    uint8_t cdb[SCSI_CDB_MAX] = { spelt[_i].op, spelt[_i].byte1 };
    struct scsi_decision d;
    uint32_t data_len = spelt[_i].dir == SCSI_DIR_NONE ? 0 : 512;

    f.feature_host = true;
    ck_assert_int_eq(decide(&f, cdb, 16, spelt[_i].dir, data_len, &d), spelt[_i].want);
}
END_TEST

START_TEST(a_malformed_write_is_malformed_first)
{
    struct scsi_lun_facts f = readonly_facts(0x00);
    uint8_t cdb[SCSI_CDB_MAX] = { 0x2a, 0, 0, 0, 0, 0, 0, 0, 1 };
    struct scsi_decision d;

    ck_assert_int_eq(decide(&f, cdb, 9, SCSI_DIR_OUT, 512, &d), 'f');
    ck_assert_int_eq(decide(&f, cdb, 10, SCSI_DIR_IN, 512, &d), 'f');
    ck_assert_int_eq(decide(&f, cdb, 10, SCSI_DIR_OUT, 65537, &d), 'f');
    ck_assert_int_eq(decide(&f, cdb, 10, SCSI_DIR_OUT, 65536, &d), 'w');
}
END_TEST

START_TEST(a_type_beyond_5_bits_is_of_no_known_kind)
{
    for (unsigned op = 0; op < 256; op++) {
        struct scsi_lun_facts f = readonly_facts(32);
        uint8_t cdb[SCSI_CDB_MAX] = { (uint8_t)op };
        struct scsi_decision d;

        must(decide(&f, cdb, 16, SCSI_DIR_IN, 512, &d) == 'x', "opcode %02x", op);
    }
}
END_TEST

/* --- persistent reservations: reading passes, by the LUN's pr mode; making one never does --- */
static const struct {
    enum scsi_pr mode;
    bool shared;
    enum scsi_route in;
} reservations[] = {
    { SCSI_PR_HELPER, false, SCSI_TO_HELPER }, { SCSI_PR_HELPER, true, SCSI_REFUSED },
    { SCSI_PR_DIRECT, false, SCSI_TO_DEVICE }, { SCSI_PR_DIRECT, true, SCSI_REFUSED },
    { SCSI_PR_DENY, false, SCSI_REFUSED },     { SCSI_PR_DENY, true, SCSI_REFUSED },
};

START_TEST(reservations_are_looked_at_and_never_made)
{
    for (unsigned action = 0; action < 32; action++) {
        struct scsi_lun_facts f = readonly_facts(0x00);
        uint8_t cdb[SCSI_CDB_MAX] = { 0x5e, (uint8_t)action, 0, 0, 0, 0, 0, 0, 24 };
        struct scsi_decision d;

        f.pr = reservations[_i].mode;
        f.shared = reservations[_i].shared;
        f.pr_move = action % 2;
        scsi_decide(&f, cdb, 10, SCSI_DIR_IN, 24, &d);
        must(d.route == reservations[_i].in, "5e %02x: route %d", action, d.route);
        cdb[0] = 0x5f;
        scsi_decide(&f, cdb, 10, SCSI_DIR_OUT, 24, &d);
        must(d.route == SCSI_REFUSED && d.sense.key == 0x05 && d.sense.asc == 0x20 && d.sense.ascq == 0,
             "5f %02x: route %d, %x %02x/%02x", action, d.route, d.sense.key, d.sense.asc, d.sense.ascq);
    }
}
END_TEST

/* --- MODE SENSE is patched on disks and tapes, and only there --- */
static const struct {
    const char *cdb;
    uint8_t len;
} mode_senses[] = {
    { "1a 00 3f 00 ff 00", 6 },
    { "1a 08 3f 00 04 00", 6 },
    { "5a 00 3f 00 00 00 00 00 ff 00", 10 },
    { "5a 10 08 00 00 00 00 00 ff 00", 10 },
};

START_TEST(mode_sense_is_filtered_where_there_is_a_bit)
{
    uint8_t cdb[SCSI_CDB_MAX];

    cdb_of(mode_senses[_i].cdb, cdb);
    for (uint8_t t = 0; t < 32; t++) {
        struct scsi_lun_facts f = readonly_facts(t);
        struct scsi_decision d;

        ck_assert_int_eq(decide(&f, cdb, mode_senses[_i].len, SCSI_DIR_IN, 255, &d), 'p');
        ck_assert_int_eq(d.filter_in, is_disk(t) || t == 0x01);
        f.feature_host = true;
        ck_assert_int_eq(decide(&f, cdb, mode_senses[_i].len, SCSI_DIR_IN, 255, &d), 'p');
        ck_assert_int_eq(d.filter_in, is_disk(t) || t == 0x01);
        f.readonly = false;
        ck_assert_int_eq(decide(&f, cdb, mode_senses[_i].len, SCSI_DIR_IN, 255, &d), 'p');
        ck_assert(!d.filter_in);
    }
}
END_TEST

#define LOOP(tc, test, table) tcase_add_loop_test(tc, test, 0, sizeof(table) / sizeof((table)[0]))

static void add_tests(TCase *tc)
{
    LOOP(tc, every_command_on_every_type, commands);
    tcase_add_loop_test(tc, every_form_of_every_opcode, 0, 256);
    LOOP(tc, spelt_out, spelt);
    tcase_add_test(tc, a_malformed_write_is_malformed_first);
    tcase_add_test(tc, a_type_beyond_5_bits_is_of_no_known_kind);
    LOOP(tc, reservations_are_looked_at_and_never_made, reservations);
    LOOP(tc, mode_sense_is_filtered_where_there_is_a_bit, mode_senses);
}

int main(void)
{
    return run_tests("scsi-readonly", NULL, NULL, add_tests);
}
