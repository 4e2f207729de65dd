/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FastCGI records and name-value pairs, as bytes. An incremental parser that takes whatever has
 * arrived, and writers for the records we send. Every length is checked against what is there.
 */
#include "record.h"

#include <errno.h>
#include <string.h>

/** The top bit of a length's first byte: the length has four bytes, not one. */
#define LENGTH_IS_LONG 0x80u

/** The smaller of two sizes. */
static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/** Fill a part's description from the complete header. */
static void describe_part(const struct kt_record_parser *parser, struct kt_record_part *part)
{
    const unsigned char *header = parser->header;
    part->type = header[1];
    part->id = (uint16_t)(header[2] << 8 | header[3]);
    part->length = (uint16_t)(header[4] << 8 | header[5]);
}

enum kt_record_step kt_record_next(struct kt_record_parser *parser, const unsigned char **cursor,
                                   const unsigned char *end, struct kt_record_part *ret_part)
{
    for (;;) {
        size_t available = (size_t)(end - *cursor);
        if (parser->header_size < FCGI_HEADER_LEN) {
            size_t size = smaller(available, FCGI_HEADER_LEN - (size_t)parser->header_size);
            if (size == 0)
                return KT_RECORD_MORE;
            memcpy(parser->header + parser->header_size, *cursor, size);
            parser->header_size = (uint8_t)(parser->header_size + size);
            *cursor += size;
            if (parser->header[0] != FCGI_VERSION_1)
                return KT_RECORD_BAD_VERSION;
            if (parser->header_size < FCGI_HEADER_LEN)
                return KT_RECORD_MORE;
            describe_part(parser, ret_part);
            parser->content_left = ret_part->length;
            parser->padding_left = parser->header[6];
            parser->is_inside = false;
            if (ret_part->length == 0) {
                ret_part->is_first = ret_part->is_last = true;
                ret_part->data = *cursor;
                ret_part->size = 0;
                return KT_RECORD_PART;
            }
        } else if (parser->content_left > 0) {
            size_t size = smaller(available, parser->content_left);
            if (size == 0)
                return KT_RECORD_MORE;
            describe_part(parser, ret_part);
            parser->content_left = (uint16_t)(parser->content_left - size);
            ret_part->is_first = !parser->is_inside;
            ret_part->is_last = parser->content_left == 0;
            ret_part->data = *cursor;
            ret_part->size = size;
            parser->is_inside = true;
            *cursor += size;
            return KT_RECORD_PART;
        } else {
            size_t size = smaller(available, parser->padding_left);
            parser->padding_left = (uint8_t)(parser->padding_left - size);
            *cursor += size;
            if (parser->padding_left > 0)
                return KT_RECORD_MORE;
            parser->header_size = 0;
        }
    }
}

bool kt_record_is_between(const struct kt_record_parser *parser)
{
    if (parser->header_size == 0)
        return true;
    return parser->header_size == FCGI_HEADER_LEN && parser->content_left == 0 &&
           parser->padding_left == 0;
}

void kt_record_header(unsigned char *to, uint8_t type, uint16_t id, size_t length)
{
    to[0] = FCGI_VERSION_1;
    to[1] = type;
    to[2] = (unsigned char)(id >> 8);
    to[3] = (unsigned char)(id & 0xff);
    to[4] = (unsigned char)(length >> 8 & 0xff);
    to[5] = (unsigned char)(length & 0xff);
    to[6] = 0;
    to[7] = 0;
}

size_t kt_record_end(unsigned char *to, uint16_t id, uint32_t application_status,
                     uint8_t protocol_status)
{
    kt_record_header(to, FCGI_END_REQUEST, id, sizeof(FCGI_EndRequestBody));
    unsigned char *body = to + FCGI_HEADER_LEN;
    memset(body, 0, sizeof(FCGI_EndRequestBody));
    body[0] = (unsigned char)(application_status >> 24);
    body[1] = (unsigned char)(application_status >> 16 & 0xff);
    body[2] = (unsigned char)(application_status >> 8 & 0xff);
    body[3] = (unsigned char)(application_status & 0xff);
    body[4] = protocol_status;
    return KT_RECORD_END_SIZE;
}

size_t kt_record_unknown_type(unsigned char *to, uint8_t type)
{
    kt_record_header(to, FCGI_UNKNOWN_TYPE, FCGI_NULL_REQUEST_ID, sizeof(FCGI_UnknownTypeBody));
    memset(to + FCGI_HEADER_LEN, 0, sizeof(FCGI_UnknownTypeBody));
    to[FCGI_HEADER_LEN] = type;
    return sizeof(FCGI_UnknownTypeRecord);
}

/** Take a length of one or four bytes. @return whether it was there */
static bool length_next(const unsigned char **cursor, const unsigned char *end, size_t *ret_length)
{
    const unsigned char *at = *cursor;
    if (at == end)
        return false;
    if (!(at[0] & LENGTH_IS_LONG)) {
        *ret_length = at[0];
        *cursor = at + 1;
        return true;
    }
    if (end - at < 4)
        return false;
    *ret_length = (size_t)(at[0] & ~LENGTH_IS_LONG) << 24 | (size_t)at[1] << 16 |
                  (size_t)at[2] << 8 | (size_t)at[3];
    *cursor = at + 4;
    return true;
}

int kt_pair_next(const unsigned char **cursor, const unsigned char *end, struct kt_pair *ret_pair)
{
    const unsigned char *at = *cursor;
    if (at == end)
        return 0;
    if (!length_next(&at, end, &ret_pair->name_size) ||
        !length_next(&at, end, &ret_pair->value_size))
        return -EBADMSG;
    /* Each is below 2^31, so the sum can't overflow; compare it with what is there. */
    size_t available = (size_t)(end - at);
    if (ret_pair->name_size > available || ret_pair->value_size > available - ret_pair->name_size)
        return -EBADMSG;
    ret_pair->name = at;
    ret_pair->value = at + ret_pair->name_size;
    *cursor = ret_pair->value + ret_pair->value_size;
    return 1;
}

size_t kt_pair_write(unsigned char *to, size_t room, const char *name, const char *value)
{
    size_t name_size = strlen(name), value_size = strlen(value);
    size_t size = 2 + name_size + value_size;
    if (name_size >= LENGTH_IS_LONG || value_size >= LENGTH_IS_LONG || size > room)
        return 0;
    to[0] = (unsigned char)name_size;
    to[1] = (unsigned char)value_size;
    memcpy(to + 2, name, name_size);
    memcpy(to + 2 + name_size, value, value_size);
    return size;
}

int kt_pairs_count(const unsigned char *data, size_t size, size_t limit)
{
    if (size == 0)
        return 0;
    const unsigned char *cursor = data, *end = data + size;
    struct kt_pair pair;
    size_t count = 0;
    for (;;) {
        int result = kt_pair_next(&cursor, end, &pair);
        if (result < 0)
            return result;
        if (result == 0)
            return (int)count;
        if (++count > limit)
            return -E2BIG;
        if (pair.name_size == 0 || memchr(pair.name, '=', pair.name_size))
            return -EBADMSG;
        /* Name and value lie side by side. */
        if (memchr(pair.name, '\0', pair.name_size + pair.value_size))
            return -EILSEQ;
    }
}

void kt_pairs_decode(unsigned char *data, size_t size, char **ret_strings)
{
    const unsigned char *cursor = data, *end = data + size;
    unsigned char *to = data;
    struct kt_pair pair;
    while (size > 0 && kt_pair_next(&cursor, end, &pair) > 0) {
        *ret_strings++ = (char *)to;
        memmove(to, pair.name, pair.name_size);
        to += pair.name_size;
        *to++ = '=';
        memmove(to, pair.value, pair.value_size);
        to += pair.value_size;
        *to++ = '\0';
    }
    *ret_strings = NULL;
}
