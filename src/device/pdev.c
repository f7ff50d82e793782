// SPDX-License-Identifier: GPL-2.0-or-later
/* The grammar of a p-dev; see pdev.h. Nothing here looks at the machine. */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/util.h"
#include "device/pdev.h"

#define BY_ID "/dev/disk/by-id/"
#define EXPECTED "expected " PDEV_FORMS

int device_say(char *why, int error, const char *fmt, ...)
{
    va_list ap;

    if (why) {
        va_start(ap, fmt);
        vsnprintf(why, DEVICE_WHY_MAX, fmt, ap);
        va_end(ap);
    }
    return error;
}

/* prefix: what stands before the hex digits of an NAA identifier. */
static int parse_naa(const char *text, const char *prefix, struct pdev *out, char *why)
{
    const char *hex = text + strlen(prefix);
    size_t digits = strspn(hex, "0123456789abcdefABCDEF");
    const char *rest = hex + digits;

    if ((digits != 16 && digits != 32) || (*rest != '\0' && *rest != ':'))
        return device_say(why, -EINVAL,
                          "'%.80s' has %zu hex digits after '%s'; expected 16 or 32, then nothing or :lun", text,
                          digits, prefix);
    if (*rest == ':') {
        if (parse_u64(rest + 1, strlen(rest + 1), UINT64_MAX, &out->lun) < 0)
            return device_say(why, -EINVAL, "'%.80s' has no LUN after the ':'; expected a decimal number", text);
        out->has_lun = true;
    }
    snprintf(out->text, sizeof(out->text), "naa.%.*s", (int)digits, hex);
    out->kind = PDEV_WWID;
    return 0;
}

int pdev_parse(const char *text, struct pdev *out, char *why)
{
    /* As in sysfs' wwid, and as in the names of udev's links. */
    static const char *const naa_prefix[] = { "naa.", "wwn-0x", "scsi-3" };
    static const char *const wwid_prefix[] = { "eui.", "t10.", "uuid.", "iqn." };
    size_t len = text ? strlen(text) : 0;

    memset(out, 0, sizeof(*out));
    if (len == 0)
        return device_say(why, -EINVAL, "the p-dev is empty; " EXPECTED);
    if (len >= PDEV_TEXT_MAX)
        return device_say(why, -EINVAL, "the p-dev is %zu characters long; at most %d are taken", len,
                          PDEV_TEXT_MAX - 1);
    if (text[0] == '/') {
        if (strncmp(text, "/dev/", 5) != 0)
            return device_say(why, -EINVAL, "'%.80s' is not below /dev; " EXPECTED, text);
        if (text[len - 1] == '/')
            return device_say(why, -EINVAL, "'%.80s' is a directory; expected a device node such as /dev/sg0", text);
        out->kind = PDEV_NODE;
        memcpy(out->text, text, len + 1);
        return 0;
    }
    if (strncmp(text, "file:", 5) == 0) {
        if (text[5] != '/')
            return device_say(why, -EINVAL, "'%.80s' has no absolute path; expected file:/path", text);
        out->kind = PDEV_FILE;
        memcpy(out->text, text + 5, len - 4);
        return 0;
    }
    for (size_t i = 0; i < ARRAY_SIZE(naa_prefix); i++)
        if (strncasecmp(text, naa_prefix[i], strlen(naa_prefix[i])) == 0)
            return parse_naa(text, naa_prefix[i], out, why);
    if (strncmp(text, "scsi-", 5) == 0 && text[5] && !strchr(text, '/') && len + strlen(BY_ID) < PDEV_TEXT_MAX) {
        out->kind = PDEV_NODE;
        snprintf(out->text, sizeof(out->text), BY_ID "%s", text);
        return 0;
    }
    for (size_t i = 0; i < ARRAY_SIZE(wwid_prefix); i++) {
        if (strncasecmp(text, wwid_prefix[i], strlen(wwid_prefix[i])) == 0) {
            if (!text[strlen(wwid_prefix[i])])
                return device_say(
                    why, -EINVAL,
                    "'%.80s' has no identifier; expected a wwid as in /sys/class/scsi_device/*/device/wwid", text);
            out->kind = PDEV_WWID;
            memcpy(out->text, text, len + 1);
            return 0;
        }
    }
    if (hctl_parse(text, &out->hctl) == 0) {
        out->kind = PDEV_HCTL;
        return 0;
    }
    return device_say(why, -EINVAL, "'%.80s' does not name a SCSI device; " EXPECTED, text);
}

bool pdev_names_unit(const struct pdev *p, struct pdev *unit)
{
    static const char *const by_id[] = { BY_ID, "/dev/tape/by-id/" };
    struct pdev other;

    if (p->kind == PDEV_WWID) {
        if (unit)
            *unit = *p;
        return true;
    }
    for (size_t i = 0; p->kind == PDEV_NODE && i < ARRAY_SIZE(by_id); i++) {
        char name[PDEV_TEXT_MAX];
        size_t prefix;

        if (strncmp(p->text, by_id[i], strlen(by_id[i])) != 0)
            continue;
        snprintf(name, sizeof(name), "%s", p->text + strlen(by_id[i]));
        prefix = strcspn(name, "-");
        if (name[prefix])
            name[prefix + 1 + strcspn(name + prefix + 1, "-")] = '\0';
        if (pdev_parse(name, unit ? unit : &other, NULL) == 0 && (unit ? unit : &other)->kind == PDEV_WWID)
            return true;
    }
    return false;
}
