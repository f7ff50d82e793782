// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The command policy: every opcode in every form on every type of device, the conditions of single commands, rules,
 * and feature-host. What the programs of real initiators send is in check_scsi_programs.c.
 */
#include "config.h"

#include "check_scsi.h"
#include "rounds.h"

static struct scsi_lun_facts guest_facts(uint8_t type)
{
    return (struct scsi_lun_facts){ .type = type, .pr = SCSI_PR_DIRECT, .max_transfer = 65536, .block_size = 512 };
}

/*
 * What is allowed, on which types. p: always; a: while no other guest has the LUN; f: never with zeros in the bytes
 * after byte 1, because the form depends on them. "OP": every byte 1; "OP/AA": that service action; "OP&MM=VV": byte 1
 * and MM is VV.
 */
static const struct {
    const char *types; /* two digits each; "" is every type */
    char letter;
    const char *commands;
} allowed[] = {
    { "", 'p', "00 03 12 1a 5a 1c 4d&01=00 5e 5f a0 ab/01" },
    { "", 'p', "1d&e7=04 1d&e7=20 1d&e7=40 1d&e7=80" },
    { "", 'a', "1d&e7=a0 1d&e7=c0" },
    /* Reservations: whoever shares the LUN is refused by another rule than the policy. */
    { "", 'p', "16 17 56 57" },
    /* All but optical drives. */
    { "00 01 02 03 04 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f", 'p',
      "a3/05 a3/0a a3/0b a3/0c a3/0d a3/0e a3/0f 8c/00 8c/01 8c/02 8c/03 8c/05" },
    /* Disks. */
    { "00 04 07 0e 14", 'p', "01 08 0a 0b 25 28 2a 2b 2e 34 35 37 41 42 1e" },
    { "00 04 07 0e 14", 'p', "2f&06=00 2f&06=02 2f&06=06 8f&06=00 8f&06=02 8f&06=06 af&06=00 af&06=02 af&06=06" },
    { "00 04 07 0e 14", 'p', "88 89 8a 8b 8e 90 91 93 94 95/00 95/06 95/07 95/09 9c 9e/10 9e/12 9e/13 9e/16 9e/17" },
    { "00 04 07 0e 14", 'p', "a8 aa ae b7" },
    { "00 04 07 0e 14", 'a', "04 1b 38" },
    { "00 04 07 0e 14", 'p', "15&02=00 55&02=00" },
    { "00 04 07 0e 14", 'f', "85 a1" },
    { "07", 'p', "2c ac" },
    /* Tapes. */
    { "01", 'p', "01 05 08 0a 0b 0f 10 11 13 14 15 19 1b 1e 2b 34 44 55 80 81 82 88 8a 8d 8f 91 92 93" },
    { "01", 'p', "a2&ff=00 a2&ff=20 b4" },
    { "01", 'a', "04 a7" },
    /* Optical drives. */
    { "05", 'p', "01 15 1b 1e 23 25 28 2a 2b 2e 34 35 42 43 44 45 46 47 4a 4b 4e 51 52 53 54 55 58 5b 5c 5d" },
    { "05", 'p', "2f&06=00 2f&06=02 2f&06=06 af&06=00 af&06=02 af&06=06" },
    { "05", 'p', "a1 a3 a4 a5 a6 a7 a8 aa ac ad b6 b9 ba bb bd be bf" },
    { "05", 'a', "04" },
    { "05", 'f', "85" },
    /* Changers. */
    { "08", 'p', "b8" },
    { "08", 'a', "01 07 15 1b 1e 2b 37 55 a5 a6 b5 b6" },
};
#define N_ALLOWED (sizeof(allowed) / sizeof(allowed[0]))

/* The lists above as one array: type, opcode, mask and value of byte 1, letter. */
struct form {
    uint32_t types;
    uint8_t op, mask, value;
    char letter;
};
static struct form forms[1024];
static unsigned n_forms;

static uint32_t types_of(const char *text)
{
    uint8_t types[32];
    uint32_t set = 0;

    if (!*text)
        return UINT32_MAX;
    for (unsigned i = 0, n = unhex(text, types, sizeof(types)); i < n; i++)
        set |= UINT32_C(1) << types[i];
    return set;
}

static void make_forms(void)
{
    if (n_forms)
        return;
    for (unsigned i = 0; i < N_ALLOWED; i++) {
        for (const char *at = allowed[i].commands; *at; at += strspn(at, " ")) {
            struct form *f = &forms[n_forms++];
            unsigned op, mask = 0, value = 0;

            must(n_forms <= 1024, "too many");
            must(sscanf(at, "%2x", &op) == 1, "no opcode: %s", at);
            if (at[2] == '/') {
                mask = 0x1f;
                must(sscanf(at + 3, "%2x", &value) == 1, "no action: %s", at);
            } else if (at[2] == '&') {
                must(sscanf(at + 3, "%2x=%2x", &mask, &value) == 2, "no form: %s", at);
            }
            *f = (struct form){ types_of(allowed[i].types), (uint8_t)op, (uint8_t)mask, (uint8_t)value,
                                allowed[i].letter };
            at += strcspn(at, " ");
        }
    }
}

/* p allowed, x 05/20/00, f 05/24/00 */
static char expected(uint8_t op, uint8_t byte1, uint8_t type, bool shared)
{
    char other = 'x';

    for (unsigned i = 0; i < n_forms; i++) {
        const struct form *f = &forms[i];
        bool pass = f->letter == 'p' || (f->letter == 'a' && !shared);

        if (f->op != op || !(f->types >> type & 1))
            continue;
        if (pass && (byte1 & f->mask) == f->value)
            return 'p';
        if (pass || f->letter == 'f')
            other = 'f';
    }
    return other;
}

static char verdict(const struct scsi_lun_facts *f, const uint8_t *cdb)
{
    switch (scsi_policy_verdict(f, cdb)) {
    case SCSI_ALLOWED:
        return 'p';
    case SCSI_NO_SUCH_OPCODE:
        return 'x';
    case SCSI_NO_SUCH_FORM:
        return 'f';
    }
    return '?';
}

START_TEST(every_form_of_every_opcode_on_every_type)
{
    uint8_t op = (uint8_t)_i;

    unsigned step = 256 / rounds(256);

    make_forms();
    for (uint8_t t = 0; t < 32; t++) {
        for (unsigned byte1 = 0; byte1 < 256; byte1 += step) {
            for (int shared = 0; shared < 2; shared++) {
                struct scsi_lun_facts f = guest_facts(t);
                uint8_t cdb[SCSI_CDB_MAX] = { op, (uint8_t)byte1 };
                char want = expected(op, (uint8_t)byte1, t, shared), got;

                f.shared = shared;
                /* A disk may be stopped by its only guest. START without anything else is in another test. */
                if (op == 0x1b && shared && want == 'x')
                    want = t == 0x08 ? 'x' : (types_of("00 04 07 0e 14") >> t & 1) ? 'f' : 'x';
                got = verdict(&f, cdb);
                must(got == want, "%02x %02x, type %02x%s: %c, expected %c", op, byte1, t, shared ? ", shared" : "",
                     got, want);
            }
        }
    }
}
END_TEST

START_TEST(with_feature_host_only_third_party_copy_is_refused)
{
    static const uint8_t copy[] = { 0x18, 0x39, 0x3a, 0x7f, 0x83, 0x84 };

    for (unsigned op = 0; op < 256; op++) {
        bool refused = memchr(copy, (int)op, sizeof(copy)) != NULL;

        must(scsi_is_third_party_copy((uint8_t)op) == refused, "%02x", op);
        for (uint8_t t = 0; t < 32; t++) {
            for (unsigned byte1 = 0; byte1 < 256; byte1++) {
                struct scsi_lun_facts f = guest_facts(t);
                uint8_t cdb[SCSI_CDB_MAX] = { (uint8_t)op, (uint8_t)byte1 };

                f.feature_host = true;
                f.shared = byte1 % 2;
                must(verdict(&f, cdb) == (refused ? 'x' : 'p'), "%02x %02x, type %02x", op, byte1, t);
            }
        }
    }
}
END_TEST

/* --- conditions: type, shared, CDB, verdict --- */
static const struct {
    uint8_t type;
    bool shared;
    const char *cdb;
    char want;
} conditions[] = {
    /* START STOP UNIT of a disk: start, stop, eject, power condition */
    { 0x00, false, "1b 00 00 00 01 00", 'p' },
    { 0x00, true, "1b 00 00 00 01 00", 'p' },
    { 0x00, true, "1b 01 00 00 05 00", 'p' }, /* IMMED, NO_FLUSH */
    { 0x00, false, "1b 00 00 00 00 00", 'p' },
    { 0x00, true, "1b 00 00 00 00 00", 'f' },
    { 0x00, true, "1b 00 00 00 02 00", 'f' },
    { 0x00, true, "1b 00 00 00 03 00", 'f' },
    { 0x00, true, "1b 00 00 00 31 00", 'f' },
    { 0x05, true, "1b 00 00 00 02 00", 'p' },
    /* SEND DIAGNOSTIC: pages, self-tests that reach other LUNs */
    { 0x00, false, "1d 10 00 00 10 00", 'f' },
    { 0x00, false, "1d 00 00 00 00 00", 'f' },
    { 0x00, false, "1d 04 00 00 00 00", 'p' },
    { 0x00, false, "1d 04 00 00 01 00", 'f' },
    { 0x00, false, "1d 04 00 01 00 00", 'f' },
    { 0x00, false, "1d 06 00 00 00 00", 'f' },
    { 0x00, false, "1d 05 00 00 00 00", 'f' },
    { 0x00, false, "1d 24 00 00 00 00", 'f' },
    { 0x00, false, "1d 60 00 00 00 00", 'f' },
    { 0x00, false, "1d e0 00 00 00 00", 'f' },
    { 0x00, true, "1d 20 00 00 00 00", 'p' },
    { 0x00, true, "1d a0 00 00 00 00", 'f' },
    { 0x00, false, "1d a0 00 00 00 00", 'p' },
    { 0x0d, false, "1d 10 00 00 10 00", 'f' }, /* an enclosure's control page */
    { 0x0d, false, "1c 01 02 10 00 00", 'p' },
    /* ATA PASS-THROUGH(16), as smartctl, hdparm and udev send it */
    { 0x00, false, "85 08 0e 00 00 00 01 00 00 00 00 00 00 00 ec 00", 'p' }, /* IDENTIFY DEVICE */
    { 0x00, false, "85 08 2e 00 00 00 01 00 00 00 00 00 00 00 ec 00", 'p' },
    { 0x05, false, "85 08 2e 00 00 00 01 00 00 00 00 00 00 00 a1 00", 'p' }, /* IDENTIFY PACKET DEVICE */
    { 0x00, false, "85 06 2c 00 00 00 00 00 00 00 00 00 00 00 e5 00", 'p' }, /* CHECK POWER MODE */
    { 0x00, false, "85 08 0e 00 d0 00 01 00 00 00 4f 00 c2 00 b0 00", 'p' }, /* SMART READ DATA */
    { 0x00, false, "85 08 0e 00 d1 00 01 00 01 00 4f 00 c2 00 b0 00", 'p' },
    { 0x00, false, "85 08 0e 00 d5 00 01 00 06 00 4f 00 c2 00 b0 00", 'p' }, /* self-test log */
    { 0x00, false, "85 06 2c 00 da 00 00 00 00 00 4f 00 c2 00 b0 00", 'p' }, /* RETURN STATUS */
    { 0x00, false, "85 09 0e 00 00 00 01 00 03 00 00 00 00 00 2f 00", 'p' }, /* READ LOG EXT */
    { 0x00, false, "85 0d 0e 00 00 00 01 00 04 00 00 00 00 00 47 00", 'p' }, /* READ LOG DMA EXT */
    { 0x00, false, "85 09 0e 00 01 00 01 00 11 00 00 00 00 00 2f 00", 'f' }, /* ... which resets counters */
    { 0x00, false, "85 09 0e 01 00 00 01 00 11 00 00 00 00 00 2f 00", 'f' },
    { 0x00, false, "85 06 0c 00 d4 00 00 00 01 00 4f 00 c2 00 b0 00", 'f' }, /* SMART EXECUTE OFFLINE */
    { 0x00, false, "85 0a 06 00 d6 00 01 00 e0 00 4f 00 c2 00 b0 00", 'f' }, /* SMART WRITE LOG */
    { 0x00, false, "85 06 0c 00 d8 00 00 00 00 00 4f 00 c2 00 b0 00", 'f' }, /* SMART ENABLE */
    { 0x00, false, "85 06 0c 00 d9 00 00 00 00 00 4f 00 c2 00 b0 00", 'f' }, /* SMART DISABLE */
    { 0x00, false, "85 08 0e 00 d0 00 01 00 00 00 00 00 00 00 b0 00", 'f' }, /* DEVICE CONFIGURATION, not SMART */
    { 0x00, false, "85 08 0e 00 d0 00 01 00 00 00 4f 00 00 00 b0 00", 'f' },
    { 0x00, false, "85 0a 06 00 00 00 01 00 00 00 00 00 00 00 30 00", 'f' }, /* WRITE SECTOR */
    { 0x00, false, "85 08 0e 00 00 00 01 00 00 00 00 00 00 00 20 00", 'f' }, /* READ SECTOR */
    { 0x00, false, "85 0a 06 00 00 00 01 00 00 00 00 00 00 00 92 00", 'f' }, /* DOWNLOAD MICROCODE */
    { 0x00, false, "85 0a 06 00 00 00 01 00 00 00 00 00 00 00 f1 00", 'f' }, /* SECURITY SET PASSWORD */
    { 0x00, false, "85 06 0c 00 00 00 00 00 00 00 00 00 00 00 e0 00", 'f' }, /* STANDBY IMMEDIATE */
    { 0x00, false, "85 06 0c 00 82 00 00 00 00 00 00 00 00 00 ef 00", 'f' }, /* SET FEATURES */
    { 0x00, false, "85 0a 06 00 00 00 01 00 00 00 00 00 00 00 ec 00", 'f' }, /* IDENTIFY as a write */
    { 0x00, false, "85 08 06 00 00 00 01 00 00 00 00 00 00 00 ec 00", 'f' },
    { 0x00, false, "85 06 2c 00 00 00 00 00 00 00 00 00 00 00 ec 00", 'f' },
    { 0x00, false, "85 00 00 00 00 00 00 00 00 00 00 00 00 00 e5 00", 'f' }, /* ATA hardware reset */
    { 0x00, false, "85 02 00 00 00 00 00 00 00 00 00 00 00 00 e5 00", 'f' }, /* SRST */
    { 0x01, false, "85 08 0e 00 00 00 01 00 00 00 00 00 00 00 ec 00", 'x' },
    /* ATA PASS-THROUGH(12) */
    { 0x00, false, "a1 08 0e 00 01 00 00 00 00 ec 00 00", 'p' },
    { 0x00, false, "a1 08 0e d0 01 00 4f c2 00 b0 00 00", 'p' },
    { 0x00, false, "a1 06 2c da 00 00 4f c2 00 b0 00 00", 'p' },
    { 0x00, false, "a1 0a 06 d6 01 e0 4f c2 00 b0 00 00", 'f' },
    { 0x00, false, "a1 06 0c d4 00 01 4f c2 00 b0 00 00", 'f' },
    { 0x00, false, "a1 0a 06 00 01 00 00 00 00 30 00 00", 'f' },
    { 0x05, false, "a1 08 0e 00 01 00 00 00 00 30 00 00", 'p' }, /* BLANK */
    /* SEND KEY: the region of a drive can be changed five times */
    { 0x05, false, "a3 00 00 00 00 00 00 00 00 0c 01 00", 'p' },
    { 0x05, false, "a3 00 00 00 00 00 00 00 00 0c 86 00", 'f' },
    { 0x05, false, "a4 00 00 00 00 00 00 00 00 08 08 00", 'p' }, /* REPORT KEY: reads it */
    /* MODE SELECT of a disk back to its defaults */
    { 0x00, false, "15 12 00 00 00 00", 'f' },
    { 0x01, false, "15 12 00 00 00 00", 'p' },
    /* firmware, third-party copy, keys, what is unknown */
    { 0x00, false, "3b 05 00 00 00 00 00 10 00 00", 'x' },
    { 0x01, false, "3b 05 00 00 00 00 00 10 00 00", 'x' },
    { 0x00, false, "83 01 00 00 00 00 00 00 00 00 00 00 00 10 00 00", 'x' },
    { 0x00, false, "83 10 00 00 00 00 00 00 00 00 00 00 00 10 00 00", 'x' }, /* POPULATE TOKEN */
    { 0x00, false, "7f 00 00 00 00 00 00 08 00 00 00 00 00 00 00 00", 'x' },
    { 0x01, false, "b5 20 00 10 00 00 00 00 00 10 00 00", 'x' },
    { 0x00, false, "a2 01 00 01 00 00 00 00 02 00 00 00", 'x' },
    { 0x01, false, "a2 01 00 01 00 00 00 00 02 00 00 00", 'f' },
    { 0x00, false, "a4 0a 00 00 00 00 00 00 00 08 00 00", 'x' }, /* SET TARGET PORT GROUPS */
    { 0x00, false, "c0 00 00 00 00 00 00 00 00 00", 'x' },
    { 0x06, false, "24 00 00 00 00 00 00 00 48 00", 'x' }, /* a scanner's SET WINDOW */
    { 0x1f, false, "28 00 00 00 00 00 00 00 01 00", 'x' },
    { 0x20, false, "28 00 00 00 00 00 00 00 01 00", 'x' }, /* a type that does not exist */
    { 0x20, false, "12 00 00 00 24 00", 'x' },
};

START_TEST(conditions_of_single_commands)
{
    struct scsi_lun_facts f = guest_facts(conditions[_i].type);
    uint8_t cdb[SCSI_CDB_MAX];
    char got;

    f.shared = conditions[_i].shared;
    cdb_of(conditions[_i].cdb, cdb);
    got = verdict(&f, cdb);
    must(got == conditions[_i].want, "%s, type %02x: %c", conditions[_i].cdb, f.type, got);
}
END_TEST

/* --- rules: allow, deny, feature-host, CDB, verdict --- */
static const struct {
    const char *allow, *deny;
    bool host;
    const char *cdb;
    char want;
} ruled[] = {
    { "3b", "", false, "3b 05 00 00 00 00 00 10 00 00", 'p' },
    { "3b/05", "", false, "3b 05 00 00 00 00 00 10 00 00", 'p' },
    { "3b/05", "", false, "3b 07 00 00 00 00 00 10 00 00", 'f' },
    { "3b", "3b", false, "3b 05 00 00 00 00 00 10 00 00", 'x' }, /* deny counts more */
    { "3b", "3b/07", false, "3b 05 00 00 00 00 00 10 00 00", 'p' },
    { "3b", "3b/07", false, "3b 07 00 00 00 00 00 10 00 00", 'f' },
    { "", "2a", false, "2a 00 00 00 00 00 00 00 01 00", 'x' },
    { "", "2a", true, "2a 00 00 00 00 00 00 00 01 00", 'x' },
    { "", "2a", false, "28 00 00 00 00 00 00 00 01 00", 'p' },
    { "", "5f", false, "5f 00 00 00 00 00 00 00 18 00", 'x' },
    { "", "5f/07", true, "5f 07 00 00 00 00 00 00 18 00", 'f' },
    { "", "a3/0c", false, "a3 0c 00 00 00 00 00 00 10 00 00 00", 'f' },
    { "", "a3/0c", false, "a3 0a 00 00 00 00 00 00 10 00 00 00", 'p' },
    { "", "", true, "83 00 00 00 00 00 00 00 00 00 00 00 00 10 00 00", 'x' },
    { "83", "", true, "83 00 00 00 00 00 00 00 00 00 00 00 00 10 00 00", 'p' },
    { "83", "", false, "83 00 00 00 00 00 00 00 00 00 00 00 00 10 00 00", 'p' },
    { "83+84", "", false, "84 03 00 00 00 00 00 00 00 00 00 00 00 10 00 00", 'p' },
    { "7f", "", false, "7f 00 00 00 00 00 00 08 00 00 00 00 00 00 00 00", 'p' },
    { "c0", "", false, "c0 00 00 00 00 00 00 00 00 00", 'p' },
    { "c0", "", false, "c1 00 00 00 00 00 00 00 00 00", 'x' },
    { "a2/01", "", false, "a2 01 00 01 00 00 00 00 02 00 00 00", 'p' },
    { "a2/01", "", false, "a2 21 00 01 00 00 00 00 02 00 00 00", 'f' }, /* the protocol has eight bits */
    { "85", "", false, "85 0a 06 00 00 00 01 00 00 00 00 00 00 00 30 00", 'p' },
    { "a4/0a", "", false, "a4 0a 00 00 00 00 00 00 00 08 00 00", 'p' },
    { "a4/0a", "", false, "a4 ea 00 00 00 00 00 00 00 08 00 00", 'p' }, /* a service action has five */
};

START_TEST(rules_go_before_the_policy)
{
    struct scsi_lun_facts f = guest_facts(0x00);
    uint8_t cdb[SCSI_CDB_MAX];
    char why[SCSI_RULES_WHY_MAX], got;
    int n;

    f.feature_host = ruled[_i].host;
    if (*ruled[_i].allow) {
        n = scsi_rules_parse(ruled[_i].allow, false, f.rules.rule, why);
        ck_assert_int_gt(n, 0);
        f.rules.n = (uint32_t)n;
    }
    if (*ruled[_i].deny) {
        n = scsi_rules_parse(ruled[_i].deny, true, f.rules.rule + f.rules.n, why);
        ck_assert_int_gt(n, 0);
        f.rules.n += (uint32_t)n;
    }
    cdb_of(ruled[_i].cdb, cdb);
    got = verdict(&f, cdb);
    must(got == ruled[_i].want, "%s: %c, expected %c", ruled[_i].cdb, got, ruled[_i].want);
}
END_TEST

/* What `pvscsictl policy` says of an opcode, or of one service action. */
static const struct {
    uint8_t type;
    bool host, shared;
    const char *allow, *deny;
    uint8_t opcode;
    int action; /* -1: the opcode */
    enum scsi_policy_state want;
} states[] = {
    { 0x00, false, false, "", "", 0x28, -1, SCSI_POLICY_ALLOWED },
    { 0x00, false, false, "", "", 0x3b, -1, SCSI_POLICY_REFUSED },
    { 0x00, false, false, "", "", 0xc0, -1, SCSI_POLICY_REFUSED },
    { 0x00, true, false, "", "", 0xc0, -1, SCSI_POLICY_ALLOWED },
    { 0x00, false, false, "", "", 0x04, -1, SCSI_POLICY_ALONE },
    { 0x00, false, true, "", "", 0x04, -1, SCSI_POLICY_REFUSED },
    { 0x00, false, false, "", "", 0x1d, -1, SCSI_POLICY_PARTLY },
    { 0x00, false, false, "", "", 0xa3, 0x0c, SCSI_POLICY_ALLOWED },
    { 0x00, false, false, "", "", 0xa3, 0x1f, SCSI_POLICY_REFUSED },
    /* One service action of an opcode that is allowed, denied, or not known. */
    { 0x00, false, false, "", "42/01", 0x42, -1, SCSI_POLICY_PARTLY },
    { 0x00, false, false, "", "42/01", 0x42, 0x01, SCSI_POLICY_REFUSED },
    { 0x00, false, false, "", "42/01", 0x42, 0x00, SCSI_POLICY_ALLOWED },
    { 0x00, false, false, "42", "42/01", 0x42, -1, SCSI_POLICY_PARTLY },
    { 0x00, true, false, "", "42/01", 0x42, -1, SCSI_POLICY_PARTLY },
    { 0x00, false, false, "42/01", "", 0x42, -1, SCSI_POLICY_ALLOWED },
    { 0x00, false, false, "42", "42", 0x42, -1, SCSI_POLICY_REFUSED },
    { 0x00, false, false, "3b/05", "", 0x3b, -1, SCSI_POLICY_PARTLY },
    { 0x00, false, false, "3b/05", "", 0x3b, 0x05, SCSI_POLICY_ALLOWED },
    { 0x00, false, false, "3b/00", "", 0x3b, -1, SCSI_POLICY_PARTLY },
    { 0x00, false, false, "3b/05+3b", "", 0x3b, -1, SCSI_POLICY_ALLOWED },
    { 0x00, false, false, "c0/01", "", 0xc0, -1, SCSI_POLICY_PARTLY },
    { 0x00, false, false, "04/00", "", 0x04, -1, SCSI_POLICY_PARTLY },
    { 0x00, true, false, "83/00", "", 0x83, -1, SCSI_POLICY_PARTLY },
    { 0x00, true, false, "83", "", 0x83, -1, SCSI_POLICY_ALLOWED },
    { 0x00, true, false, "", "", 0x83, -1, SCSI_POLICY_REFUSED },
};

START_TEST(the_state_of_a_command_counts_what_rules_leave_of_it)
{
    struct scsi_lun_facts f = guest_facts(states[_i].type);
    char why[SCSI_RULES_WHY_MAX];
    int action = states[_i].action;

    f.feature_host = states[_i].host;
    f.shared = states[_i].shared;
    if (states[_i].allow[0])
        f.rules.n = (uint32_t)scsi_rules_parse(states[_i].allow, false, f.rules.rule, why);
    if (states[_i].deny[0])
        f.rules.n += (uint32_t)scsi_rules_parse(states[_i].deny, true, f.rules.rule + f.rules.n, why);
    ck_assert_int_eq(scsi_policy_state(&f, states[_i].opcode, action >= 0, action < 0 ? 0 : (uint8_t)action),
                     states[_i].want);
}
END_TEST

START_TEST(no_rule_takes_report_luns_away)
{
    struct scsi_lun_facts f = guest_facts(0x00);
    uint8_t cdb[SCSI_CDB_MAX] = { 0xa0 };

    f.rules = (struct scsi_rules){ .n = 1, .rule = { { .opcode = 0xa0, .deny = 1 } } };
    ck_assert_int_eq(verdict(&f, cdb), 'p');
}
END_TEST

/* --- MODE SELECT of a disk: CDB, data, sense --- */
#define HEADER_6 "00 00 00 00 "
#define HEADER_10 "00 00 00 00 00 00 00 00 "
#define CACHING "08 12 04 00 ff ff 00 00 ff ff ff ff 80 14 00 00 00 00 00 00"
static const struct {
    const char *cdb, *data, *sense; /* "": accepted */
} mode_selects[] = {
    { "15 11 00 00 18 00", HEADER_6 CACHING, "" },
    { "55 11 00 00 00 00 00 00 1c 00", HEADER_10 CACHING, "" },
    { "15 11 00 00 18 00",
      HEADER_6 "88"
               " 12 04 00 ff ff 00 00 ff ff ff ff 80 14 00 00 00 00 00 00",
      "" }, /* PS */
    { "15 10 00 00 00 00", "", "" },
    { "15 10 00 00 04 00", HEADER_6, "" },
    /* Windows names the length of its blocks. */
    { "15 11 00 00 20 00", "00 00 00 08 00 00 00 00 00 00 02 00 " CACHING, "" },
    { "15 11 00 00 20 00", "00 00 00 08 00 00 00 00 00 00 00 00 " CACHING, "" },
    { "55 11 00 00 00 00 00 00 24 00", "00 00 00 00 00 00 00 08 00 00 00 00 00 00 02 00 " CACHING, "" },
    { "15 11 00 00 20 00", "00 00 00 08 00 00 00 00 00 00 10 00 " CACHING, "05 26 00" }, /* 4096 */
    { "15 11 00 00 20 00", "00 00 00 08 00 00 00 01 00 00 02 00 " CACHING, "05 26 00" }, /* one block */
    { "15 11 00 00 20 00", "00 00 00 08 ff ff ff ff 00 00 02 00 " CACHING, "05 26 00" },
    { "55 11 00 00 00 00 00 00 24 00", "00 00 00 00 01 00 00 08 00 00 00 00 00 00 02 00 " CACHING, "05 26 00" },
    { "55 11 00 00 00 00 00 00 2c 00",
      "00 00 00 00 01 00 00 10 00 00 00 00 00 00 00 00 00 00 00 00 00 00 02 00 " CACHING, "05 26 00" },
    { "15 11 00 00 08 00", "00 00 00 08 00 00 00 00", "05 26 00" }, /* cut off */
    /* other pages, alone and beside the allowed one */
    { "15 11 00 00 10 00", HEADER_6 "0a 0a 00 00 00 00 00 00 00 00 00 00", "05 26 00" },
    { "15 11 00 00 24 00", HEADER_6 CACHING " 0a 0a 00 00 00 00 00 00 00 00 00 00", "05 26 00" },
    { "15 11 00 00 08 00", HEADER_6 "00 02 00 00", "05 26 00" }, /* vendor specific */
    { "15 11 00 00 08 00", HEADER_6 "48 01 00 00", "05 26 00" }, /* a subpage of it */
    { "15 11 00 00 17 00", HEADER_6 CACHING, "05 26 00" },       /* a page that is cut off */
    { "15 11 00 00 05 00", HEADER_6 "08", "05 26 00" },
    { "15 11 00 00 03 00", "00 00 00", "05 26 00" },
    { "55 11 00 00 00 00 00 00 07 00", "00 00 00 00 00 00 00", "05 26 00" },
    { "15 11 00 00 19 00", HEADER_6 CACHING, "05 24 00" }, /* more than there is data */
};

START_TEST(a_disk_may_be_told_its_caching_only)
{
    struct scsi_lun_facts f = guest_facts(0x00);
    uint8_t cdb[SCSI_CDB_MAX], data[64], want[3] = { 0 };
    struct scsi_sense refuse = { 0 };
    unsigned len = unhex(mode_selects[_i].data, data, sizeof(data));
    bool ok = *mode_selects[_i].sense == '\0';

    cdb_of(mode_selects[_i].cdb, cdb);
    ck_assert_int_eq(verdict(&f, cdb), 'p');
    ck_assert(scsi_policy_checks_parameters(&f, cdb));
    must(scsi_check_parameters(&f, cdb, data, len, &refuse) == ok, "%s: %s", mode_selects[_i].cdb,
         mode_selects[_i].data);
    if (ok)
        return;
    unhex(mode_selects[_i].sense, want, 3);
    ck_assert_uint_eq(refuse.key, want[0]);
    ck_assert_uint_eq(refuse.asc, want[1]);
    ck_assert_uint_eq(refuse.ascq, want[2]);
}
END_TEST

START_TEST(parameters_are_checked_only_where_the_policy_says_so)
{
    static const uint8_t six[SCSI_CDB_MAX] = { 0x15, 0x11, 0, 0, 0x18 }, write[SCSI_CDB_MAX] = { 0x2a };

    for (uint8_t t = 0; t < 32; t++) {
        struct scsi_lun_facts f = guest_facts(t);
        bool disk = t == 0x00 || t == 0x04 || t == 0x07 || t == 0x0e || t == 0x14;

        ck_assert_int_eq(scsi_policy_checks_parameters(&f, six), disk);
        ck_assert(!scsi_policy_checks_parameters(&f, write));
        f.feature_host = true;
        ck_assert(!scsi_policy_checks_parameters(&f, six));
        f.feature_host = false;
        f.rules = (struct scsi_rules){ .n = 1, .rule = { { .opcode = 0x15 } } };
        ck_assert(!scsi_policy_checks_parameters(&f, six));
    }
}
END_TEST

#define LOOP(tc, test, table) tcase_add_loop_test(tc, test, 0, sizeof(table) / sizeof((table)[0]))

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, every_form_of_every_opcode_on_every_type, 0, 256);
    tcase_add_test(tc, with_feature_host_only_third_party_copy_is_refused);
    LOOP(tc, conditions_of_single_commands, conditions);
    LOOP(tc, rules_go_before_the_policy, ruled);
    LOOP(tc, the_state_of_a_command_counts_what_rules_leave_of_it, states);
    tcase_add_test(tc, no_rule_takes_report_luns_away);
    LOOP(tc, a_disk_may_be_told_its_caching_only, mode_selects);
    tcase_add_test(tc, parameters_are_checked_only_where_the_policy_says_so);
}

int main(void)
{
    return run_tests("scsi-policy", NULL, NULL, add_tests);
}
