/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: on a connection that requests share, one visitor's large answer or unread upload
 * would hold up everybody else's. */
#include "fastcgi_client.h"

/** How many large answers are asked for at once. */
#define SHARERS 5u

/* ---------------------------------------------------------------- the server's side */

static kt_pid sleeper; /**< who is in /sleep */

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

/** Read the body only when somebody says so. */
static void serve_sleep(struct kt_request *request)
{
    const struct kt_message *message;
    const char *data;
    size_t size;
    sleeper = kt_self();
    kt_receive(-1, &message);
    int status = kt_request_body(request, &data, &size);
    if (status < 0)
        kt_respond_body_error(request, status);
    else
        kt_respond(request, 200, "text/plain", "slept", 5);
}

static void serve_wake(struct kt_request *request)
{
    AWAIT(sleeper);
    kt_send(sleeper, 1, NULL, 0);
    sleeper = KT_PID_NONE;
    kt_respond(request, 200, "text/plain", "woken", 5);
}

static void route_all(void)
{
    sleeper = KT_PID_NONE;
    kt_plugin_route(&plugin, "GET", "/big", serve_big, NULL);
    kt_plugin_route(&plugin, "POST", "/sleep", serve_sleep, NULL);
    kt_plugin_route(&plugin, "GET", "/wake", serve_wake, NULL);
}

/* ---------------------------------------------------------------- the client's side */

static void send_body(struct client *client, uint16_t id, size_t size)
{
    static const char block[16384];
    for (size_t at = 0; at < size; at += sizeof(block))
        send_record(client, FCGI_STDIN, id, block, sizeof(block));
}

static void shares_the_output(struct client *client)
{
    reconnect(client);
    for (uint16_t id = 1; id <= SHARERS; id++)
        send_get(client, id, "/api/test/big");
    receive_ends(client, 1);
    for (uint16_t id = 1; id <= SHARERS; id++)
        EXPECT(client, client->answers[id].size > BIG_SIZE / 2);
    receive_ends(client, SHARERS - 1);
    for (uint16_t id = 1; id <= SHARERS; id++)
        EXPECT(client, strlen(body_of(client, id, "200")) == BIG_SIZE);
    /* A new one doesn't wait until the others are through, nor when they are cut off. */
    forget(client);
    for (uint16_t id = 1; id <= SHARERS; id++)
        send_get(client, id, "/api/test/big");
    send_get(client, 9, "/ping");
    receive_ends(client, 1);
    EXPECT(client, strcmp(body_of(client, 9, "200"), "pong\n") == 0);
    for (uint16_t id = 1; id < SHARERS; id++)
        send_record(client, FCGI_ABORT_REQUEST, id, NULL, 0);
    receive_ends(client, SHARERS);
    EXPECT(client, strlen(body_of(client, SHARERS, "200")) == BIG_SIZE);
}

static void finds_requests_by_id(struct client *client)
{
    char path[] = "/api/test/sleep";
    reconnect(client);
    for (int round = 0; round < 3; round++) {
        forget(client);
        /* Ids far apart and close, ended in another order than they came. */
        for (uint16_t i = 0; i < 200; i++)
            send_begin(client, (uint16_t)(i * 7 % 401 + 1), true, "POST", path, "");
        for (uint16_t i = 0; i < 200; i++)
            send_record(client, FCGI_ABORT_REQUEST, (uint16_t)(i * 3 % 200 * 7 % 401 + 1), NULL, 0);
        receive_ends(client, 200);
        for (uint16_t i = 0; i < 200; i++)
            EXPECT(client, client->answers[i * 7 % 401 + 1].protocol_status == 0);
        get(client, "/ping", "200");
    }
}

static void bounds_what_one_connection_runs(struct client *client)
{
    unsigned char pair[64];
    size_t size = kt_pair_write(pair, sizeof(pair), FCGI_MAX_REQS, "");
    reconnect(client);
    send_record(client, FCGI_GET_VALUES, 0, pair, size);
    unsigned char result[8 + 2 + 13 + 3];
    EXPECT(client, receive_exactly(client, result, sizeof(result)));
    EXPECT(client, memcmp(result + 8, "\15\3FCGI_MAX_REQS256", 18) == 0);
    for (uint16_t id = 1; id <= 257; id++)
        send_begin(client, id, true, "POST", "/api/test/sleep", "");
    receive_ends(client, 1);
    body_of(client, 257, "503");
}

static void goes_on_past_an_unread_body(struct client *client)
{
    reconnect(client);
    send_begin(client, 1, true, "POST", "/api/test/sleep", "");
    send_get(client, 2, "/ping");
    receive_ends(client, 1);
    /* So much may wait. */
    send_body(client, 1, 3 * 65536);
    for (uint16_t id = 3; id < 20; id++) {
        send_get(client, id, "/ping");
        receive_ends(client, 1);
    }
    /* More is dropped after a while, when it is read it is too late, and the rest goes on. */
    send_body(client, 1, BIG_SIZE / 2);
    forget(client);
    send_get(client, 2, "/ping");
    receive_ends(client, 1);
    EXPECT(client, strcmp(body_of(client, 2, "200"), "pong\n") == 0);
    send_record(client, FCGI_STDIN, 1, NULL, 0);
    send_get(client, 2, "/api/test/wake");
    receive_ends(client, 2);
    EXPECT(client, strstr(body_of(client, 1, "503"), "not taken in time"));
}

/** A web server that doesn't multiplex waits as long as it takes. */
static void keeps_an_unread_body_alone(struct client *client)
{
    reconnect(client);
    send_begin(client, 1, true, "POST", "/api/test/sleep", "");
    /* More than is read ahead, and less than the socket takes: the rest stays in there. */
    send_body(client, 1, 5 * 32768);
    send_record(client, FCGI_STDIN, 1, NULL, 0);
    int sleeping = client->fd;
    client->fd = -1;
    reconnect(client);
    get(client, "/api/test/wake", "200");
    close(client->fd);
    client->fd = sleeping;
    forget(client);
    receive_ends(client, 1);
    EXPECT(client, strcmp(body_of(client, 1, "200"), "slept") == 0);
}

#define CLIENT_CASE(name)                                                                          \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        struct kt_service_options options = options_default();                                     \
        options.requests_max = 1000;                                                               \
        (void)state;                                                                               \
        run_client(name, &options, route_all);                                                     \
    }

CLIENT_CASE(shares_the_output)
CLIENT_CASE(finds_requests_by_id)
CLIENT_CASE(bounds_what_one_connection_runs)
CLIENT_CASE(goes_on_past_an_unread_body)
CLIENT_CASE(keeps_an_unread_body_alone)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shares_the_output),
        cmocka_unit_test(test_finds_requests_by_id),
        cmocka_unit_test(test_bounds_what_one_connection_runs),
        cmocka_unit_test(test_goes_on_past_an_unread_body),
        cmocka_unit_test(test_keeps_an_unread_body_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
