/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: requests behind a web server would get lost, mixed up, cut short unseen, or hang
 * for ever. A client on a thread of its own talks to a worker's front door over a socket. */
#include "fastcgi_client.h"

/* ---------------------------------------------------------------- the server's side */

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

static void route_all(void)
{
    waiting = KT_PID_NONE;
    ends_seen = 0;
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
    kt_plugin_route_fcgx(&plugin, "POST", "/stock", serve_stock);
}

/* ---------------------------------------------------------------- the tests */

#define CLIENT_CASE(name)                                                                          \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        struct kt_service_options options = options_default();                                     \
        (void)state;                                                                               \
        run_client(name, &options, route_all);                                                     \
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
    unsigned char pair[64] = {0};
    reconnect(client);
    send_role(client, 5, 4, true);
    receive_ends(client, 1);
    EXPECT(client, client->answers[5].protocol_status == FCGI_UNKNOWN_ROLE);
    send_record(client, FCGI_STDIN, 5, "ignored", 7);
    send_record(client, FCGI_ABORT_REQUEST, 33, NULL, 0);
    send_record(client, 100, 0, "what", 4);
    EXPECT(client, receive_record(client) == FCGI_UNKNOWN_TYPE);
    send_record(client, 100, 33, "what", 4);            /* no management record: ignored */
    send_record(client, FCGI_UNKNOWN_TYPE, 0, pair, 8); /* never answered with its like */
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
    run_client(sheds_load, &options, route_all);
}

static void test_cuts_dead_peers(void **state)
{
    (void)state;
    struct kt_service_options options = options_default();
    options.transfer_timeout_ms = 200;
    run_client(cuts_dead_peers, &options, route_all);
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
