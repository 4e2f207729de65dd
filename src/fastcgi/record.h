/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FastCGI records and name-value pairs, as bytes: taking them apart and putting them together.
 * Pure functions over memory; this room's innermost part knows no sockets and no requests.
 */
#ifndef KT_RECORD_H
#define KT_RECORD_H

#include <fastcgi.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * Where a parser is in its stream of records. Zeroed is the start. Invariant: while header_size is
 * FCGI_HEADER_LEN, content_left and padding_left say what of the record is still to come.
 */
struct kt_record_parser {
    unsigned char header[FCGI_HEADER_LEN];
    uint16_t content_left;
    uint8_t header_size;
    uint8_t padding_left;
    bool is_inside; /**< a part of the present record's content was given out */
};

/** A part of one record: all of its content or a piece, as it arrived. */
struct kt_record_part {
    uint8_t type;
    uint16_t id;
    uint16_t length;           /**< of the whole record's content */
    bool is_first, is_last;    /**< the first, the last part of this record */
    const unsigned char *data; /**< borrowed from the bytes being parsed */
    size_t size;               /**< 0 only for a record without content */
};

enum kt_record_step {
    KT_RECORD_MORE,        /**< all bytes are used up; give more */
    KT_RECORD_PART,        /**< a part was found */
    KT_RECORD_BAD_VERSION, /**< no FastCGI 1: nothing after this byte can be understood */
};

/**
 * Take the next part from *cursor … end and move *cursor behind it. Padding is skipped.
 */
enum kt_record_step kt_record_next(struct kt_record_parser *parser, const unsigned char **cursor,
                                   const unsigned char *end, struct kt_record_part *ret_part);

/** Whether the parser stands between two records. */
bool kt_record_is_between(const struct kt_record_parser *parser);

/** Write a record's header (without padding) into eight bytes. */
void kt_record_header(unsigned char *to, uint8_t type, uint16_t id, size_t length);

/** Bytes of a whole END_REQUEST record. */
#define KT_RECORD_END_SIZE sizeof(FCGI_EndRequestRecord)

/** Write a whole END_REQUEST record. @return bytes written: KT_RECORD_END_SIZE */
size_t kt_record_end(unsigned char *to, uint16_t id, uint32_t application_status,
                     uint8_t protocol_status);

/** Write a whole UNKNOWN_TYPE record. @return bytes written: 16 */
size_t kt_record_unknown_type(unsigned char *to, uint8_t type);

/** One name-value pair, borrowed from the bytes it was read from. */
struct kt_pair {
    const unsigned char *name, *value;
    size_t name_size, value_size;
};

/**
 * Take the next pair from *cursor … end and move *cursor behind it.
 * @return 1, 0 (no bytes are left), -EBADMSG (the pair runs over the end; *cursor stays)
 */
int kt_pair_next(const unsigned char **cursor, const unsigned char *end, struct kt_pair *ret_pair);

/**
 * Write a pair of short strings (below 128 bytes each).
 * @return bytes written, or 0 if there was no room
 */
size_t kt_pair_write(unsigned char *to, size_t room, const char *name, const char *value);

/**
 * Count and check the pairs of a complete parameter stream.
 * @param limit  how many pairs may be there
 * @return their number, -E2BIG (over the limit), -EBADMSG (cut short, or a name that is empty or
 *         holds '='), -EILSEQ (a NUL byte, which no C string can carry)
 */
int kt_pairs_count(const unsigned char *data, size_t size, size_t limit);

/**
 * Turn a parameter stream that kt_pairs_count accepted into "name=value" strings, in place: a
 * string with its '=' and NUL is never longer than the pair it came from.
 * @param ret_strings  room for the count and one more; ends with NULL
 */
void kt_pairs_decode(unsigned char *data, size_t size, char **ret_strings);

#endif
