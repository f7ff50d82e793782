/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options of the daemon as its manual pages describe them. The tests of the options and those of the pages compare
 * with this table.
 */
#ifndef PVSCSI_TESTS_EXPECTED_OPTIONS_H
#define PVSCSI_TESTS_EXPECTED_OPTIONS_H

#include <stddef.h>

#define AT_ONCE "A change takes effect at once."
#define NEW_DEVICES "A change is for devices that are attached from now on."
#define NEW_VHOSTS "A change is for virtual hosts that are made from now on."
#define AT_RESTART "A change waits for a restart of the daemon."

static const struct expected {
    const char *name;
    char short_name;
    const char *key, *arg;
    const char *preset;          /* NULL: none to be told */
    unsigned min, max;           /* of numbers */
    const char *in_file, *given; /* two values other than the preset; NULL: not for files */
    const char *effect;          /* what pvscsid.conf(5) says of a change */
} expected[] = {
    { "foreground", 'f', NULL, "" },
    { "config", 0, NULL, "FILE", SYSCONFDIR "/xen/pvscsid.conf" },
    { "log-level", 0, "log_level", "LEVEL", "info", .in_file = "debug", .given = "error", .effect = AT_ONCE },
    { "log-file", 0, "log_file", "FILE", LOCALSTATEDIR "/log/xen/pvscsid.log", .in_file = "/a/log", .given = "/b/log",
      .effect = AT_ONCE },
    { "run-dir", 0, "run_dir", "DIR", "/run/pvscsid", .in_file = "/a", .given = "/b c'#;", .effect = AT_RESTART },
    { "max-segments", 0, "max_segments", "N", "128", 26, 128, "26", "127", .effect = NEW_VHOSTS },
    { "max-luns", 0, "max_luns", "N", "256", 1, 256, "1", "255", .effect = NEW_DEVICES },
    { "pr", 0, "pr", "MODE", "auto", .in_file = "direct", .given = "deny", .effect = NEW_DEVICES },
    { "pr-socket", 0, "pr_socket", "SOCKET", "/run/qemu-pr-helper.sock", .in_file = "/a/pr", .given = "/b/pr",
      .effect = AT_ONCE },
    { "pr-deadline", 0, "pr_deadline", "SECONDS", "30", 1, 3600, "1", "3600", .effect = NEW_DEVICES },
    { "device-reset", 0, "device_reset", "0|1", "0", 0, 1, "1", NULL, .effect = AT_ONCE },
    { "granted-pages", 0, "granted_pages", "N", "8192", 0, 1048576, "0", NULL, .effect = AT_ONCE },
    { "poll", 0, "poll", "TIME", "auto", .in_file = "0", .given = "200", .effect = AT_ONCE },
    { "policy", 0, "policy", "0|1", "1", 0, 1, "0", NULL, .effect = AT_ONCE },
    { "allow", 0, "allow", "RULES", "none", .in_file = "tape:3c+3b/05", .given = "disk:85", .effect = AT_ONCE },
    { "deny", 0, "deny", "RULES", "none", .in_file = "all:4c", .given = "changer:a5+a6 optical:04", .effect = AT_ONCE },
    { "permit", 0, "permit", "RULES", "all", .in_file = "none", .given = "tape:b5/20", .effect = AT_ONCE },
    { "sandbox", 0, "sandbox", "MODE", "auto", .in_file = "off", .given = "full", .effect = AT_RESTART },
    { "sandbox-uid-base", 0, "sandbox_uid_base", "N", "1879048192", 65536, 2143289344, "65536", "2143289344",
      .effect = AT_RESTART },
    { "standalone", 0, NULL, "SOCKET" },
    { "dump-config", 0, NULL, "" },
    { "version", 0, NULL, "" },
    { "help", 'h', NULL, "" },
};

#endif
