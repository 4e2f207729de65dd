/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A FastCGI client on a thread of its own that talks to a worker's front door over a socket: a test
 * is the script it follows, and the routes it finds.
 */
#ifndef TEST_FASTCGI_CLIENT_H
#define TEST_FASTCGI_CLIENT_H

#include "inside.h"

#include "fastcgi/record.h"
#include "http/route.h"
#include "http/service.h"

#include <kontor/plugin.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "plugin/plugin.h"

/** Ids that a test uses are below this. */
#define IDS_MAX 512
/** Bytes that the big answers and bodies have: many times what a worker may hold of them. */
#define BIG_SIZE (8u << 20)
/** How long the client waits for anything before it gives up. */
#define CLIENT_TIMEOUT_S 20

static const struct kt_plugin_descriptor descriptor = {.name = "test"};
static struct kt_plugin plugin = {.descriptor = &descriptor, .number = 1};

static void on_idle(void *argument)
{
    (void)argument;
    kt_service_close();
    kt_runtime_stop();
}

static void serve_stop(struct kt_request *request)
{
    kt_respond(request, 200, "text/plain", "bye", 3);
    kt_service_drain(NULL, NULL, on_idle, NULL);
}

/* ---------------------------------------------------------------- the client's side */

/** What came for one request id. */
struct answer {
    char *data;
    size_t size;
    unsigned int status; /**< of the application */
    int protocol_status; /**< -1: no END_REQUEST came */
    bool has_err;
};

struct client {
    struct sockaddr_un address;
    socklen_t address_size;
    int fd;
    struct answer answers[IDS_MAX];
    unsigned int ended;
    char failure[256];
    jmp_buf out;
    void (*script)(struct client *client);
};

/** The client's assert: cmocka's may only be used on the main thread. */
#define EXPECT(client, condition)                                                                  \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            snprintf((client)->failure, sizeof((client)->failure), "line %d: %s", __LINE__,        \
                     #condition);                                                                  \
            longjmp((client)->out, 1);                                                             \
        }                                                                                          \
    } while (0)

static inline void forget(struct client *client)
{
    for (size_t i = 0; i < IDS_MAX; i++) {
        free(client->answers[i].data);
        client->answers[i] = (struct answer){.protocol_status = -1};
    }
    client->ended = 0;
}

static inline void reconnect(struct client *client)
{
    const struct timeval timeout = {.tv_sec = CLIENT_TIMEOUT_S};
    if (client->fd >= 0)
        close(client->fd);
    forget(client);
    client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT(client, client->fd >= 0);
    setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    setsockopt(client->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
    EXPECT(client, connect(client->fd, (const struct sockaddr *)&client->address,
                           client->address_size) == 0);
}

static inline void send_all(struct client *client, const void *data, size_t size)
{
    for (const char *at = data; size > 0;) {
        ssize_t sent = send(client->fd, at, size, MSG_NOSIGNAL);
        EXPECT(client, sent > 0);
        at += sent;
        size -= (size_t)sent;
    }
}

static inline void send_record(struct client *client, uint8_t type, uint16_t id,
                               const void *content, size_t size)
{
    unsigned char header[FCGI_HEADER_LEN];
    kt_record_header(header, type, id, size);
    send_all(client, header, sizeof(header));
    send_all(client, content, size);
}

/** BEGIN_REQUEST alone. */
static inline void send_role(struct client *client, uint16_t id, uint8_t role,
                             bool keeps_connection)
{
    const unsigned char body[8] = {0, role, keeps_connection ? FCGI_KEEP_CONN : 0};
    send_record(client, FCGI_BEGIN_REQUEST, id, body, sizeof(body));
}

static inline void send_begin(struct client *client, uint16_t id, bool keeps_connection,
                              const char *method, const char *path, const char *query)
{
    unsigned char pairs[512];
    size_t size = kt_pair_write(pairs, sizeof(pairs), "REQUEST_METHOD", method);
    size += kt_pair_write(pairs + size, sizeof(pairs) - size, "SCRIPT_NAME", path);
    size += kt_pair_write(pairs + size, sizeof(pairs) - size, "QUERY_STRING", query);
    send_role(client, id, FCGI_RESPONDER, keeps_connection);
    send_record(client, FCGI_PARAMS, id, pairs, size / 2); /* a pair straddles the records */
    send_record(client, FCGI_PARAMS, id, pairs + size / 2, size - size / 2);
    send_record(client, FCGI_PARAMS, id, NULL, 0);
}

static inline void send_get(struct client *client, uint16_t id, const char *path)
{
    send_begin(client, id, true, "GET", path, "");
    send_record(client, FCGI_STDIN, id, NULL, 0);
}

static inline bool receive_exactly(struct client *client, void *data, size_t size)
{
    for (char *at = data; size > 0;) {
        ssize_t got = recv(client->fd, at, size, 0);
        if (got <= 0)
            return false;
        at += got;
        size -= (size_t)got;
    }
    return true;
}

/** Take one record in. @return its type, 0 at the end of the connection, -1: no FastCGI */
static inline int receive_record(struct client *client)
{
    static unsigned char content[FCGI_MAX_LENGTH + 256];
    unsigned char header[FCGI_HEADER_LEN];
    if (!receive_exactly(client, header, sizeof(header)))
        return 0;
    if (header[0] != FCGI_VERSION_1)
        return -1;
    size_t size = (size_t)header[4] << 8 | header[5], id = (size_t)header[2] << 8 | header[3];
    EXPECT(client, receive_exactly(client, content, size + header[6]) && id < IDS_MAX);
    struct answer *answer = &client->answers[id];
    if (header[1] == FCGI_STDOUT) {
        answer->data = realloc(answer->data, answer->size + size + 1);
        memcpy(answer->data + answer->size, content, size);
        answer->size += size;
        answer->data[answer->size] = '\0';
    } else if (header[1] == FCGI_STDERR) {
        answer->has_err = true;
    } else if (header[1] == FCGI_END_REQUEST) {
        answer->status = (unsigned)content[0] << 24 | (unsigned)content[1] << 16 |
                         (unsigned)content[2] << 8 | content[3];
        answer->protocol_status = content[4];
        client->ended++;
    }
    return header[1];
}

static inline void receive_ends(struct client *client, unsigned int count)
{
    while (client->ended < count)
        EXPECT(client, receive_record(client) > 0);
    client->ended = 0;
}

/** The body of a whole answer with this status, or a failure. */
static inline const char *body_of(struct client *client, uint16_t id, const char *status)
{
    const struct answer *answer = &client->answers[id];
    EXPECT(client, answer->protocol_status == FCGI_REQUEST_COMPLETE && answer->data);
    EXPECT(client, strncmp(answer->data, "Status: ", 8) == 0);
    EXPECT(client, strncmp(answer->data + 8, status, strlen(status)) == 0);
    const char *body = strstr(answer->data, "\r\n\r\n");
    EXPECT(client, body);
    return body + 4;
}

/** A GET on the open connection: its body, until the next one. */
static inline const char *get(struct client *client, const char *path, const char *status)
{
    forget(client);
    send_get(client, 1, path);
    receive_ends(client, 1);
    return body_of(client, 1, status);
}

static inline void *client_main(void *argument)
{
    struct client *client = argument;
    if (setjmp(client->out) == 0) {
        client->script(client);
        reconnect(client);
        get(client, "/api/test/stop", "200");
        EXPECT(client, receive_record(client) == 0); /* drained: the idle connection closes */
    } else {
        kt_runtime_stop(); /* the flag is all that matters: the loop looks at it in time */
    }
    forget(client);
    close(client->fd);
    return NULL;
}

/* ---------------------------------------------------------------- both sides */

static inline struct kt_service_options options_default(void)
{
    return (struct kt_service_options){
        .connections_max = 100,
        .requests_max = 100,
        .params_max_bytes = 4096,
        .body_max_bytes = BIG_SIZE,
        .request_timeout_ms = 60000,
        .transfer_timeout_ms = 60000,
        .mount = "",
    };
}

static inline void run_client(void (*script)(struct client *client),
                              const struct kt_service_options *options, void (*route_all)(void))
{
    static struct client client;
    pthread_t thread;
    memset(&client, 0, sizeof(client));
    client.script = script;
    client.fd = -1;
    /* An abstract address: nothing is left behind. */
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    client.address.sun_family = AF_UNIX;
    client.address_size = sizeof(client.address);
    assert_true(bind(fd, (struct sockaddr *)&client.address, sizeof(sa_family_t)) == 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&client.address, &client.address_size), 0);
    assert_int_equal(listen(fd, 64), 0);
    assert_int_equal(kt_runtime_start(NULL, NULL), 0);
    kt_plugin_route(&plugin, "GET", "/stop", serve_stop, NULL);
    route_all();
    assert_int_equal(kt_service_start(options, &fd, 1, NULL), 0);
    assert_int_equal(pthread_create(&thread, NULL, client_main, &client), 0);
    kt_runtime_run();
    pthread_join(thread, NULL);
    kt_service_close();
    kt_runtime_close();
    kt_route_clear();
    close(fd);
    assert_string_equal(client.failure, "");
}

#endif
