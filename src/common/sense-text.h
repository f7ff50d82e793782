/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands and sense data in words, for log lines. The names are those of libsgutils2. No decision depends on them.
 * A program that links this needs $(SGUTILS_LIBS).
 */
#ifndef PVSCSI_SENSE_TEXT_H
#define PVSCSI_SENSE_TEXT_H

#include <stddef.h>
#include <stdint.h>

#define SENSE_TEXT_SIZE 160 /* bytes; enough for the texts of these functions, with the NUL */

/*
 * The name of a command with its service action: "Read(10)", "Read capacity(16)". cdb: cdb_len bytes (0 to 16);
 * bytes past them count as 0. type: peripheral device type. A text that is too long is cut; out always ends with
 * NUL.
 */
void sense_text_command(const uint8_t *cdb, uint8_t cdb_len, uint8_t type, char *out, size_t size);
/*
 * Sense key and additional sense, and the numbers: "Medium Error: Unrecovered read error (03/11/00)". Sense data of
 * an earlier command begins with "deferred: ". Both formats; anything else is "no valid sense data".
 */
void sense_text(const uint8_t *sense, uint8_t sense_len, char *out, size_t size);

#endif
