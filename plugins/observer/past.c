/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An entry that is kept without an owner is anybody's to remove, and only one succeeds: that one
 * has it. Should it die before it has written it down, the past of the other is lost: milliseconds.
 */
#include "past.h"

#include <errno.h>
#include <inttypes.h>
#include <kontor/log.h>
#include <kontor/registry.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/** Nobody needs it when all its samples are older. */
#define KEEP_MS ((int64_t)HISTORY_SAMPLES * HISTORY_STEP_MS)
/** More is no history: a sample has some 200 bytes. */
#define FILE_BYTES_MAX (1u << 20)

struct past {
    struct history *history;
    char key[64];
    bool is_registered;
    bool is_failing; /**< which the log has been told */
};

struct past *past_new(TALLOC_CTX *context, struct history *history)
{
    struct past *past = talloc_zero(context, struct past);
    if (!past)
        return NULL;
    past->history = history;
    snprintf(past->key, sizeof past->key, PAST_PREFIX "%" PRIx64, kt_self());
    return past;
}

/* ---------------------------------------------------------------- of others */

/** Add one whose worker has ended, if nobody else does. */
static void take_over(struct past *past, const char *key)
{
    struct kt_memory_file *file;
    if (kt_registry_file(key, &file) < 0)
        return;
    char *data = file->size_bytes <= FILE_BYTES_MAX ? talloc_size(file, file->size_bytes) : NULL;
    ssize_t size = data ? pread(file->fd, data, file->size_bytes, 0) : -1;
    if (kt_registry_unregister(key) == 0 &&
        (size < 0 || !history_unpack(past->history, data, (size_t)size)))
        kt_log_info("the history of a worker that has ended can't be read: %s", key);
    talloc_free(file);
}

static void take_over_all(struct past *past)
{
    struct kt_registry_page *page;
    if (kt_registry_select(PAST_PREFIX, NULL, 0, &page) < 0)
        return;
    for (uint32_t i = 0; i < page->count; i++)
        if (page->entries[i]->owner == KT_PID_NONE && page->entries[i]->has_file)
            take_over(past, page->entries[i]->key);
    talloc_free(page);
}

/* ---------------------------------------------------------------- its own */

static int write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, data, size);
        if (written < 0)
            return -errno;
        data += written;
        size -= (size_t)written;
    }
    return 0;
}

static int publish(struct past *past, const struct kt_memory_file *file)
{
    const struct kt_registration what = {
        .key = past->key, .file = file, .keep_until_ms = kt_unix_ms() + KEEP_MS};
    int result = past->is_registered ? kt_registry_update(&what) : -ENOENT;
    if (result == -ENOENT) /* its time was over, since the clock was changed */
        result = kt_registry_register(&what, NULL);
    past->is_registered = past->is_registered || result == 0;
    return result;
}

static int write_down(struct past *past)
{
    struct kt_memory_file *file;
    size_t size = 0;
    int result = kt_memory_file_new(kt_self_memory(), "past of an observer", &file);
    if (result < 0)
        return result;
    const char *data = history_pack(file, past->history, &size);
    result = data ? write_all(file->fd, data, size) : -ENOMEM;
    if (result == 0)
        result = kt_memory_file_seal(file);
    if (result == 0)
        result = publish(past, file);
    talloc_free(file);
    return result;
}

void past_keep(struct past *past)
{
    take_over_all(past);
    int result = write_down(past);
    if (result < 0 && !past->is_failing && result != -ENOTCONN)
        kt_log_warning("the history of this worker will end with it: %s", strerror(-result));
    past->is_failing = result < 0;
}
