/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What Redis answers: replies as hiredis' reader makes them, with our own functions, since hiredis'
 * own let a server that has gone mad make a worker allocate without bounds; and what they mean.
 * Knows no sockets and no calls.
 */
#ifndef KT_STORE_REDIS_REPLY_H
#define KT_STORE_REDIS_REPLY_H

#include <hiredis/read.h>
#include <kontor/error.h>
#include <stdbool.h>
#include <stdint.h>
#include <talloc.h>

/** An array of more elements makes no sense: a page has two for each document, and one more; a
 * batch of names has a thousand, and those that share a place in Redis' table with them. */
#define KT_REDIS_ELEMENTS_MAX 4096u
/** A longer reply makes no sense: a page, and the document that does not fit any more. */
#define KT_REDIS_REPLY_BYTES_MAX ((size_t)8 << 20)

enum kt_redis_kind {
    KT_REDIS_NIL,
    KT_REDIS_INTEGER,
    KT_REDIS_TEXT,
    KT_REDIS_STATUS,
    KT_REDIS_ERROR,
    KT_REDIS_ARRAY,
};

/** A reply; its elements hang on it. */
struct kt_redis_reply {
    enum kt_redis_kind kind;
    uint32_t count;                   /**< of the elements of an array */
    int64_t integer;                  /**< the number; of a text: 0 */
    size_t bytes;                     /**< of text, status and error */
    struct kt_redis_reply **elements; /**< of an array; none is NULL when it is whole */
    char text[];                      /**< with a NUL behind */
};

/** What the functions below need, as the reader's privdata. */
struct kt_redis_intake {
    TALLOC_CTX *memory; /**< owns the replies */
    size_t bytes;       /**< taken for the present one; set it to 0 when it is whole */
};

/** For a reader; make replies of type struct kt_redis_reply. */
extern redisReplyObjectFunctions kt_redis_reply_functions __attribute__((visibility("hidden")));

/**
 * What a reply says of a call, the answer itself left aside.
 * @return 0 unless it is an error: -EROFS, -ENOSPC, -ENOTCONN, -ERANGE, -ENOEXEC (the script is not
 *         known), -EACCES, -EIO for all others
 */
int kt_redis_reply_result(const struct kt_redis_reply *reply);

/**
 * Read a document: "<revision> <bytes>".
 * @param ret_value  within the text
 * @return 0, -ENOENT, -EIO (it is none)
 */
int kt_redis_reply_document(const struct kt_redis_reply *reply, uint64_t *ret_revision,
                            const char **ret_value, size_t *ret_value_bytes);

/** Read a number, an integer or its digits as text. @return 0, -ENOENT (nil), -EIO */
int kt_redis_reply_number(const struct kt_redis_reply *reply, int64_t *ret_number);

/** Find a line "name:value" in the text of INFO. @return the bytes of the value, 0: none */
size_t kt_redis_info_find(const struct kt_redis_reply *info, const char *name,
                          const char **ret_value);

#endif
