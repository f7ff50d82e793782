/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The claims on the devices that guests have (device/claim.h): one for each device, however many LUNs are on it. The
 * threads that open devices take claims, so this is the one set of the control process with a lock.
 */
#ifndef PVSCSI_CONTROL_CLAIMS_H
#define PVSCSI_CONTROL_CLAIMS_H

#include <stdbool.h>

#include "device/claim.h"

struct claims; /* the set */
struct claim;  /* of one device */

/* NULL: out of memory. The set lives until its creator and all that use it have called claims_unref(). */
struct claims *claims_new(void);
struct claims *claims_ref(struct claims *cs);
void claims_unref(struct claims *cs);

/*
 * Takes a share in the claim of a device, in a thread: claims it if nobody has. force: goes on without a claim if the
 * device is in use. 0; -EBUSY and what uses the device; or another -errno and why[DEVICE_WHY_MAX]. After 0, why is ""
 * or says why the device is not claimed. *out is NULL for a file.
 */
int claim_take(struct claims *cs, const struct device_roots *roots, const struct device *dev, bool force,
               struct claim **out, char *why);

/*
 * Gives a share back. True: it was the last one. Then the caller has to call claim_end(), if need be in a thread; until
 * that returns, claim_take() of the same device waits.
 */
bool claim_drop(struct claims *cs, struct claim *c);
/* put_back as in device_claim_end(). Frees c. */
void claim_end(struct claims *cs, const struct device_roots *roots, struct claim *c, bool put_back);

#endif
