/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server only takes questions; each is answered by a process of its own: the question, the
 * look, the rows, the file.
 */
#include "rows_server.h"
#include "look.h"
#include "rows.h"
#include "work_tree.h"
#include "zone.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <kontor/kontor.h>
#include <string.h>
#include <unistd.h>

/** Questions that are being answered at once; more are told to come back. */
#define QUESTIONS_MAX 16u
#define QUESTION_BYTES_MAX 4096u

/** One question. A talloc chunk that belongs to its process. */
struct question {
    const struct kt_service *service;
    struct kt_from from;
    char *text;
    struct kt_look_question asked;
};

/** What is done on the thread pool, with a tree of its own. */
struct writing {
    TALLOC_CTX *tree;
    const struct kt_look *look;
    int fd;
    int result;
};

struct server {
    struct kt_service *service;
    uint32_t running;
};

static void reply_problem(const struct question *question, int status, const char *detail)
{
    cJSON *problem = cJSON_CreateObject();
    char *text;

    cJSON_AddNumberToObject(problem, "status", status);
    cJSON_AddStringToObject(problem, "detail", detail);
    text = kt_must(cJSON_PrintUnformatted(problem));
    kt_reply(&question->from, (uint32_t)status, text, strlen(text));
    cJSON_free(text);
    cJSON_Delete(problem);
}

/** Read the question. @return whether it makes sense; otherwise it has been answered */
static bool parse(struct question *question)
{
    cJSON *json = cJSON_Parse(question->text);
    const char *user = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "user"));
    const char *zone = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "zone"));
    const char *from = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "from"));
    const char *to = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "to"));
    struct kt_look_question *asked = &question->asked;
    bool has_user = user && *user && (!zone || strlen(zone) <= KT_ZONE_NAME_MAX);
    bool is_good = has_user && kt_look_days(from, to, &asked->first_day, &asked->days) == 0;

    if (!has_user)
        reply_problem(question, 400, "The question makes no sense.");
    else if (!is_good)
        reply_problem(question, 400, KT_LOOK_DAYS_WRONG);
    if (is_good) {
        asked->service = question->service;
        asked->user = kt_must(talloc_strdup(question, user));
        asked->zone = kt_must(talloc_strdup(question, zone ? zone : question->service->timezone));
    }
    cJSON_Delete(json);
    return is_good;
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

static void write_rows(void *argument)
{
    struct writing *writing = argument;
    char *text;
    size_t size;

    writing->result = kt_rows_json(writing->tree, &writing->look->breakdown, &writing->look->window,
                                   &text, &size);
    if (writing->result == 0)
        writing->result = write_all(writing->fd, text, size);
}

/** @return 0 or a negative errno */
static int reply_rows(const struct question *question, const struct kt_look *look)
{
    TALLOC_CTX *tree = kt_must(kt_work_tree(kt_self_memory()));
    struct writing *writing = kt_must(talloc_zero(tree, struct writing));
    struct kt_memory_file *file;
    int result = kt_memory_file_new(kt_self_memory(), "rows of a calendar", &file);

    if (result < 0)
        return result;
    *writing = (struct writing){.tree = tree, .look = look, .fd = file->fd};
    result = kt_work(write_rows, writing);
    if (result == 0)
        result = writing->result;
    if (result == 0)
        result = kt_memory_file_seal(file);
    return result < 0 ? result : kt_reply_memory(&question->from, 200, file);
}

static void answer_main(void *argument)
{
    struct question *question = argument;
    struct kt_look_refusal refusal;
    struct kt_look *look;

    if (!parse(question))
        return;
    if (kt_look(&question->asked, &look, &refusal) < 0)
        reply_problem(question, refusal.status, refusal.text);
    else if (reply_rows(question, look) < 0)
        reply_problem(question, 503, "The server is too busy. Try again in a moment.");
}

/* ---------------------------------------------------------------- the server */

static int server_init(void *argument, void **ret_state)
{
    struct server *server = kt_must(talloc_zero(kt_self_memory(), struct server));

    server->service = argument;
    *ret_state = server;
    return 0;
}

static void server_call(void *state, const struct kt_message *call)
{
    struct server *server = state;
    struct question *question = kt_must(talloc_zero(NULL, struct question));
    uint64_t monitor;

    question->service = server->service;
    question->from = kt_message_from(call);
    if (call->type != KT_ROWS_ASK || call->size > QUESTION_BYTES_MAX)
        reply_problem(question, 400, "The question makes no sense.");
    else if (server->running >= QUESTIONS_MAX)
        reply_problem(question, 503, "Too many questions at once.");
    else {
        question->text = kt_must(talloc_strndup(question, call->data, call->size));
        if (kt_spawn(&(struct kt_spawn){.label = "rows for a plugin",
                                        .give = true,
                                        .ret_monitor = &monitor},
                     answer_main, question, NULL) == 0) {
            server->running++;
            return;
        }
        reply_problem(question, 503, "The server is too busy. Try again in a moment.");
    }
    talloc_free(question);
}

static void server_message(void *state, const struct kt_message *message)
{
    struct server *server = state;

    server->running -= message->type == KT_MESSAGE_DOWN;
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
