/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The worker's side of kontorctl: a few connections at once, each with a deadline, none of which
 * can make the loop wait. Answers are made from counters and one walk over the processes.
 */
#include "config.h"

#include "worker/control.h"

#include "http/service.h"
#include "job/jobs.h"
#include "process/runtime.h"
#include "worker/status.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <kontor/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/** Connections at once; more are closed. */
#define CONNECTIONS_MAX 8u
/** A client that has not asked, or not taken its answer, after this is cut off. */
#define PATIENCE_MS 10000
/** A plugin that has not answered by then is not waited for; below the patience. */
#define PLUGIN_TIMEOUT_MS 9000

struct kt_control {
    uv_pipe_t listener;
    struct connection *connections[CONNECTIONS_MAX]; /**< NULL: a free place */
    uint32_t handles; /**< open ones, the listener and those of connections */
};

struct connection {
    struct kt_control *control;
    uv_pipe_t pipe;
    uv_timer_t timer;
    uv_write_t write;
    size_t place; /**< in control->connections; CONNECTIONS_MAX: none */
    char *answer; /**< cJSON's, while it is being written */
    char line[KT_CONTROL_LINE_MAX];
    size_t used;
    int open_handles;
    bool is_working; /**< a process makes the answer: the connection stays until it has ended */
};

/* ---------------------------------------------------------------- what is answered */

static void add_number(cJSON *object, const char *name, uint64_t number)
{
    cJSON_AddNumberToObject(object, name, (double)number);
}

static char *make_status(bool with_processes)
{
    cJSON *document = kt_status_make(with_processes);
    char *text = cJSON_PrintUnformatted(document);
    cJSON_Delete(document);
    return text;
}

/** One job, with the names of struct kt_job. */
static void add_job(const struct kt_job *job, void *argument)
{
    cJSON *entry = cJSON_CreateObject();
    cJSON_AddStringToObject(entry, "realm", job->realm);
    cJSON_AddStringToObject(entry, "id", job->id);
    cJSON_AddStringToObject(entry, "plugin", job->plugin);
    cJSON_AddStringToObject(entry, "kind", job->kind);
    cJSON_AddStringToObject(entry, "title", job->title);
    cJSON_AddStringToObject(entry, "who", job->who);
    cJSON_AddStringToObject(entry, "state", kt_job_state_name(job->state));
    cJSON_AddStringToObject(entry, "phase", job->phase);
    cJSON_AddStringToObject(entry, "reason", job->reason);
    add_number(entry, "done", job->done);
    add_number(entry, "total", job->total);
    add_number(entry, "position", job->position);
    add_number(entry, "queued_ms", (uint64_t)job->queued_ms);
    add_number(entry, "started_ms", (uint64_t)job->started_ms);
    add_number(entry, "ended_ms", (uint64_t)job->ended_ms);
    add_number(entry, "expires_ms", (uint64_t)job->expires_ms);
    add_number(entry, "result_bytes", job->result_bytes);
    cJSON_AddItemToArray(argument, entry);
}

static char *make_jobs(void)
{
    cJSON *document = cJSON_CreateObject();
    add_number(document, "now_ms", (uint64_t)kt_unix_ms());
    kt_jobs_each(add_job, cJSON_AddArrayToObject(document, "jobs"));
    char *text = cJSON_PrintUnformatted(document);
    cJSON_Delete(document);
    return text;
}

static char *make_answer(const char *question)
{
    if (strcmp(question, KT_CONTROL_JOBS) == 0)
        return make_jobs();
    if (strcmp(question, KT_CONTROL_STATUS) == 0)
        return make_status(false);
    if (strcmp(question, KT_CONTROL_PROCESSES) == 0)
        return make_status(true);
    cJSON *document = cJSON_CreateObject();
    cJSON_AddStringToObject(document, "error", "unknown question");
    char *text = cJSON_PrintUnformatted(document);
    cJSON_Delete(document);
    return text;
}

/* ---------------------------------------------------------------- connections */

static void release(struct kt_control *control)
{
    if (--control->handles == 0)
        free(control);
}

static void free_when_over(struct connection *connection)
{
    if (connection->open_handles > 0 || connection->is_working)
        return;
    if (connection->place < CONNECTIONS_MAX)
        connection->control->connections[connection->place] = NULL;
    cJSON_free(connection->answer);
    free(connection);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct connection *connection = handle->data;
    struct kt_control *control = connection->control;
    connection->open_handles--;
    free_when_over(connection);
    release(control);
}

static void cut(struct connection *connection)
{
    if (uv_is_closing((uv_handle_t *)&connection->pipe))
        return;
    uv_close((uv_handle_t *)&connection->pipe, on_handle_closed);
    uv_close((uv_handle_t *)&connection->timer, on_handle_closed);
}

static void on_patience(uv_timer_t *timer)
{
    cut(timer->data);
}

static void on_written(uv_write_t *request, int status)
{
    (void)status;
    cut(request->handle->data);
}

static void send_answer(struct connection *connection)
{
    static char newline[] = "\n";
    if (uv_is_closing((uv_handle_t *)&connection->pipe))
        return;
    if (connection->answer == NULL) {
        cut(connection);
        return;
    }
    uv_buf_t buffers[] = {
        uv_buf_init(connection->answer, (unsigned)strlen(connection->answer)),
        uv_buf_init(newline, 1),
    };
    if (uv_write(&connection->write, (uv_stream_t *)&connection->pipe, buffers, 2, on_written) < 0)
        cut(connection);
}

/** In a process: do to a job what the line says. */
static void work_on_job(void *argument)
{
    struct connection *connection = argument;
    char realm[KT_JOB_NAME_MAX + 1], id[KT_JOB_NAME_MAX + 1], word[8];
    int result = -EINVAL;
    /* the widths are KT_JOB_NAME_MAX */
    if (sscanf(connection->line, KT_CONTROL_JOBS " %7s %63s %63s", word, realm, id) == 3)
        result = strcmp(word, "cancel") == 0 ? kt_job_cancel(realm, id, "kontorctl")
                                             : kt_job_delete(realm, id);
    cJSON *document = cJSON_CreateObject();
    cJSON_AddBoolToObject(document, "ok", result == 0);
    if (result < 0)
        cJSON_AddStringToObject(document, "error",
                                result == -ENOENT     ? "there is no such job"
                                : result == -EBUSY    ? "it runs: cancel it first"
                                : result == -EALREADY ? "it has ended"
                                                      : strerror(-result));
    connection->answer = cJSON_PrintUnformatted(document);
    cJSON_Delete(document);
    if (connection->answer != NULL) /* it is to outlive this process */
        connection->answer = talloc_steal(NULL, connection->answer);
}

/** In a process: hand a question to a plugin, and its answer back. */
static void ask_plugin(void *argument)
{
    struct connection *connection = argument;
    char name[64] = "";
    int words = 0;
    const struct kt_message *reply;
    /* the width leaves room for the suffix */
    int result = sscanf(connection->line, KT_CONTROL_ASK " %40s %n", name, &words) == 1 && words > 0
                     ? 0
                     : -EINVAL;
    if (result == 0) {
        const char *question = connection->line + words;
        strcat(name, KT_PLUGIN_CONTROL_SUFFIX);
        result = kt_call(kt_whereis(name), KT_PLUGIN_CONTROL, question, strlen(question),
                         PLUGIN_TIMEOUT_MS, &reply);
    }
    if (result == 0) {
        connection->answer = talloc_strndup(NULL, reply->data, reply->size);
        return;
    }
    cJSON *document = cJSON_CreateObject();
    cJSON_AddStringToObject(document, "error",
                            result == -ESRCH ? "no such plugin is loaded" : strerror(-result));
    connection->answer = cJSON_PrintUnformatted(document);
    cJSON_Delete(document);
    if (connection->answer != NULL) /* it is to outlive this process */
        connection->answer = talloc_steal(NULL, connection->answer);
}

static void on_work_done(void *argument, const struct kt_exit *exit)
{
    struct connection *connection = argument;
    (void)exit;
    connection->is_working = false;
    send_answer(connection);
    free_when_over(connection);
}

static void answer(struct connection *connection)
{
    static const struct kt_spawn options = {.label = "kontorctl"};
    static const struct kt_spawn_inside inside = {.on_exit = on_work_done};
    uv_read_stop((uv_stream_t *)&connection->pipe);
    if (strncmp(connection->line, KT_CONTROL_ASK " ", sizeof(KT_CONTROL_ASK)) == 0) {
        connection->is_working = true;
        if (kt_spawn_inside(&options, &inside, ask_plugin, connection, NULL) == 0)
            return;
        connection->is_working = false;
    }
    if (strncmp(connection->line, KT_CONTROL_JOBS_CANCEL " ", sizeof(KT_CONTROL_JOBS_CANCEL)) ==
            0 ||
        strncmp(connection->line, KT_CONTROL_JOBS_DELETE " ", sizeof(KT_CONTROL_JOBS_DELETE)) ==
            0) {
        connection->is_working = true;
        if (kt_spawn_inside(&options, &inside, work_on_job, connection, NULL) == 0)
            return;
        connection->is_working = false;
    }
    connection->answer = make_answer(connection->line);
    send_answer(connection);
}

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct connection *connection = handle->data;
    (void)suggested;
    *buffer = uv_buf_init(connection->line + connection->used,
                          (unsigned)(sizeof(connection->line) - 1 - connection->used));
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct connection *connection = stream->data;
    (void)buffer;
    if (size < 0) {
        cut(connection);
        return;
    }
    connection->used += (size_t)size;
    connection->line[connection->used] = '\0';
    char *end = strchr(connection->line, '\n');
    if (end != NULL) {
        *end = '\0';
        answer(connection);
    } else if (connection->used == sizeof(connection->line) - 1) {
        cut(connection);
    }
}

static void on_connection(uv_stream_t *stream, int status)
{
    struct kt_control *control = stream->data;
    if (status < 0)
        return;
    struct connection *connection = calloc(1, sizeof(*connection));
    if (connection == NULL)
        return;
    connection->control = control;
    uv_pipe_init(stream->loop, &connection->pipe, 0);
    uv_timer_init(stream->loop, &connection->timer);
    connection->pipe.data = connection->timer.data = connection;
    connection->open_handles = 2;
    control->handles += 2;
    while (connection->place < CONNECTIONS_MAX && control->connections[connection->place] != NULL)
        connection->place++;
    if (connection->place < CONNECTIONS_MAX)
        control->connections[connection->place] = connection;
    if (uv_accept(stream, (uv_stream_t *)&connection->pipe) < 0 ||
        connection->place == CONNECTIONS_MAX ||
        uv_timer_start(&connection->timer, on_patience, PATIENCE_MS, 0) < 0 ||
        uv_read_start((uv_stream_t *)&connection->pipe, on_allocate, on_read) < 0)
        cut(connection);
}

static void on_listener_closed(uv_handle_t *handle)
{
    release(handle->data);
}

int kt_control_start(int fd, struct kt_control **ret_control)
{
    struct kt_control *control = calloc(1, sizeof(*control));
    if (control == NULL)
        return -ENOMEM;
    control->handles = 1;
    uv_pipe_init(kt_runtime_loop(), &control->listener, 0);
    control->listener.data = control;
    int result = uv_pipe_open(&control->listener, fd);
    if (result == 0)
        result = uv_listen((uv_stream_t *)&control->listener, CONNECTIONS_MAX, on_connection);
    if (result < 0) {
        uv_close((uv_handle_t *)&control->listener, on_listener_closed);
        return result;
    }
    *ret_control = control;
    return 0;
}

void kt_control_stop(struct kt_control *control)
{
    if (control == NULL)
        return;
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        if (control->connections[i] != NULL)
            cut(control->connections[i]);
    uv_close((uv_handle_t *)&control->listener, on_listener_closed);
}
