/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The numbers of zip archives, for who writes and who reads them.
 * Source: PKWARE, APPNOTE.TXT 6.3.10, sections 4.3 to 4.5.
 */
#ifndef REPORTS_ZIP_FORMAT_H
#define REPORTS_ZIP_FORMAT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ZIP_LOCAL_SIGNATURE 0x04034b50U
#define ZIP_CENTRAL_SIGNATURE 0x02014b50U
#define ZIP_END_SIGNATURE 0x06054b50U
#define ZIP64_END_SIGNATURE 0x06064b50U
#define ZIP64_LOCATOR_SIGNATURE 0x07064b50U

#define ZIP_LOCAL_BYTES 30
#define ZIP_CENTRAL_BYTES 46
#define ZIP_END_BYTES 22
#define ZIP64_END_BYTES 56
#define ZIP64_LOCATOR_BYTES 20

#define ZIP64_EXTRA 0x0001U
/** Both sizes, in a local header. */
#define ZIP64_LOCAL_EXTRA_BYTES 20
/** In the place of a number that only the ZIP64 field can hold. */
#define ZIP_IN_ZIP64 0xFFFFFFFFU
#define ZIP_COUNT_IN_ZIP64 0xFFFFU

#define ZIP_STORED 0
#define ZIP_DEFLATED 8

#define ZIP_VERSION 20 /* needed to extract deflate */
#define ZIP64_VERSION 45

/** The longest name of a member here. */
#define ZIP_NAME_MAX 127

/** A member. */
struct zip_entry {
    char name[ZIP_NAME_MAX + 1];
    uint64_t offset;       /**< of its local header, from the beginning of the archive */
    uint64_t packed, size; /**< bytes */
    uint32_t crc;
    uint16_t method;
};

static inline uint16_t zip_get16(const unsigned char *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static inline uint32_t zip_get32(const unsigned char *at)
{
    return (uint32_t)zip_get16(at) | (uint32_t)zip_get16(at + 2) << 16;
}

static inline uint64_t zip_get64(const unsigned char *at)
{
    return (uint64_t)zip_get32(at) | (uint64_t)zip_get32(at + 4) << 32;
}

static inline unsigned char *zip_put16(unsigned char *at, unsigned value)
{
    at[0] = (unsigned char)value;
    at[1] = (unsigned char)(value >> 8);
    return at + 2;
}

static inline unsigned char *zip_put32(unsigned char *at, uint32_t value)
{
    return zip_put16(zip_put16(at, value & 0xFFFF), value >> 16);
}

static inline unsigned char *zip_put64(unsigned char *at, uint64_t value)
{
    return zip_put32(zip_put32(at, (uint32_t)value), (uint32_t)(value >> 32));
}

#endif
