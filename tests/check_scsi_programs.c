// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the programs of guests send, as docs/policy.md lists it: it passes the policy without a rule, except what the
 * page says is refused. Each CDB is as the program sends it; the page says for which programs that comes from their
 * sources. Lengths and addresses are examples.
 */
#include "config.h"

#include "check_scsi.h"

enum {
    DISK = 0x00,
    TAPE = 0x01,
    OPTICAL = 0x05,
    CHANGER = 0x08,
    ENCLOSURE = 0x0d,
    ZONED = 0x14
};

#define CDBS_MAX 48
static const struct program {
    const char *name;
    uint8_t type;
    const char *cdbs[CDBS_MAX];
} programs[] = {
    { "Linux sd",
      DISK,
      { "12 00 00 00 24 00",
        "12 01 00 00 ff 00",
        "12 01 b0 00 40 00",
        "00 00 00 00 00 00",
        "03 00 00 00 60 00",
        "a0 00 00 00 00 00 00 00 10 00 00 00",
        "25 00 00 00 00 00 00 00 00 00",
        "9e 10 00 00 00 00 00 00 00 00 00 00 00 20 00 00",
        "1a 08 3f 00 04 00",
        "1a 08 08 00 ff 00",
        "12 01 89 00 ff 00",
        "12 01 b1 00 40 00",
        "12 01 b2 00 40 00",
        "12 01 b7 00 40 00",
        "12 01 b9 20 40 00",
        "1a 08 0a 00 ff 00",
        "1a 08 0a 05 ff 00", /* I/O advice hints */
        "1a 08 0a f2 40 00", /* cdl_enable of an ATA disk */
        "5a 08 08 00 00 00 00 00 ff 00",
        "a3 0c 01 8a 00 00 00 00 02 00 00 00", /* REPORT SUPPORTED OPERATION CODES of one opcode */
        "a3 0c 03 7f 00 09 00 00 00 40 00 00", /* of READ(32) */
        "28 00 00 00 00 00 00 00 08 00",
        "2a 08 00 00 00 00 00 00 08 00", /* FUA */
        "88 00 00 00 00 00 00 00 00 00 00 00 00 08 00 00",
        "8a 00 00 00 00 00 00 00 00 00 00 00 00 08 00 00",
        "08 00 00 00 08 00",
        "0a 00 00 00 08 00",
        "35 00 00 00 00 00 00 00 00 00",
        "91 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00",
        "1b 00 00 00 01 00",
        "1b 01 00 00 01 00", /* at a disk that is not ready */
        "1b 00 00 00 00 00", /* manage_start_stop */
        "1e 00 00 00 01 00",
        "15 11 00 00 18 00", /* cache_type in sysfs */
        "9e 16 00 00 00 00 00 00 00 00 00 00 00 08 00 00",
        "9c 00 00 00 00 00 00 00 00 00 00 00 00 08 00 00",
        "5f 00 00 00 00 00 00 00 18 00",
        "5f 01 05 00 00 00 00 00 18 00",
        "5f 02 05 00 00 00 00 00 18 00",
        "5f 03 00 00 00 00 00 00 18 00",
        "5f 04 05 00 00 00 00 00 18 00",
        "5f 05 05 00 00 00 00 00 18 00",
        "5f 06 00 00 00 00 00 00 18 00",
        "5e 00 00 00 00 00 00 00 ff 00" } },
    { "eject", DISK, { "1e 00 00 00 00 00", "1b 00 00 00 01 00", "1b 00 00 00 02 00" } },
    { "Linux sd, zones",
      ZONED,
      { "95 00 00 00 00 00 00 00 00 00 00 00 10 00 00 00", "94 01 00 00 00 00 00 00 00 00 00 00 00 00 00 00",
        "94 02 00 00 00 00 00 00 00 00 00 00 00 00 00 00", "94 03 00 00 00 00 00 00 00 00 00 00 00 00 00 00",
        "94 04 00 00 00 00 00 00 00 00 00 00 00 00 01 00" } },
    { "fstrim, blkdiscard",
      DISK,
      { "42 00 00 00 00 00 00 00 18 00", "93 08 00 00 00 00 00 00 00 00 00 00 10 00 00 00",
        "41 08 00 00 00 00 00 00 10 00", "93 00 00 00 00 00 00 00 00 00 00 00 10 00 00 00" } },
    { "Windows disk",
      DISK,
      { "12 01 83 00 ff 00", "12 01 b1 00 ff 00", "12 01 b2 00 ff 00", "1a 00 1c 00 c0 00", "1a 00 08 00 c0 00",
        "15 10 00 00 20 00", "5a 00 3f 00 00 00 00 00 ff 00", "4d 00 6f 00 00 00 00 00 ff 00",
        "2f 00 00 00 00 00 00 00 08 00", "8f 00 00 00 00 00 00 00 00 00 00 00 00 08 00 00",
        "9e 12 00 00 00 00 00 00 00 00 00 00 10 00 00 00", "9e 17 00 00 00 00 00 00 00 00 00 00 10 00 00 00",
        "42 00 00 00 00 00 00 00 18 00", "1b 01 00 00 00 00", "5e 01 00 00 00 00 00 00 ff 00",
        "5f 01 03 00 00 00 00 00 18 00", "16 00 00 00 00 00", "17 00 00 00 00 00" } },
    { "udev: scsi_id, ata_id",
      DISK,
      { "12 00 00 00 24 00", "12 00 00 00 fe 00", "12 01 00 00 fe 00", "12 01 80 00 fe 00", "12 01 83 00 fe 00",
        "a1 08 2e 00 01 00 00 00 00 ec 00 00" } },
    { "udev: cdrom_id, ata_id",
      OPTICAL,
      { "12 00 00 00 24 00", "46 00 00 00 00 00 00 00 08 00", "46 00 00 00 00 00 00 ff fa 00",
        "51 00 00 00 00 00 00 00 02 00", "51 00 00 00 00 00 00 00 20 00", "43 00 00 00 00 00 01 00 0c 00",
        "43 00 01 00 00 00 00 00 0c 00", "ad 00 00 00 00 00 00 c0 00 08 00 00", "23 00 00 00 00 00 00 00 0c 00",
        "28 00 00 00 00 00 00 00 20 00", "1e 00 00 00 01 00", "1b 00 00 00 02 00",
        "85 08 2e 00 00 00 01 00 00 00 00 00 00 00 a1 00" } },
    { "smartctl",
      DISK,
      { "12 00 00 00 24 00",
        "12 01 80 00 fc 00",
        "00 00 00 00 00 00",
        "1a 00 1c 00 40 00",
        "5a 00 1c 00 00 00 00 00 40 00",
        "4d 00 40 00 00 00 00 00 04 00",
        "4d 00 6f 00 00 00 00 00 fc 00",
        "4d 00 50 00 00 00 00 00 fc 00",
        "4d 00 4d 00 00 00 00 00 fc 00",
        "37 00 08 00 00 00 00 00 08 00",
        "b7 08 00 00 00 00 00 00 00 08 00 00",
        "a3 0c 80 00 00 00 00 00 40 00 00 00",
        "1d 20 00 00 00 00",
        "1d 40 00 00 00 00",
        "1d 80 00 00 00 00",
        "1d 04 00 00 00 00",
        "1c 01 00 00 ff 00",
        "12 01 83 00 fc 00",
        "03 00 00 00 12 00",
        "25 00 00 00 00 00 00 00 00 00",
        "9e 10 00 00 00 00 00 00 00 00 00 00 00 20 00 00",
        "1b 00 00 00 01 00",
        "1b 00 00 00 30 00",
        "a3 0c 03 9e 00 10 00 00 00 40 00 00" } },
    { "smartctl, hdparm -I and -C: ATA",
      DISK,
      { "85 08 0e 00 00 00 01 00 00 00 00 00 00 00 ec 00", "85 06 2c 00 00 00 00 00 00 00 00 00 00 00 e5 00",
        "85 08 0e 00 d0 00 01 00 00 00 4f 00 c2 00 b0 00", "85 08 0e 00 d1 00 01 00 01 00 4f 00 c2 00 b0 00",
        "85 08 0e 00 d5 00 01 00 01 00 4f 00 c2 00 b0 00", "85 06 2c 00 da 00 00 00 00 00 4f 00 c2 00 b0 00",
        "85 09 0e 00 00 00 01 00 00 00 00 00 00 00 2f 00", "85 06 20 00 00 00 00 00 00 00 00 00 00 00 e5 00" } },
    { "sedutil",
      DISK,
      { "12 00 00 00 60 00", "a1 08 0e 00 01 00 00 00 00 ec 00 00", "a1 08 0e 00 04 00 00 00 00 ec 00 00" } },
    { "sg_persist, mpathpersist",
      DISK,
      { "12 00 00 00 24 00", "5e 00 00 00 00 00 00 20 00 00", "5e 01 00 00 00 00 00 20 00 00",
        "5e 02 00 00 00 00 00 20 00 00", "5e 03 00 00 00 00 00 20 00 00", "5f 00 00 00 00 00 00 00 18 00",
        "5f 01 05 00 00 00 00 00 18 00", "5f 02 05 00 00 00 00 00 18 00", "5f 04 05 00 00 00 00 00 18 00",
        "5f 03 00 00 00 00 00 00 18 00", "5f 05 05 00 00 00 00 00 18 00", "5f 06 00 00 00 00 00 00 18 00" } },
    { "multipath",
      DISK,
      { "00 00 00 00 00 00",                                                          /* tur */
        "28 00 00 00 00 00 00 00 08 00",                                              /* directio, readsector0 */
        "12 01 c9 00 30 00", "12 01 c0 00 80 00",                                     /* rdac, emc_clariion */
        "12 01 c1 00 80 00", "12 00 00 00 ff 00",                                     /* ontap, datacore */
        "12 01 e0 00 ff 00", "12 01 83 00 fe 00",                                     /* hds, WWIDs */
        "a3 0a 00 00 00 00 00 00 00 80 00 00", "a3 2a 00 00 00 00 00 00 00 80 00 00", /* alua */
        "1a 08 2c 00 ff 00", "1b 00 00 00 01 00" } }, /* the kernel's handlers rdac (reading), hp_sw */
    { "multipath: the kernel's handler rdac",
      DISK,
      { "12 01 c8 00 ac 00", "12 01 c4 00 58 00", "12 01 c9 00 30 00", "12 01 c2 00 50 00" } },
    { "sg3_utils",
      DISK,
      { "a3 0c 80 00 00 00 00 00 20 00 00 00", "a3 0d 80 00 00 00 00 00 10 00 00 00",
        "a3 05 00 00 00 00 00 02 00 00 00 00", "a3 0f 00 00 00 00 00 00 0c 00 00 00",
        "9e 12 00 00 00 00 00 00 00 00 00 00 00 18 00 00", "89 00 00 00 00 00 00 00 00 00 00 00 00 01 00 00",
        "8b 00 00 00 00 00 00 00 00 00 00 00 00 01 00 00", "af 00 00 00 00 00 00 00 00 08 00 00",
        "34 00 00 00 00 00 00 00 08 00", "9e 13 00 00 00 00 00 00 00 00 00 00 01 00 00 00",
        "9e 17 00 00 00 00 00 00 00 00 00 00 10 00 00 00", "42 00 00 00 00 00 00 00 18 00",
        "ab 01 00 00 00 00 00 00 00 20 00 00", "37 00 08 00 00 00 00 00 08 00", "1d 20 00 00 00 00" } },
    { "sg_ses", ENCLOSURE, { "12 00 00 00 24 00", "1c 01 00 ff fc 00", "1c 01 01 ff fc 00", "1c 01 02 ff fc 00" } },
    { "Linux ses", ENCLOSURE, { "1c 01 01 00 20 00", "1c 01 02 00 20 00", "1c 01 07 00 20 00", "1c 01 0a 00 20 00" } },
    { "Linux st, mt",
      TAPE,
      { "12 00 00 00 24 00",
        "00 00 00 00 00 00",
        "03 00 00 00 60 00",
        "05 00 00 00 00 00",
        "1a 00 00 00 0c 00",
        "15 10 00 00 0c 00",
        "1a 00 0f 00 1c 00",
        "15 10 00 00 1c 00",
        "08 00 00 28 00 00",
        "0a 00 00 28 00 00",
        "10 00 00 00 01 00",
        "11 01 00 00 01 00",
        "11 03 00 00 00 00",
        "01 00 00 00 00 00",
        "19 01 00 00 00 00",
        "1b 00 00 00 01 00",
        "1b 00 00 00 00 00",
        "1b 00 00 00 03 00",
        "1e 00 00 00 01 00",
        "2b 00 00 00 00 00 01 00 00 00",
        "2b 02 00 00 00 00 00 00 01 00",
        "34 00 00 00 00 00 00 00 00 00",
        "34 01 00 00 00 00 00 00 00 00",
        "10 02 00 00 01 00",
        "11 04 00 00 01 00",
        "1a 00 11 00 40 00",
        "04 00 01 00 00 00" } },
    { "scsitape of mtx",
      TAPE,
      { "12 00 00 00 38 00", "1b 00 00 00 03 00", "2b 00 00 00 00 00 01 00 00 00", "15 10 00 00 0c 00",
        "08 00 02 00 00 00", "0a 01 00 00 01 00", "19 00 00 00 00 00" } },
    { "Windows tape",
      TAPE,
      { "12 00 00 00 24 00", "05 00 00 00 00 00", "1a 00 10 00 20 00", "15 10 00 00 20 00", "08 01 00 00 20 00",
        "0a 01 00 00 20 00", "11 04 00 00 01 00", "13 00 00 00 00 00", "2b 00 00 00 00 00 00 00 00 00",
        "34 01 00 00 00 00 00 00 00 00", "4d 00 6e 00 00 00 00 00 ff 00", "1b 00 00 00 02 00", "16 00 00 00 00 00",
        "44 00 00 00 00 00 00 10 00 00", "17 00 00 00 00 00" } },
    { "LTFS: drive",
      TAPE,
      { "12 00 00 00 38 00",
        "12 01 80 00 ff 00",
        "00 00 00 00 00 00",
        "03 00 00 00 60 00",
        "05 00 00 00 00 00",
        "08 02 10 00 00 00", /* SILI */
        "0a 00 08 00 00 00",
        "10 00 00 00 01 00",
        "10 01 00 00 00 00",
        "01 00 00 00 00 00",
        "91 01 00 00 00 00 00 00 00 01 00 00 00 00 00 00",
        "92 02 00 01 00 00 00 00 00 00 00 05 00 00 00 00",
        "19 00 00 00 00 00",
        "19 03 00 00 00 00",
        "1b 00 00 00 01 00",
        "1b 00 00 00 00 00",
        "1e 00 00 00 01 00",
        "34 06 00 00 00 00 00 00 00 00",
        "34 08 00 00 00 00 00 00 20 00",
        "55 10 00 00 00 00 00 00 20 00",
        "5a 00 11 00 00 00 00 00 40 00",
        "5a 00 0a f0 00 00 00 00 30 00",
        "04 00 01 00 00 00",
        "82 00 01 00 00 00 00 00 00 00 00 05 00 00 00 00",
        "0b 00 00 ff ff 00",
        "4d 00 6e 00 00 00 00 ff ff 00",
        "4d 00 57 00 00 00 00 ff ff 00",
        "4d 00 77 64 00 00 00 ff ff 00",
        "8c 00 00 00 00 00 00 00 04 00 00 00 00 64 00 00",
        "8d 01 00 00 00 00 00 00 00 00 00 00 00 64 00 00",
        "5e 03 00 00 00 00 00 01 00 00",
        "5f 01 03 00 00 00 00 00 18 00",
        "5f 02 03 00 00 00 00 00 18 00",
        "5f 05 03 00 00 00 00 00 18 00",
        "5f 06 00 00 00 00 00 00 18 00",
        "a3 0c 80 00 00 00 00 00 40 00 00 00",
        "a2 20 00 21 00 00 00 00 00 04 00 00" } },
    { "Bacula, Bareos: tapealert, tapeinfo",
      TAPE,
      { "4d 00 6e 00 00 00 00 08 00 00", "4d 00 40 00 00 00 00 00 ff 00", "4d 00 4c 00 00 00 00 00 ff 00",
        "1a 00 0f 00 88 00", "34 00 00 00 00 00 00 00 00 00", "05 00 00 00 00 00", "12 01 80 00 ff 00",
        "a2 20 00 20 00 00 00 00 20 00 00 00", "a2 20 00 21 00 00 00 00 20 00 00 00" } },
    { "mtx, loaderinfo",
      CHANGER,
      { "12 00 00 00 24 00", "12 01 80 00 ff 00", "00 00 00 00 00 00", "1a 08 1d 00 88 00", "1a 08 1f 00 88 00",
        "1a 08 1e 00 88 00", "b8 10 00 00 ff ff 00 01 00 00 00 00", "a5 00 00 00 10 00 00 01 00 00 00 00",
        "a6 00 00 00 10 00 00 01 00 02 00 00", "07 00 00 00 00 00", "37 01 10 00 00 00 00 08 00 00",
        "2b 00 00 00 10 00 00 00 00 00", "1b 00 00 00 00 00", "1e 00 00 00 01 00" } },
    { "mtx: a changer attached to a tape drive",
      TAPE,
      { "12 00 00 00 38 00", "1a 00 1d 00 88 00", "b4 10 00 00 00 20 00 00 40 00 00 00",
        "a7 00 00 00 10 00 00 01 00 00 00 00" } },
    { "Linux ch",
      CHANGER,
      { "1a 00 1d 00 ff 00", "1a 08 1d 00 ff 00", "b8 12 10 00 00 01 00 00 00 ff 00 00", "07 00 00 00 00 00",
        "2b 00 00 00 10 00 00 00 01 00", "a5 00 00 00 10 00 00 01 00 00 01 00", "a6 00 00 00 10 00 00 01 00 02 03 00",
        "b6 02 10 00 00 0a 00 00 00 ff 00 00" } },
    { "Windows changer",
      CHANGER,
      { "12 01 80 00 ff 00", "1a 00 3f 00 ff 00", "b8 10 00 00 00 20 00 00 40 00 00 00",
        "b6 00 00 00 05 00 00 00 00 28 00 00", "b5 11 00 00 00 20 00 00 40 00 00 00", "16 00 00 00 00 00",
        "17 00 00 00 00 00" } },
    { "Linux sr, Windows cdrom",
      OPTICAL,
      { "12 00 00 00 24 00",
        "4a 01 00 00 10 00 00 00 08 00",
        "46 02 00 1e 00 00 00 00 20 00",
        "5a 00 2a 00 00 00 00 00 80 00",
        "1a 00 2a 00 80 00",
        "25 00 00 00 00 00 00 00 00 00",
        "43 02 00 00 00 00 00 00 0c 00",
        "42 02 40 01 00 00 00 00 10 00",
        "28 00 00 00 00 00 00 00 10 00",
        "a8 00 00 00 00 00 00 00 00 10 00 00",
        "be 00 00 00 00 00 00 00 01 f8 00 00",
        "b9 00 00 00 02 00 00 03 00 f8 00 00",
        "1b 00 00 00 02 00",
        "1e 00 00 00 01 00",
        "bd 00 00 00 00 00 00 00 00 08 00 00",
        "ad 00 00 00 00 00 00 00 08 04 00 00",
        "a4 00 00 00 00 00 00 00 00 08 08 00",
        "a3 00 00 00 00 00 00 00 00 10 01 00",
        "bb 00 ff ff 00 00 00 00 00 00 00 00",
        "b6 00 00 00 00 00 00 00 00 00 1c 00",
        "ac 00 00 00 00 00 00 00 00 01 03 00",
        "45 00 00 00 00 00 00 00 10 00",
        "47 00 00 00 02 00 00 04 00 00",
        "4b 00 00 00 00 00 00 00 01 00",
        "4e 00 00 00 00 00 00 00 00 00",
        "55 10 00 00 00 00 00 00 10 00",
        "15 10 00 00 0c 00",
        "44 00 00 00 00 10 00 00 08 00" } },
    { "xorriso, cdrecord, growisofs",
      OPTICAL,
      { "12 00 00 00 24 00",
        "5a 00 05 00 00 00 00 00 3c 00",
        "55 10 00 00 00 00 00 00 3c 00",
        "15 10 00 00 3c 00",
        "a1 01 00 00 00 00 00 00 00 00 00 00",
        "54 01 00 00 00 00 00 00 00 00",
        "bb 00 0b 09 15 a1 00 00 00 00 00 00",
        "2a 00 00 00 00 00 00 00 10 00",
        "aa 00 00 00 00 00 00 00 00 10 80 00",
        "35 00 00 00 00 00 00 00 00 00",
        "5b 00 02 00 00 00 00 00 00 00",
        "53 00 00 00 00 00 00 10 00 00",
        "5d 00 00 00 00 00 00 00 28 00",
        "5c 00 00 00 00 00 00 00 0c 00",
        "23 00 00 00 00 00 00 00 fc 00",
        "04 11 00 00 00 00",
        "58 00 00 00 00 01 00 00 00 00",
        "52 01 00 00 00 01 00 00 1c 00",
        "51 00 00 00 00 00 00 00 22 00",
        "bf 00 00 00 00 00 00 04 00 14 00 00",
        "b6 00 00 00 00 00 00 00 00 00 1c 00",
        "ac 10 00 00 00 00 00 00 00 01 00 00",
        "46 02 00 00 00 00 00 00 08 00",
        "2e 00 00 00 00 00 00 00 10 00",
        "1b 01 00 00 02 00",
        "2b 00 00 00 00 00 00 00 00 00",
        "4d 00 40 00 00 00 00 00 04 00" } },
    { "xorriso: libburn",
      OPTICAL,
      { "03 00 00 00 12 00", "1e 00 00 00 01 00", "5a 00 01 00 00 00 00 00 0c 00", "55 10 00 00 00 00 00 00 14 00",
        "43 00 01 00 00 00 00 00 10 00", "43 02 02 00 00 00 00 00 10 00", "43 02 04 00 00 00 00 00 10 00",
        "43 02 05 00 00 00 00 00 04 00", "be 00 00 00 00 00 00 00 10 f8 00 00", "b9 00 00 00 02 00 00 02 10 f8 00 00",
        "4a 01 00 00 7e 00 00 00 08 00", "5b 01 01 00 00 01 00 00 00 00", "53 00 00 00 00 00 00 10 00 00",
        "ac 00 00 00 00 00 00 00 00 20 03 00", "ad 01 00 00 00 00 00 00 10 00 00 00", "28 00 00 00 00 00 00 00 10 00",
        "25 00 00 00 00 00 00 00 00 00", "1b 00 00 00 01 00" } },
    { "wodim",
      OPTICAL,
      { "a6 00 00 00 03 00 00 00 00 00 00 00", "42 02 40 01 00 00 00 00 10 00", "5a 00 3f 00 00 00 00 00 08 00",
        "04 11 00 00 00 00", "a1 10 00 00 00 00 00 00 00 00 00 00", "54 00 00 00 00 00 00 00 08 00",
        "5b 01 01 00 00 ff 00 00 00 00", "44 00 00 00 00 10 00 00 08 00", "b6 00 00 00 00 00 00 00 00 00 1c 00",
        "35 02 00 00 00 00 00 00 00 00", "bb 00 0b 09 15 a1 00 00 00 00 00 00",
        "bf 00 00 00 00 00 00 04 00 14 00 00" } },
};
#define N_PROGRAMS (sizeof(programs) / sizeof(programs[0]))

START_TEST(everything_that_it_sends_passes)
{
    const struct program *p = &programs[_i];
    struct scsi_lun_facts f = { .type = p->type, .pr = SCSI_PR_DIRECT, .max_transfer = 1 << 20, .block_size = 512 };
    unsigned n = 0;

    for (; n < CDBS_MAX && p->cdbs[n]; n++) {
        uint8_t cdb[SCSI_CDB_MAX];

        cdb_of(p->cdbs[n], cdb);
        must(scsi_policy_verdict(&f, cdb) == SCSI_ALLOWED, "%s: %s is refused", p->name, p->cdbs[n]);
    }
    ck_assert_uint_gt(n, 2);
}
END_TEST

/* What docs/policy.md says is refused of what they send, and the option that it names for it. */
static const struct {
    const char *name;
    uint8_t type;
    const char *allow, *cdb;
} refusals[] = {
    { "smartctl -t of an ATA disk", DISK, "85", "85 06 2c 00 d4 00 00 00 01 00 4f 00 c2 00 b0 00" },
    { "smartctl -s on of an ATA disk", DISK, "85", "85 06 2c 00 d8 00 00 00 00 00 4f 00 c2 00 b0 00" },
    { "smartctl -l scttemp", DISK, "85", "85 0a 06 00 d6 00 01 00 e0 00 4f 00 c2 00 b0 00" },
    { "hdparm -W", DISK, "85", "85 06 20 00 02 00 00 00 00 00 00 00 00 40 ef 00" },
    { "multipath: explicit ALUA", DISK, "a4/0a", "a4 0a 00 00 00 00 00 00 00 08 00 00" },
    { "multipath: ontap", DISK, "c0", "c0 00 01 0a 98 0a 41 80 00 00" },
    { "hdparm -N", DISK, "85", "85 07 20 00 00 00 00 00 00 00 00 00 00 40 27 00" },
    { "LTFS: SECURITY PROTOCOL OUT", TAPE, "b5/20", "b5 20 00 10 00 00 00 00 00 34 00 00" },
    { "LTFS: READ BUFFER of a dump", TAPE, "3c+1d", "3c 02 01 00 00 00 00 10 00 00" },
    { "LTFS: SEND DIAGNOSTIC of a dump", TAPE, "3c+1d", "1d 10 00 00 08 00" },
    { "Bacula: scsicrypto", TAPE, "b5/20", "b5 20 00 10 00 00 00 00 00 34 00 00" },
    { "cdrecord: READ BUFFER", OPTICAL, "3c", "3c 00 00 00 00 00 00 00 04 00" },
    { "firmware", DISK, "3b", "3b 05 00 00 00 00 00 10 00 00" },
    { "sedutil", DISK, "a2+b5", "a2 01 00 01 00 00 00 00 02 00 00 00" },
    { "sedutil", DISK, "a2+b5", "b5 01 07 fe 00 00 00 00 02 00 00 00" },
    { "sedutil: TRUSTED RECEIVE of an ATA disk", DISK, "a1", "a1 08 0e 01 04 00 01 00 00 5c 00 00" },
    { "sedutil: TRUSTED SEND of an ATA disk", DISK, "a1", "a1 0a 06 01 04 00 fe 07 00 5e 00 00" },
    { "mtx: an NSM jukebox", CHANGER, "1d", "1d 10 00 00 40 00" },
    { "Linux st: REQUEST BLOCK of SCSI-1", TAPE, "02", "02 00 00 00 03 00" },
    { "Linux st: SEEK BLOCK of SCSI-1", TAPE, "0c", "0c 00 00 10 00 00" },
    { "Linux sr: sessions on a drive of NEC", OPTICAL, "de", "de 03 b0 00 00 00 00 00 00 00" },
    { "Linux sr: sessions on a drive of Toshiba", OPTICAL, "c7", "c7 03 00 00 00 00 00 00 00 00" },
    { "wodim: old drives of Philips", OPTICAL, "e5", "e5 00 00 00 00 01 00 00 0e 00" },
    { "sg_logs --reset", DISK, "4c", "4c 02 c0 00 00 00 00 00 00 00" },
    { "sg_ses: an element of an enclosure", ENCLOSURE, "1d", "1d 10 00 00 40 00" },
    { "sg_sanitize", DISK, "48", "48 03 00 00 00 00 00 00 08 00" },
    { "sg_reassign", DISK, "07", "07 00 00 00 00 00" },
};

START_TEST(what_is_refused_passes_with_the_option_of_the_page)
{
    struct scsi_lun_facts f = { .type = refusals[_i].type, .pr = SCSI_PR_DIRECT, .block_size = 512 };
    char why[SCSI_RULES_WHY_MAX];
    uint8_t cdb[SCSI_CDB_MAX];
    int n;

    cdb_of(refusals[_i].cdb, cdb);
    must(scsi_policy_verdict(&f, cdb) != SCSI_ALLOWED, "%s is allowed", refusals[_i].name);
    n = scsi_rules_parse(refusals[_i].allow, false, f.rules.rule, why);
    ck_assert_int_gt(n, 0);
    f.rules.n = (uint32_t)n;
    must(scsi_policy_verdict(&f, cdb) == SCSI_ALLOWED, "%s with allow=%s", refusals[_i].name, refusals[_i].allow);
}
END_TEST

/*
 * MODE SELECT of a disk: its CDB passes, and the parameter list decides. The pages are those that the programs send;
 * what is in them does not matter, and rdac's is shortened.
 */
#define TEN_ZEROS "00 00 00 00 00 00 00 00 00 00 "
static const struct {
    const char *name, *cdb, *data;
    bool pass;
} mode_selects[] = {
    { "Linux sd: cache_type", "15 11 00 00 18 00", "00 00 00 00 08 12 04 00 " TEN_ZEROS "00 00 00 00 00 00", true },
    { "Windows: the cache", "15 11 00 00 20 00",
      "00 00 00 08 00 00 00 00 00 00 02 00 08 12 04 00 " TEN_ZEROS "00 00 00 00 00 00", true },
    { "smartctl -s wcache", "15 11 00 00 20 00",
      "00 00 00 08 3a 38 60 30 00 00 02 00 08 12 04 00 " TEN_ZEROS "00 00 00 00 00 00", false },
    { "smartctl -s on", "15 11 00 00 10 00", "00 00 00 00 1c 0a 10 06 00 00 00 00 00 00 00 01", false },
    { "smartctl -S", "55 11 00 00 00 00 00 00 14 00", "00 00 00 00 00 00 00 00 0a 0a " TEN_ZEROS, false },
    { "Windows: failure prediction", "15 11 00 00 18 00",
      "00 00 00 08 00 00 00 00 00 00 02 00 1c 0a 10 06 00 00 00 00 00 00 00 01", false },
    { "Linux sd: cdl_enable", "55 10 00 00 00 00 00 00 18 00", "00 00 00 00 00 00 00 00 4a f2 00 0c 02 00 " TEN_ZEROS,
      false },
    { "multipath: emc, short", "15 10 00 00 08 00", "00 00 00 00 22 02 81 ff", false },
    { "multipath: emc, long", "55 10 00 00 00 00 00 00 13 00",
      "00 00 00 00 00 00 00 00 22 09 80 00 00 00 00 00 00 00 00", false },
    { "multipath: rdac", "55 00 00 00 00 00 00 00 0e 00", "00 00 00 00 00 00 00 00 2c 04 00 00 00 00", false },
    { "multipath: rdac, more than 32 LUNs", "55 00 00 00 00 00 00 00 10 00",
      "00 00 00 00 00 00 00 00 6c 01 00 04 00 00 00 00", false },
};

START_TEST(a_mode_select_passes_by_its_page)
{
    struct scsi_lun_facts f = { .type = DISK, .block_size = 512 };
    char why[SCSI_RULES_WHY_MAX];
    uint8_t cdb[SCSI_CDB_MAX], data[64];
    unsigned len = unhex(mode_selects[_i].data, data, sizeof(data));
    struct scsi_sense sense;
    bool pass;

    cdb_of(mode_selects[_i].cdb, cdb);
    ck_assert_uint_eq(len, cdb[0] == 0x15 ? cdb[4] : cdb[8]);
    must(scsi_policy_verdict(&f, cdb) == SCSI_ALLOWED, "%s: the CDB is refused", mode_selects[_i].name);
    ck_assert(scsi_policy_checks_parameters(&f, cdb));
    pass = scsi_check_parameters(&f, cdb, data, len, &sense);
    must(pass == mode_selects[_i].pass, "%s %s", mode_selects[_i].name, pass ? "passes" : "is refused");
    if (!pass) {
        ck_assert_uint_eq(sense.key, 0x05);
        ck_assert_uint_eq(sense.asc, 0x26);
    }
    f.rules.n = (uint32_t)scsi_rules_parse("15+55", false, f.rules.rule, why);
    ck_assert_uint_eq(f.rules.n, 2);
    ck_assert(!scsi_policy_checks_parameters(&f, cdb));
}
END_TEST

/* The row of docs/policy.md: two guests move media. */
static const struct {
    uint8_t type;
    const char *allow, *cdb;
} moves[] = {
    { CHANGER, "a5+a6+07", "a5 00 00 00 10 00 00 01 00 00 00 00" },
    { CHANGER, "a5+a6+07", "a6 00 00 00 10 00 00 01 00 02 00 00" },
    { CHANGER, "a5+a6+07", "07 00 00 00 00 00" },
    { TAPE, "a7", "a7 00 00 00 10 00 00 01 00 00 00 00" },
};

START_TEST(a_shared_changer_moves_media_with_its_option)
{
    struct scsi_lun_facts f = { .type = moves[_i].type, .shared = true };
    char why[SCSI_RULES_WHY_MAX];
    uint8_t cdb[SCSI_CDB_MAX];

    cdb_of(moves[_i].cdb, cdb);
    must(scsi_policy_verdict(&f, cdb) != SCSI_ALLOWED, "%s is allowed", moves[_i].cdb);
    f.rules.n = (uint32_t)scsi_rules_parse(moves[_i].allow, false, f.rules.rule, why);
    must(scsi_policy_verdict(&f, cdb) == SCSI_ALLOWED, "%s is refused", moves[_i].cdb);
}
END_TEST

/* With the LUN shared by two guests a disk's reads and writes go on; what would disturb the other one does not. */
START_TEST(a_shared_disk_is_read_and_written)
{
    static const char *const pass[] = { "28 00 00 00 00 00 00 00 08 00",
                                        "2a 00 00 00 00 00 00 00 08 00",
                                        "35 00 00 00 00 00 00 00 00 00",
                                        "42 00 00 00 00 00 00 00 18 00",
                                        "1b 00 00 00 01 00",
                                        "15 11 00 00 18 00" };
    static const char *const refused[] = { "04 10 00 00 00 00", "1b 00 00 00 00 00", "1d a0 00 00 00 00" };
    struct scsi_lun_facts f = { .type = DISK, .shared = true, .max_transfer = 1 << 20 };
    uint8_t cdb[SCSI_CDB_MAX];

    for (unsigned i = 0; i < sizeof(pass) / sizeof(pass[0]); i++) {
        cdb_of(pass[i], cdb);
        must(scsi_policy_verdict(&f, cdb) == SCSI_ALLOWED, "%s is refused", pass[i]);
    }
    for (unsigned i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        cdb_of(refused[i], cdb);
        must(scsi_policy_verdict(&f, cdb) != SCSI_ALLOWED, "%s is allowed", refused[i]);
    }
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, everything_that_it_sends_passes, 0, N_PROGRAMS);
    tcase_add_loop_test(tc, what_is_refused_passes_with_the_option_of_the_page, 0,
                        sizeof(refusals) / sizeof(refusals[0]));
    tcase_add_loop_test(tc, a_mode_select_passes_by_its_page, 0, sizeof(mode_selects) / sizeof(mode_selects[0]));
    tcase_add_loop_test(tc, a_shared_changer_moves_media_with_its_option, 0, sizeof(moves) / sizeof(moves[0]));
    tcase_add_test(tc, a_shared_disk_is_read_and_written);
}

int main(void)
{
    return run_tests("scsi-programs", NULL, NULL, add_tests);
}
