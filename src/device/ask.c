// SPDX-License-Identifier: GPL-2.0-or-later
/* Asks an opened device which logical unit it is; see ask.h. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <scsi/sg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

#include "common/util.h"
#include "device/ask.h"
#include "device/pdev.h"
#include "device/vpd.h"

enum {
    WAIT_MS = 3000,
    SHORT_PAGE = 252, /* some old targets do not take more in the first request */
    STATUS_CHECK_CONDITION = 0x02,
    QUALIFIER_NO_UNIT = 3, /* SPC-5 table 149: the target cannot have a unit at this LUN */
};

/* --- the questions --- */

bool device_inquiry_is_answered(uint8_t status, const uint8_t *sense, unsigned len)
{
    /* SPC-5 table 27: the formats of sense data; an answer with deferred errors (71h, 73h) is none. */
    enum {
        FIXED = 0x70,
        DESCRIPTOR = 0x72,
        NO_SENSE = 0,
        RECOVERED_ERROR = 1
    };
    uint8_t code = len >= 3 ? sense[0] & 0x7f : 0, key;

    if (status != STATUS_CHECK_CONDITION)
        return status == 0;
    if (code != FIXED && code != DESCRIPTOR)
        return false;
    key = sense[code == FIXED ? 2 : 1] & 0x0f;
    return key == NO_SENSE || key == RECOVERED_ERROR;
}

/*
 * One INQUIRY. The length of the answer; 0: the device refuses the page; or -errno. Not SG_IO, which waits for a
 * device that does not answer. kernel_ms: the time-out at sg.
 */
static int inquire(int sg, unsigned kernel_ms, int page, uint8_t *buf, unsigned size)
{
    uint8_t cdb[6] = { 0x12, page >= 0, page >= 0 ? (uint8_t)page : 0, (uint8_t)(size >> 8), (uint8_t)size, 0 };
    uint8_t sense[32];
    struct sg_io_hdr h = {
        .interface_id = 'S',
        .dxfer_direction = SG_DXFER_FROM_DEV,
        .cmd_len = sizeof(cdb),
        .cmdp = cdb,
        .mx_sb_len = sizeof(sense),
        .sbp = sense,
        .dxfer_len = size,
        .dxferp = buf,
        .timeout = kernel_ms,
        .flags = 0x10, /* SG_FLAG_Q_AT_TAIL of linux/include/scsi/sg.h, which glibc's header lacks */
    };
    struct pollfd p = { .fd = sg, .events = POLLIN };
    ssize_t n;
    int r;

    memset(buf, 0, size);
    while ((n = write(sg, &h, sizeof(h))) < 0 && errno == EINTR)
        ;
    if (n < 0)
        return -errno;
    while ((r = poll(&p, 1, WAIT_MS)) < 0 && errno == EINTR)
        ;
    if (r == 0)
        return -ETIMEDOUT;
    n = r < 0 ? r : read(sg, &h, sizeof(h));
    if (n < 0)
        return -errno;
    if (h.host_status != 0)
        return h.host_status == 1 ? -ENODEV : -EIO; /* DID_NO_CONNECT */
    if (!device_inquiry_is_answered(h.status, sense, h.sb_len_wr))
        return h.status == STATUS_CHECK_CONDITION ? 0 : -EBUSY;
    return (int)(size - (unsigned)(h.resid > 0 && (unsigned)h.resid <= size ? h.resid : 0));
}

/* A page in two requests: the first says how long it is. */
static int inquire_page(int sg, unsigned kernel_ms, uint8_t page, uint8_t *buf, unsigned size)
{
    unsigned first = size < SHORT_PAGE ? size : SHORT_PAGE, whole;
    int n = inquire(sg, kernel_ms, page, buf, first);

    if (n < 4 || buf[1] != page)
        return n < 0 ? n : 0;
    whole = 4u + ((unsigned)buf[2] << 8 | buf[3]);
    if (whole <= first)
        return n;
    return inquire(sg, kernel_ms, page, buf, whole < size ? whole : size);
}

/* --- the judgement --- */

/* An attribute with the bytes of a VPD page. 0: there is none. */
static size_t remembered_page(const struct device_roots *roots, const struct device *dev, const char *attr, char **page)
{
    CLEANUP_FREE char *path = NULL;
    char text[HCTL_TEXT_MAX];
    size_t len = 0;

    hctl_format(&dev->hctl, text);
    path = strf("%s/bus/scsi/devices/%s/%s", roots->sysfs, text, attr);
    if (!path || read_file(path, 65536, page, &len) < 0)
        return 0;
    return len;
}

static int other_unit(char *why, const char *kernel, const char *unit)
{
    return device_say(why, -ENODEV,
                      "the kernel knows it as %.64s, but it says that it is %.64s: another unit was mapped to its LUN; "
                      "rescan it or delete it in sysfs",
                      kernel, unit[0] ? unit : "a unit without an identifier");
}

/* A SCSI name string may be any UTF-8, and sysfs shows it as it is. What is kept and compared can be printed. */
static void make_printable(char *text)
{
    for (; *text; text++)
        if (*text < 0x20 || *text > 0x7e)
            *text = '_';
}

/* Sets dev->unit to the identifier of page 83h, "" for none. */
static int judge_page83(const struct device_roots *roots, const struct answers *a, struct device *dev, char *why)
{
    CLEANUP_FREE char *page = NULL;
    char now[UNIT_TEXT_MAX], before[UNIT_TEXT_MAX];
    size_t len = remembered_page(roots, dev, "vpd_pg83", &page);
    bool remembered = len && identity_from_page83((const uint8_t *)page, len, before);

    identity_from_page83(a->page83, a->page83_len, now);
    if (!remembered)
        snprintf(before, sizeof(before), "%s", dev->wwid);
    make_printable(before);
    if (before[0] && !identity_equal(before, now))
        return other_unit(why, dev->wwid[0] ? dev->wwid : before, now);
    /* The kernel's words, where it has some: users copy them from sysfs. */
    snprintf(dev->unit, sizeof(dev->unit), "%s", now[0] && dev->wwid[0] ? dev->wwid : now);
    make_printable(dev->unit);
    return 0;
}

static void trimmed(char *out, size_t size, const uint8_t *text, size_t len)
{
    while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\0'))
        len--;
    snprintf(out, size, "%.*s", (int)len, (const char *)text);
}

/* The same for a unit without page 83h: what page 80h and the standard INQUIRY data say. */
static int judge_others(const struct device_roots *roots, const struct answers *a, struct device *dev, char *why)
{
    CLEANUP_FREE char *page = NULL;
    char vendor[9], product[17], before[UNIT_TEXT_MAX], boot_id[BOOT_ID_MAX];
    size_t len = remembered_page(roots, dev, "vpd_pg80", &page);

    trimmed(vendor, sizeof(vendor), a->inquiry + 8, 8);
    trimmed(product, sizeof(product), a->inquiry + 16, 16);
    if ((dev->vendor[0] && strcmp(vendor, dev->vendor) != 0) || (dev->model[0] && strcmp(product, dev->model) != 0))
        return device_say(
            why, -ENODEV,
            "the kernel knows it as %s %s, but it says that it is %s %s: another unit was mapped to its LUN; "
            "rescan it or delete it in sysfs",
            dev->vendor, dev->model, vendor, product);
    identity_from_page80(a->page80, a->page80_len, vendor, product, dev->hctl.lun, dev->unit);
    if (len && identity_from_page80((const uint8_t *)page, len, vendor, product, dev->hctl.lun, before)
        && !identity_equal(before, dev->unit))
        return other_unit(why, before, dev->unit);
    if (dev->unit[0])
        return 0;
    identity_boot_id(boot_id);
    identity_within_boot(boot_id, &dev->hctl, dev->unit);
    return 0;
}

int device_judge(const struct device_roots *roots, const struct answers *a, struct device *dev, char *why)
{
    unsigned qualifier = a->inquiry[0] >> 5, type = a->inquiry[0] & 0x1f;
    int r;

    dev->unit[0] = '\0';
    if (qualifier == QUALIFIER_NO_UNIT)
        return device_say(why, -ENODEV, "its target says that there is no unit at this LUN any more");
    if (type != dev->type)
        return device_say(
            why, -ENODEV,
            "the kernel knows it as a device of type %u, but it says that it has type %u: another unit was "
            "mapped to its LUN; rescan it or delete it in sysfs",
            dev->type, type);
    r = judge_page83(roots, a, dev, why);
    return r < 0 || dev->unit[0] ? r : judge_others(roots, a, dev, why);
}

/* An emulated disk is its file. */
static int ask_file(int fd, struct device *dev, char *why)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return device_say(why, -errno, "%.128s: %s", dev->file, strerror(errno));
    snprintf(dev->unit, sizeof(dev->unit), "file.%ju.%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    return 0;
}

int device_ask(const struct device_roots *roots, int sg, unsigned kernel_ms, struct device *dev, char *why)
{
    CLEANUP_FREE struct answers *a = NULL;
    int r;

    if (dev->from == PDEV_FILE)
        return ask_file(sg, dev, why);
    a = calloc(1, sizeof(*a));
    if (!a)
        return device_say(why, -ENOMEM, "out of memory");
    r = inquire(sg, kernel_ms, -1, a->inquiry, sizeof(a->inquiry));
    if (r == 0)
        r = -EIO; /* every device must answer it (SPC-5 6.7) */
    if (r > 0) {
        r = inquire_page(sg, kernel_ms, 0x83, a->page83, sizeof(a->page83));
        a->page83_len = r > 0 ? (size_t)r : 0;
    }
    if (r >= 0 && !identity_from_page83(a->page83, a->page83_len, dev->unit)) {
        r = inquire_page(sg, kernel_ms, 0x80, a->page80, sizeof(a->page80));
        a->page80_len = r > 0 ? (size_t)r : 0;
    }
    if (r < 0)
        return device_say(why, r, "it does not say which unit it is (INQUIRY): %s", strerror(-r));
    return device_judge(roots, a, dev, why);
}
