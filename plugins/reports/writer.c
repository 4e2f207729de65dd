/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Buffered text. Knows descriptors and memory, nothing of what is written.
 */
#include "writer.h"

#include <errno.h>
#include <unistd.h>

/** Of a file's buffer: large enough to make system calls rare, small beside any result. */
#define FILE_BUFFER_BYTES ((size_t)256 * 1024)
/** What a writer in memory begins with. */
#define FIRST_BYTES ((size_t)4 * 1024)

/** Where a writer to a file is. */
struct file_end {
    int fd;
    off_t offset;
};

static char *fail(struct writer *writer, int code, const char *words)
{
    if (writer->error.code == 0)
        kt_error_set(&writer->error, code, "%s", words);
    writer->used = writer->size = 0;
    return NULL;
}

static bool drain(struct writer *writer)
{
    if (writer->drain(writer->argument, writer->text, writer->used, &writer->error) < 0)
        return false;
    writer->used = 0;
    return true;
}

static bool grow(struct writer *writer, size_t need)
{
    size_t size = writer->size * 2;
    if (need > writer->size_max - writer->used)
        return fail(writer, -EFBIG, "the text is larger than it may be");
    if (size < writer->used + need)
        size = writer->used + need;
    if (size > writer->size_max)
        size = writer->size_max;
    char *text = talloc_realloc_size(writer, writer->text, size);
    if (!text)
        return fail(writer, -ENOMEM, "out of memory");
    writer->text = text;
    writer->size = size;
    return true;
}

char *writer_make_room(struct writer *writer, size_t need)
{
    if (writer->error.code < 0)
        return NULL;
    if (!writer->drain)
        return grow(writer, need) ? writer->text + writer->used : NULL;
    if (need > writer->size)
        return fail(writer, -EFBIG, "one value is larger than a file of this kind can hold");
    if (!drain(writer))
        return fail(writer, writer->error.code, "");
    return writer->text;
}

int writer_check(const struct writer *writer, struct kt_error *error)
{
    return writer->error.code < 0
               ? kt_error_set(error, writer->error.code, "%s", writer->error.text)
               : 0;
}

int writer_flush(struct writer *writer, struct kt_error *error)
{
    if (writer->drain && writer->used > 0 && writer->error.code == 0 && !drain(writer))
        fail(writer, writer->error.code, "");
    return writer_check(writer, error);
}

static int make(TALLOC_CTX *context, size_t size, struct writer **ret_writer,
                struct kt_error *error)
{
    struct writer *writer = talloc_zero(context, struct writer);
    if (!writer)
        return kt_error_set(error, -ENOMEM, "out of memory");
    writer->text = talloc_size(writer, size);
    if (!writer->text) {
        talloc_free(writer);
        return kt_error_set(error, -ENOMEM, "out of memory");
    }
    writer->size = size;
    *ret_writer = writer;
    return 0;
}

int writer_new(TALLOC_CTX *context, size_t size, writer_drain *drain_it, void *argument,
               struct writer **ret_writer, struct kt_error *error)
{
    int result = make(context, size, ret_writer, error);
    if (result == 0) {
        (*ret_writer)->drain = drain_it;
        (*ret_writer)->argument = argument;
    }
    return result;
}

int writer_new_in_memory(TALLOC_CTX *context, size_t size_max, struct writer **ret_writer,
                         struct kt_error *error)
{
    int result = make(context, FIRST_BYTES, ret_writer, error);
    if (result == 0)
        (*ret_writer)->size_max = size_max;
    return result;
}

int write_at(int fd, const void *data, size_t size, int64_t offset, struct kt_error *error)
{
    const char *at = data;
    while (size > 0) {
        ssize_t written = pwrite(fd, at, size, offset);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            int code = written < 0 ? -errno : -EIO;
            if (code == -EFBIG)
                return kt_error_set(error, code, "the file became larger than a result may be");
            if (code == -ENOSPC)
                return kt_error_set(error, code, "there is no room left for the file");
            return kt_error_set(error, code, "the file could not be written: %s", strerror(-code));
        }
        at += written;
        size -= (size_t)written;
        offset += written;
    }
    return 0;
}

/** Besides writing, leave the descriptor's own offset behind what was written. */
static int drain_to_file(void *argument, const char *text, size_t size, struct kt_error *error)
{
    struct file_end *end = argument;
    int result = write_at(end->fd, text, size, end->offset, error);
    if (result == 0) {
        end->offset += (off_t)size;
        if (lseek(end->fd, end->offset, SEEK_SET) < 0)
            return kt_error_set(error, -errno, "the file can't be positioned");
    }
    return result;
}

int writer_new_to_file(TALLOC_CTX *context, int fd, struct writer **ret_writer,
                       struct kt_error *error)
{
    off_t offset = lseek(fd, 0, SEEK_CUR);
    if (offset < 0)
        return kt_error_set(error, -errno, "the file can't be positioned");
    int result = writer_new(context, FILE_BUFFER_BYTES, drain_to_file, NULL, ret_writer, error);
    if (result < 0)
        return result;
    struct file_end *end = talloc(*ret_writer, struct file_end);
    if (!end) {
        talloc_free(*ret_writer);
        return kt_error_set(error, -ENOMEM, "out of memory");
    }
    *end = (struct file_end){fd, offset};
    (*ret_writer)->argument = end;
    return 0;
}
