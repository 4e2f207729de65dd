/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: requests behind a web server would get lost, mixed up, cut short unseen, or hang
 * for ever. A client on a thread of its own talks to a worker's front door over a socket. */
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
#define IDS_MAX 64
/** Bytes that the big answers and bodies have: many times what a worker may hold of them. */
#define BIG_SIZE (8u << 20)
/** How long the client waits for anything before it gives up. */
#define CLIENT_TIMEOUT_S 20

/* ---------------------------------------------------------------- the server's side */

static const struct kt_plugin_descriptor descriptor = {.name = "test"};
static struct kt_plugin plugin = {.descriptor = &descriptor, .number = 1};
static kt_pid waiting; /**< who waits in /wait */
static int ends_seen;  /**< processes that saw their stream fail, or were ended */

static void serve_path(struct kt_request *request)
{
    const char *path = kt_request_path(request);
    kt_respond(request, 200, "text/plain", path, strlen(path));
}

static void serve_size(struct kt_request *request)
{
    const char *data;
    char text[32];
    size_t size;
    int error = kt_request_body(request, &data, &size);
    if (error < 0) {
        kt_respond_body_error(request, error);
        return;
    }
    for (size_t i = 0; i < size; i++)
        if (data[i] != (char)('a' + i % 23))
            kt_fail("byte %zu is wrong", i);
    int length = snprintf(text, sizeof(text), "%zu", size);
    kt_respond(request, 200, "text/plain", text, (size_t)length);
}

static void serve_big(struct kt_request *request)
{
    static char block[10000];
    memset(block, 'b', sizeof(block));
    kt_response_begin(request, 200, "text/plain", BIG_SIZE);
    for (size_t left = BIG_SIZE; left > 0;) {
        size_t size = left < sizeof(block) ? left : sizeof(block);
        if (kt_response_write(request, block, size) < 0)
            return;
        left -= size;
    }
}

static int on_end(char *chunk)
{
    (void)chunk;
    ends_seen++;
    return 0;
}

static void serve_wait(struct kt_request *request)
{
    talloc_set_destructor(talloc_strdup(kt_self_memory(), "ends"), on_end);
    waiting = kt_self();
    const struct kt_message *message;
    kt_receive(-1, &message);
    kt_respond(request, 200, "text/plain", "woken", 5);
}

static void serve_wake(struct kt_request *request)
{
    AWAIT(waiting);
    kt_send(waiting, 1, NULL, 0);
    waiting = KT_PID_NONE;
    kt_respond(request, 200, "text/plain", "done", 4);
}

static void serve_waiting(struct kt_request *request)
{
    AWAIT(waiting);
    kt_respond(request, 200, "text/plain", "waiting", 7);
}

static void serve_ended(struct kt_request *request)
{
    AWAIT(ends_seen > 0);
    ends_seen = 0;
    waiting = KT_PID_NONE;
    kt_respond(request, 200, "text/plain", "ended", 5);
}

static void serve_late(struct kt_request *request)
{
    kt_request_deadline(request, 1);
    kt_sleep(1000000);
    kt_respond(request, 200, "text/plain", "never", 5);
}

static void serve_nothing(struct kt_request *request)
{
    (void)request;
}

static void serve_failure(struct kt_request *request)
{
    kt_response_header(request, "X-Half", "way");
    kt_response_begin(request, 200, "text/plain", -1);
    kt_response_write(request, "part", 4);
    if (kt_request_query(request, "sent"))
        kt_response_flush(request);
    kt_fail("on purpose");
}

static void serve_forgery(struct kt_request *request)
{
    bool is_refused = kt_response_header(request, "X", "a\r\nSet-Cookie: b") == -EINVAL &&
                      kt_response_header(request, "X Y", "a") == -EINVAL &&
                      kt_response_header(request, "Status", "200") == -EINVAL &&
                      kt_response_begin(request, 200, "text/plain\r\nX: y", 0) == -EINVAL &&
                      kt_response_write(request, "x", 1) == -EINVAL;
    kt_response_begin(request, 200, "text/plain", 3);
    is_refused = is_refused && kt_response_header(request, "X", "late") == -EALREADY &&
                 kt_response_begin(request, 200, NULL, 0) == -EALREADY &&
                 kt_response_write(request, "four", 4) == -EMSGSIZE;
    kt_response_write(request, is_refused ? "yes" : "no!", 3);
}

static int serve_stock(FCGX_Stream *in, FCGX_Stream *out, FCGX_Stream *err, FCGX_ParamArray envp)
{
    int count = 0, c;
    while ((c = FCGX_GetChar(in)) != EOF) {
        if (count == 0 && (FCGX_UnGetChar(c, in) != c || FCGX_GetChar(in) != c))
            return 1;
        count++;
    }
    FCGX_FPrintF(out, "Content-Type: text/plain\r\n\r\n%s %d",
                 FCGX_GetParam("REQUEST_METHOD", envp), count);
    FCGX_PutS("a word to the log", err);
    return FCGX_HasSeenEOF(in) == EOF && FCGX_GetError(in) == 0 ? 42 : 2;
}

static void on_idle(void *argument)
{
    (void)argument;
    kt_service_close();
    kt_runtime_stop();
}

static void serve_stop(struct kt_request *request)
{
    kt_respond(request, 200, "text/plain", "bye", 3);
    kt_service_drain(NULL, on_idle, NULL);
}

static void route_all(void)
{
    kt_plugin_route(&plugin, "GET", "/path/*", serve_path, NULL);
    kt_plugin_route(&plugin, "POST", "/size", serve_size, NULL);
    kt_plugin_route(&plugin, "GET", "/big", serve_big, NULL);
    kt_plugin_route(&plugin, "GET", "/wait", serve_wait, NULL);
    kt_plugin_route(&plugin, "GET", "/waiting", serve_waiting, NULL);
    kt_plugin_route(&plugin, "GET", "/wake", serve_wake, NULL);
    kt_plugin_route(&plugin, "GET", "/ended", serve_ended, NULL);
    kt_plugin_route(&plugin, "GET", "/late", serve_late, NULL);
    kt_plugin_route(&plugin, "GET", "/nothing", serve_nothing, NULL);
    kt_plugin_route(&plugin, "GET", "/failure", serve_failure, NULL);
    kt_plugin_route(&plugin, "GET", "/forgery", serve_forgery, NULL);
    kt_plugin_route(&plugin, "GET", "/stop", serve_stop, NULL);
    kt_plugin_route_fcgx(&plugin, "POST", "/stock", serve_stock);
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

static void forget(struct client *client)
{
    for (size_t i = 0; i < IDS_MAX; i++) {
        free(client->answers[i].data);
        client->answers[i] = (struct answer){.protocol_status = -1};
    }
    client->ended = 0;
}

static void reconnect(struct client *client)
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

static void send_all(struct client *client, const void *data, size_t size)
{
    for (const char *at = data; size > 0;) {
        ssize_t sent = send(client->fd, at, size, MSG_NOSIGNAL);
        EXPECT(client, sent > 0);
        at += sent;
        size -= (size_t)sent;
    }
}

static void send_record(struct client *client, uint8_t type, uint16_t id, const void *content,
                        size_t size)
{
    unsigned char header[FCGI_HEADER_LEN];
    kt_record_header(header, type, id, size);
    send_all(client, header, sizeof(header));
    send_all(client, content, size);
}

static void send_begin(struct client *client, uint16_t id, bool keeps_connection,
                       const char *method, const char *path, const char *query)
{
    const unsigned char body[8] = {0, FCGI_RESPONDER, keeps_connection ? FCGI_KEEP_CONN : 0};
    unsigned char pairs[512];
    size_t size = kt_pair_write(pairs, sizeof(pairs), "REQUEST_METHOD", method);
    size += kt_pair_write(pairs + size, sizeof(pairs) - size, "SCRIPT_NAME", path);
    size += kt_pair_write(pairs + size, sizeof(pairs) - size, "QUERY_STRING", query);
    send_record(client, FCGI_BEGIN_REQUEST, id, body, sizeof(body));
    send_record(client, FCGI_PARAMS, id, pairs, size / 2); /* a pair straddles the records */
    send_record(client, FCGI_PARAMS, id, pairs + size / 2, size - size / 2);
    send_record(client, FCGI_PARAMS, id, NULL, 0);
}

static void send_get(struct client *client, uint16_t id, const char *path)
{
    send_begin(client, id, true, "GET", path, "");
    send_record(client, FCGI_STDIN, id, NULL, 0);
}

static bool receive_exactly(struct client *client, void *data, size_t size)
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
static int receive_record(struct client *client)
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

static void receive_ends(struct client *client, unsigned int count)
{
    while (client->ended < count)
        EXPECT(client, receive_record(client) > 0);
    client->ended = 0;
}

/** The body of a whole answer with this status, or a failure. */
static const char *body_of(struct client *client, uint16_t id, const char *status)
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
static const char *get(struct client *client, const char *path, const char *status)
{
    forget(client);
    send_get(client, 1, path);
    receive_ends(client, 1);
    return body_of(client, 1, status);
}

static void *client_main(void *argument)
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

/* ---------------------------------------------------------------- the tests */

static struct kt_service_options options_default(void)
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

static void run_client(void (*script)(struct client *client),
                       const struct kt_service_options *options)
{
    static struct client client;
    pthread_t thread;
    memset(&client, 0, sizeof(client));
    client.script = script;
    client.fd = -1;
    waiting = KT_PID_NONE;
    ends_seen = 0;
    /* An abstract address: nothing is left behind. */
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    client.address.sun_family = AF_UNIX;
    client.address_size = sizeof(client.address);
    assert_true(bind(fd, (struct sockaddr *)&client.address, sizeof(sa_family_t)) == 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&client.address, &client.address_size), 0);
    assert_int_equal(listen(fd, 64), 0);
    assert_int_equal(kt_runtime_start(NULL, NULL), 0);
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

#define CLIENT_CASE(name)                                                                          \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        struct kt_service_options options = options_default();                                     \
        (void)state;                                                                               \
        run_client(name, &options);                                                                \
    }

static void keeps_connections(struct client *client)
{
    reconnect(client);
    for (int i = 0; i < 100; i++)
        EXPECT(client, strcmp(get(client, "/api/test/path/x", "200"), "/api/test/path/x") == 0);
    get(client, "/api/test/none", "404");
    get(client, "/api/test/size", "405");
    forget(client);
    send_begin(client, 9, false, "GET", "/ping", "");
    send_record(client, FCGI_STDIN, 9, NULL, 0);
    receive_ends(client, 1);
    EXPECT(client, strcmp(body_of(client, 9, "200"), "pong\n") == 0);
    EXPECT(client, receive_record(client) == 0);
}

static void multiplexes(struct client *client)
{
    reconnect(client);
    send_get(client, 1, "/api/test/big");
    send_get(client, 2, "/api/test/wait");
    send_get(client, 3, "/api/test/wake");
    send_get(client, 4, "/api/test/big");
    receive_ends(client, 4);
    EXPECT(client, strcmp(body_of(client, 2, "200"), "woken") == 0);
    EXPECT(client, strcmp(body_of(client, 3, "200"), "done") == 0);
    EXPECT(client, strlen(body_of(client, 1, "200")) == BIG_SIZE);
    EXPECT(client, strlen(body_of(client, 4, "200")) == BIG_SIZE);
}

static void aborts(struct client *client)
{
    reconnect(client);
    send_get(client, 1, "/api/test/wait");
    send_get(client, 2, "/api/test/waiting");
    receive_ends(client, 1);
    send_record(client, FCGI_ABORT_REQUEST, 1, NULL, 0);
    receive_ends(client, 1);
    EXPECT(client, client->answers[1].protocol_status == FCGI_REQUEST_COMPLETE);
    EXPECT(client, strcmp(get(client, "/api/test/ended", "200"), "ended") == 0);
    send_get(client, 1, "/api/test/wait");
    send_get(client, 2, "/api/test/waiting");
    receive_ends(client, 1);
    reconnect(client); /* a client that goes away is an abort as well */
    EXPECT(client, strcmp(get(client, "/api/test/ended", "200"), "ended") == 0);
    send_begin(client, 3, true, "POST", "/api/test/size", "");
    reconnect(client);
    EXPECT(client, strcmp(get(client, "/ping", "200"), "pong\n") == 0);
}

static void takes_big_bodies(struct client *client)
{
    char block[32768];
    reconnect(client);
    send_begin(client, 1, true, "POST", "/api/test/size", "");
    for (size_t at = 0; at < BIG_SIZE; at += sizeof(block)) {
        for (size_t i = 0; i < sizeof(block); i++)
            block[i] = (char)('a' + (at + i) % 23);
        send_record(client, FCGI_STDIN, 1, block, sizeof(block));
    }
    send_record(client, FCGI_STDIN, 1, NULL, 0);
    receive_ends(client, 1);
    EXPECT(client, atoi(body_of(client, 1, "200")) == (int)BIG_SIZE);
    forget(client);
    send_begin(client, 1, true, "POST", "/api/test/size", "");
    for (size_t at = 0; at <= BIG_SIZE; at += sizeof(block))
        send_record(client, FCGI_STDIN, 1, block, sizeof(block));
    send_record(client, FCGI_STDIN, 1, NULL, 0);
    receive_ends(client, 1);
    body_of(client, 1, "413");
    /* Answered before the body came; it is read and dropped, the connection closes in order. */
    reconnect(client);
    send_begin(client, 1, false, "POST", "/ping", "");
    for (size_t at = 0; at < BIG_SIZE; at += sizeof(block))
        send_record(client, FCGI_STDIN, 1, block, sizeof(block));
    send_record(client, FCGI_STDIN, 1, NULL, 0);
    receive_ends(client, 1);
    body_of(client, 1, "405");
    EXPECT(client, receive_record(client) == 0);
}

static void shows_failures(struct client *client)
{
    reconnect(client);
    EXPECT(client, strstr(get(client, "/api/test/nothing", "500"), "\"status\":500"));
    EXPECT(client, strstr(get(client, "/api/test/failure", "500"), "\"status\":500"));
    EXPECT(client, !strstr(client->answers[1].data, "X-Half"));
    EXPECT(client, strstr(get(client, "/api/test/late", "504"), "\"status\":504"));
    EXPECT(client, strcmp(get(client, "/api/test/forgery", "200"), "yes") == 0);
    forget(client);
    send_begin(client, 1, true, "GET", "/api/test/failure", "sent=1");
    send_record(client, FCGI_STDIN, 1, NULL, 0);
    int type;
    while ((type = receive_record(client)) > 0)
        ;
    EXPECT(client, type == -1 && client->answers[1].protocol_status == -1);
}

static void drops_the_body_of_head(struct client *client)
{
    reconnect(client);
    send_begin(client, 1, true, "HEAD", "/api/test/big", "");
    send_record(client, FCGI_STDIN, 1, NULL, 0);
    receive_ends(client, 1);
    EXPECT(client, *body_of(client, 1, "200") == '\0');
    EXPECT(client, strstr(client->answers[1].data, "Content-Length: 8388608\r\n"));
}

static void runs_stock_handlers(struct client *client)
{
    reconnect(client);
    send_begin(client, 1, true, "POST", "/api/test/stock", "");
    send_record(client, FCGI_STDIN, 1, "abc", 3);
    send_record(client, FCGI_STDIN, 1, "de", 2);
    send_record(client, FCGI_STDIN, 1, NULL, 0);
    receive_ends(client, 1);
    EXPECT(client, strstr(client->answers[1].data, "\r\n\r\nPOST 5"));
    EXPECT(client, client->answers[1].status == 42 && client->answers[1].has_err);
}

static void follows_the_protocol(struct client *client)
{
    static const unsigned char authorizer[8] = {0, FCGI_AUTHORIZER, FCGI_KEEP_CONN};
    unsigned char pair[64];
    reconnect(client);
    send_record(client, FCGI_BEGIN_REQUEST, 5, authorizer, sizeof(authorizer));
    receive_ends(client, 1);
    EXPECT(client, client->answers[5].protocol_status == FCGI_UNKNOWN_ROLE);
    send_record(client, FCGI_STDIN, 5, "ignored", 7);
    send_record(client, FCGI_ABORT_REQUEST, 33, NULL, 0);
    send_record(client, 100, 0, "what", 4);
    EXPECT(client, receive_record(client) == FCGI_UNKNOWN_TYPE);
    send_record(client, FCGI_GET_VALUES, 0, pair,
                kt_pair_write(pair, sizeof(pair), FCGI_MPXS_CONNS, ""));
    EXPECT(client, receive_record(client) == FCGI_GET_VALUES_RESULT);
    EXPECT(client, strcmp(get(client, "/ping", "200"), "pong\n") == 0);
    send_all(client, "GET / HTTP/1.1\r\n\r\n", 18);
    EXPECT(client, receive_record(client) == 0);
}

static void sheds_load(struct client *client)
{
    reconnect(client);
    send_get(client, 1, "/api/test/wait");
    send_get(client, 2, "/ping");
    receive_ends(client, 1);
    EXPECT(client, strstr(client->answers[2].data, "Retry-After: "));
    body_of(client, 2, "503");
    send_record(client, FCGI_ABORT_REQUEST, 1, NULL, 0);
    receive_ends(client, 1);
    do /* the aborted request counts until its process has ended */
        get(client, "/ping", "");
    while (!strstr(client->answers[1].data, "pong"));
}

static void cuts_dead_peers(struct client *client)
{
    reconnect(client);
    send_begin(client, 1, true, "POST", "/api/test/size", ""); /* its body never comes */
    EXPECT(client, receive_record(client) == 0);
    reconnect(client);
    send_all(client, "\1\1", 2); /* half a header */
    EXPECT(client, receive_record(client) == 0);
    reconnect(client);
    EXPECT(client, strcmp(get(client, "/ping", "200"), "pong\n") == 0);
    send_get(client, 2, "/api/test/big"); /* and is never read; others have theirs meanwhile */
    int stalled = client->fd;
    client->fd = -1;
    reconnect(client);
    EXPECT(client, strcmp(get(client, "/ping", "200"), "pong\n") == 0);
    struct pollfd watch = {.fd = stalled, .events = POLLHUP};
    bool is_cut = poll(&watch, 1, CLIENT_TIMEOUT_S * 1000) == 1 && (watch.revents & POLLHUP);
    close(stalled);
    EXPECT(client, is_cut);
}

CLIENT_CASE(keeps_connections)
CLIENT_CASE(multiplexes)
CLIENT_CASE(aborts)
CLIENT_CASE(takes_big_bodies)
CLIENT_CASE(shows_failures)
CLIENT_CASE(drops_the_body_of_head)
CLIENT_CASE(runs_stock_handlers)
CLIENT_CASE(follows_the_protocol)

static void test_sheds_load(void **state)
{
    (void)state;
    struct kt_service_options options = options_default();
    options.requests_max = 1;
    run_client(sheds_load, &options);
}

static void test_cuts_dead_peers(void **state)
{
    (void)state;
    struct kt_service_options options = options_default();
    options.transfer_timeout_ms = 200;
    run_client(cuts_dead_peers, &options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keeps_connections),
        cmocka_unit_test(test_multiplexes),
        cmocka_unit_test(test_aborts),
        cmocka_unit_test(test_takes_big_bodies),
        cmocka_unit_test(test_shows_failures),
        cmocka_unit_test(test_drops_the_body_of_head),
        cmocka_unit_test(test_runs_stock_handlers),
        cmocka_unit_test(test_follows_the_protocol),
        cmocka_unit_test(test_sheds_load),
        cmocka_unit_test(test_cuts_dead_peers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
