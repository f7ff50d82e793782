// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands and sense data in words; see sense-text.h. Keeps nothing, allocates nothing. */
#include "config.h"

#include <scsi/sg_lib.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/sense-text.h"

void sense_text_command(const uint8_t *cdb, uint8_t cdb_len, uint8_t type, char *out, size_t size)
{
    uint8_t whole[16] = { 0 };

    if (!size)
        return;
    out[0] = '\0';
    memcpy(whole, cdb, cdb_len < sizeof(whole) ? cdb_len : sizeof(whole));
    /* REPORT KEY and SEND KEY of an optical drive have no service actions, but libsgutils2 1.46 looks for them. */
    if (type == PDT_MMC && (whole[0] == 0xa3 || whole[0] == 0xa4))
        sg_get_opcode_name(whole[0], type, (int)size, out);
    else
        sg_get_command_name(whole, type & 0x1f, (int)size, out);
}

void sense_text(const uint8_t *sense, uint8_t sense_len, char *out, size_t size)
{
    static const char prefix[] = "Additional sense: "; /* which the library puts in front */
    char key[64] = "", codes[SENSE_TEXT_SIZE] = "";
    const char *words = codes;
    struct sg_scsi_sense_hdr h;

    /* Response codes 70h to 73h; 7Fh is vendor specific. */
    if (!sense_len || !sg_scsi_normalize_sense(sense, sense_len, &h) || h.response_code > 0x73) {
        snprintf(out, size, "no valid sense data");
        return;
    }
    sg_get_sense_key_str(h.sense_key, sizeof(key), key);
    sg_get_asc_ascq_str(h.asc, h.ascq, sizeof(codes), codes);
    if (strncmp(codes, prefix, sizeof(prefix) - 1) == 0)
        words += sizeof(prefix) - 1;
    snprintf(out, size, "%s%s: %s (%02x/%02x/%02x)", h.response_code & 1 ? "deferred: " : "", key, words, h.sense_key,
             h.asc, h.ascq);
}
