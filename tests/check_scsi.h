/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes in tests: written as hex text, the way standards and manuals print them.
 */
#ifndef CHECK_SCSI_H
#define CHECK_SCSI_H

#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "must.h"
#include "scsi/scsi.h"
#include "suite.h"

/* "05 24 00" into out; returns the number of bytes. A mark that is no hex digit or blank ends the test. */
static inline unsigned unhex(const char *text, uint8_t *out, unsigned size)
{
    unsigned n = 0;

    while (*text) {
        char *end;

        if (*text == ' ') {
            text++;
            continue;
        }
        must(n < size, "more than %u bytes: %s", size, text);
        out[n++] = (uint8_t)strtoul(text, &end, 16);
        must(end == text + 2, "no two digits: %s", text);
        text = end;
    }
    return n;
}

static inline void cdb_of(const char *text, uint8_t cdb[SCSI_CDB_MAX])
{
    memset(cdb, 0, SCSI_CDB_MAX);
    unhex(text, cdb, SCSI_CDB_MAX);
}

static inline void check_bytes(const char *what, const uint8_t *got, unsigned len, const char *expected)
{
    uint8_t want[512];
    unsigned n = unhex(expected, want, sizeof(want));

    must(len == n, "%s: %u bytes, expected %u", what, len, n);
    for (unsigned i = 0; i < n; i++)
        must(got[i] == want[i], "%s: byte %u is %02x, expected %02x", what, i, got[i], want[i]);
}

/* "" : no sense; "05 24 00": fixed format of ours, 18 bytes, with that key and codes and nothing else. */
static inline void check_own_sense(const char *what, const struct scsi_answer *a, const char *key_codes)
{
    uint8_t s[3], want[18] = { 0x70, 0, 0, 0, 0, 0, 0, 0x0a };

    if (!*key_codes) {
        must(a->sense_len == 0, "%s: %u bytes of sense, expected none", what, a->sense_len);
        return;
    }
    must(unhex(key_codes, s, 3) == 3, "not three bytes: %s", key_codes);
    want[2] = s[0];
    want[12] = s[1];
    want[13] = s[2];
    must(a->sense_len == 18, "%s: %u bytes of sense, expected 18", what, a->sense_len);
    must(memcmp(a->sense, want, 18) == 0, "%s: sense %02x %02x/%02x/%02x, expected 70 %s", what, a->sense[0],
         a->sense[2], a->sense[12], a->sense[13], key_codes);
}

#endif
