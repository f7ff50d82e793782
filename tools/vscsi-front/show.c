// SPDX-License-Identifier: GPL-2.0-or-later
/* How results are printed; names of statuses and of sense come from libsgutils2. */
#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <scsi/sg_lib.h>

#include "front.h"

static const char *const host_names[] = {
    /* XEN_VSCSIIF_RSLT_HOST_* of vscsiif.h */
    "OK",
    "NO_CONNECT",
    "BUS_BUSY",
    "TIME_OUT",
    "BAD_TARGET",
    "ABORT",
    "PARITY",
    "ERROR",
    "RESET",
    "BAD_INTR",
    "PASSTHROUGH",
    "SOFT_ERROR",
    "IMM_RETRY",
    "REQUEUE",
    "TRANSPORT_DISRUPTED",
    "TRANSPORT_FAILFAST",
    "TARGET_FAILURE",
    "NEXUS_FAILURE",
    "ALLOC_FAILURE",
    "MEDIUM_ERROR",
    "TRANSPORT_MARGINAL",
};

void show_code(const struct result *res, char out[RESULT_CODE_MAX])
{
    struct sg_scsi_sense_hdr h;

    if (!res->answered)
        snprintf(out, RESULT_CODE_MAX, "none");
    else if (res->rslt == XEN_VSCSIIF_RSLT_RESET_SUCCESS || res->rslt == XEN_VSCSIIF_RSLT_RESET_FAILED)
        snprintf(out, RESULT_CODE_MAX, "%04X", res->rslt);
    else if (res->sense_len > 0 && sg_scsi_normalize_sense(res->sense, res->sense_len, &h))
        snprintf(out, RESULT_CODE_MAX, "%02X/%02X/%X/%02X/%02X", res->host, res->status, h.sense_key, h.asc, h.ascq);
    else
        snprintf(out, RESULT_CODE_MAX, "%02X/%02X", res->host, res->status);
}

void show_result(const struct result *res)
{
    static const char prefix[] = "Additional sense: ";
    char status[64], sense[600] = "none";

    if (!res->answered) {
        printf("no answer\n");
        return;
    }
    if (res->rslt == XEN_VSCSIIF_RSLT_RESET_SUCCESS || res->rslt == XEN_VSCSIIF_RSLT_RESET_FAILED) {
        printf("rslt 0x%04x: %s\n", res->rslt, res->rslt == XEN_VSCSIIF_RSLT_RESET_SUCCESS ? "success" : "failed");
        return;
    }
    sg_get_scsi_status_str(res->status, sizeof(status), status);
    if (res->sense_len > 0) {
        struct sg_scsi_sense_hdr h;

        if (sg_scsi_normalize_sense(res->sense, res->sense_len, &h)) {
            char key[64], asc[256];

            sg_get_sense_key_str(h.sense_key, sizeof(key), key);
            sg_get_asc_ascq_str(h.asc, h.ascq, sizeof(asc), asc);
            /* Most texts begin with this prefix; it says nothing. */
            if (strncmp(asc, prefix, strlen(prefix)) == 0)
                memmove(asc, asc + strlen(prefix), strlen(asc + strlen(prefix)) + 1);
            snprintf(sense, sizeof(sense), "%X/%02X/%02X (%s; %s), %u bytes", h.sense_key, h.asc, h.ascq, key, asc,
                     res->sense_len);
        } else {
            snprintf(sense, sizeof(sense), "%u bytes not understood", res->sense_len);
        }
    }
    printf("host %02X (%s), status %02X (%s), residual %u, sense %s\n", res->host,
           res->host < ARRAY_SIZE(host_names) ? host_names[res->host] : "?", res->status, status, res->residual, sense);
}

void show_hex(const void *data, size_t len, size_t max)
{
    const unsigned char *p = data;
    size_t n = len < max ? len : max;

    for (size_t i = 0; i < n; i += 16) {
        printf("  %04zx ", i);
        for (size_t j = i; j < i + 16; j++)
            if (j < n)
                printf(" %02x", p[j]);
            else
                printf("   ");
        printf("  ");
        for (size_t j = i; j < i + 16 && j < n; j++)
            putchar(isprint(p[j]) ? p[j] : '.');
        putchar('\n');
    }
    if (n < len)
        printf("  ... %zu bytes more\n", len - n);
}
