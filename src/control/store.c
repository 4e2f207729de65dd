/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kontorctl store: a runtime of our own with one process, which uses the store as plugins do. So it
 * works beside a kontord that runs, with either backend.
 */
#include "config.h"

#include "control/store.h"

#include "base/configuration.h"
#include "control/store_line.h"
#include "process/runtime.h"
#include "store/store.h"
#include "worker/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** Nobody waits but the one who typed it: one call may take an hour. */
#define TIMEOUT_MS INT64_C(3600000)
/** Lines that are imported at once: they share one sync of the disk. */
#define BATCH_MAX 32u
/** A longer line holds more than the largest value, whatever of it is escaped. */
#define LINE_BYTES_MAX ((ssize_t)8 << 20)

/** What the process works on. */
struct task {
    const struct kt_store_command *command;
    FILE *stream;
    unsigned long line; /**< of the file that is imported */
    int64_t count;      /**< documents and counters so far */
    int status;         /**< to exit with */
};

static void say(const char *what, int result)
{
    fprintf(stderr, "kontorctl: %s: %s\n", what,
            result == -ENOTSUP ? "this kind of store cannot be listed" : strerror(-result));
}

/* ---------------------------------------------------------------- export */

/** @return 0 or a negative errno */
static int write_line(struct task *task, const struct kt_store_line *line)
{
    char *text = kt_store_line_write(kt_self_memory(), line);
    if (!text)
        return -ENOMEM;
    bool is_written = fputs(text, task->stream) >= 0 && fputc('\n', task->stream) != EOF;
    talloc_free(text);
    task->count += line->kind == KT_STORE_LINE_DOCUMENT || line->kind == KT_STORE_LINE_COUNTER;
    return is_written ? 0 : errno > 0 ? -errno : -EIO;
}

/** @param writes  else they are only read, which checks them */
static int walk_space(struct task *task, const char *name_space, bool writes)
{
    struct kt_store_page *page = NULL;
    struct kt_store_line line = {.kind = KT_STORE_LINE_DOCUMENT};
    int result = 0;
    snprintf(line.name_space, sizeof line.name_space, "%s", name_space);
    do {
        talloc_free(page);
        result = kt_store_scan(name_space, "", line.key[0] ? line.key : NULL, 0, &page);
        for (uint32_t i = 0; result == 0 && i < page->count; i++) {
            snprintf(line.key, sizeof line.key, "%s", page->documents[i]->key);
            line.value = page->documents[i]->value;
            line.value_bytes = page->documents[i]->value_bytes;
            if (writes)
                result = write_line(task, &line);
        }
    } while (result == 0 && page->has_more);
    if (result == 0)
        talloc_free(page);
    return result;
}

static int walk(struct task *task, bool writes)
{
    struct kt_store_entry entry = {0};
    int result;
    while ((result = kt_store_next_space(&entry)) == 0) {
        result = walk_space(task, entry.name_space, writes);
        if (result < 0)
            return result;
    }
    if (result != -ENOENT)
        return result;
    memset(&entry, 0, sizeof entry);
    while ((result = kt_store_next_counter(&entry)) == 0) {
        struct kt_store_line line = {.kind = KT_STORE_LINE_COUNTER, .number = entry.value};
        memcpy(line.name_space, entry.name_space, sizeof line.name_space);
        memcpy(line.key, entry.key, sizeof line.key);
        if (writes && (result = write_line(task, &line)) < 0)
            return result;
    }
    return result == -ENOENT ? 0 : result;
}

static int run_export(struct task *task)
{
    int result = write_line(task, &(struct kt_store_line){.kind = KT_STORE_LINE_HEAD});
    if (result == 0)
        result = walk(task, true);
    if (result == 0)
        result = write_line(
            task, &(struct kt_store_line){.kind = KT_STORE_LINE_END, .number = task->count});
    if (result == 0 && fflush(task->stream) != 0)
        result = -errno;
    if (result < 0)
        say("the export is not complete", result);
    return result;
}

/* ---------------------------------------------------------------- import */

/** A line on its way into the store, by a process of its own. */
struct import {
    struct kt_store_line line;
    kt_pid pid;
    int result;
};

static void import_line(void *argument)
{
    struct import *import = argument;
    const struct kt_store_line *line = &import->line;
    int64_t value;
    if (line->kind == KT_STORE_LINE_DOCUMENT) {
        import->result = kt_store_put(line->name_space, line->key, line->value, line->value_bytes,
                                      KT_STORE_ANY, NULL);
        return;
    }
    /* Down to 0 and up again, since the way between two numbers of 64 bits may need 65. */
    import->result = kt_store_add(line->name_space, line->key, 0, &value);
    for (int i = 0; i < 2 && import->result == 0 && value != 0; i++)
        import->result = kt_store_add(line->name_space, line->key,
                                      value == INT64_MIN ? INT64_MAX : -value, &value);
    if (import->result == 0 && line->number != 0)
        import->result = kt_store_add(line->name_space, line->key, line->number, NULL);
}

/** Put some lines into the store at once. */
static int import_batch(struct task *task, struct import *batch, unsigned count)
{
    int result = 0;
    for (unsigned i = 0; i < count; i++)
        if (kt_spawn(NULL, import_line, &batch[i], &batch[i].pid) < 0)
            batch[i].result = -ENOMEM;
    for (unsigned i = 0; i < count; i++) {
        kt_join(batch[i].pid, -1);
        if (batch[i].result < 0 && result == 0) {
            fprintf(stderr, "kontorctl: %s/%s cannot be imported: %s\n", batch[i].line.name_space,
                    batch[i].line.key, strerror(-batch[i].result));
            result = batch[i].result;
        } else if (batch[i].result == 0) {
            task->count++;
        }
    }
    return result;
}

/** Read some lines. @return how many, 0 at the end, or a negative errno that has been told */
static int read_batch(struct task *task, TALLOC_CTX *context, struct import *batch, bool *ret_ended)
{
    char *text = NULL;
    size_t size = 0;
    ssize_t length;
    int count = 0;
    struct kt_error error = {0};
    while (count < (int)BATCH_MAX && (length = getline(&text, &size, task->stream)) > 0) {
        struct kt_store_line *line = &batch[count].line;
        task->line++;
        int result = *ret_ended ? kt_error_set(&error, -EINVAL, "there is more behind the end")
                     : length > LINE_BYTES_MAX
                         ? kt_error_set(&error, -EINVAL, "the line is too long")
                         : kt_store_line_read(context, text, (size_t)length, line, &error);
        if (result == 0 && (line->kind == KT_STORE_LINE_HEAD) != (task->line == 1))
            result = kt_error_set(&error, -EINVAL, "this is no export of a store");
        if (result < 0) {
            fprintf(stderr, "kontorctl: line %lu: %s\n", task->line, error.text);
            free(text);
            return result;
        }
        if (line->kind == KT_STORE_LINE_END)
            *ret_ended = true;
        if (line->kind == KT_STORE_LINE_DOCUMENT || line->kind == KT_STORE_LINE_COUNTER)
            count++;
    }
    free(text);
    if (ferror(task->stream)) {
        fprintf(stderr, "kontorctl: after line %lu: %s\n", task->line, strerror(errno));
        return -EIO;
    }
    return count;
}

static int run_import(struct task *task)
{
    bool is_ended = false;
    int count;
    do {
        TALLOC_CTX *context = kt_must(talloc_new(kt_self_memory()));
        struct import *batch = kt_must(talloc_zero_array(context, struct import, BATCH_MAX));
        count = read_batch(task, context, batch, &is_ended);
        int result = count > 0 ? import_batch(task, batch, (unsigned)count) : 0;
        talloc_free(context);
        if (result < 0)
            return result;
    } while (count > 0);
    if (count == 0 && !is_ended) {
        fprintf(stderr, "kontorctl: the export is cut: it has no end\n");
        return -EINVAL;
    }
    return count;
}

/* ---------------------------------------------------------------- all of them */

static int run_check(struct task *task)
{
    int result = kt_store_check();
    if (result == 0)
        result = walk(task, false);
    if (result < 0)
        say("the store is not whole", result);
    return result;
}

static void task_main(void *argument)
{
    struct task *task = argument;
    int result = strcmp(task->command->order, "export") == 0   ? run_export(task)
                 : strcmp(task->command->order, "import") == 0 ? run_import(task)
                                                               : run_check(task);
    if (strcmp(task->command->order, "import") == 0)
        fprintf(stderr, "kontorctl: %" PRId64 " documents and counters were imported\n",
                task->count);
    task->status = result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
    kt_runtime_stop();
}

static int run_task(struct task *task, const struct kt_store_options *options)
{
    struct kt_error error = {0};
    if (kt_runtime_start(NULL, &error) < 0) {
        fprintf(stderr, "kontorctl: %s\n", error.text);
        return EXIT_FAILURE;
    }
    int result = kt_store_start(options, &error);
    if (result == 0) {
        result = kt_spawn(NULL, task_main, task, NULL);
        if (result == 0)
            kt_runtime_run();
    } else {
        fprintf(stderr, "kontorctl: %s\n", error.text);
    }
    kt_store_close();
    kt_runtime_close();
    return result == 0 ? task->status : EXIT_FAILURE;
}

/** Open the file that was named; what is exported may be secret. @return false: told why not */
static bool open_stream(struct task *task)
{
    bool is_export = strcmp(task->command->order, "export") == 0;
    const char *path = task->command->file;
    task->stream = is_export ? stdout : stdin;
    if (path) {
        int fd = is_export ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)
                           : open(path, O_RDONLY | O_CLOEXEC);
        task->stream = fd >= 0 ? fdopen(fd, is_export ? "w" : "r") : NULL;
        if (!task->stream && fd >= 0)
            close(fd);
    }
    if (!task->stream)
        fprintf(stderr, "kontorctl: %s: %s\n", path, strerror(errno));
    return task->stream != NULL;
}

/** Close it. @return the exit status: what was written may be lost only now */
static int close_stream(struct task *task, int status)
{
    bool is_closed = !task->command->file || fclose(task->stream) == 0;
    if (!is_closed)
        fprintf(stderr, "kontorctl: %s: %s\n", task->command->file, strerror(errno));
    return is_closed ? status : EXIT_FAILURE;
}

int kt_store_command(const struct kt_store_command *command)
{
    int status = EXIT_FAILURE;
    TALLOC_CTX *context = talloc_new(NULL);
    struct kt_problems *problems = kt_problems_new(context);
    struct kt_config *config = NULL;
    struct kt_store_options options = {0};
    struct task task = {.command = command, .status = EXIT_FAILURE};
    int result =
        problems ? kt_config_read(context, command->config_path, problems, &config) : -ENOMEM;
    if (result == 0)
        result = kt_settings_check_store(context, config, problems, &options);
    options.timeout_ms = TIMEOUT_MS;
    if (result < 0) {
        const char *why = problems ? kt_problems_text(problems, 0) : NULL;
        fprintf(stderr, "kontorctl: %s\n", why ? why : "out of memory");
    } else if (open_stream(&task)) {
        status = close_stream(&task, run_task(&task, &options));
    }
    talloc_free(context);
    return status;
}
