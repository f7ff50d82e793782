// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The commands of SPC-5, SBC-4, ZBC, SSC-5, MMC-6 and SMC-3 by opcode and peripheral device type, those of SMC-2
 * for a changer that is attached to a tape drive, and REZERO UNIT of SCSI-2 for a changer: the direction of their
 * data, the field of the CDB that has its length, and how long they may take. The same opcode can be another command
 * on another type: A4h is REPORT KEY on an optical drive and SET TARGET PORT GROUPS on a disk.
 *
 * The direction of a command that is not in the table is not checked. Each policy is one column. The column for LUNs
 * that a guest may only read is an allow list: a row has PASS if no form of it changes what another initiator finds on
 * the medium or in the device. The position of a tape is the one exception, because reading a tape moves it. The column
 * of what any guest may send (policy.c) is an allow list too: the commands of real initiators that reach no further
 * than the medium and the drive that the guest was given.
 */
#include "config.h"

#include <stddef.h>

#include "scsi/cdb-table.h"
#include "scsi/opcodes.h"
#include "scsi/scsi.h"

#define NOT_MMC (SCSI_ALL & ~SCSI_MMC)
#define MEDIA (SCSI_DISK | SCSI_MMC)
#define OTHER_TYPES (SCSI_ALL & ~(SCSI_DISK | SCSI_TAPE | SCSI_MMC | SCSI_CHANGER))

/* A row's parts: the form of a command (mask and value in byte 1), and its data. */
#define FORM(mask, value) .form_mask = (mask), .form = (value)
#define SA(value) FORM(0x1f, (value))
#define NONE .data = CDB_DATA_NONE
#define IN(at, size) .data = CDB_DATA_IN, .len_at = (at), .len_size = (size)
#define EITHER .data = CDB_DATA_EITHER
#define OUT(at, size) .data = CDB_DATA_OUT, .len_at = (at), .len_size = (size)
#define IN_ALWAYS IN(0, CDB_LEN_ALWAYS)
#define IN_UNSAID IN(0, CDB_LEN_UNSAID)
#define OUT_ALWAYS OUT(0, CDB_LEN_ALWAYS)
/* One row a line. */
/* clang-format off */
#define ROW(op, t, c, ro, g, ...) \
    { .opcode = (op), .types = (t), .time = CDB_TIME_##c, .readonly = CDB_READONLY_##ro, .guest = CDB_GUEST_##g, \
      __VA_ARGS__ }

const struct cdb_row cdb_table[] = {
    ROW(0x00, SCSI_ALL,     SHORT,     PASS,  PASS,      NONE),                        /* TEST UNIT READY */
    ROW(0x01, SCSI_TAPE,    WIND,      PASS,  PASS,      NONE),                        /* REWIND */
    ROW(0x01, MEDIA,        MEDIA,     PASS,  PASS,      NONE),                        /* REZERO UNIT: seeks to 0 */
    ROW(0x01, SCSI_CHANGER, MOVE,      DENY,  ALONE,     NONE),                        /* ... moves the robot */
    ROW(0x03, SCSI_ALL,     SHORT,     PASS,  PASS,      IN(4, 1)),                    /* REQUEST SENSE */
    ROW(0x04, MEDIA,        FORMAT,    WRITE, ALONE,     FORM(0x10, 0x00), NONE),      /* FORMAT UNIT without FMTDATA */
    ROW(0x04, MEDIA,        FORMAT,    WRITE, ALONE,     FORM(0x10, 0x10), OUT_ALWAYS),
    ROW(0x04, SCSI_TAPE,    WIND,      WRITE, ALONE,     OUT(3, 2)),                   /* FORMAT MEDIUM */
    ROW(0x05, SCSI_TAPE,    SHORT,     PASS,  PASS,      IN_ALWAYS),                   /* READ BLOCK LIMITS */
    ROW(0x07, SCSI_DISK,    BULK,      WRITE, DENY,      OUT_ALWAYS),                  /* REASSIGN BLOCKS */
    ROW(0x07, SCSI_CHANGER, INVENTORY, DENY,  ALONE,     NONE),                        /* INITIALIZE ELEMENT STATUS */
    ROW(0x08, SCSI_DISK,    MEDIA,     PASS,  PASS,      IN_ALWAYS),                   /* READ(6): 0 is 256 blocks */
    ROW(0x08, SCSI_TAPE,    MEDIA,     PASS,  PASS,      IN(2, 3)),                    /* READ(6) */
    ROW(0x0a, SCSI_DISK,    MEDIA,     WRITE, PASS,      OUT_ALWAYS),                  /* WRITE(6): 0 is 256 blocks */
    ROW(0x0a, SCSI_TAPE,    MEDIA,     WRITE, PASS,      OUT(2, 3)),                   /* WRITE(6) */
    ROW(0x0b, SCSI_DISK,    MEDIA,     PASS,  PASS,      NONE),                        /* SEEK(6) */
    ROW(0x0b, SCSI_TAPE,    WIND,      WRITE, PASS,      NONE),                        /* SET CAPACITY */
    ROW(0x0f, SCSI_TAPE,    MEDIA,     PASS,  PASS,      IN(2, 3)),                    /* READ REVERSE(6) */
    ROW(0x10, SCSI_TAPE,    MEDIA,     WRITE, PASS,      NONE),                        /* WRITE FILEMARKS(6) */
    ROW(0x11, SCSI_TAPE,    WIND,      PASS,  PASS,      NONE),                        /* SPACE(6) */
    ROW(0x12, SCSI_ALL,     SHORT,     PASS,  PASS,      IN(3, 2)),                    /* INQUIRY */
    ROW(0x13, SCSI_TAPE,    WIND,      PASS,  PASS,      FORM(0x02, 0x00), NONE),      /* VERIFY(6) without BYTCMP */
    ROW(0x13, SCSI_TAPE,    WIND,      PASS,  PASS,      FORM(0x02, 0x02), OUT(2, 3)),
    ROW(0x14, SCSI_TAPE,    MEDIA,     DENY,  PASS,      IN(2, 3)),                    /* RECOVER BUFFERED DATA */
    ROW(0x15, SCSI_DISK,    MEDIA,     DENY,  CACHING,   OUT(4, 1)),                   /* MODE SELECT(6) */
    ROW(0x15, SCSI_TAPE | SCSI_MMC, MEDIA,     DENY,  PASS,      OUT(4, 1)),
    ROW(0x15, SCSI_CHANGER, MEDIA,     DENY,  ALONE,     OUT(4, 1)),
    ROW(0x15, OTHER_TYPES,  MEDIA,     DENY,  DENY,      OUT(4, 1)),
    ROW(0x16, SCSI_ALL,     SHORT,     DENY,  NEXUS,     OUT(3, 2)),                   /* RESERVE(6), ... ELEMENT(6) */
    ROW(0x17, SCSI_ALL,     SHORT,     DENY,  NEXUS,     NONE),                        /* RELEASE(6), ... ELEMENT(6) */
    ROW(0x18, NOT_MMC,      BULK,      DENY,  COPY,      OUT(2, 3)),                   /* COPY */
    ROW(0x19, SCSI_TAPE,    FORMAT,    WRITE, PASS,      NONE),                        /* ERASE(6) */
    ROW(0x1a, SCSI_ALL,     SHORT,     PASS,  PASS,      IN(4, 1)),                    /* MODE SENSE(6) */
    ROW(0x1b, SCSI_DISK,    START,     DENY,  START,     NONE),                        /* START STOP UNIT */
    ROW(0x1b, SCSI_TAPE,    WIND,      DENY,  PASS,      NONE),                        /* LOAD UNLOAD */
    ROW(0x1b, SCSI_MMC,     LOAD,      DENY,  PASS,      NONE),                        /* START STOP UNIT */
    ROW(0x1b, SCSI_CHANGER, MOVE,      DENY,  ALONE,     NONE),                        /* OPEN/CLOSE IMPORT/EXPORT */
    ROW(0x1c, SCSI_ALL,     SHORT,     PASS,  PASS,      IN(3, 2)),                    /* RECEIVE DIAGNOSTIC RESULTS */
    ROW(0x1d, SCSI_ALL,     FORMAT,    DENY,  SELF_TEST, FORM(0xe0, 0xc0), OUT(3, 2)), /* SEND DIAGNOSTIC: extended */
    ROW(0x1d, SCSI_ALL,     BULK,      DENY,  SELF_TEST, OUT(3, 2)),                   /* ... others */
    ROW(0x1e, SCSI_DISK | SCSI_TAPE | SCSI_MMC, SHORT,     DENY,  PASS,      NONE),    /* PREVENT ALLOW REMOVAL */
    ROW(0x1e, SCSI_CHANGER, SHORT,     DENY,  ALONE,     NONE),
    ROW(0x23, SCSI_MMC,     MEDIA,     PASS,  PASS,      IN(7, 2)),                    /* READ FORMAT CAPACITIES */
    ROW(0x25, MEDIA,        MEDIA,     PASS,  PASS,      IN_ALWAYS),                   /* READ CAPACITY(10) */
    ROW(0x28, MEDIA,        MEDIA,     PASS,  PASS,      IN(7, 2)),                    /* READ(10) */
    ROW(0x2a, SCSI_DISK,    MEDIA,     WRITE, PASS,      OUT(7, 2)),                   /* WRITE(10) */
    ROW(0x2a, SCSI_MMC,     LASER,     WRITE, PASS,      OUT(7, 2)),
    ROW(0x2b, SCSI_TAPE,    WIND,      PASS,  PASS,      NONE),                        /* LOCATE(10) */
    ROW(0x2b, SCSI_CHANGER, MOVE,      DENY,  ALONE,     NONE),                        /* POSITION TO ELEMENT */
    ROW(0x2b, MEDIA,        MEDIA,     PASS,  PASS,      NONE),                        /* SEEK(10) */
    ROW(0x2c, SCSI_TYPE(PDT_OPTICAL), BULK,      WRITE, PASS,      NONE),              /* ERASE(10) */
    ROW(0x2e, SCSI_DISK,    MEDIA,     WRITE, PASS,      OUT(7, 2)),                   /* WRITE AND VERIFY(10) */
    ROW(0x2e, SCSI_MMC,     LASER,     WRITE, PASS,      OUT(7, 2)),
    ROW(0x2f, MEDIA,        BULK,      PASS,  PASS,      FORM(0x06, 0x00), NONE),      /* VERIFY(10), BYTCHK 00b */
    ROW(0x2f, MEDIA,        BULK,      PASS,  PASS,      FORM(0x02, 0x02), OUT(7, 2)), /* 01b, 11b */
    ROW(0x34, MEDIA,        MEDIA,     PASS,  PASS,      NONE),                        /* PRE-FETCH(10) */
    ROW(0x34, SCSI_TAPE,    SHORT,     PASS,  PASS,      IN_ALWAYS),                   /* READ POSITION: length or 0 */
    ROW(0x35, SCSI_DISK,    FLUSH,     PASS,  PASS,      NONE),                        /* SYNCHRONIZE CACHE(10) */
    ROW(0x35, SCSI_MMC,     LASER,     DENY,  PASS,      NONE),                        /* ... may close a track */
    ROW(0x36, SCSI_DISK,    MEDIA,     DENY,  DENY,      NONE),                        /* LOCK UNLOCK CACHE(10) */
    ROW(0x37, SCSI_DISK,    MEDIA,     PASS,  PASS,      IN(7, 2)),                    /* READ DEFECT DATA(10) */
    ROW(0x37, SCSI_CHANGER, INVENTORY, DENY,  ALONE,     NONE),                        /* ... WITH RANGE */
    ROW(0x38, SCSI_DISK,    FORMAT,    WRITE, ALONE,     NONE),                        /* FORMAT WITH PRESET */
    ROW(0x39, SCSI_DISK,    BULK,      DENY,  COPY,      OUT(3, 3)),                   /* COMPARE */
    ROW(0x3a, SCSI_DISK,    BULK,      DENY,  COPY,      OUT(3, 3)),                   /* COPY AND VERIFY */
    ROW(0x3b, SCSI_ALL,     MOVE,      DENY,  DENY,      OUT(6, 3)),                   /* WRITE BUFFER */
    ROW(0x3c, SCSI_ALL,     SHORT,     PASS,  DENY,      FORM(0x1e, 0x02), IN(6, 3)),  /* READ BUFFER(10): its data */
    ROW(0x3c, SCSI_ALL,     SHORT,     PASS,  DENY,      FORM(0x1e, 0x0a), IN(6, 3)),  /* ... its echo buffer */
    ROW(0x3c, SCSI_ALL,     SHORT,     DENY,  DENY,      IN(6, 3)),                    /* ... vendor, error, expander */
    ROW(0x3e, SCSI_DISK,    MEDIA,     PASS,  DENY,      IN(7, 2)),                    /* READ LONG(10) */
    ROW(0x3f, SCSI_DISK,    MEDIA,     WRITE, DENY,      OUT(7, 2)),                   /* WRITE LONG(10) */
    ROW(0x41, SCSI_DISK,    BULK,      WRITE, PASS,      OUT_ALWAYS),                  /* WRITE SAME(10) */
    ROW(0x42, SCSI_DISK,    BULK,      WRITE, PASS,      OUT(7, 2)),                   /* UNMAP */
    ROW(0x42, SCSI_MMC,     MEDIA,     PASS,  PASS,      IN(7, 2)),                    /* READ SUB-CHANNEL */
    ROW(0x43, SCSI_MMC,     MEDIA,     PASS,  PASS,      IN(7, 2)),                    /* READ TOC/PMA/ATIP */
    ROW(0x44, SCSI_TAPE,    SHORT,     PASS,  PASS,      IN(7, 2)),                    /* REPORT DENSITY SUPPORT */
    ROW(0x44, SCSI_MMC,     MEDIA,     PASS,  PASS,      IN(7, 2)),                    /* READ HEADER */
    ROW(0x45, SCSI_MMC,     MEDIA,     DENY,  PASS,      NONE),                        /* PLAY AUDIO(10) */
    ROW(0x46, SCSI_MMC,     SHORT,     PASS,  PASS,      IN(7, 2)),                    /* GET CONFIGURATION */
    ROW(0x47, SCSI_MMC,     MEDIA,     DENY,  PASS,      NONE),                        /* PLAY AUDIO MSF */
    ROW(0x48, SCSI_DISK,    FORMAT,    WRITE, DENY,      OUT(7, 2)),                   /* SANITIZE */
    ROW(0x4a, SCSI_MMC,     SHORT,     PASS,  PASS,      IN(7, 2)),                    /* GET EVENT STATUS ... */
    ROW(0x4b, SCSI_MMC,     MEDIA,     DENY,  PASS,      NONE),                        /* PAUSE/RESUME */
    ROW(0x4c, SCSI_ALL,     SHORT,     DENY,  DENY,      OUT(7, 2)),                   /* LOG SELECT */
    ROW(0x4d, SCSI_ALL,     SHORT,     PASS,  PASS,      FORM(0x01, 0x00), IN(7, 2)),  /* LOG SENSE */
    ROW(0x4d, SCSI_ALL,     SHORT,     DENY,  DENY,      FORM(0x01, 0x01), IN(7, 2)),  /* ... with SP: saves them */
    ROW(0x4e, SCSI_MMC,     MEDIA,     DENY,  PASS,      NONE),                        /* STOP PLAY/SCAN */
    ROW(0x51, SCSI_MMC,     MEDIA,     PASS,  PASS,      IN(7, 2)),                    /* READ DISC INFORMATION */
    ROW(0x52, SCSI_MMC,     MEDIA,     PASS,  PASS,      IN(7, 2)),                    /* READ TRACK INFORMATION */
    ROW(0x53, SCSI_MMC,     BURN,      WRITE, PASS,      NONE),                        /* RESERVE TRACK */
    ROW(0x54, SCSI_MMC,     LOAD,      WRITE, PASS,      OUT(7, 2)),                   /* SEND OPC INFORMATION */
    ROW(0x55, SCSI_DISK,    MEDIA,     DENY,  CACHING,   OUT(7, 2)),                   /* MODE SELECT(10) */
    ROW(0x55, SCSI_TAPE | SCSI_MMC, MEDIA,     DENY,  PASS,      OUT(7, 2)),
    ROW(0x55, SCSI_CHANGER, MEDIA,     DENY,  ALONE,     OUT(7, 2)),
    ROW(0x55, OTHER_TYPES,  MEDIA,     DENY,  DENY,      OUT(7, 2)),
    ROW(0x56, SCSI_ALL,     SHORT,     DENY,  NEXUS,     OUT(7, 2)),                   /* RESERVE(10) */
    ROW(0x57, SCSI_ALL,     SHORT,     DENY,  NEXUS,     OUT(7, 2)),                   /* RELEASE(10) */
    ROW(0x58, SCSI_MMC,     BURN,      WRITE, PASS,      NONE),                        /* REPAIR TRACK */
    ROW(0x5a, SCSI_ALL,     SHORT,     PASS,  PASS,      IN(7, 2)),                    /* MODE SENSE(10) */
    ROW(0x5b, SCSI_MMC,     BURN,      WRITE, PASS,      NONE),                        /* CLOSE TRACK/SESSION */
    ROW(0x5c, SCSI_MMC,     SHORT,     PASS,  PASS,      IN(7, 2)),                    /* READ BUFFER CAPACITY */
    ROW(0x5d, SCSI_MMC,     MEDIA,     DENY,  PASS,      OUT(6, 3)),                   /* SEND CUE SHEET */
    ROW(0x5e, SCSI_ALL,     SHORT,     PASS,  NEXUS,     IN(7, 2)),                    /* PERSISTENT RESERVE IN */
    ROW(0x5f, SCSI_ALL,     SHORT,     DENY,  NEXUS,     OUT(5, 4)),                   /* PERSISTENT RESERVE OUT */
    ROW(0x80, SCSI_TAPE,    MEDIA,     WRITE, PASS,      NONE),                        /* WRITE FILEMARKS(16) */
    ROW(0x81, SCSI_TAPE,    MEDIA,     PASS,  PASS,      IN(12, 3)),                   /* READ REVERSE(16) */
    ROW(0x82, SCSI_TAPE,    MEDIA,     DENY,  PASS,      NONE),                        /* ALLOW OVERWRITE */
    ROW(0x83, NOT_MMC,      BULK,      DENY,  COPY,      OUT(10, 4)),                  /* third-party copy out */
    ROW(0x84, NOT_MMC,      MEDIA,     DENY,  COPY,      IN(10, 4)),                   /* third-party copy in */
    ROW(0x85, MEDIA,        MEDIA,     DENY,  ATA,       EITHER),                      /* ATA PASS-THROUGH(16) */
    ROW(0x86, NOT_MMC,      MEDIA,     DENY,  DENY,      IN(10, 4)),                   /* ACCESS CONTROL IN */
    ROW(0x87, NOT_MMC,      MEDIA,     DENY,  DENY,      OUT(10, 4)),                  /* ACCESS CONTROL OUT */
    ROW(0x88, SCSI_DISK,    MEDIA,     PASS,  PASS,      IN(10, 4)),                   /* READ(16) */
    ROW(0x88, SCSI_TAPE,    MEDIA,     PASS,  PASS,      IN(12, 3)),                   /* READ(16) */
    ROW(0x89, SCSI_DISK,    MEDIA,     WRITE, PASS,      OUT(13, 1)),                  /* COMPARE AND WRITE */
    ROW(0x8a, SCSI_DISK,    MEDIA,     WRITE, PASS,      OUT(10, 4)),                  /* WRITE(16) */
    ROW(0x8a, SCSI_TAPE,    MEDIA,     WRITE, PASS,      OUT(12, 3)),                  /* WRITE(16) */
    ROW(0x8b, SCSI_DISK,    MEDIA,     WRITE, PASS,      OUT(10, 4)),                  /* ORWRITE(16) */
    ROW(0x8c, NOT_MMC,      SHORT,     PASS,  PASS,      FORM(0x1c, 0x00), IN(10, 4)), /* READ ATTRIBUTE: values */
    ROW(0x8c, NOT_MMC,      SHORT,     PASS,  PASS,      SA(0x05), IN(10, 4)),         /* ... SUPPORTED ATTRIBUTES */
    ROW(0x8c, NOT_MMC,      SHORT,     DENY,  DENY,      IN(10, 4)),                   /* ... others */
    ROW(0x8d, SCSI_TAPE,    SHORT,     WRITE, PASS,      OUT(10, 4)),                  /* WRITE ATTRIBUTE */
    ROW(0x8d, NOT_MMC & ~SCSI_TAPE, SHORT,     WRITE, DENY,      OUT(10, 4)),
    ROW(0x8e, SCSI_DISK,    MEDIA,     WRITE, PASS,      OUT(10, 4)),                  /* WRITE AND VERIFY(16) */
    ROW(0x8f, SCSI_DISK,    BULK,      PASS,  PASS,      FORM(0x06, 0x00), NONE),      /* VERIFY(16), BYTCHK 00b */
    ROW(0x8f, SCSI_DISK,    BULK,      PASS,  PASS,      FORM(0x02, 0x02), OUT(10, 4)), /* 01b, 11b */
    ROW(0x8f, SCSI_TAPE,    WIND,      PASS,  PASS,      FORM(0x02, 0x00), NONE),      /* VERIFY(16) without BYTCMP */
    ROW(0x8f, SCSI_TAPE,    WIND,      PASS,  PASS,      FORM(0x02, 0x02), OUT(12, 3)),
    ROW(0x90, SCSI_DISK,    MEDIA,     PASS,  PASS,      NONE),                        /* PRE-FETCH(16) */
    ROW(0x91, SCSI_DISK,    FLUSH,     PASS,  PASS,      NONE),                        /* SYNCHRONIZE CACHE(16) */
    ROW(0x91, SCSI_TAPE,    WIND,      PASS,  PASS,      OUT(12, 2)),                  /* SPACE(16) */
    ROW(0x92, SCSI_DISK,    MEDIA,     DENY,  DENY,      NONE),                        /* LOCK UNLOCK CACHE(16) */
    ROW(0x92, SCSI_TAPE,    WIND,      PASS,  PASS,      NONE),                        /* LOCATE(16) */
    ROW(0x93, SCSI_DISK,    BULK,      WRITE, PASS,      FORM(0x01, 0x00), OUT_ALWAYS), /* WRITE SAME(16), no NDOB */
    ROW(0x93, SCSI_DISK,    BULK,      WRITE, PASS,      FORM(0x01, 0x01), NONE),
    ROW(0x93, SCSI_TAPE,    FORMAT,    WRITE, PASS,      NONE),                        /* ERASE(16) */
    ROW(0x94, SCSI_DISK,    BULK,      WRITE, PASS,      NONE),                        /* ZBC OUT: open, reset, ... */
    ROW(0x95, SCSI_DISK,    MEDIA,     PASS,  PASS,      SA(0x00), IN(10, 4)),         /* REPORT ZONES */
    ROW(0x95, SCSI_DISK,    MEDIA,     PASS,  PASS,      FORM(0x1e, 0x06), IN(10, 4)), /* REPORT REALMS, ZONE DOMAINS */
    ROW(0x95, SCSI_DISK,    MEDIA,     PASS,  PASS,      SA(0x09), IN(10, 4)),         /* ZONE QUERY */
    ROW(0x95, SCSI_DISK,    MEDIA,     DENY,  DENY,      IN(10, 4)),                   /* ZONE ACTIVATE, others */
    ROW(0x9b, NOT_MMC,      SHORT,     PASS,  DENY,      FORM(0x1e, 0x02), IN(10, 4)), /* READ BUFFER(16): its data */
    ROW(0x9b, NOT_MMC,      SHORT,     PASS,  DENY,      FORM(0x1e, 0x0a), IN(10, 4)), /* ... its echo buffer */
    ROW(0x9b, NOT_MMC,      SHORT,     DENY,  DENY,      IN(10, 4)),                   /* ... vendor, error, expander */
    ROW(0x9c, SCSI_DISK,    MEDIA,     WRITE, PASS,      OUT(12, 2)),                  /* WRITE ATOMIC(16) */
    ROW(0x9e, SCSI_DISK,    MEDIA,     PASS,  PASS,      SA(0x10), IN(10, 4)),         /* READ CAPACITY(16) */
    ROW(0x9e, SCSI_DISK,    MEDIA,     PASS,  DENY,      SA(0x11), IN(12, 2)),         /* READ LONG(16) */
    ROW(0x9e, SCSI_DISK,    MEDIA,     PASS,  PASS,      SA(0x12), IN(10, 4)),         /* GET LBA STATUS */
    ROW(0x9e, SCSI_DISK,    MEDIA,     PASS,  PASS,      SA(0x13), IN(10, 4)),         /* REPORT REFERRALS */
    ROW(0x9e, SCSI_DISK,    MEDIA,     PASS,  PASS,      FORM(0x1e, 0x16), IN(10, 4)), /* ... STREAM, ELEMENT STATUS */
    ROW(0x9f, SCSI_DISK,    MEDIA,     WRITE, DENY,      SA(0x11), OUT(12, 2)),        /* WRITE LONG(16) */
    ROW(0xa0, SCSI_ALL,     SHORT,     PASS,  PASS,      IN(6, 4)),                    /* REPORT LUNS */
    ROW(0xa1, SCSI_MMC,     BURN,      WRITE, PASS,      NONE),                        /* BLANK */
    ROW(0xa1, SCSI_DISK,    MEDIA,     DENY,  ATA,       EITHER),                      /* ATA PASS-THROUGH(12) */
    ROW(0xa2, SCSI_TAPE,    MEDIA,     DENY,  PASS,      FORM(0xff, 0x00), IN(6, 4)),  /* SECURITY PROTOCOL IN: list */
    ROW(0xa2, SCSI_TAPE,    MEDIA,     DENY,  PASS,      FORM(0xff, 0x20), IN(6, 4)),  /* ... tape encryption: state */
    ROW(0xa2, SCSI_ALL,     MEDIA,     DENY,  DENY,      IN(6, 4)),                    /* ... others */
    ROW(0xa3, NOT_MMC,      SHORT,     PASS,  PASS,      SA(0x05), IN(6, 4)),          /* REPORT IDENTIFYING INFO */
    ROW(0xa3, NOT_MMC,      SHORT,     PASS,  PASS,      FORM(0x1e, 0x0a), IN(6, 4)),  /* ... PORT GROUPS, ALIASES */
    ROW(0xa3, NOT_MMC,      SHORT,     PASS,  PASS,      FORM(0x1c, 0x0c), IN(6, 4)),  /* ... OPCODES, TMFS, TIME */
    ROW(0xa3, NOT_MMC,      SHORT,     DENY,  DENY,      IN(6, 4)),                    /* other MAINTENANCE IN */
    ROW(0xa3, SCSI_MMC,     MEDIA,     DENY,  KEY,       OUT(8, 2)),                   /* SEND KEY */
    ROW(0xa4, NOT_MMC,      BULK,      DENY,  DENY,      OUT(6, 4)),                   /* MAINTENANCE OUT */
    ROW(0xa4, SCSI_MMC,     MEDIA,     DENY,  PASS,      IN(8, 2)),                    /* REPORT KEY */
    ROW(0xa5, SCSI_CHANGER, MOVE,      DENY,  ALONE,     NONE),                        /* MOVE MEDIUM */
    ROW(0xa5, SCSI_MMC,     MEDIA,     DENY,  PASS,      NONE),                        /* PLAY AUDIO(12) */
    ROW(0xa6, SCSI_CHANGER, MOVE,      DENY,  ALONE,     NONE),                        /* EXCHANGE MEDIUM */
    ROW(0xa6, SCSI_MMC,     LOAD,      DENY,  PASS,      NONE),                        /* LOAD/UNLOAD MEDIUM */
    ROW(0xa7, SCSI_TAPE,    MOVE,      DENY,  ALONE,     NONE),                        /* MOVE MEDIUM ATTACHED */
    ROW(0xa7, SCSI_MMC,     MEDIA,     DENY,  PASS,      NONE),                        /* SET READ AHEAD */
    ROW(0xa8, MEDIA,        MEDIA,     PASS,  PASS,      IN(6, 4)),                    /* READ(12) */
    ROW(0xaa, SCSI_DISK,    MEDIA,     WRITE, PASS,      OUT(6, 4)),                   /* WRITE(12) */
    ROW(0xaa, SCSI_MMC,     LASER,     WRITE, PASS,      OUT(6, 4)),
    ROW(0xab, SCSI_ALL,     SHORT,     PASS,  PASS,      SA(0x01), IN(6, 4)),          /* READ MEDIA SERIAL NUMBER */
    ROW(0xab, SCSI_ALL,     SHORT,     DENY,  DENY,      IN(6, 4)),                    /* other SERVICE ACTION IN(12) */
    ROW(0xac, SCSI_TYPE(PDT_OPTICAL), BULK,      WRITE, PASS,      NONE),              /* ERASE(12) */
    ROW(0xac, SCSI_MMC,     MEDIA,     PASS,  PASS,      IN_ALWAYS),                   /* GET PERFORMANCE: not bytes */
    ROW(0xad, SCSI_MMC,     MEDIA,     PASS,  PASS,      IN(8, 2)),                    /* READ DISC STRUCTURE */
    ROW(0xae, SCSI_DISK,    MEDIA,     WRITE, PASS,      OUT(6, 4)),                   /* WRITE AND VERIFY(12) */
    ROW(0xaf, MEDIA,        BULK,      PASS,  PASS,      FORM(0x06, 0x00), NONE),      /* VERIFY(12), BYTCHK 00b */
    ROW(0xaf, MEDIA,        BULK,      PASS,  PASS,      FORM(0x02, 0x02), OUT(6, 4)), /* 01b, 11b */
    ROW(0xb4, SCSI_TAPE,    INVENTORY, PASS,  PASS,      IN(7, 3)),                    /* READ ELEMENTS ATTACHED */
    ROW(0xb5, SCSI_CHANGER, MEDIA,     DENY,  ALONE,     IN(7, 3)),                    /* REQUEST VOLUME ADDRESS */
    ROW(0xb5, SCSI_ALL & ~SCSI_CHANGER, MEDIA,     DENY,  DENY,      OUT(6, 4)),       /* SECURITY PROTOCOL OUT */
    ROW(0xb6, SCSI_CHANGER, MEDIA,     DENY,  ALONE,     OUT(8, 2)),                   /* SEND VOLUME TAG */
    ROW(0xb6, SCSI_MMC,     MEDIA,     DENY,  PASS,      OUT(9, 2)),                   /* SET STREAMING */
    ROW(0xb7, SCSI_DISK,    MEDIA,     PASS,  PASS,      IN(6, 4)),                    /* READ DEFECT DATA(12) */
    ROW(0xb8, SCSI_CHANGER, INVENTORY, PASS,  PASS,      IN(7, 3)),                    /* READ ELEMENT STATUS */
    ROW(0xb9, SCSI_MMC,     MEDIA,     PASS,  PASS,      IN_UNSAID),                   /* READ CD MSF: none or fields */
    ROW(0xba, SCSI_MMC,     MEDIA,     DENY,  PASS,      NONE),                        /* SCAN */
    ROW(0xbb, SCSI_MMC,     MEDIA,     DENY,  PASS,      NONE),                        /* SET CD SPEED */
    ROW(0xbd, SCSI_MMC,     SHORT,     PASS,  PASS,      IN(8, 2)),                    /* MECHANISM STATUS */
    ROW(0xbe, SCSI_MMC,     MEDIA,     PASS,  PASS,      IN_UNSAID),                   /* READ CD: none, or fields */
    ROW(0xbf, SCSI_MMC,     MEDIA,     DENY,  PASS,      OUT(8, 2)),                   /* SEND DISC STRUCTURE */
};
/* clang-format on */
const unsigned cdb_table_len = sizeof(cdb_table) / sizeof(cdb_table[0]);

/* The index of the first row of this opcode, or of the next higher opcode. */
static unsigned first_row(uint8_t opcode)
{
    unsigned lo = 0, hi = cdb_table_len;

    while (lo < hi) {
        unsigned mid = lo + (hi - lo) / 2;

        if (cdb_table[mid].opcode < opcode)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

const struct cdb_row *cdb_find(const uint8_t *cdb, uint8_t type)
{
    for (unsigned i = first_row(cdb[0]); i < cdb_table_len && cdb_table[i].opcode == cdb[0]; i++) {
        const struct cdb_row *row = &cdb_table[i];

        if (scsi_type_in(type, row->types) && (cdb[1] & row->form_mask) == row->form)
            return row;
    }
    return NULL;
}

bool cdb_find_next(uint8_t opcode, uint8_t type, const struct cdb_row **row)
{
    unsigned i = *row ? (unsigned)(*row - cdb_table) + 1 : first_row(opcode);

    while (i < cdb_table_len && cdb_table[i].opcode == opcode && !scsi_type_in(type, cdb_table[i].types))
        i++;
    *row = &cdb_table[i];
    return i < cdb_table_len && cdb_table[i].opcode == opcode;
}

bool cdb_readonly_in_some_form(uint8_t opcode, uint8_t type)
{
    const struct cdb_row *row = NULL;

    while (cdb_find_next(opcode, type, &row))
        if (row->readonly == CDB_READONLY_PASS)
            return true;
    return false;
}

struct cdb_ata cdb_ata(const uint8_t *cdb)
{
    if (cdb[0] == OP_ATA_PASS_THROUGH_16)
        return (
            struct cdb_ata){ .command = cdb[14], .features = cdb[4], .low = cdb[8], .mid = cdb[10], .high = cdb[12] };
    return (struct cdb_ata){ .command = cdb[9], .features = cdb[3], .low = cdb[5], .mid = cdb[6], .high = cdb[7] };
}

bool scsi_may_run_twice(uint8_t opcode)
{
    /*
     * An allow list. Not here, though much of it would do no harm: what compares or combines with the medium (COMPARE
     * AND WRITE, ORWRITE, the XOR writes), reservations, what moves zones' write pointers, formats, firmware,
     * passwords, what is sent on to an ATA device or copied elsewhere, answers that are gone once they were read.
     */
    static const bool harmless[256] = {
        [0x00] = true, [0x03] = true, /* TEST UNIT READY, REQUEST SENSE */
        [0x08] = true, [0x0a] = true, /* READ(6), WRITE(6) */
        [0x0b] = true, [0x12] = true, /* SEEK(6), INQUIRY */
        [0x1a] = true, [0x1e] = true, /* MODE SENSE(6), PREVENT ALLOW MEDIUM REMOVAL */
        [0x25] = true, [0x28] = true, /* READ CAPACITY(10), READ(10) */
        [0x2a] = true, [0x2b] = true, /* WRITE(10), SEEK(10) */
        [0x2e] = true, [0x2f] = true, /* WRITE AND VERIFY(10), VERIFY(10) */
        [0x34] = true, [0x35] = true, /* PRE-FETCH(10), SYNCHRONIZE CACHE(10) */
        [0x37] = true, [0x41] = true, /* READ DEFECT DATA(10), WRITE SAME(10) */
        [0x42] = true, [0x4d] = true, /* UNMAP, LOG SENSE */
        [0x5a] = true, [0x5e] = true, /* MODE SENSE(10), PERSISTENT RESERVE IN */
        [0x88] = true, [0x8a] = true, /* READ(16), WRITE(16) */
        [0x8e] = true, [0x8f] = true, /* WRITE AND VERIFY(16), VERIFY(16) */
        [0x90] = true, [0x91] = true, /* PRE-FETCH(16), SYNCHRONIZE CACHE(16) */
        [0x93] = true, [0x95] = true, /* WRITE SAME(16), REPORT ZONES and the like */
        [0x9c] = true, [0x9e] = true, /* WRITE ATOMIC(16), READ CAPACITY(16) and the like */
        [0xa0] = true,                /* REPORT LUNS */
        [0xa3] = true, [0xa8] = true, /* REPORT TARGET PORT GROUPS and the like, READ(12) */
        [0xaa] = true, [0xae] = true, /* WRITE(12), WRITE AND VERIFY(12) */
        [0xaf] = true, [0xb7] = true, /* VERIFY(12), READ DEFECT DATA(12) */
    };

    return harmless[opcode];
}

uint8_t scsi_cdb_group_len(uint8_t opcode)
{
    static const uint8_t len[8] = { [0] = 6, [1] = 10, [2] = 10, [4] = 16, [5] = 12 };

    return len[opcode >> 5];
}
