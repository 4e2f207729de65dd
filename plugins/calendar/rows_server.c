/* SPDX-License-Identifier: BSD-2-Clause */
/* The rows of what was seen go into a memory file, which goes to whoever asked. */
#include "rows_server.h"
#include "question.h"

#include <errno.h>
#include <kontor/kontor.h>
#include <string.h>
#include <unistd.h>

#define QUESTIONS_MAX 16u

/** Bytes for a file, which may be many: for the thread pool. */
struct saving {
    const struct kt_look *look;
    int fd;
    int result;
};

/** On any thread. */
static int write_rows(struct kt_look *look, const struct kt_look_question *asked)
{
    (void)asked;
    return kt_rows_json(look->tree, &look->breakdown, &look->window, &look->text, &look->size);
}

static int write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, bytes, size);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -errno;
        bytes += written;
        size -= (size_t)written;
    }
    return 0;
}

static void save(void *argument)
{
    struct saving *saving = argument;

    saving->result = write_all(saving->fd, saving->look->text, saving->look->size);
}

/** @return 0 or a negative errno */
static int reply_rows(const struct kt_question *question, const struct kt_look *look)
{
    struct saving saving = {.look = look};
    struct kt_memory_file *file;
    int result = kt_memory_file_new(kt_self_memory(), "rows of a calendar", &file);

    if (result < 0)
        return result;
    saving.fd = file->fd;
    result = kt_work(save, &saving);
    if (result == 0)
        result = saving.result;
    if (result == 0)
        result = kt_memory_file_seal(file);
    return result < 0 ? result : kt_reply_memory(&question->from, 200, file);
}

static void answer(const struct kt_question *question, const struct kt_look *look)
{
    if (reply_rows(question, look) < 0)
        kt_question_refuse(question, 503, "The server is too busy. Try again in a moment.");
}

/* ---------------------------------------------------------------- the server */

static int server_init(void *argument, void **ret_state)
{
    struct kt_desk *desk = kt_must(talloc_zero(kt_self_memory(), struct kt_desk));

    *desk = (struct kt_desk){.service = argument,
                             .type = KT_ROWS_ASK,
                             .max = QUESTIONS_MAX,
                             .label = "rows for a plugin",
                             .write = write_rows,
                             .answer = answer};
    *ret_state = desk;
    return 0;
}

static void server_call(void *state, const struct kt_message *call)
{
    struct kt_desk *desk = state;
    const char *zone = desk->service->timezone;
    struct kt_from from = kt_message_from(call);

    if (call->type == KT_ROWS_ASK_ZONE)
        kt_reply(&from, 200, zone, strlen(zone));
    else
        kt_desk_take(desk, call);
}

static void server_message(void *state, const struct kt_message *message)
{
    if (message->type == KT_MESSAGE_DOWN)
        kt_desk_end(state);
}

static const struct kt_server rows_server = {
    .label = "rows for plugins",
    .init = server_init,
    .handle_call = server_call,
    .handle_message = server_message,
};

int kt_rows_server_start(struct kt_plugin *plugin, struct kt_service *service)
{
    const struct kt_child child = {.id = "rows",
                                   .restart = KT_PERMANENT,
                                   .server = &rows_server,
                                   .argument = service,
                                   .name = KT_ROWS_SERVER};

    return kt_plugin_child(plugin, &child, NULL);
}
