/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Deflate streams can be joined at byte boundaries: head and tail are stored blocks (RFC
 * 1951, 3.2.4) of a size that is known before their text is, filled up with blanks where XML allows
 * them; the rows between are ISA-L's, flushed so that nothing refers across.
 */
#include "sheet.h"

#include <errno.h>
#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>
#include <stdbool.h>
#include <zlib.h>

#define PACKED_BYTES ((size_t)256 * 1024)
/** The most bytes of a stored block, and what stands before them. */
#define STORED_MAX ((size_t)65535)
#define STORED_HEADER 5

struct sheet_packer {
    struct zip_writer *zip;
    struct sheet *sheet; /**< the one that was begun */
    struct isal_zstream stream;
    unsigned char level[ISAL_DEF_LVL1_DEFAULT];
    unsigned char packed[PACKED_BYTES];
};

int sheet_packer_new(TALLOC_CTX *context, struct zip_writer *zip, struct sheet_packer **ret_packer,
                     struct kt_error *error)
{
    struct sheet_packer *packer = talloc(context, struct sheet_packer);
    if (!packer)
        return kt_error_set(error, -ENOMEM, "out of memory");
    packer->zip = zip;
    packer->sheet = NULL;
    *ret_packer = packer;
    return 0;
}

/** What text of this size takes in stored blocks. */
static size_t stored_size(size_t size)
{
    return size + (size + STORED_MAX - 1) / STORED_MAX * STORED_HEADER;
}

int sheet_begin(struct sheet_packer *packer, struct sheet *sheet, size_t head_room,
                struct kt_error *error)
{
    int result = zip_writer_begin(packer->zip, sheet->name, &sheet->index, error);
    if (result < 0)
        return result;
    packer->sheet = sheet;
    sheet->head_room = head_room;
    zip_writer_append_room(packer->zip, stored_size(head_room), &sheet->head_at);
    isal_deflate_init(&packer->stream);
    packer->stream.level = 1;
    packer->stream.level_buf = packer->level;
    packer->stream.level_buf_size = sizeof packer->level;
    return 0;
}

static int deflate_text(struct sheet_packer *packer, const char *text, size_t size, uint16_t flush,
                        struct kt_error *error)
{
    struct isal_zstream *stream = &packer->stream;
    packer->sheet->crc = crc32_gzip_refl(packer->sheet->crc, (const unsigned char *)text, size);
    packer->sheet->size += size;
    stream->next_in = (uint8_t *)(uintptr_t)text;
    stream->avail_in = (uint32_t)size;
    stream->flush = flush;
    do {
        stream->next_out = packer->packed;
        stream->avail_out = sizeof packer->packed;
        if (isal_deflate(stream) != COMP_OK)
            return kt_error_set(error, -EIO, "the rows could not be packed");
        int result = zip_writer_append(packer->zip, packer->packed,
                                       sizeof packer->packed - stream->avail_out, error);
        if (result < 0)
            return result;
    } while (stream->avail_in > 0 || stream->avail_out == 0);
    return 0;
}

int sheet_pack(void *packer, const char *text, size_t size, struct kt_error *error)
{
    return deflate_text(packer, text, size, NO_FLUSH, error);
}

int sheet_end_rows(struct sheet_packer *packer, size_t tail_room, struct kt_error *error)
{
    struct sheet *sheet = packer->sheet;
    /* a blank, so that there surely is something to flush */
    int result = deflate_text(packer, " ", 1, FULL_FLUSH, error);
    sheet->tail_room = tail_room;
    if (result == 0 && tail_room > 0) {
        zip_writer_append_room(packer->zip, stored_size(tail_room), &sheet->tail_at);
        zip_writer_end(packer->zip, sheet->index);
    }
    return result;
}

/* ---------------------------------------------------------------- head and tail */

/** A text with blanks in it at a place, up to a size. @return owned by the context */
static char *pad(TALLOC_CTX *context, const char *text, size_t size, size_t place, size_t padded)
{
    char *all = talloc_size(context, padded);
    if (!all)
        return NULL;
    memcpy(all, text, place);
    memset(all + place, ' ', padded - size);
    memcpy(all + place + padded - size, text + place, size - place);
    return all;
}

/** The same as stored blocks. @return owned by the context, of stored_size(size) bytes */
static unsigned char *store(TALLOC_CTX *context, const char *text, size_t size, bool is_end)
{
    unsigned char *blocks = talloc_size(context, stored_size(size)), *at = blocks;
    if (!blocks)
        return NULL;
    while (size > 0) {
        size_t part = size < STORED_MAX ? size : STORED_MAX;
        *at++ = is_end && part == size;
        at = zip_put16(zip_put16(at, (unsigned)part), (unsigned)part ^ 0xFFFF);
        memcpy(at, text, part);
        at += part;
        text += part;
        size -= part;
    }
    return blocks;
}

static uint32_t checksum(const char *text, size_t size)
{
    return crc32_gzip_refl(0, (const unsigned char *)text, size);
}

static int set_head(struct zip_writer *zip, const struct sheet *sheet, const char *head,
                    size_t size, uint32_t *ret_crc, struct kt_error *error)
{
    const char *prolog = strstr(head, "?>");
    size_t place = prolog ? (size_t)(prolog + 2 - head) : 0, room = sheet->head_room;
    if (size > room || place == 0 || place > size)
        return kt_error_set(error, -E2BIG, "the head of %s needs %zu bytes and has room for %zu",
                            sheet->name, size, room);
    char *padded = pad(zip, head, size, place, room);
    unsigned char *blocks = padded ? store(padded, padded, room, false) : NULL;
    int result = blocks ? zip_writer_set(zip, sheet->head_at, blocks, stored_size(room), error)
                        : kt_error_set(error, -ENOMEM, "out of memory");
    if (blocks)
        *ret_crc = checksum(padded, room);
    talloc_free(padded);
    return result;
}

static int set_tail(struct zip_writer *zip, struct sheet *sheet, const char *tail,
                    uint32_t *ret_crc, struct kt_error *error)
{
    static const char close[] = "</worksheet>";
    size_t size = strlen(tail), room = sheet->tail_room > 0 ? sheet->tail_room : size;
    if (size > room || size < sizeof close)
        return kt_error_set(error, -E2BIG, "the end of %s needs %zu bytes and has room for %zu",
                            sheet->name, size, room);
    char *padded = pad(zip, tail, size, size - (sizeof close - 1), room);
    unsigned char *blocks = padded ? store(padded, padded, room, true) : NULL;
    int result = 0;
    if (!blocks)
        result = kt_error_set(error, -ENOMEM, "out of memory");
    else if (sheet->tail_room > 0)
        result = zip_writer_set(zip, sheet->tail_at, blocks, stored_size(room), error);
    else
        result = zip_writer_append(zip, blocks, stored_size(room), error);
    if (result == 0 && sheet->tail_room == 0) {
        zip_writer_end(zip, sheet->index);
        sheet->tail_room = room;
    }
    if (blocks)
        *ret_crc = checksum(padded, room);
    talloc_free(padded);
    return result;
}

int sheet_finish(struct sheet_packer *packer, struct sheet *sheet, const char *text, size_t split,
                 struct kt_error *error)
{
    uint32_t head_crc = 0, tail_crc = 0;
    int result = set_head(packer->zip, sheet, text, split, &head_crc, error);
    if (result == 0)
        result = set_tail(packer->zip, sheet, text + split, &tail_crc, error);
    if (result < 0)
        return result;
    uint32_t crc = (uint32_t)crc32_combine(head_crc, sheet->crc, (z_off_t)sheet->size);
    crc = (uint32_t)crc32_combine(crc, tail_crc, (z_off_t)sheet->tail_room);
    return zip_writer_finish(packer->zip, sheet->index, crc,
                             sheet->head_room + sheet->size + sheet->tail_room, error);
}
