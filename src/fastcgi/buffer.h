/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Buffers that carry bodies between sockets and streams: all of one size, kept for re-use, so that
 * an idle connection holds none and a busy one never asks malloc.
 */
#ifndef KT_BUFFER_H
#define KT_BUFFER_H

#include <stddef.h>
#include <stdint.h>

/** A buffer with its own head; four pages, so that a full one makes one good write. */
#define KT_BUFFER_SIZE 16384u
/** Left free in front: a record's header. */
#define KT_BUFFER_FRONT 8u
/** Left free behind: an empty record and END_REQUEST (24 bytes), rounded up. */
#define KT_BUFFER_TAIL 32u
/** What is left for content. */
#define KT_BUFFER_ROOM (KT_BUFFER_SIZE - KT_BUFFER_HEAD - KT_BUFFER_FRONT - KT_BUFFER_TAIL)
/** What stands before the data: the fields below. */
#define KT_BUFFER_HEAD 40u
/** How many unused buffers a worker keeps: 4 MiB. */
#define KT_BUFFERS_KEPT_MAX 256u

/** A file that is sent as it is; each buffer with a part of it counts. */
struct kt_buffer_file {
    int fd;
    uint32_t uses;
};

/** One buffer. What is in it lies at data[start … end); behind that comes a part of a file. */
struct kt_buffer {
    struct kt_buffer *next;
    uint32_t start, end;
    struct kt_buffer_file *file; /**< NULL: there is no such part */
    int64_t file_offset;
    size_t file_left;
    unsigned char data[KT_BUFFER_FRONT + KT_BUFFER_ROOM + KT_BUFFER_TAIL];
};

_Static_assert(sizeof(struct kt_buffer) == KT_BUFFER_SIZE, "a buffer fills its pages");

/** The unused buffers of one worker. */
struct kt_buffer_pool {
    struct kt_buffer *unused;
    size_t kept;
};

/** What is left in a buffer: of data and file together. */
static inline size_t kt_buffer_left(const struct kt_buffer *buffer)
{
    return buffer->end - buffer->start + (buffer->file ? buffer->file_left : 0);
}

/**
 * A file to be sent, with one use that is the caller's.
 * @param fd  gets a duplicate
 * @return 0, -EMFILE, -ENOMEM
 */
int kt_buffer_file_open(int fd, struct kt_buffer_file **ret_file);

/** One use less; the last one closes it. */
void kt_buffer_file_drop(struct kt_buffer_file *file);

/** Take a buffer with start and end at KT_BUFFER_FRONT. @return NULL when memory is out */
struct kt_buffer *kt_buffer_take(struct kt_buffer_pool *pool);

/** Give a buffer back; NULL does nothing. */
void kt_buffer_give(struct kt_buffer_pool *pool, struct kt_buffer *buffer);

/** Give back a whole chain. */
void kt_buffer_give_all(struct kt_buffer_pool *pool, struct kt_buffer *first);

/** Free the unused ones. */
void kt_buffer_pool_clear(struct kt_buffer_pool *pool);

#endif
