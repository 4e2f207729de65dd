/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nothing is written twice and nothing is kept beside the file: what is known late gets room when
 * its turn comes and is set in later. No data descriptors: every local header tells its sizes.
 */
#include "zip_write.h"

#include "writer.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>
#include <zlib.h>

/** More members than any workbook of ours has. */
#define MEMBERS_MAX 1024
/** 1980-01-01, the first day a zip archive knows: the same rows make the same bytes. */
#define NO_DATE 0x00210000U

struct member {
    struct zip_entry entry;
    uint64_t data;   /**< where its content begins */
    bool has_room64; /**< its header has room for the field of ZIP64 */
};

struct zip_writer {
    int fd;
    int64_t base;
    uint64_t at;
    size_t count;
    struct member *members;
};

int zip_writer_new(TALLOC_CTX *context, int fd, struct zip_writer **ret_zip, struct kt_error *error)
{
    off_t base = lseek(fd, 0, SEEK_CUR);
    if (base < 0)
        return kt_error_set(error, -errno, "the file can't be positioned");
    struct zip_writer *zip = talloc_zero(context, struct zip_writer);
    if (!zip)
        return kt_error_set(error, -ENOMEM, "out of memory");
    zip->fd = fd;
    zip->base = base;
    *ret_zip = zip;
    return 0;
}

int64_t zip_writer_base(const struct zip_writer *zip)
{
    return zip->base;
}

uint64_t zip_writer_size(const struct zip_writer *zip)
{
    return zip->at;
}

int zip_writer_set(struct zip_writer *zip, uint64_t at, const void *data, size_t size,
                   struct kt_error *error)
{
    return write_at(zip->fd, data, size, zip->base + (int64_t)at, error);
}

int zip_writer_append(struct zip_writer *zip, const void *data, size_t size, struct kt_error *error)
{
    int result = zip_writer_set(zip, zip->at, data, size, error);
    if (result == 0)
        zip->at += size;
    return result;
}

void zip_writer_append_room(struct zip_writer *zip, size_t size, uint64_t *ret_at)
{
    *ret_at = zip->at;
    zip->at += size;
}

/* ---------------------------------------------------------------- headers */

static bool is_large(const struct zip_entry *entry)
{
    return entry->packed >= ZIP_IN_ZIP64 || entry->size >= ZIP_IN_ZIP64;
}

/** The fields that local headers and the directory have in common, from "version needed" on. */
static unsigned char *put_common(unsigned char *at, const struct zip_entry *entry,
                                 unsigned extra_bytes)
{
    bool is_64 = is_large(entry);
    at = zip_put16(at, is_64 || entry->offset >= ZIP_IN_ZIP64 ? ZIP64_VERSION : ZIP_VERSION);
    at = zip_put16(at, 0);
    at = zip_put16(at, entry->method);
    at = zip_put32(at, NO_DATE);
    at = zip_put32(at, entry->crc);
    at = zip_put32(at, is_64 ? ZIP_IN_ZIP64 : (uint32_t)entry->packed);
    at = zip_put32(at, is_64 ? ZIP_IN_ZIP64 : (uint32_t)entry->size);
    at = zip_put16(at, (unsigned)strlen(entry->name));
    return zip_put16(at, extra_bytes);
}

static unsigned char *put_name(unsigned char *at, const struct zip_entry *entry)
{
    size_t size = strlen(entry->name);
    memcpy(at, entry->name, size);
    return at + size;
}

/**
 * Where ZIP64 has room but isn't needed, a field says that the room is only room.
 * Source: ECMA-376-2, annex C: the "growth hint" of packages.
 */
static unsigned char *put_growth_hint(unsigned char *at)
{
    at = zip_put16(at, 0xA220);
    at = zip_put16(at, ZIP64_LOCAL_EXTRA_BYTES - 4);
    at = zip_put16(at, 0xA028);
    memset(at, 0, ZIP64_LOCAL_EXTRA_BYTES - 6);
    return at + ZIP64_LOCAL_EXTRA_BYTES - 6;
}

static int write_local(struct zip_writer *zip, const struct member *member, struct kt_error *error)
{
    unsigned char header[ZIP_LOCAL_BYTES + ZIP_NAME_MAX + ZIP64_LOCAL_EXTRA_BYTES], *at = header;
    const struct zip_entry *entry = &member->entry;
    at = zip_put32(at, ZIP_LOCAL_SIGNATURE);
    at = put_common(at, entry, member->has_room64 ? ZIP64_LOCAL_EXTRA_BYTES : 0);
    at = put_name(at, entry);
    if (member->has_room64 && is_large(entry)) {
        at = zip_put16(zip_put16(at, ZIP64_EXTRA), 16);
        at = zip_put64(zip_put64(at, entry->size), entry->packed);
    } else if (member->has_room64) {
        at = put_growth_hint(at);
    }
    return zip_writer_set(zip, entry->offset, header, (size_t)(at - header), error);
}

static int write_central(struct zip_writer *zip, const struct zip_entry *entry,
                         struct kt_error *error)
{
    unsigned char header[ZIP_CENTRAL_BYTES + ZIP_NAME_MAX + 28], extra[28], *at = header;
    unsigned char *end = extra + 4;
    if (is_large(entry))
        end = zip_put64(zip_put64(end, entry->size), entry->packed);
    if (entry->offset >= ZIP_IN_ZIP64)
        end = zip_put64(end, entry->offset);
    unsigned extra_bytes = end > extra + 4 ? (unsigned)(end - extra) : 0;
    zip_put16(zip_put16(extra, ZIP64_EXTRA), extra_bytes > 0 ? extra_bytes - 4 : 0);

    at = zip_put32(at, ZIP_CENTRAL_SIGNATURE);
    at = zip_put16(at, ZIP64_VERSION);
    at = put_common(at, entry, extra_bytes);
    memset(at, 0, 10); /* no comment, disk 0, no attributes */
    at += 10;
    at = zip_put32(at, entry->offset >= ZIP_IN_ZIP64 ? ZIP_IN_ZIP64 : (uint32_t)entry->offset);
    at = put_name(at, entry);
    memcpy(at, extra, extra_bytes);
    return zip_writer_append(zip, header, (size_t)(at - header) + extra_bytes, error);
}

/* ---------------------------------------------------------------- members */

/** A new member with its header here; its content follows. */
static int add(struct zip_writer *zip, const char *name, uint16_t method, bool has_room64,
               size_t *ret_index, struct kt_error *error)
{
    size_t length = strlen(name);
    if (length > ZIP_NAME_MAX || zip->count == MEMBERS_MAX)
        return kt_error_set(error, -E2BIG, "the workbook has too many parts");
    struct member *members =
        talloc_realloc(zip, zip->members, struct member, (unsigned)zip->count + 1);
    if (!members)
        return kt_error_set(error, -ENOMEM, "out of memory");
    zip->members = members;
    *ret_index = zip->count++;
    struct member *member = &members[*ret_index];
    *member =
        (struct member){.entry = {.offset = zip->at, .method = method}, .has_room64 = has_room64};
    memcpy(member->entry.name, name, length);
    zip->at += ZIP_LOCAL_BYTES + length + (has_room64 ? ZIP64_LOCAL_EXTRA_BYTES : 0);
    member->data = zip->at;
    return 0;
}

int zip_writer_reserve(struct zip_writer *zip, const char *name, size_t bytes, size_t *ret_index,
                       struct kt_error *error)
{
    int result = add(zip, name, ZIP_STORED, false, ret_index, error);
    if (result == 0) {
        zip->at += bytes;
        zip_writer_end(zip, *ret_index);
    }
    return result;
}

int zip_writer_fill(struct zip_writer *zip, size_t index, const char *text, size_t size,
                    struct kt_error *error)
{
    struct member *member = &zip->members[index];
    size_t room = (size_t)member->entry.packed;
    if (size > room)
        return kt_error_set(error, -E2BIG, "%s has %zu bytes, more than the %zu of its room",
                            member->entry.name, size, room);
    char *padded = talloc_size(zip, room);
    if (!padded)
        return kt_error_set(error, -ENOMEM, "out of memory");
    memcpy(padded, text, size);
    memset(padded + size, ' ', room - size);
    int result = zip_writer_set(zip, member->data, padded, room, error);
    if (result == 0)
        result = zip_writer_finish(
            zip, index, (uint32_t)crc32(0, (const unsigned char *)padded, (uInt)room), room, error);
    talloc_free(padded);
    return result;
}

int zip_writer_begin(struct zip_writer *zip, const char *name, size_t *ret_index,
                     struct kt_error *error)
{
    return add(zip, name, ZIP_DEFLATED, true, ret_index, error);
}

void zip_writer_end(struct zip_writer *zip, size_t index)
{
    struct member *member = &zip->members[index];
    member->entry.packed = zip->at - member->data;
}

int zip_writer_finish(struct zip_writer *zip, size_t index, uint32_t crc, uint64_t size,
                      struct kt_error *error)
{
    struct member *member = &zip->members[index];
    member->entry.crc = crc;
    member->entry.size = size;
    return write_local(zip, member, error);
}

int zip_writer_copy(struct zip_writer *zip, const struct zip_entry *entry, const void *packed,
                    struct kt_error *error)
{
    size_t index;
    int result = add(zip, entry->name, entry->method, false, &index, error);
    if (result == 0)
        result = zip_writer_append(zip, packed, (size_t)entry->packed, error);
    if (result < 0)
        return result;
    zip_writer_end(zip, index);
    return zip_writer_finish(zip, index, entry->crc, entry->size, error);
}

int zip_writer_close(struct zip_writer *zip, struct kt_error *error)
{
    unsigned char end[ZIP64_END_BYTES + ZIP64_LOCATOR_BYTES + ZIP_END_BYTES], *at = end;
    uint64_t start = zip->at;
    for (size_t i = 0; i < zip->count; i++) {
        int result = write_central(zip, &zip->members[i].entry, error);
        if (result < 0)
            return result;
    }
    uint64_t size = zip->at - start;
    bool is_64 = start >= ZIP_IN_ZIP64;
    if (is_64) {
        at = zip_put32(at, ZIP64_END_SIGNATURE);
        at = zip_put64(at, ZIP64_END_BYTES - 12);
        at = zip_put16(zip_put16(at, ZIP64_VERSION), ZIP64_VERSION);
        at = zip_put32(zip_put32(at, 0), 0);
        at = zip_put64(zip_put64(at, zip->count), zip->count);
        at = zip_put64(zip_put64(at, size), start);
        at = zip_put32(at, ZIP64_LOCATOR_SIGNATURE);
        at = zip_put32(at, 0);
        at = zip_put64(at, zip->at);
        at = zip_put32(at, 1);
    }
    at = zip_put32(at, ZIP_END_SIGNATURE);
    at = zip_put32(at, 0);
    at = zip_put16(zip_put16(at, (unsigned)zip->count), (unsigned)zip->count);
    at = zip_put32(at, (uint32_t)size);
    at = zip_put32(at, is_64 ? ZIP_IN_ZIP64 : (uint32_t)start);
    at = zip_put16(at, 0);
    int result = zip_writer_append(zip, end, (size_t)(at - end), error);
    if (result == 0 && lseek(zip->fd, zip->base + (int64_t)zip->at, SEEK_SET) < 0)
        result = kt_error_set(error, -errno, "the file can't be positioned");
    return result;
}
