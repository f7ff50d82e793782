/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every command of cdb-table.c once more, ordered by standard, with the CDB as the standard prints it and the expected
 * decision. The tests of the decision walk this list. One of them checks that each row of the table has a line here.
 */
#ifndef CHECK_SCSI_COMMANDS_H
#define CHECK_SCSI_COMMANDS_H

#include "check_scsi.h"

enum {
    ALL = 32,
    DISKS = 33,
    NOT_MMC = 34,
    NOT_CHANGER = 35,
    MEDIA = 36,
    WITH_MEDIUM = 37
};

/*
 * cdb: LL are the bytes of the length field. data: n none, i in, o out (by the length field), I and O always,
 * u in, or none (not told by one field), e either (other fields tell). readonly: what becomes of it on a LUN that may
 * only be read: p passes, w 07/27/00, x 05/20/00, f 05/24/00. usual, least: seconds; 0, 0: as a read or write of the
 * type; 1, 1: as what touches no medium of the type; 2, 2: as a command that the table does not have.
 */
/* One row a line. */
/* clang-format off */
static const struct command {
    uint8_t types;          /* 0..31, or one of the sets above */
    char data, readonly;
    const char *name, *cdb;
    uint32_t usual, least;
} commands[] = {
    /* SPC */
    { ALL, 'n', 'p', "TEST UNIT READY",        "00 00 00 00 00 00", 1, 1 },
    { ALL, 'i', 'p', "REQUEST SENSE",          "03 00 00 00 LL 00", 1, 1 },
    { ALL, 'i', 'p', "INQUIRY",                "12 00 00 LL LL 00", 1, 1 },
    { ALL, 'i', 'p', "INQUIRY VPD",            "12 01 83 LL LL 00", 1, 1 },
    { ALL, 'o', 'x', "MODE SELECT(6)",         "15 10 00 00 LL 00", 0, 0 },
    { ALL, 'o', 'x', "RESERVE(6)",             "16 00 00 LL LL 00", 1, 1 },
    { ALL, 'n', 'x', "RELEASE(6)",             "17 00 00 00 00 00", 1, 1 },
    { NOT_MMC, 'o', 'x', "COPY",               "18 00 LL LL LL 00", 14400, 25 },
    { ALL, 'i', 'p', "MODE SENSE(6)",          "1a 00 3f 00 LL 00", 1, 1 },
    { ALL, 'i', 'p', "RECEIVE DIAGNOSTIC",     "1c 01 00 LL LL 00", 1, 1 },
    { ALL, 'o', 'x', "SEND DIAGNOSTIC",        "1d 04 00 LL LL 00", 14400, 25 },
    { ALL, 'o', 'x', "SEND DIAGNOSTIC, foreground self-test", "1d c0 00 LL LL 00", 172800, 172800 },
    { ALL, 'o', 'x', "WRITE BUFFER",           "3b 05 00 00 00 00 LL LL LL 00", 3600, 3600 },
    { ALL, 'i', 'p', "READ BUFFER(10)",        "3c 02 00 00 00 00 LL LL LL 00", 1, 1 },
    { ALL, 'i', 'p', "READ BUFFER(10), descriptor", "3c 03 00 00 00 00 LL LL LL 00", 1, 1 },
    { ALL, 'i', 'p', "READ BUFFER(10), echo",  "3c 0a 00 00 00 00 LL LL LL 00", 1, 1 },
    { ALL, 'i', 'p', "READ BUFFER(10), echo descriptor", "3c 0b 00 00 00 00 LL LL LL 00", 1, 1 },
    { ALL, 'i', 'f', "READ BUFFER(10), vendor specific", "3c 01 00 00 00 00 LL LL LL 00", 1, 1 },
    { ALL, 'i', 'f', "READ BUFFER(10), expander", "3c 1a 00 00 00 00 LL LL LL 00", 1, 1 },
    { ALL, 'i', 'f', "READ BUFFER(10), error history", "3c 1c 00 00 00 00 LL LL LL 00", 1, 1 },
    { ALL, 'o', 'x', "LOG SELECT",             "4c 00 00 00 00 00 00 LL LL 00", 1, 1 },
    { ALL, 'i', 'p', "LOG SENSE",              "4d 00 40 00 00 00 00 LL LL 00", 1, 1 },
    { ALL, 'i', 'p', "LOG SENSE, PPC",         "4d 02 40 00 00 00 00 LL LL 00", 1, 1 },
    { ALL, 'i', 'f', "LOG SENSE, SP",          "4d 01 40 00 00 00 00 LL LL 00", 1, 1 },
    { ALL, 'o', 'x', "MODE SELECT(10)",        "55 10 00 00 00 00 00 LL LL 00", 0, 0 },
    { ALL, 'o', 'x', "RESERVE(10)",            "56 00 00 00 00 00 00 LL LL 00", 1, 1 },
    { ALL, 'o', 'x', "RELEASE(10)",            "57 00 00 00 00 00 00 LL LL 00", 1, 1 },
    { ALL, 'i', 'p', "MODE SENSE(10)",         "5a 00 3f 00 00 00 00 LL LL 00", 1, 1 },
    { ALL, 'i', 'p', "PERSISTENT RESERVE IN",  "5e 00 00 00 00 00 00 LL LL 00", 1, 1 },
    { ALL, 'o', 'x', "PERSISTENT RESERVE OUT", "5f 00 00 00 00 LL LL LL LL 00", 1, 1 },
    { NOT_MMC, 'o', 'x', "EXTENDED COPY",      "83 00 00 00 00 00 00 00 00 00 LL LL LL LL 00 00", 14400, 25 },
    { NOT_MMC, 'i', 'x', "RECEIVE COPY",       "84 03 00 00 00 00 00 00 00 00 LL LL LL LL 00 00", 0, 0 },
    { MEDIA, 'e', 'x', "ATA PASS-THROUGH(16)", "85 08 0e 00 00 00 01 00 00 00 00 00 00 00 ec 00", 0, 0 },
    { MEDIA, 'e', 'x', "ATA SECURITY ERASE(16)", "85 0a 06 00 00 00 01 00 00 00 00 00 00 00 f4 00", 172800, 172800 },
    { MEDIA, 'e', 'x', "ATA SANITIZE(16)",     "85 06 0c 00 12 00 00 00 76 00 6f 00 45 00 b4 00", 2, 2 },
    { MEDIA, 'e', 'x', "ATA DOWNLOAD(16)",     "85 0a 06 00 07 00 01 00 00 00 00 00 00 00 92 00", 2, 2 },
    { MEDIA, 'e', 'x', "ATA DOWNLOAD DMA(16)", "85 0c 06 00 07 00 01 00 00 00 00 00 00 00 93 00", 2, 2 },
    { MEDIA, 'e', 'x', "ATA TRIM(16)",         "85 0d 06 00 01 00 01 00 00 00 00 00 00 40 06 00", 2, 2 },
    { MEDIA, 'e', 'x', "ATA SMART, captive test(16)", "85 06 0c 00 d4 00 00 00 82 00 4f 00 c2 00 b0 00", 2, 2 },
    { MEDIA, 'e', 'x', "ATA SMART, test(16)",  "85 06 0c 00 d4 00 00 00 02 00 4f 00 c2 00 b0 00", 0, 0 },
    { MEDIA, 'e', 'x', "ATA SMART ENABLE(16)", "85 06 0c 00 d8 00 00 00 82 00 4f 00 c2 00 b0 00", 0, 0 },
    { MEDIA, 'e', 'x', "ATA D4, not SMART(16)", "85 06 0c 00 d4 00 00 00 82 00 00 00 00 00 b0 00", 0, 0 },
    { MEDIA, 'e', 'x', "ATA STANDBY(16)",      "85 06 0c 00 00 00 00 00 00 00 00 00 00 00 e0 00", 0, 0 },
    { MEDIA, 'e', 'x', "ATA WRITE DMA(16)",    "85 0c 06 00 00 00 01 00 00 00 00 00 00 40 ca 00", 0, 0 },
    { MEDIA, 'e', 'x', "ATA READ SECTOR(16)",  "85 08 0e 00 00 00 01 00 00 00 00 00 00 40 20 00", 0, 0 },
    { NOT_MMC, 'i', 'x', "ACCESS CONTROL IN",  "86 00 00 00 00 00 00 00 00 00 LL LL LL LL 00 00", 0, 0 },
    { NOT_MMC, 'o', 'x', "ACCESS CONTROL OUT", "87 00 00 00 00 00 00 00 00 00 LL LL LL LL 00 00", 0, 0 },
    { NOT_MMC, 'i', 'p', "READ ATTRIBUTE",           "8c 00 00 00 00 00 00 00 00 00 LL LL LL LL 00 00", 1, 1 },
    { NOT_MMC, 'i', 'p', "READ ATTRIBUTE, list",     "8c 01 00 00 00 00 00 00 00 00 LL LL LL LL 00 00", 1, 1 },
    { NOT_MMC, 'i', 'p', "READ ATTRIBUTE, volumes",  "8c 02 00 00 00 00 00 00 00 00 LL LL LL LL 00 00", 1, 1 },
    { NOT_MMC, 'i', 'p', "READ ATTRIBUTE, partitions", "8c 03 00 00 00 00 00 00 00 00 LL LL LL LL 00 00", 1, 1 },
    { NOT_MMC, 'i', 'p', "READ ATTRIBUTE, supported", "8c 05 00 00 00 00 00 00 00 00 LL LL LL LL 00 00", 1, 1 },
    { NOT_MMC, 'i', 'f', "READ ATTRIBUTE, reserved", "8c 04 00 00 00 00 00 00 00 00 LL LL LL LL 00 00", 1, 1 },
    { NOT_MMC, 'i', 'f', "READ ATTRIBUTE, reserved", "8c 06 00 00 00 00 00 00 00 00 LL LL LL LL 00 00", 1, 1 },
    { NOT_MMC, 'o', 'w', "WRITE ATTRIBUTE",    "8d 00 00 00 00 00 00 00 00 00 LL LL LL LL 00 00", 1, 1 },
    { NOT_MMC, 'i', 'p', "READ BUFFER(16)", "9b 02 00 00 00 00 00 00 00 00 LL LL LL LL 00 00", 1, 1 },
    { NOT_MMC, 'i', 'p', "READ BUFFER(16), descriptor", "9b 03 00 00 00 00 00 00 00 00 LL LL LL LL 00 00", 1, 1 },
    { NOT_MMC, 'i', 'p', "READ BUFFER(16), echo", "9b 0a 00 00 00 00 00 00 00 00 LL LL LL LL 00 00", 1, 1 },
    { NOT_MMC, 'i', 'p', "READ BUFFER(16), echo descriptor", "9b 0b 00 00 00 00 00 00 00 00 LL LL LL LL 00 00", 1, 1 },
    { NOT_MMC, 'i', 'f', "READ BUFFER(16), vendor specific", "9b 01 00 00 00 00 00 00 00 00 LL LL LL LL 00 00", 1, 1 },
    { NOT_MMC, 'i', 'f', "READ BUFFER(16), error history", "9b 1c 00 00 00 00 00 00 00 00 LL LL LL LL 00 00", 1, 1 },
    { ALL, 'i', 'p', "REPORT LUNS",            "a0 00 00 00 00 00 LL LL LL LL 00 00", 1, 1 },
    { DISKS, 'e', 'x', "ATA PASS-THROUGH(12)", "a1 08 0e 00 01 00 00 00 00 ec 00 00", 0, 0 },
    { DISKS, 'e', 'x', "ATA SECURITY ERASE(12)", "a1 0a 06 00 01 00 00 00 00 f4 00 00", 172800, 172800 },
    { DISKS, 'e', 'x', "ATA DOWNLOAD(12)",     "a1 0a 06 07 01 00 00 00 00 92 00 00", 2, 2 },
    { DISKS, 'e', 'x', "ATA SMART, captive test(12)", "a1 06 0c d4 00 81 4f c2 00 b0 00 00", 2, 2 },
    { DISKS, 'e', 'x', "ATA SMART, test(12)",  "a1 06 0c d4 00 01 4f c2 00 b0 00 00", 0, 0 },
    { DISKS, 'e', 'x', "ATA SECURITY SET PASSWORD(12)", "a1 0a 06 00 01 00 00 00 00 f1 00 00", 0, 0 },
    { ALL, 'i', 'x', "SECURITY PROTOCOL IN",   "a2 00 00 00 00 00 LL LL LL LL 00 00", 0, 0 },
    { NOT_MMC, 'i', 'p', "REPORT IDENTIFYING INFO",  "a3 05 00 00 00 00 LL LL LL LL 00 00", 1, 1 },
    { NOT_MMC, 'i', 'p', "REPORT TPG",               "a3 0a 00 00 00 00 LL LL LL LL 00 00", 1, 1 },
    { NOT_MMC, 'i', 'p', "REPORT ALIASES",           "a3 0b 00 00 00 00 LL LL LL LL 00 00", 1, 1 },
    { NOT_MMC, 'i', 'p', "REPORT OPCODES",           "a3 0c 00 00 00 00 LL LL LL LL 00 00", 1, 1 },
    { NOT_MMC, 'i', 'p', "REPORT TMFS",              "a3 0d 00 00 00 00 LL LL LL LL 00 00", 1, 1 },
    { NOT_MMC, 'i', 'p', "REPORT PRIORITY",          "a3 0e 00 00 00 00 LL LL LL LL 00 00", 1, 1 },
    { NOT_MMC, 'i', 'p', "REPORT TIMESTAMP",         "a3 0f 00 00 00 00 LL LL LL LL 00 00", 1, 1 },
    { NOT_MMC, 'i', 'f', "MANAGEMENT PROTOCOL IN",   "a3 10 00 00 00 00 LL LL LL LL 00 00", 1, 1 },
    { NOT_MMC, 'i', 'f', "MAINTENANCE IN, vendor",   "a3 1f 00 00 00 00 LL LL LL LL 00 00", 1, 1 },
    { NOT_MMC, 'i', 'f', "MAINTENANCE IN, restricted", "a3 04 00 00 00 00 LL LL LL LL 00 00", 1, 1 },
    { NOT_MMC, 'o', 'x', "SET TPG",            "a4 0a 00 00 00 00 LL LL LL LL 00 00", 14400, 25 },
    { ALL, 'i', 'f', "SERVICE ACTION IN(12)",  "ab 00 00 00 00 00 LL LL LL LL 00 00", 1, 1 },
    { ALL, 'i', 'p', "READ MEDIA SERIAL NUMBER", "ab 01 00 00 00 00 LL LL LL LL 00 00", 1, 1 },
    { 0x01, 'i', 'x', "SECURITY PROTOCOL IN, tape data encryption", "a2 20 00 20 00 00 LL LL LL LL 00 00", 0, 0 },
    { NOT_CHANGER, 'o', 'x', "SECURITY PROTOCOL OUT", "b5 00 00 00 00 00 LL LL LL LL 00 00", 0, 0 },
    { WITH_MEDIUM, 'n', 'x', "PREVENT ALLOW",  "1e 00 00 00 01 00", 1, 1 },
    /* SBC, and what MMC took from it */
    { MEDIA, 'n', 'p', "REZERO UNIT",          "01 00 00 00 00 00", 0, 0 },
    { MEDIA, 'n', 'w', "FORMAT UNIT",          "04 00 00 00 00 00", 172800, 172800 },
    { MEDIA, 'O', 'w', "FORMAT UNIT, FMTDATA", "04 10 00 00 00 00", 172800, 172800 },
    { DISKS, 'O', 'w', "REASSIGN BLOCKS",      "07 00 00 00 00 00", 14400, 25 },
    { DISKS, 'I', 'p', "READ(6)",              "08 00 00 00 01 00", 25, 25 },
    { DISKS, 'I', 'p', "READ(6) of 256",       "08 00 00 00 00 00", 25, 25 },
    { DISKS, 'O', 'w', "WRITE(6)",             "0a 00 00 00 01 00", 25, 25 },
    { DISKS, 'O', 'w', "WRITE(6) of 256",      "0a 00 00 00 00 00", 25, 25 },
    { DISKS, 'n', 'p', "SEEK(6)",              "0b 00 00 00 00 00", 25, 25 },
    { DISKS, 'n', 'x', "START STOP UNIT",      "1b 00 00 00 01 00", 50, 25 },
    { MEDIA, 'I', 'p', "READ CAPACITY(10)",    "25 00 00 00 00 00 00 00 00 00", 0, 0 },
    { MEDIA, 'i', 'p', "READ(10)",             "28 00 00 00 00 00 00 LL LL 00", 0, 0 },
    { DISKS, 'o', 'w', "WRITE(10)",            "2a 00 00 00 00 00 00 LL LL 00", 0, 0 },
    { 0x05, 'o', 'w', "WRITE(10)",            "2a 00 00 00 00 00 00 LL LL 00", 300, 25 },
    { MEDIA, 'n', 'p', "SEEK(10)",             "2b 00 00 00 00 00 00 00 00 00", 0, 0 },
    { 0x07, 'n', 'w', "ERASE(10)",             "2c 00 00 00 00 00 00 00 08 00", 14400, 25 },
    { DISKS, 'o', 'w', "WRITE AND VERIFY(10)", "2e 00 00 00 00 00 00 LL LL 00", 0, 0 },
    { 0x05, 'o', 'w', "WRITE AND VERIFY(10)", "2e 00 00 00 00 00 00 LL LL 00", 300, 25 },
    { MEDIA, 'n', 'p', "VERIFY(10)",           "2f 00 00 00 00 00 00 00 08 00", 14400, 25 },
    { MEDIA, 'o', 'p', "VERIFY(10), BYTCHK 01b", "2f 02 00 00 00 00 00 LL LL 00", 14400, 25 },
    { MEDIA, 'o', 'p', "VERIFY(10), BYTCHK 11b", "2f 06 00 00 00 00 00 LL LL 00", 14400, 25 },
    { MEDIA, 'n', 'p', "PRE-FETCH(10)",        "34 00 00 00 00 00 00 00 08 00", 0, 0 },
    { DISKS, 'n', 'p', "SYNCHRONIZE CACHE(10)", "35 00 00 00 00 00 00 00 08 00", 50, 25 },
    { 0x05, 'n', 'x', "SYNCHRONIZE CACHE(10)", "35 00 00 00 00 00 00 00 08 00", 300, 25 },
    { DISKS, 'n', 'x', "LOCK UNLOCK CACHE(10)", "36 00 00 00 00 00 00 00 08 00", 25, 25 },
    { DISKS, 'i', 'p', "READ DEFECT DATA(10)", "37 00 00 00 00 00 00 LL LL 00", 25, 25 },
    { DISKS, 'n', 'w', "FORMAT WITH PRESET",   "38 00 00 00 00 01 00 00 00 00", 172800, 172800 },
    { DISKS, 'o', 'x', "COMPARE",              "39 00 00 LL LL LL 00 00 00 00", 14400, 25 },
    { DISKS, 'o', 'x', "COPY AND VERIFY",      "3a 00 00 LL LL LL 00 00 00 00", 14400, 25 },
    { DISKS, 'i', 'p', "READ LONG(10)",        "3e 00 00 00 00 00 00 LL LL 00", 25, 25 },
    { DISKS, 'o', 'w', "WRITE LONG(10)",       "3f 00 00 00 00 00 00 LL LL 00", 25, 25 },
    { DISKS, 'O', 'w', "WRITE SAME(10)",       "41 00 00 00 00 00 00 00 08 00", 14400, 25 },
    { DISKS, 'o', 'w', "UNMAP",                "42 00 00 00 00 00 00 LL LL 00", 14400, 25 },
    { DISKS, 'o', 'w', "SANITIZE",             "48 01 00 00 00 00 00 LL LL 00", 172800, 172800 },
    { DISKS, 'i', 'p', "READ(16)",             "88 00 00 00 00 00 00 00 00 00 LL LL LL LL 00 00", 25, 25 },
    { DISKS, 'o', 'w', "COMPARE AND WRITE",    "89 00 00 00 00 00 00 00 00 00 00 00 00 LL 00 00", 25, 25 },
    { DISKS, 'o', 'w', "WRITE(16)",            "8a 00 00 00 00 00 00 00 00 00 LL LL LL LL 00 00", 25, 25 },
    { DISKS, 'o', 'w', "ORWRITE(16)",          "8b 00 00 00 00 00 00 00 00 00 LL LL LL LL 00 00", 25, 25 },
    { DISKS, 'o', 'w', "WRITE AND VERIFY(16)", "8e 00 00 00 00 00 00 00 00 00 LL LL LL LL 00 00", 25, 25 },
    { DISKS, 'n', 'p', "VERIFY(16)",           "8f 00 00 00 00 00 00 00 00 00 00 00 00 08 00 00", 14400, 25 },
    { DISKS, 'o', 'p', "VERIFY(16), BYTCHK 01b", "8f 02 00 00 00 00 00 00 00 00 LL LL LL LL 00 00", 14400, 25 },
    { DISKS, 'o', 'p', "VERIFY(16), BYTCHK 11b", "8f 06 00 00 00 00 00 00 00 00 LL LL LL LL 00 00", 14400, 25 },
    { DISKS, 'n', 'p', "PRE-FETCH(16)",        "90 00 00 00 00 00 00 00 00 00 00 00 00 08 00 00", 25, 25 },
    { DISKS, 'n', 'p', "SYNCHRONIZE CACHE(16)", "91 00 00 00 00 00 00 00 00 00 00 00 00 08 00 00", 50, 25 },
    { DISKS, 'n', 'x', "LOCK UNLOCK CACHE(16)", "92 00 00 00 00 00 00 00 00 00 00 00 00 08 00 00", 25, 25 },
    { DISKS, 'O', 'w', "WRITE SAME(16)",       "93 00 00 00 00 00 00 00 00 00 00 00 00 08 00 00", 14400, 25 },
    { DISKS, 'O', 'w', "WRITE SAME(16), UNMAP", "93 08 00 00 00 00 00 00 00 00 00 00 00 08 00 00", 14400, 25 },
    { DISKS, 'n', 'w', "WRITE SAME(16), NDOB", "93 01 00 00 00 00 00 00 00 00 00 00 00 08 00 00", 14400, 25 },
    { DISKS, 'n', 'w', "RESET WRITE POINTER",  "94 04 00 00 00 00 00 00 00 00 00 00 00 00 00 00", 14400, 25 },
    { DISKS, 'i', 'p', "REPORT ZONES",          "95 00 00 00 00 00 00 00 00 00 LL LL LL LL 00 00", 25, 25 },
    { DISKS, 'i', 'p', "REPORT REALMS",         "95 06 00 00 00 00 00 00 00 00 LL LL LL LL 00 00", 25, 25 },
    { DISKS, 'i', 'p', "REPORT ZONE DOMAINS",   "95 07 00 00 00 00 00 00 00 00 LL LL LL LL 00 00", 25, 25 },
    { DISKS, 'i', 'p', "ZONE QUERY",            "95 09 00 00 00 00 00 00 00 00 LL LL LL LL 00 00", 25, 25 },
    { DISKS, 'i', 'f', "ZONE ACTIVATE",         "95 08 00 00 00 00 00 00 00 00 LL LL LL LL 00 00", 25, 25 },
    { DISKS, 'i', 'f', "ZBC IN, reserved",      "95 01 00 00 00 00 00 00 00 00 LL LL LL LL 00 00", 25, 25 },
    { DISKS, 'o', 'w', "WRITE ATOMIC(16)",     "9c 00 00 00 00 00 00 00 00 00 00 00 LL LL 00 00", 25, 25 },
    { DISKS, 'i', 'p', "READ CAPACITY(16)",    "9e 10 00 00 00 00 00 00 00 00 LL LL LL LL 00 00", 25, 25 },
    { DISKS, 'i', 'p', "READ LONG(16)",        "9e 11 00 00 00 00 00 00 00 00 00 00 LL LL 00 00", 25, 25 },
    { DISKS, 'i', 'p', "GET LBA STATUS",       "9e 12 00 00 00 00 00 00 00 00 LL LL LL LL 00 00", 25, 25 },
    { DISKS, 'i', 'p', "REPORT REFERRALS",     "9e 13 00 00 00 00 00 00 00 00 LL LL LL LL 00 00", 25, 25 },
    { DISKS, 'i', 'p', "GET STREAM STATUS",    "9e 16 00 00 00 00 00 00 00 00 LL LL LL LL 00 00", 25, 25 },
    { DISKS, 'i', 'p', "GET PHYSICAL ELEMENT STATUS", "9e 17 00 00 00 00 00 00 00 00 LL LL LL LL 00 00", 25, 25 },
    { DISKS, 'o', 'w', "WRITE LONG(16)",       "9f 11 00 00 00 00 00 00 00 00 00 00 LL LL 00 00", 25, 25 },
    { MEDIA, 'i', 'p', "READ(12)",             "a8 00 00 00 00 00 LL LL LL LL 00 00", 0, 0 },
    { DISKS, 'o', 'w', "WRITE(12)",            "aa 00 00 00 00 00 LL LL LL LL 00 00", 0, 0 },
    { 0x05, 'o', 'w', "WRITE(12)",            "aa 00 00 00 00 00 LL LL LL LL 00 00", 300, 25 },
    { 0x07, 'n', 'w', "ERASE(12)",             "ac 00 00 00 00 00 00 00 00 08 00 00", 14400, 25 },
    { DISKS, 'o', 'w', "WRITE AND VERIFY(12)", "ae 00 00 00 00 00 LL LL LL LL 00 00", 25, 25 },
    { MEDIA, 'n', 'p', "VERIFY(12)",           "af 00 00 00 00 00 00 00 00 08 00 00", 14400, 25 },
    { MEDIA, 'o', 'p', "VERIFY(12), BYTCHK 01b", "af 02 00 00 00 00 LL LL LL LL 00 00", 14400, 25 },
    { MEDIA, 'o', 'p', "VERIFY(12), BYTCHK 11b", "af 06 00 00 00 00 LL LL LL LL 00 00", 14400, 25 },
    { DISKS, 'i', 'p', "READ DEFECT DATA(12)", "b7 00 00 00 00 00 LL LL LL LL 00 00", 25, 25 },
    /* SSC */
    { 0x01, 'n', 'p', "REWIND",                "01 00 00 00 00 00", 14400, 10800 },
    { 0x01, 'o', 'w', "FORMAT MEDIUM",         "04 00 00 LL LL 00", 14400, 10800 },
    { 0x01, 'I', 'p', "READ BLOCK LIMITS",     "05 00 00 00 00 00", 1, 1 },
    { 0x01, 'i', 'p', "READ(6)",               "08 00 LL LL LL 00", 900, 840 },
    { 0x01, 'i', 'p', "READ(6), FIXED",        "08 01 LL LL LL 00", 900, 840 },
    { 0x01, 'o', 'w', "WRITE(6)",              "0a 00 LL LL LL 00", 900, 840 },
    { 0x01, 'n', 'w', "SET CAPACITY",          "0b 00 00 80 00 00", 14400, 10800 },
    { 0x01, 'i', 'p', "READ REVERSE(6)",       "0f 00 LL LL LL 00", 900, 840 },
    { 0x01, 'n', 'w', "WRITE FILEMARKS(6)",    "10 00 00 00 01 00", 900, 840 },
    { 0x01, 'n', 'p', "SPACE(6)",              "11 01 00 00 01 00", 14400, 10800 },
    { 0x01, 'n', 'p', "VERIFY(6)",             "13 00 00 00 01 00", 14400, 10800 },
    { 0x01, 'o', 'p', "VERIFY(6), BYTCMP",     "13 02 LL LL LL 00", 14400, 10800 },
    { 0x01, 'i', 'x', "RECOVER BUFFERED DATA", "14 00 LL LL LL 00", 900, 840 },
    { 0x01, 'n', 'w', "ERASE(6)",              "19 01 00 00 00 00", 172800, 172800 },
    { 0x01, 'n', 'x', "LOAD UNLOAD",           "1b 00 00 00 01 00", 14400, 10800 },
    { 0x01, 'n', 'p', "LOCATE(10)",            "2b 00 00 00 00 00 01 00 00 00", 14400, 10800 },
    { 0x01, 'I', 'p', "READ POSITION",         "34 00 00 00 00 00 00 00 00 00", 1, 1 },
    { 0x01, 'I', 'p', "READ POSITION, long",   "34 06 00 00 00 00 00 00 00 00", 1, 1 },
    { 0x01, 'i', 'p', "REPORT DENSITY",        "44 00 00 00 00 00 00 LL LL 00", 1, 1 },
    { 0x01, 'n', 'w', "WRITE FILEMARKS(16)",   "80 00 00 00 00 00 00 00 00 00 00 00 00 01 00 00", 900, 840 },
    { 0x01, 'i', 'p', "READ REVERSE(16)",      "81 00 00 00 00 00 00 00 00 00 00 00 LL LL LL 00", 900, 840 },
    { 0x01, 'n', 'x', "ALLOW OVERWRITE",       "82 00 01 00 00 00 00 00 00 00 00 00 00 00 00 00", 900, 840 },
    { 0x01, 'i', 'p', "READ(16)",              "88 00 00 00 00 00 00 00 00 00 00 00 LL LL LL 00", 900, 840 },
    { 0x01, 'o', 'w', "WRITE(16)",             "8a 00 00 00 00 00 00 00 00 00 00 00 LL LL LL 00", 900, 840 },
    { 0x01, 'n', 'p', "VERIFY(16)",            "8f 00 00 00 00 00 00 00 00 00 00 00 00 00 01 00", 14400, 10800 },
    { 0x01, 'o', 'p', "VERIFY(16), BYTCMP",    "8f 02 00 00 00 00 00 00 00 00 00 00 LL LL LL 00", 14400, 10800 },
    { 0x01, 'o', 'p', "SPACE(16)",             "91 01 00 00 00 00 00 00 00 01 00 00 LL LL 00 00", 14400, 10800 },
    { 0x01, 'n', 'p', "LOCATE(16)",            "92 00 00 00 00 00 00 00 00 00 00 01 00 00 00 00", 14400, 10800 },
    { 0x01, 'n', 'w', "ERASE(16)",             "93 01 00 00 00 00 00 00 00 00 00 00 00 00 00 00", 172800, 172800 },
    /* MMC */
    { 0x05, 'n', 'x', "START STOP UNIT",       "1b 00 00 00 02 00", 1800, 120 },
    { 0x05, 'i', 'p', "READ FORMAT CAPACITIES", "23 00 00 00 00 00 00 LL LL 00", 50, 25 },
    { 0x05, 'i', 'p', "READ SUB-CHANNEL",      "42 02 40 01 00 00 00 LL LL 00", 50, 25 },
    { 0x05, 'i', 'p', "READ TOC",              "43 02 00 00 00 00 00 LL LL 00", 50, 25 },
    { 0x05, 'i', 'p', "READ HEADER",           "44 00 00 00 00 00 00 LL LL 00", 50, 25 },
    { 0x05, 'n', 'x', "PLAY AUDIO(10)",        "45 00 00 00 00 00 00 00 10 00", 50, 25 },
    { 0x05, 'i', 'p', "GET CONFIGURATION",     "46 00 00 00 00 00 00 LL LL 00", 1, 1 },
    { 0x05, 'n', 'x', "PLAY AUDIO MSF",        "47 00 00 00 02 00 00 04 00 00", 50, 25 },
    { 0x05, 'i', 'p', "GET EVENT STATUS",      "4a 01 00 00 10 00 00 LL LL 00", 1, 1 },
    { 0x05, 'n', 'x', "PAUSE/RESUME",          "4b 00 00 00 00 00 00 00 01 00", 50, 25 },
    { 0x05, 'n', 'x', "STOP PLAY/SCAN",        "4e 00 00 00 00 00 00 00 00 00", 50, 25 },
    { 0x05, 'i', 'p', "READ DISC INFORMATION", "51 00 00 00 00 00 00 LL LL 00", 50, 25 },
    { 0x05, 'i', 'p', "READ TRACK INFORMATION", "52 01 00 00 00 01 00 LL LL 00", 50, 25 },
    { 0x05, 'n', 'w', "RESERVE TRACK",         "53 00 00 00 00 00 00 10 00 00", 14400, 14400 },
    { 0x05, 'o', 'w', "SEND OPC INFORMATION",  "54 01 00 00 00 00 00 LL LL 00", 1800, 120 },
    { 0x05, 'n', 'w', "REPAIR TRACK",          "58 00 00 00 00 01 00 00 00 00", 14400, 14400 },
    { 0x05, 'n', 'w', "CLOSE TRACK/SESSION",   "5b 00 02 00 00 00 00 00 00 00", 14400, 14400 },
    { 0x05, 'i', 'p', "READ BUFFER CAPACITY",  "5c 00 00 00 00 00 00 LL LL 00", 1, 1 },
    { 0x05, 'o', 'x', "SEND CUE SHEET",        "5d 00 00 00 00 00 LL LL LL 00", 50, 25 },
    { 0x05, 'n', 'w', "BLANK",                 "a1 01 00 00 00 00 00 00 00 00 00 00", 14400, 14400 },
    { 0x05, 'o', 'x', "SEND KEY",              "a3 00 00 00 00 00 00 00 LL LL 01 00", 50, 25 },
    { 0x05, 'i', 'x', "REPORT KEY",            "a4 00 00 00 00 00 00 00 LL LL 08 00", 50, 25 },
    { 0x05, 'n', 'x', "PLAY AUDIO(12)",        "a5 00 00 00 00 00 00 00 00 10 00 00", 50, 25 },
    { 0x05, 'n', 'x', "LOAD/UNLOAD MEDIUM",    "a6 00 00 00 03 00 00 00 00 00 00 00", 1800, 120 },
    { 0x05, 'n', 'x', "SET READ AHEAD",        "a7 00 00 00 00 00 00 00 00 10 00 00", 50, 25 },
    { 0x05, 'I', 'p', "GET PERFORMANCE",       "ac 10 00 00 00 00 00 00 00 01 00 00", 50, 25 },
    { 0x05, 'i', 'p', "READ DISC STRUCTURE",   "ad 00 00 00 00 00 00 00 LL LL 00 00", 50, 25 },
    { 0x05, 'o', 'x', "SET STREAMING",         "b6 00 00 00 00 00 00 00 00 LL LL 00", 50, 25 },
    { 0x05, 'u', 'p', "READ CD MSF",           "b9 00 00 00 02 00 00 03 00 f8 00 00", 50, 25 },
    { 0x05, 'n', 'x', "SCAN",                  "ba 00 00 00 00 00 00 00 00 00 00 00", 50, 25 },
    { 0x05, 'n', 'x', "SET CD SPEED",          "bb 00 ff ff ff ff 00 00 00 00 00 00", 50, 25 },
    { 0x05, 'i', 'p', "MECHANISM STATUS",      "bd 00 00 00 00 00 00 00 LL LL 00 00", 1, 1 },
    { 0x05, 'u', 'p', "READ CD",               "be 00 00 00 00 00 00 00 01 f8 00 00", 50, 25 },
    { 0x05, 'o', 'x', "SEND DISC STRUCTURE",   "bf 00 00 00 00 00 00 00 LL LL 00 00", 50, 25 },
    /* SMC */
    { 0x08, 'n', 'x', "REZERO UNIT",               "01 00 00 00 00 00", 3600, 3600 },
    { 0x08, 'n', 'x', "INITIALIZE ELEMENT STATUS", "07 00 00 00 00 00", 14400, 14400 },
    { 0x08, 'n', 'x', "OPEN/CLOSE IMPORT/EXPORT",  "1b 00 00 10 01 00", 3600, 3600 },
    { 0x08, 'n', 'x', "POSITION TO ELEMENT",       "2b 00 00 00 00 10 00 00 00 00", 3600, 3600 },
    { 0x08, 'n', 'x', "INITIALIZE WITH RANGE",     "37 01 00 10 00 00 00 05 00 00", 14400, 14400 },
    { 0x08, 'n', 'x', "MOVE MEDIUM",               "a5 00 00 00 00 10 00 20 00 00 00 00", 3600, 3600 },
    { 0x08, 'n', 'x', "EXCHANGE MEDIUM",           "a6 00 00 00 00 10 00 20 00 30 00 00", 3600, 3600 },
    { 0x08, 'i', 'x', "REQUEST VOLUME ELEMENT",    "b5 00 00 00 00 10 00 LL LL LL 00 00", 900, 60 },
    { 0x08, 'o', 'x', "SEND VOLUME TAG",           "b6 00 00 00 00 00 00 00 LL LL 00 00", 900, 60 },
    { 0x08, 'i', 'p', "READ ELEMENT STATUS",       "b8 00 00 00 00 ff 00 LL LL LL 00 00", 14400, 14400 },
    { 0x01, 'n', 'x', "MOVE MEDIUM ATTACHED",      "a7 00 00 00 00 10 00 20 00 00 00 00", 3600, 3600 },
    { 0x01, 'i', 'p', "READ ELEMENT STATUS ATTACHED", "b4 00 00 00 00 ff 00 LL LL LL 00 00", 14400, 14400 },
};
/* clang-format on */
enum {
    N_COMMANDS = sizeof(commands) / sizeof(commands[0])
};

static inline bool is_disk(uint8_t t)
{
    return t == 0x00 || t == 0x04 || t == 0x07 || t == 0x0e || t == 0x14;
}

static inline bool has_type(const struct command *c, uint8_t t)
{
    switch (c->types) {
    case ALL:
        return true;
    case DISKS:
        return is_disk(t);
    case NOT_MMC:
        return t != 0x05;
    case NOT_CHANGER:
        return t != 0x08;
    case MEDIA:
        return is_disk(t) || t == 0x05;
    case WITH_MEDIUM:
        return is_disk(t) || t == 0x01 || t == 0x05 || t == 0x08;
    default:
        return c->types == t;
    }
}

/* A LUN whose guest may send everything. */
static inline struct scsi_lun_facts facts_of(uint8_t type)
{
    struct scsi_lun_facts f = { .type = type, .feature_host = true, .pr = SCSI_PR_DIRECT, .max_transfer = 65536 };
    static const uint8_t copy[] = { 0x18, 0x39, 0x3a, 0x7f, 0x83, 0x84 };

    for (unsigned i = 0; i < sizeof(copy); i++)
        f.rules.rule[f.rules.n++] = (struct scsi_rule){ .opcode = copy[i] };
    return f;
}

/* The CDB with LL bytes 0, but for the nth of them (-1: none); their number is returned. */
static inline int make_cdb(const char *text, int nth, uint8_t cdb[SCSI_CDB_MAX], uint8_t *len)
{
    char plain[64];
    int marks = 0;

    must(strlen(text) < sizeof(plain), "too long: %s", text);
    strcpy(plain, text);
    for (char *p = plain; (p = strstr(p, "LL")) != NULL; marks++)
        memcpy(p, marks == nth ? "01" : "00", 2);
    memset(cdb, 0, SCSI_CDB_MAX);
    *len = (uint8_t)unhex(plain, cdb, SCSI_CDB_MAX);
    return marks;
}

#endif
