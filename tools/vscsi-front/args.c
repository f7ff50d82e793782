// SPDX-License-Identifier: GPL-2.0-or-later
/* The arguments of a command: numbers, name=value, devices, layouts. Each failure has a reason (fail()). */
#include "config.h"

#include <ctype.h>
#include <errno.h>

#include "front.h"

int parse_number(struct front *f, const char *text, const char *what, uint64_t max, uint64_t *out)
{
    char *end = NULL;
    unsigned long long v;

    errno = 0;
    v = strtoull(text, &end, 0);
    if (!isdigit((unsigned char)text[0]) || errno || !end)
        return fail(f, "%s must be a number, not '%s'", what, text);
    if (*end && !end[1]) {
        unsigned shift = *end == 'k' ? 10 : *end == 'm' ? 20 : *end == 'g' ? 30 : 0;

        if (shift && v <= UINT64_MAX >> shift) {
            v <<= shift;
            end++;
        }
    }
    if (*end)
        return fail(f, "%s must be a number, not '%s'", what, text);
    if (v > max)
        return fail(f, "%s must be at most %llu, not %s", what, (unsigned long long)max, text);
    *out = v;
    return 0;
}

const char *arg_text(int argc, char **argv, const char *name)
{
    size_t n = strlen(name);

    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], name, n) == 0 && argv[i][n] == '=')
            return argv[i] + n + 1;
    return NULL;
}

int arg_number(struct front *f, int argc, char **argv, const char *name, uint64_t *out)
{
    const char *text = arg_text(argc, argv, name);

    return text ? parse_number(f, text, name, UINT64_MAX, out) : 0;
}

bool arg_flag(int argc, char **argv, const char *name)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], name) == 0)
            return true;
    return false;
}

int arg_device(struct front *f, const char *text, struct hctl *out)
{
    /* Any address: asking for a device that is not there is part of the job. */
    if (hctl_parse(text, out) < 0)
        return fail(f, "a device is h:c:t:l, not '%s'", text);
    return 0;
}

int arg_layout(struct front *f, int argc, char **argv, struct layout *out)
{
    const char *dice = arg_text(argc, argv, "random");
    uint64_t offset = 0, piece = 0;

    memset(out, 0, sizeof(*out));
    if (arg_number(f, argc, argv, "offset", &offset) < 0 || arg_number(f, argc, argv, "piece", &piece) < 0)
        return -1;
    if (offset >= FRONT_PAGE || piece > FRONT_PAGE)
        return fail(f, "offset and piece lie within a page of %u bytes", FRONT_PAGE);
    out->offset = (unsigned)offset;
    out->piece = (unsigned)piece;
    out->indirect = arg_flag(argc, argv, "indirect");
    if (dice) {
        out->random = true;
        return parse_number(f, dice, "random", UINT64_MAX, &out->seed);
    }
    return 0;
}
