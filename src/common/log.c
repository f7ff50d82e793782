// SPDX-License-Identifier: GPL-2.0-or-later
/* The log; see log.h. */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <syslog.h>

#include "common/log-line.h"
#include "common/log.h"

static bool used;
static xentoollog_level min = XTL_INFO;

static const int priorities[XTL_NUM_LEVELS] = {
    [XTL_DEBUG] = LOG_DEBUG,   [XTL_VERBOSE] = LOG_DEBUG, [XTL_DETAIL] = LOG_DEBUG,
    [XTL_PROGRESS] = LOG_INFO, [XTL_INFO] = LOG_INFO,     [XTL_NOTICE] = LOG_NOTICE,
    [XTL_WARN] = LOG_WARNING,  [XTL_ERROR] = LOG_ERR,     [XTL_CRITICAL] = LOG_CRIT,
};

void log_init(xentoollog_level min_level)
{
    min = min_level;
    used = true;
    log_line_init();
}

void log_set_level(xentoollog_level min_level)
{
    min = min_level;
}

xentoollog_level log_level(void)
{
    return min;
}

int log_level_parse(const char *name, xentoollog_level *out)
{
    for (int level = XTL_DEBUG; level < XTL_NUM_LEVELS; level++) {
        if (strcmp(name, xtl_level_to_string((xentoollog_level)level)) == 0) {
            *out = (xentoollog_level)level;
            return 0;
        }
    }
    return -EINVAL;
}

static void log_v(xentoollog_level level, const char *prefix, int errnum, const char *fmt, va_list ap)
    __attribute__((format(printf, 4, 0)));

static void log_v(xentoollog_level level, const char *prefix, int errnum, const char *fmt, va_list ap)
{
    struct log_line line;

    if (!used || level < min)
        return;
    log_line_begin(&line, priorities[level]);
    if (prefix && prefix[0])
        log_line_add(&line, "%s: ", prefix);
    log_line_add(&line, "%s: ", xtl_level_to_string(level));
    log_line_add_v(&line, fmt, ap);
    if (errnum > 0)
        log_line_add(&line, ": %s", strerror(errnum));
    log_line_end(&line);
}

void log_msg(xentoollog_level level, const char *prefix, int errnum, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    log_v(level, prefix, errnum, fmt, ap);
    va_end(ap);
}

bool log_limit_take(struct log_limit *limit, uint64_t now)
{
    if (limit->last_us == 0)
        limit->last_us = now;
    if (limit->interval_us && now > limit->last_us) {
        uint64_t fresh = (now - limit->last_us) / limit->interval_us;

        if (fresh >= limit->burst - limit->tokens) {
            limit->tokens = limit->burst;
            limit->last_us = now;
        } else {
            limit->tokens += (uint32_t)fresh;
            limit->last_us += fresh * limit->interval_us;
        }
    }
    if (limit->tokens == 0) {
        limit->dropped++;
        return false;
    }
    limit->tokens--;
    return true;
}

void log_limited(struct log_limit *limit, xentoollog_level level, const char *prefix, const char *fmt, ...)
{
    va_list ap;

    if (!log_limit_take(limit, now_us()))
        return;
    if (limit->dropped) {
        log_msg(level, prefix, 0, "(%u similar messages were dropped)", limit->dropped);
        limit->dropped = 0;
    }
    va_start(ap, fmt);
    log_v(level, prefix, 0, fmt, ap);
    va_end(ap);
}
