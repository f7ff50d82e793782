// SPDX-License-Identifier: GPL-2.0-or-later
/* Which logical unit a device is, as text; see identity.h. */
#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <strings.h>

#include "common/util.h"
#include "device/identity.h"

#define BOOT "boot."

void identity_within_boot(const char *boot_id, const struct hctl *at, char out[UNIT_TEXT_MAX])
{
    char text[HCTL_TEXT_MAX];

    hctl_format(at, text);
    snprintf(out, UNIT_TEXT_MAX, BOOT "%.40s.%s", boot_id[0] ? boot_id : "unknown", text);
}

bool identity_lasts(const char *unit)
{
    return strncmp(unit, BOOT, strlen(BOOT)) != 0;
}

void identity_boot_id(char out[BOOT_ID_MAX])
{
    CLEANUP_FREE char *text = NULL;

    out[0] = '\0';
    if (read_file("/proc/sys/kernel/random/boot_id", BOOT_ID_MAX, &text, NULL) == 0)
        snprintf(out, BOOT_ID_MAX, "%.*s", (int)strcspn(text, "\n"), text);
}

static size_t length_without_blanks(const char *text)
{
    size_t len = strlen(text);

    while (len > 0 && isspace((unsigned char)text[len - 1]))
        len--;
    return len;
}

bool identity_equal(const char *a, const char *b)
{
    size_t len = length_without_blanks(a);

    return len > 0 && len == length_without_blanks(b) && strncasecmp(a, b, len) == 0;
}
