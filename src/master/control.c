/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The master's control socket: a handful of clients, none of which can make the master wait.
 */
#include "config.h"

#include "master/control.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/** A client that neither asks nor takes its answer is cut off after this. */
#define PATIENCE_MS 10000
#define BACKLOG 16

enum client_state {
    CLIENT_FREE,
    CLIENT_ASKING,
    CLIENT_WAITING, /**< for the end of a reload or a release */
    CLIENT_TAKING,  /**< its answer */
    CLIENT_HOLDING, /**< has its answer to "stop", and waits for the end */
};

struct client {
    enum client_state state;
    int fd;
    int64_t deadline_ms;
    char line[KT_CONTROL_LINE_MAX];
    size_t used;
    char *answer; /**< by cJSON */
    size_t size, sent;
    bool is_held; /**< keep the connection when the answer is out */
};

struct kt_master_control {
    struct kt_master *master;
    int fd;
    char *path;
    struct client clients[KT_MASTER_CLIENTS_MAX];
};

int kt_control_listen(const char *path, struct kt_error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address.sun_path))
        return kt_error_set(error, -ENAMETOOLONG,
                            "%s: too long for a socket, choose another run_dir", path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return kt_error_set(error, -errno, "no control socket: %s", strerror(errno));
    unlink(path);
    mode_t mask = umask(0177);
    int result = bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
    umask(mask);
    if (result == 0 && listen(fd, BACKLOG) < 0)
        result = -errno;
    if (result < 0) {
        close(fd);
        return kt_error_set(error, result, "%s: %s", path, strerror(-result));
    }
    return fd;
}

int kt_master_control_open(struct kt_master *master, struct kt_error *error)
{
    struct kt_master_control *control = talloc_zero(NULL, struct kt_master_control);
    if (control == NULL)
        return kt_error_set(error, -ENOMEM, "out of memory");
    control->master = master;
    control->path = talloc_asprintf(control, "%s/%s", master->run_dir, KT_CONTROL_MASTER);
    control->fd = control->path != NULL ? kt_control_listen(control->path, error)
                                        : kt_error_set(error, -ENOMEM, "out of memory");
    int result = control->fd;
    if (result < 0) {
        talloc_free(control);
        return result;
    }
    master->control = control;
    return 0;
}

static void cut(struct client *client)
{
    if (client->state == CLIENT_FREE)
        return;
    close(client->fd);
    cJSON_free(client->answer);
    memset(client, 0, sizeof(*client));
}

void kt_master_control_close(struct kt_master_control *control)
{
    if (control == NULL)
        return;
    for (size_t i = 0; i < KT_MASTER_CLIENTS_MAX; i++)
        cut(&control->clients[i]);
    close(control->fd);
    unlink(control->path);
    talloc_free(control);
}

void kt_master_control_close_inherited(const struct kt_master_control *control)
{
    for (size_t i = 0; i < KT_MASTER_CLIENTS_MAX; i++)
        if (control->clients[i].state != CLIENT_FREE)
            close(control->clients[i].fd);
    close(control->fd);
}

size_t kt_master_control_poll(const struct kt_master_control *control, struct pollfd *fds)
{
    size_t count = 0;
    fds[count++] = (struct pollfd){.fd = control->fd, .events = POLLIN};
    for (size_t i = 0; i < KT_MASTER_CLIENTS_MAX; i++) {
        const struct client *client = &control->clients[i];
        if (client->state == CLIENT_ASKING)
            fds[count++] = (struct pollfd){.fd = client->fd, .events = POLLIN};
        else if (client->state == CLIENT_TAKING)
            fds[count++] = (struct pollfd){.fd = client->fd, .events = POLLOUT};
    }
    return count;
}

/* ---------------------------------------------------------------- answers */

static void send_more(struct client *client)
{
    while (client->sent < client->size) {
        ssize_t sent = send(client->fd, client->answer + client->sent, client->size - client->sent,
                            MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN)
            return;
        if (sent < 0 && errno != EINTR) {
            cut(client);
            return;
        }
        client->sent += sent > 0 ? (size_t)sent : 0;
    }
    if (client->is_held)
        client->state = CLIENT_HOLDING;
    else
        cut(client);
}

/** Send a text, which becomes the client's; NULL cuts it off. */
static void answer(struct client *client, char *text)
{
    if (text == NULL) {
        cut(client);
        return;
    }
    client->answer = text;
    client->size = strlen(text);
    client->state = CLIENT_TAKING;
    send_more(client);
}

/** {"ok": true} or {"ok": false, "error": why} */
static void answer_result(struct client *client, const char *why)
{
    cJSON *document = cJSON_CreateObject();
    cJSON_AddBoolToObject(document, "ok", why == NULL);
    if (why != NULL)
        cJSON_AddStringToObject(document, "error", why);
    answer(client, cJSON_PrintUnformatted(document));
    cJSON_Delete(document);
}

/** The plugin to be let out of quarantine, or NULL: the question is another one. */
static const char *released_plugin(const char *question)
{
    const size_t length = strlen(KT_CONTROL_RELEASE " ");
    return strncmp(question, KT_CONTROL_RELEASE " ", length) == 0 ? question + length : NULL;
}

static void handle(struct kt_master_control *control, struct client *client)
{
    struct kt_master *master = control->master;
    struct kt_error error = {0};
    const char *plugin = released_plugin(client->line);
    if (plugin != NULL) {
        client->state = CLIENT_WAITING;
        if (kt_master_release(master, plugin, &error) < 0)
            answer_result(client, error.text);
        else if (master->incoming == NULL && !kt_master_is_stale(master))
            answer_result(client, NULL); /* the next workers to start have it */
    } else if (strcmp(client->line, KT_CONTROL_STATUS) == 0) {
        answer(client, kt_master_status(master));
    } else if (strcmp(client->line, KT_CONTROL_RELOAD) == 0) {
        client->state = CLIENT_WAITING;
        if (kt_master_reload(master, &error) < 0)
            answer_result(client, error.text);
    } else if (strcmp(client->line, KT_CONTROL_STOP) == 0) {
        client->is_held = true;
        answer_result(client, NULL);
        kt_master_stop(master, "kontorctl asks for it");
    } else {
        answer_result(client, "unknown question");
    }
}

void kt_master_control_settled(struct kt_master_control *control, const char *why)
{
    for (size_t i = 0; i < KT_MASTER_CLIENTS_MAX; i++)
        if (control->clients[i].state == CLIENT_WAITING)
            answer_result(&control->clients[i], why);
}

/* ---------------------------------------------------------------- clients */

static void accept_clients(struct kt_master_control *control, int64_t now_ms)
{
    for (;;) {
        int fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0)
            return;
        size_t place = 0;
        while (place < KT_MASTER_CLIENTS_MAX && control->clients[place].state != CLIENT_FREE)
            place++;
        if (place == KT_MASTER_CLIENTS_MAX) {
            close(fd);
            continue;
        }
        control->clients[place] =
            (struct client){.state = CLIENT_ASKING, .fd = fd, .deadline_ms = now_ms + PATIENCE_MS};
    }
}

static void read_question(struct kt_master_control *control, struct client *client)
{
    ssize_t size =
        recv(client->fd, client->line + client->used, sizeof(client->line) - 1 - client->used, 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (size <= 0) {
        cut(client);
        return;
    }
    client->used += (size_t)size;
    client->line[client->used] = '\0';
    char *end = strchr(client->line, '\n');
    if (end != NULL) {
        *end = '\0';
        handle(control, client);
    } else if (client->used == sizeof(client->line) - 1) {
        cut(client);
    }
}

void kt_master_control_serve(struct kt_master_control *control)
{
    int64_t now = kt_master_now_ms();
    accept_clients(control, now);
    for (size_t i = 0; i < KT_MASTER_CLIENTS_MAX; i++) {
        struct client *client = &control->clients[i];
        bool is_busy = client->state == CLIENT_ASKING || client->state == CLIENT_TAKING;
        if (is_busy && now >= client->deadline_ms)
            cut(client);
        else if (client->state == CLIENT_ASKING)
            read_question(control, client);
        else if (client->state == CLIENT_TAKING)
            send_more(client);
    }
}
