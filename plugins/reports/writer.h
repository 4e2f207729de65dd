/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text on its way out: a buffer that is drained when it is full, or that grows up to a bound.
 * Errors stick: who writes a row looks once, at its end.
 */
#ifndef REPORTS_WRITER_H
#define REPORTS_WRITER_H

#include <kontor/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <talloc.h>

/** Takes all of the text, or fails with the words. */
typedef int writer_drain(void *argument, const char *text, size_t size, struct kt_error *error);

struct writer {
    char *text;
    size_t used, size;   /**< used <= size; both 0 after a failure */
    size_t size_max;     /**< of one that grows; else 0 */
    writer_drain *drain; /**< NULL: it grows */
    void *argument;
    struct kt_error error; /**< code 0: none so far */
};

/**
 * A writer that drains.
 * @param size  of its buffer: no single piece may be larger
 * @param ret_writer  owned by the context
 * @return 0, -ENOMEM
 */
int writer_new(TALLOC_CTX *context, size_t size, writer_drain *drain, void *argument,
               struct writer **ret_writer, struct kt_error *error);

/** A writer that keeps all, up to a bound. @return as writer_new */
int writer_new_in_memory(TALLOC_CTX *context, size_t size_max, struct writer **ret_writer,
                         struct kt_error *error);

/** A writer to a file, from its current offset on. @return as writer_new */
int writer_new_to_file(TALLOC_CTX *context, int fd, struct writer **ret_writer,
                       struct kt_error *error);

/** Write all of it at an offset of a file. @return 0, or a negative errno with words */
int write_at(int fd, const void *data, size_t size, int64_t offset, struct kt_error *error);

/** For writer_room only. */
char *writer_make_room(struct writer *writer, size_t need);

/**
 * Room for a piece of text: write there, then tell writer_to where it ended.
 * @return NULL after a failure
 */
static inline char *writer_room(struct writer *writer, size_t need)
{
    return writer->size - writer->used >= need ? writer->text + writer->used
                                               : writer_make_room(writer, need);
}

static inline void writer_to(struct writer *writer, const char *end)
{
    writer->used = (size_t)(end - writer->text);
}

static inline void writer_put(struct writer *writer, const char *text, size_t size)
{
    char *at = writer_room(writer, size);
    if (at) {
        memcpy(at, text, size);
        writer_to(writer, at + size);
    }
}

static inline void writer_put_text(struct writer *writer, const char *text)
{
    writer_put(writer, text, strlen(text));
}

/** Drain what is left. @return 0, or the first failure with its words */
int writer_flush(struct writer *writer, struct kt_error *error);

/** Whether all went well so far. @return as writer_flush */
int writer_check(const struct writer *writer, struct kt_error *error);

#endif
