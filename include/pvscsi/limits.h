/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rate limits of a LUN and their text: the options iops=, bps= and burst= of an entry of vscsi=, and the nodes of
 * the same names that the toolstack writes for the backend.
 */
#ifndef PVSCSI_LIMITS_H
#define PVSCSI_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

struct lun_limits {
    uint64_t bps;     /* bytes of data per second, in both directions together; 0: no limit */
    uint32_t iops;    /* commands per second; 0: no limit */
    uint32_t burst_s; /* so many seconds' worth is saved up while the LUN is idle; 0: LIMITS_BURST_PRESET_S */
};

/*
 * The lowest limits keep a guest from its time-out, which is 30 s in Linux: LIMITS_WAITING_MAX commands of 512 KiB, the
 * largest that there are, and the debt of one more end within 7 s. worker/throttle.h has the rest of the arithmetic.
 */
#define LIMITS_IOPS_MIN 2
#define LIMITS_IOPS_MAX 1000000
#define LIMITS_BPS_MIN (UINT64_C(1) << 20)
#define LIMITS_BPS_MAX (UINT64_C(1) << 40)
#define LIMITS_BURST_MIN_S 1
#define LIMITS_BURST_MAX_S 3600
#define LIMITS_BURST_PRESET_S 1
/* Commands of one ring that may wait for limits at once: 12 of its 16 slots. The others stay free for other LUNs. */
#define LIMITS_WAITING_MAX 12

enum {
    LIMITS_IOPS,
    LIMITS_BPS,
    LIMITS_BURST,
    LIMITS_COUNT
};
#define LIMITS_VALUE_MAX 24

/* "iops", "bps", "burst": of an option and of a node. */
extern const char *const limits_names[LIMITS_COUNT];
/* Sets one of them (LIMITS_IOPS...) from its text. 0, or -EINVAL and *l is unchanged: limits_expected() says why. */
int limits_parse(struct lun_limits *l, unsigned which, const char *text);
/* "expected ...", for a message about a wrong value. */
const char *limits_expected(unsigned which);
/* The value as text, which limits_parse() reads. False: it is not set. */
bool limits_value(const struct lun_limits *l, unsigned which, char out[LIMITS_VALUE_MAX]);
bool limits_equal(const struct lun_limits *a, const struct lun_limits *b);

#endif
