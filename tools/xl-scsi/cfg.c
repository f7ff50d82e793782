// SPDX-License-Identifier: GPL-2.0-or-later
/* The vscsi= of a guest's configuration; see cfg.h. */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>

#include "cfg.h"
#include "common/util.h"
#include "xen-libs.h"

enum {
    CONFIG_MAX = 16 << 20
};

static int wrong(char *err, int r, const char *fmt, ...) PRINTF(3, 4);

static int wrong(char *err, int r, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(err, CONFIG_ERROR_MAX, fmt, ap);
    va_end(ap);
    return r;
}

/* Adds a line to err if there is room for it. */
static int wrong_too(char *err, const char *fmt, ...) PRINTF(2, 3);

static int wrong_too(char *err, const char *fmt, ...)
{
    size_t len = strlen(err);
    va_list ap;

    if (len && len + 2 < CONFIG_ERROR_MAX) {
        err[len++] = '\n';
        err[len] = '\0';
    }
    va_start(ap, fmt);
    int n = vsnprintf(err + len, CONFIG_ERROR_MAX - len, fmt, ap);
    va_end(ap);
    /* A line that does not fit is dropped as a whole. */
    if (len && (n < 0 || (size_t)n >= CONFIG_ERROR_MAX - len))
        err[len - 1] = '\0';
    return -EINVAL;
}

static int parse_entries(const struct xen_config *xlu, XLU_Config *cfg, const char *source, struct guest_config *out,
                         char *err)
{
    XLU_ConfigList *list;
    char why[VSCSI_ERROR_MAX];
    unsigned which = 0;
    int n = 0, r = xlu->get_list(cfg, "vscsi", &list, &n, 1), result = 0;

    if (r == ESRCH || (r == 0 && n == 0))
        return 0;
    if (r)
        return wrong(err, -EINVAL, "%s: vscsi is no list: expected vscsi=[ 'pdev,vdev[,option...]', ... ]", source);
    CLEANUP_FREE unsigned *number = calloc((size_t)n, sizeof(*number)); /* the numbers of the entries that are right */

    out->entries = calloc((size_t)n, sizeof(*out->entries));
    if (!out->entries || !number)
        return wrong(err, -ENOMEM, "out of memory");
    err[0] = '\0';
    for (int i = 0; i < n; i++) {
        const char *text = xlu->get_listitem(list, i);

        if (!text) {
            result = wrong_too(err, "%s: vscsi entry %d is no string: expected 'pdev,vdev[,option...]'", source, i + 1);
            continue;
        }
        r = vscsi_entry_parse(text, &out->entries[out->n], why);
        if (r == -ENOMEM)
            return wrong(err, r, "out of memory");
        if (r < 0)
            result = wrong_too(err, "%s: vscsi entry %d ('%s'): %s", source, i + 1, text, why);
        else
            number[out->n++] = (unsigned)i + 1;
    }
    for (unsigned i = 0; i < out->n; i++)
        for (unsigned k = 0; k < i; k++) {
            struct vscsi_entry pair[] = { out->entries[k], out->entries[i] };

            if (vscsi_entries_check(pair, 2, &which, why) < 0) {
                result = wrong_too(err, "%s: vscsi entry %u: %s", source, number[i], why);
                break;
            }
        }
    return result;
}

/* *out stays NULL if the configuration has no such string. */
static int copy_string(const struct xen_config *xlu, XLU_Config *cfg, const char *key, char **out, char *err)
{
    const char *text;

    if (xlu->get_string(cfg, key, &text, 1) != 0)
        return 0;
    *out = strdup(text);
    return *out ? 0 : wrong(err, -ENOMEM, "out of memory");
}

/* Cuts libxlutil's message after its first line. */
static void first_line(char *text)
{
    text[strcspn(text, "\r\n")] = '\0';
}

int guest_config_parse(const char *source, const char *text, struct guest_config *out, char err[CONFIG_ERROR_MAX])
{
    CLEANUP_FREE char *printed = NULL;
    size_t printed_len = 0, len = strlen(text);
    char why[XEN_LIBS_ERROR_MAX];
    const struct xen_config *xlu = xen_config(why);

    *out = (struct guest_config){ 0 };
    if (!xlu)
        return wrong(err, -ELIBACC, "%s", why);
    FILE *report = open_memstream(&printed, &printed_len);
    XLU_Config *cfg = report ? xlu->init(report, source) : NULL;
    struct guest_config c = { 0 };
    int r = cfg && len <= CONFIG_MAX ? 0 : wrong(err, -ENOMEM, "out of memory");

    if (r == 0 && xlu->readdata(cfg, text, (int)len) != 0) {
        fflush(report);
        first_line(printed);
        r = wrong(err, -ENOEXEC, "%s", *printed ? printed : "not a guest's configuration");
    }
    if (r == 0)
        r = parse_entries(xlu, cfg, source, &c, err);
    if (r == 0)
        r = copy_string(xlu, cfg, "name", &c.name, err);
    if (r == 0)
        r = copy_string(xlu, cfg, "uuid", &c.uuid, err);
    if (cfg)
        xlu->destroy(cfg);
    if (report)
        fclose(report);
    if (r < 0)
        guest_config_clear(&c);
    *out = c;
    return r;
}

int guest_config_read(const char *file, char *const *extra, unsigned n_extra, struct guest_config *out,
                      char err[CONFIG_ERROR_MAX])
{
    CLEANUP_FREE char *text = NULL;
    size_t len = 0, room;
    int r = 0;

    *out = (struct guest_config){ 0 };
    if (strcmp(file, "/dev/null") != 0)
        r = read_file(file, CONFIG_MAX, &text, &len);
    if (r < 0)
        return wrong(err, r, "cannot read %s: %s", file, strerror(-r));
    room = len + 2;
    for (unsigned i = 0; i < n_extra; i++)
        room += strlen(extra[i]) + 1;
    char *grown = realloc(text, room);

    if (!grown)
        return wrong(err, -ENOMEM, "out of memory");
    text = grown;
    if (n_extra)
        text[len++] = '\n';
    for (unsigned i = 0; i < n_extra; i++) {
        size_t n = strlen(extra[i]);

        memcpy(text + len, extra[i], n);
        len += n;
        text[len++] = '\n';
    }
    text[len] = '\0';
    return guest_config_parse(file, text, out, err);
}

char *guest_config_copy(const char *file, const char *more)
{
    CLEANUP_FREE char *text = NULL;
    size_t len;

    if (read_file(file, CONFIG_MAX, &text, &len) < 0)
        return NULL;
    /* Not close-on-exec. */
    int fd = memfd_create("guest-config", 0);

    if (fd < 0 || write_all(fd, text, len) < 0 || (more && write_all(fd, more, strlen(more)) < 0))
        return NULL;
    return strf("/proc/self/fd/%d", fd);
}

void guest_config_clear(struct guest_config *c)
{
    free(c->name);
    free(c->uuid);
    vscsi_entries_free(c->entries, c->n);
    *c = (struct guest_config){ 0 };
}
