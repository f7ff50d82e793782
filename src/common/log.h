/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The log of pvscsid and its workers: lines on standard error (log-line.h), with a prefix per guest and vhost. Levels
 * are those of libxentoollog.
 * A guest can cause log lines only through log_limited(). It drops lines that
 * come too fast, and later logs how many it dropped.
 */
#ifndef PVSCSI_LOG_H
#define PVSCSI_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <xentoollog.h>

#include "common/util.h"

/* From now on lines are written. One log per process. Levels: XTL_DEBUG .. XTL_CRITICAL. */
void log_init(xentoollog_level min_level);
void log_set_level(xentoollog_level min_level);
xentoollog_level log_level(void);
/* name: "debug" .. "critical", as xtl_level_to_string() names them. 0, or -EINVAL. */
int log_level_parse(const char *name, xentoollog_level *out);

/* prefix: "d3.0 (web)" for vhost 0 of domain 3, or NULL. errnum: positive errno, or 0. */
void log_msg(xentoollog_level level, const char *prefix, int errnum, const char *fmt, ...) PRINTF(4, 5);
#define log_debug(p, ...) log_msg(XTL_DEBUG, p, 0, __VA_ARGS__)
#define log_info(p, ...) log_msg(XTL_INFO, p, 0, __VA_ARGS__)
#define log_warn(p, ...) log_msg(XTL_WARN, p, 0, __VA_ARGS__)
#define log_err(p, e, ...) log_msg(XTL_ERROR, p, e, __VA_ARGS__)

/* A token bucket: `burst` lines at once, then one line every interval_us. */
struct log_limit {
    uint32_t burst, tokens;
    uint64_t interval_us, last_us;
    uint32_t dropped;
};
#define LOG_LIMIT_INIT \
    { \
        .burst = 10, .tokens = 10, .interval_us = 6000000 \
    }
void log_limited(struct log_limit *limit, xentoollog_level level, const char *prefix, const char *fmt, ...)
    PRINTF(4, 5);
/* May a line be logged at this time? Pure, for tests. */
bool log_limit_take(struct log_limit *limit, uint64_t now);

#endif
