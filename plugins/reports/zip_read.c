/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inflates with ISA-L, in chunks: a sheet may be larger than memory.
 */
#include "zip_read.h"

#include <errno.h>
#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>
#include <unistd.h>

#define CHUNK_BYTES ((size_t)256 * 1024)
/** A directory of a thousand members has less. */
#define DIRECTORY_MAX ((uint64_t)1024 * 1024)
#define LOAD_MAX ((uint64_t)16 * 1024 * 1024)

static int read_at(const struct zip_place *place, uint64_t at, void *data, size_t size,
                   struct kt_error *error)
{
    char *to = data;
    if (at > place->size || size > place->size - at)
        return kt_error_set(error, -EBADMSG, "the file has been cut off");
    while (size > 0) {
        ssize_t got = pread(place->fd, to, size, place->base + (int64_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return kt_error_set(error, -errno, "the file can't be read back: %s", strerror(errno));
        if (got == 0)
            return kt_error_set(error, -EBADMSG, "the file has been cut off");
        to += got;
        at += (uint64_t)got;
        size -= (size_t)got;
    }
    return 0;
}

/* ---------------------------------------------------------------- directory */

static int find_directory(const struct zip_place *place, uint64_t *ret_start, uint64_t *ret_size,
                          uint64_t *ret_count, struct kt_error *error)
{
    unsigned char end[ZIP_END_BYTES], locator[ZIP64_LOCATOR_BYTES], end64[ZIP64_END_BYTES];
    if (place->size < ZIP_END_BYTES)
        return kt_error_set(error, -EBADMSG, "the file has been cut off");
    int result = read_at(place, place->size - ZIP_END_BYTES, end, sizeof end, error);
    if (result < 0)
        return result;
    if (zip_get32(end) != ZIP_END_SIGNATURE)
        return kt_error_set(error, -EBADMSG, "the file has no directory");
    *ret_count = zip_get16(end + 10);
    *ret_size = zip_get32(end + 12);
    *ret_start = zip_get32(end + 16);
    if (*ret_start == ZIP_IN_ZIP64 || *ret_count == ZIP_COUNT_IN_ZIP64) {
        result = read_at(place, place->size - ZIP_END_BYTES - ZIP64_LOCATOR_BYTES, locator,
                         sizeof locator, error);
        if (result == 0 && zip_get32(locator) != ZIP64_LOCATOR_SIGNATURE)
            result = kt_error_set(error, -EBADMSG, "the file's directory has no ZIP64 locator");
        if (result == 0)
            result = read_at(place, zip_get64(locator + 8), end64, sizeof end64, error);
        if (result < 0)
            return result;
        if (zip_get32(end64) != ZIP64_END_SIGNATURE)
            return kt_error_set(error, -EBADMSG, "the file's directory has no ZIP64 record");
        *ret_count = zip_get64(end64 + 32);
        *ret_size = zip_get64(end64 + 40);
        *ret_start = zip_get64(end64 + 48);
    }
    if (*ret_size > DIRECTORY_MAX || *ret_count > *ret_size / ZIP_CENTRAL_BYTES)
        return kt_error_set(error, -EBADMSG, "the file's directory is damaged");
    return 0;
}

/** The numbers that are too large for their fields, in the order in which they are. */
static void read_zip64(struct zip_entry *entry, const unsigned char *at, size_t left)
{
    while (left >= 4) {
        size_t size = zip_get16(at + 2);
        if (size > left - 4)
            return;
        if (zip_get16(at) == ZIP64_EXTRA) {
            uint64_t *const fields[] = {&entry->size, &entry->packed, &entry->offset};
            const unsigned char *value = at + 4;
            for (size_t i = 0; i < 3; i++) {
                if (*fields[i] != ZIP_IN_ZIP64 || value + 8 > at + 4 + size)
                    continue;
                *fields[i] = zip_get64(value);
                value += 8;
            }
        }
        at += 4 + size;
        left -= 4 + size;
    }
}

/** One entry of the directory. @return its bytes; 0: it is damaged */
static size_t read_entry(const unsigned char *at, size_t left, struct zip_entry *entry)
{
    if (left < ZIP_CENTRAL_BYTES || zip_get32(at) != ZIP_CENTRAL_SIGNATURE)
        return 0;
    size_t name = zip_get16(at + 28), extra = zip_get16(at + 30), comment = zip_get16(at + 32);
    size_t whole = ZIP_CENTRAL_BYTES + name + extra + comment;
    if (whole > left || name > ZIP_NAME_MAX)
        return 0;
    *entry = (struct zip_entry){
        .method = zip_get16(at + 10),
        .crc = zip_get32(at + 16),
        .packed = zip_get32(at + 20),
        .size = zip_get32(at + 24),
        .offset = zip_get32(at + 42),
    };
    memcpy(entry->name, at + ZIP_CENTRAL_BYTES, name);
    read_zip64(entry, at + ZIP_CENTRAL_BYTES + name, extra);
    return whole;
}

int zip_read(TALLOC_CTX *context, const struct zip_place *place, struct zip_entry **ret_entries,
             size_t *ret_count, struct kt_error *error)
{
    uint64_t start = 0, size = 0, count = 0;
    int result = find_directory(place, &start, &size, &count, error);
    if (result < 0)
        return result;
    struct zip_entry *entries = talloc_array(context, struct zip_entry, (unsigned)count);
    unsigned char *directory = talloc_size(entries, (size_t)size + 1);
    if (!entries || !directory) {
        talloc_free(entries);
        return kt_error_set(error, -ENOMEM, "out of memory");
    }
    result = read_at(place, start, directory, (size_t)size, error);
    size_t at = 0;
    for (size_t i = 0; i < count && result == 0; i++) {
        size_t bytes = read_entry(directory + at, (size_t)size - at, &entries[i]);
        if (bytes == 0)
            result = kt_error_set(error, -EBADMSG, "the file's directory is damaged");
        at += bytes;
    }
    if (result < 0) {
        talloc_free(entries);
        return result;
    }
    talloc_free(directory);
    *ret_entries = entries;
    *ret_count = (size_t)count;
    return 0;
}

/* ---------------------------------------------------------------- members */

/** Where a member's bytes begin; its own header must be there and have its name. */
static int find_data(const struct zip_place *place, const struct zip_entry *entry, uint64_t *ret_at,
                     struct kt_error *error)
{
    unsigned char header[ZIP_LOCAL_BYTES + ZIP_NAME_MAX];
    size_t length = strlen(entry->name);
    int result = read_at(place, entry->offset, header, ZIP_LOCAL_BYTES + length, error);
    if (result < 0)
        return result;
    if (zip_get32(header) != ZIP_LOCAL_SIGNATURE || zip_get16(header + 26) != length ||
        memcmp(header + ZIP_LOCAL_BYTES, entry->name, length) != 0)
        return kt_error_set(error, -EBADMSG, "%s of the file has no header", entry->name);
    *ret_at = entry->offset + ZIP_LOCAL_BYTES + length + zip_get16(header + 28);
    return 0;
}

/** A walk through one member. */
struct walk {
    const struct zip_place *place;
    const struct zip_entry *entry;
    uint64_t at, left, size; /**< packed bytes: where, how many to come; content so far */
    uint32_t crc;
    zip_taker *take;
    void *argument;
    struct inflate_state inflate;
    unsigned char packed[CHUNK_BYTES], content[CHUNK_BYTES];
};

static int take(struct walk *walk, const unsigned char *data, size_t size, struct kt_error *error)
{
    walk->crc = crc32_gzip_refl(walk->crc, data, size);
    walk->size += size;
    return walk->take(walk->argument, (const char *)data, size)
               ? 0
               : kt_error_set(error, -ECANCELED, "it was cancelled");
}

static int read_packed(struct walk *walk, size_t *ret_size, struct kt_error *error)
{
    size_t size = walk->left < CHUNK_BYTES ? (size_t)walk->left : CHUNK_BYTES;
    int result = read_at(walk->place, walk->at, walk->packed, size, error);
    walk->at += size;
    walk->left -= size;
    *ret_size = size;
    return result;
}

static int walk_stored(struct walk *walk, struct kt_error *error)
{
    int result = 0;
    while (result == 0 && walk->left > 0) {
        size_t size;
        result = read_packed(walk, &size, error);
        if (result == 0)
            result = take(walk, walk->packed, size, error);
    }
    return result;
}

static int walk_deflated(struct walk *walk, struct kt_error *error)
{
    struct inflate_state *inflate = &walk->inflate;
    isal_inflate_init(inflate);
    while (inflate->block_state != ISAL_BLOCK_FINISH) {
        int result = 0;
        bool is_at_end = inflate->avail_in == 0 && walk->left == 0;
        if (inflate->avail_in == 0 && walk->left > 0) {
            size_t size;
            result = read_packed(walk, &size, error);
            inflate->next_in = walk->packed;
            inflate->avail_in = (uint32_t)size;
        }
        inflate->next_out = walk->content;
        inflate->avail_out = CHUNK_BYTES;
        if (result == 0 && isal_inflate(inflate) < 0)
            result = kt_error_set(error, -EBADMSG, "%s of the file is damaged", walk->entry->name);
        size_t size = CHUNK_BYTES - inflate->avail_out;
        if (result == 0 && is_at_end && size == 0 && inflate->block_state != ISAL_BLOCK_FINISH)
            result = kt_error_set(error, -EBADMSG, "%s of the file has no end", walk->entry->name);
        if (result == 0 && size > 0)
            result = take(walk, walk->content, size, error);
        if (result < 0)
            return result;
    }
    return 0;
}

int zip_walk(const struct zip_place *place, const struct zip_entry *entry, zip_taker *take_it,
             void *argument, struct kt_error *error)
{
    struct walk *walk = talloc(NULL, struct walk);
    uint64_t at;
    if (!walk)
        return kt_error_set(error, -ENOMEM, "out of memory");
    int result = find_data(place, entry, &at, error);
    if (result == 0) {
        walk->place = place;
        walk->entry = entry;
        walk->at = at;
        walk->left = entry->packed;
        walk->size = 0;
        walk->crc = 0;
        walk->take = take_it;
        walk->argument = argument;
        result = entry->method == ZIP_STORED     ? walk_stored(walk, error)
                 : entry->method == ZIP_DEFLATED ? walk_deflated(walk, error)
                                                 : kt_error_set(error, -EBADMSG,
                                                                "%s of the file is packed in an "
                                                                "unknown way",
                                                                entry->name);
    }
    if (result == 0 && (walk->crc != entry->crc || walk->size != entry->size || walk->left > 0))
        result = kt_error_set(error, -EBADMSG, "%s of the file is damaged", entry->name);
    talloc_free(walk);
    return result;
}

int zip_load_packed(TALLOC_CTX *context, const struct zip_place *place,
                    const struct zip_entry *entry, char **ret_packed, struct kt_error *error)
{
    uint64_t at;
    if (entry->packed > LOAD_MAX)
        return kt_error_set(error, -E2BIG, "%s of the file is too large", entry->name);
    int result = find_data(place, entry, &at, error);
    if (result < 0)
        return result;
    char *packed = talloc_size(context, (size_t)entry->packed + 1);
    if (!packed)
        return kt_error_set(error, -ENOMEM, "out of memory");
    result = read_at(place, at, packed, (size_t)entry->packed, error);
    if (result < 0)
        talloc_free(packed);
    else
        *ret_packed = packed;
    return result;
}

/** Text that is being loaded. */
struct load {
    char *text;
    uint64_t used, size;
};

static bool take_text(void *argument, const char *data, size_t size)
{
    struct load *load = argument;
    if (size > load->size - load->used)
        return false;
    memcpy(load->text + load->used, data, size);
    load->used += size;
    return true;
}

int zip_load(TALLOC_CTX *context, const struct zip_place *place, const struct zip_entry *entry,
             char **ret_text, struct kt_error *error)
{
    if (entry->size > LOAD_MAX)
        return kt_error_set(error, -E2BIG, "%s of the file is too large", entry->name);
    struct load load = {.text = talloc_size(context, (size_t)entry->size + 1), .size = entry->size};
    if (!load.text)
        return kt_error_set(error, -ENOMEM, "out of memory");
    int result = zip_walk(place, entry, take_text, &load, error);
    if (result < 0) {
        talloc_free(load.text);
        return result;
    }
    load.text[load.used] = '\0';
    *ret_text = load.text;
    return 0;
}
