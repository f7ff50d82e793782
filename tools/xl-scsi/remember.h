/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's devices outlive its domain: reboot, save and restore, and migration all make a new one from the
 * configuration that libxl keeps as JSON. That JSON has a place for a toolstack's own xenstore nodes,
 * c_info.xsdata, which libxl writes below /local/domain/<new domain>/ before the guest is introduced. So each
 * device is noted there as `pvscsi/<n>` and goes with the guest. This project stores nothing on disk, and nothing
 * is left when the guest ends.
 */
#ifndef XL_SCSI_REMEMBER_H
#define XL_SCSI_REMEMBER_H

#include <stdint.h>

#include "change.h"
#include "settings.h"
#include "syntax.h"
#include "userdata.h"

/* The directory that the new domain has in xenstore; see wanted.h. */
#define WANTED_DIR "pvscsi"

enum {
    REMEMBER_NO_XEN = 1,
    REMEMBER_NOT_NOTED = 2, /* there was nothing to remove */
};

/* What a JSON says about the guest and its devices. */
struct remembered {
    char *name, *uuid; /* NULL where it has none */
    struct vscsi_entry *entries;
    unsigned n;
};

/*
 * Notes, removes or changes devices in the JSON of a running guest. 0 or one of the above; or -errno with one line in
 * err, and nothing changed.
 */
int remember_add(uint32_t domid, const struct vscsi_entry *e, unsigned n, char err[CHANGE_ERROR_MAX]);
int remember_remove(uint32_t domid, const struct hctl *vdev, char err[CHANGE_ERROR_MAX]);
int remember_change(uint32_t domid, const struct hctl *vdev, const struct dev_settings *settings,
                    char err[CHANGE_ERROR_MAX]);
/* What is noted of this guest's devices; remembered_clear(). 0 (without Xen with none), or -errno and none. */
int remember_load(uint32_t domid, struct remembered *out);
/* Has libxl finished creating this domain? It stores the JSON last. Without Xen, true. */
bool remember_domain_complete(uint32_t domid);

/*
 * The same on a file, with libxl's lock held from reading it to replacing it. 0, REMEMBER_NOT_NOTED, or -errno and
 * err.
 */
int remember_edit_file(const struct userdata *u, const struct vscsi_entry *add, unsigned n, const struct hctl *remove,
                       char err[CHANGE_ERROR_MAX]);
/*
 * The same on text. *out is a new text to be freed. Entries with a v-dev that is there already take its
 * place. 0; 1 and no text: there is nothing to change; -EINVAL (not such a JSON) or -ENOMEM.
 */
int remember_edit(const char *json, const struct vscsi_entry *add, unsigned n, const struct hctl *remove, char **out);
/* Gives the noted device at this v-dev these options. As remember_edit(); 1: there is none. */
int remember_change_text(const char *json, const struct hctl *vdev, const struct dev_settings *settings, char **out);
/* Entries that do not parse are left out. 0, -EINVAL or -ENOMEM; *out is cleared on failure. */
int remember_read(const char *json, struct remembered *out);
void remembered_clear(struct remembered *r);

#endif
