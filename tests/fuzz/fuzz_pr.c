// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzzes what stands between a guest and the PR helper, from both sides: the
 * checks of a guest's CDB and parameter list, and the protocol machine fed by a
 * helper that says anything. What must always hold is checked here; memory
 * errors are the sanitizers' to find.
 *
 * Input: 1 byte flags (bits 0-1 direction, bit 2 allow_move, bits 3-7 seed of
 * the chunk sizes), 1 byte cdb_len, 16 bytes CDB, 2 bytes length of the guest's
 * data (big-endian), the data, and the rest is what the helper says.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/util.h"
#include "pr/check.h"
#include "pr/proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(what) \
    do { \
        if (!(what)) \
            abort(); \
    } while (0)

/* Exactly as long as it is, so that a sanitizer sees what is read past its end. */
static uint8_t *copy(const uint8_t *bytes, size_t n)
{
    uint8_t *c = malloc(n ? n : 1);

    MUST(c);
    if (n)
        memcpy(c, bytes, n);
    return c;
}

static uint32_t drain(struct pr_proto *p, unsigned *fds)
{
    uint32_t n, total = 0;
    const uint8_t *out;
    bool with_fd;

    while ((n = pr_proto_output(p, &out, &with_fd)) > 0) {
        MUST(out >= p->out && out + n <= p->out + sizeof(p->out));
        *fds += with_fd;
        pr_proto_sent(p, n > 3 ? n - 2 : n);
        total += n > 3 ? n - 2 : n;
    }
    return total;
}

static void check_reply(const struct pr_proto *p, const uint8_t *cdb)
{
    struct pr_reply reply;

    pr_proto_reply(p, &reply);
    MUST(reply.status == 0x00 || reply.status == 0x02 || reply.status == 0x08 || reply.status == 0x18
         || reply.status == 0x28 || reply.status == 0x30 || reply.status == 0x40);
    MUST(reply.sense_len <= 96 && (reply.sense_len == 0 || reply.status == 0x02));
    MUST(reply.data_len == 0 || (cdb[0] == 0x5e && reply.status == 0x00));
    MUST(cdb[0] != 0x5e || reply.data_len <= pr_cdb_length(cdb));
}

/* The helper's bytes against one command after the other, in chunks of any size. */
static void talk(const uint8_t *cdb, const uint8_t *list, uint32_t list_len, const uint8_t *said, size_t n,
                 uint32_t seed)
{
    struct pr_proto *p = malloc(sizeof(*p));
    enum pr_event event = PR_MORE;
    unsigned fds = 0;

    MUST(p);
    memset(p, 0xa5, sizeof(*p));
    pr_proto_init(p);
    while (n > 0 && event != PR_BROKEN) {
        uint32_t chunk = 1 + (seed = seed * 1103515245 + 12345) % 150;
        uint8_t *bytes;

        if (chunk > n)
            chunk = (uint32_t)n;
        bytes = copy(said, chunk);
        event = pr_proto_input(p, bytes, chunk);
        free(bytes);
        said += chunk;
        n -= chunk;
        if (event == PR_REPLIED)
            check_reply(p, cdb);
        if (event == PR_HANDSHAKEN)
            MUST(drain(p, &fds) == 4 && fds == 0);
        if (event == PR_HANDSHAKEN || event == PR_REPLIED) {
            MUST(pr_proto_start(p, cdb, list, list_len));
            fds = 0;
            MUST(drain(p, &fds) == 16 + list_len && fds == 1);
        }
    }
    if (event == PR_BROKEN) {
        MUST(p->error && p->state == PR_STATE_DEAD);
        MUST(!pr_proto_start(p, cdb, list, list_len));
    }
    free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scsi_sense sense = { 0xff, 0xff, 0xff };
    enum scsi_direction dir;
    uint32_t data_len, len;
    uint8_t cdb[16], *list;
    bool move;

    if (size < 20)
        return 0;
    dir = (enum scsi_direction)(data[0] & 3);
    move = data[0] & 4;
    memcpy(cdb, data + 2, 16);
    data_len = (uint32_t)data[18] << 8 | data[19];
    if (data_len > size - 20)
        data_len = (uint32_t)(size - 20);
    list = copy(data + 20, data_len);
    len = pr_cdb_length(cdb);
    if (!pr_check(cdb, data[1], dir, data_len, dir == SCSI_DIR_OUT ? list : NULL, move, &sense)) {
        MUST(sense.key == 0x05 && sense.ascq == 0);
        MUST(sense.asc == 0x1a || sense.asc == 0x20 || sense.asc == 0x24 || sense.asc == 0x26);
    } else {
        MUST(cdb[0] == 0x5e || cdb[0] == 0x5f);
        if (cdb[0] == 0x5e && len > 8192) { /* as pr_client_submit() cuts it */
            cdb[7] = 0x20;
            cdb[8] = 0x00;
        } else if (cdb[0] == 0x5f) {
            MUST(len <= 8192 && dir == SCSI_DIR_OUT && len >= 24 && len <= data_len && cdb[5] == 0 && cdb[6] == 0);
            MUST((cdb[1] & 0x1f) <= 7);
            MUST(move || ((cdb[1] & 0x1f) != 7 && !(list[20] & 8) && len == 24));
        }
        talk(cdb, list, cdb[0] == 0x5f ? len : 0, data + 20 + data_len, size - 20 - data_len, data[0]);
    }
    free(list);
    return 0;
}

#include "replay.h"
