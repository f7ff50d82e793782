// SPDX-License-Identifier: GPL-2.0-or-later
/* Logging through libxentoollog; see log.h. */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/log.h"

static xentoollog_logger_stdiostream *logger;
static xentoollog_level min = XTL_INFO;

int log_init(xentoollog_level min_level)
{
    min = min_level;
    logger = xtl_createlogger_stdiostream(stderr, min_level, XTL_STDIOSTREAM_HIDE_PROGRESS);
    return logger ? 0 : -ENOMEM;
}

void log_close(void)
{
    if (logger)
        xtl_logger_destroy((struct xentoollog_logger *)logger);
    logger = NULL;
}

void log_set_level(xentoollog_level min_level)
{
    min = min_level;
    if (logger)
        xtl_stdiostream_set_minlevel(logger, min_level);
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
    if (logger)
        xtl_logv((struct xentoollog_logger *)logger, level, errnum > 0 ? errnum : -1, prefix, fmt, ap);
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
