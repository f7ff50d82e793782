/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Big-endian fields in CDBs and pages, at any alignment. The functions of sg_unaligned.h are not used, because they
 * shift into the sign bit, which UBSan reports.
 */
#ifndef PVSCSI_SCSI_BYTES_H
#define PVSCSI_SCSI_BYTES_H

#include <stdint.h>

/* size: 1..8 bytes. */
static inline uint64_t get_be(const uint8_t *p, unsigned size)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < size; i++)
        v = v << 8 | p[i];
    return v;
}

static inline void put_be(uint8_t *p, unsigned size, uint64_t v)
{
    for (unsigned i = size; i-- > 0; v >>= 8)
        p[i] = (uint8_t)v;
}

static inline uint16_t get_be16(const uint8_t *p)
{
    return (uint16_t)get_be(p, 2);
}
static inline uint32_t get_be24(const uint8_t *p)
{
    return (uint32_t)get_be(p, 3);
}
static inline uint32_t get_be32(const uint8_t *p)
{
    return (uint32_t)get_be(p, 4);
}
static inline uint64_t get_be64(const uint8_t *p)
{
    return get_be(p, 8);
}
static inline void put_be16(uint8_t *p, uint16_t v)
{
    put_be(p, 2, v);
}
static inline void put_be24(uint8_t *p, uint32_t v)
{
    put_be(p, 3, v);
}
static inline void put_be32(uint8_t *p, uint32_t v)
{
    put_be(p, 4, v);
}
static inline void put_be64(uint8_t *p, uint64_t v)
{
    put_be(p, 8, v);
}

static inline uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

#endif
