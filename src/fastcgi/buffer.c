/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pool of buffers: a free list. Plain malloc beneath, since a buffer changes its owner
 * (stream, connection, pool) many times and no talloc parent fits.
 */
#include "buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int kt_buffer_file_open(int fd, struct kt_buffer_file **ret_file)
{
    struct kt_buffer_file *file = malloc(sizeof(*file));
    if (!file)
        return -ENOMEM;
    *file = (struct kt_buffer_file){fcntl(fd, F_DUPFD_CLOEXEC, 0), 1};
    if (file->fd < 0) {
        int result = -errno;
        free(file);
        return result;
    }
    *ret_file = file;
    return 0;
}

void kt_buffer_file_drop(struct kt_buffer_file *file)
{
    if (--file->uses > 0)
        return;
    close(file->fd);
    free(file);
}

struct kt_buffer *kt_buffer_take(struct kt_buffer_pool *pool)
{
    struct kt_buffer *buffer = pool->unused;
    if (buffer) {
        pool->unused = buffer->next;
        pool->kept--;
    } else {
        buffer = malloc(sizeof(*buffer));
        if (!buffer)
            return NULL;
    }
    buffer->next = NULL;
    buffer->file = NULL;
    buffer->start = buffer->end = KT_BUFFER_FRONT;
    return buffer;
}

void kt_buffer_give(struct kt_buffer_pool *pool, struct kt_buffer *buffer)
{
    if (!buffer)
        return;
    if (buffer->file)
        kt_buffer_file_drop(buffer->file);
    if (pool->kept >= KT_BUFFERS_KEPT_MAX) {
        free(buffer);
        return;
    }
    buffer->next = pool->unused;
    pool->unused = buffer;
    pool->kept++;
}

void kt_buffer_give_all(struct kt_buffer_pool *pool, struct kt_buffer *first)
{
    while (first) {
        struct kt_buffer *next = first->next;
        kt_buffer_give(pool, first);
        first = next;
    }
}

void kt_buffer_pool_clear(struct kt_buffer_pool *pool)
{
    while (pool->unused) {
        struct kt_buffer *buffer = pool->unused;
        pool->unused = buffer->next;
        free(buffer);
    }
    pool->kept = 0;
}
