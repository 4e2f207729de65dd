/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: a page that an authorizer guards would be open to everybody, or a filter would
 * take half a file for a whole one. */
#include "fastcgi_client.h"

#include <stdio.h>

/* ---------------------------------------------------------------- the server's side */

static void allow(struct kt_request *request)
{
    bool is_refused = kt_authorize_variable(request, "A", "b\r\nVariable-EVIL: 1") == -EINVAL &&
                      kt_authorize_variable(request, "A: b", "c") == -EINVAL &&
                      kt_authorize_variable(request, "A-B", "c") == -EINVAL &&
                      kt_authorize_variable(request, "", "c") == -EINVAL;
    if (is_refused && kt_authorize_variable(request, "WHO", kt_request_path(request)) == 0)
        kt_authorize(request);
}

static void deny(struct kt_request *request)
{
    kt_respond(request, 401, "text/plain", "no", 2);
}

/** Says 200 as if it answered: must not open anything. */
static void blunder(struct kt_request *request)
{
    kt_respond(request, 200, "text/plain", "fine", 4);
}

/** Allows, and fails before that is out. */
static void stumble(struct kt_request *request)
{
    kt_authorize(request);
    kt_fail("on purpose");
}

static int stock_authorizer(FCGX_Stream *in, FCGX_Stream *out, FCGX_Stream *err,
                            FCGX_ParamArray envp)
{
    (void)err;
    bool has_body = FCGX_GetChar(in) != EOF;
    FCGX_FPrintF(out, "Status: 200 OK\r\nVariable-ROLE: %s%s\r\n\r\n",
                 FCGX_GetParam("FCGI_ROLE", envp), has_body ? " with a body" : "");
    return 0;
}

static void filter(struct kt_request *request)
{
    const char *body, *data;
    char text[64];
    size_t body_size, data_size;
    int status = kt_request_data(request, &data, &data_size);
    if (status == 0)
        status = kt_request_body(request, &body, &body_size);
    if (status < 0) {
        kt_respond_body_error(request, status);
        return;
    }
    int size = snprintf(text, sizeof(text), "%zu %zu %s", body_size, data_size,
                        data_size < 20 ? data : "long");
    kt_respond(request, 200, "text/plain", text, (size_t)size);
}

static int count(FCGX_Stream *stream)
{
    int size = 0;
    while (FCGX_GetChar(stream) != EOF)
        size++;
    return size;
}

static int stock_filter(FCGX_Stream *in, FCGX_Stream *out, FCGX_Stream *err, FCGX_ParamArray envp)
{
    (void)err;
    int body_size = count(in);
    if (FCGX_StartFilterData(in) < 0)
        return 1;
    int data_size = count(in);
    FCGX_FPrintF(out, "Status: 200 OK\r\n\r\n%s %d %d", FCGX_GetParam("FCGI_ROLE", envp), body_size,
                 data_size);
    return FCGX_StartFilterData(in) < 0 && FCGX_GetError(in) == FCGX_CALL_SEQ_ERROR ? 7 : 2;
}

static void respond(struct kt_request *request)
{
    const char *data;
    bool is_refused = kt_authorize(request) == -ENOTSUP &&
                      kt_authorize_variable(request, "A", "b") == -ENOTSUP &&
                      kt_request_data(request, &data, NULL) == -ENOTSUP;
    kt_respond(request, 200, "text/plain", is_refused ? "yes" : "no", 2u + is_refused);
}

static void route_all(void)
{
    static const struct {
        enum kt_role role;
        const char *pattern;
        void (*handler)(struct kt_request *request);
    } routes[] = {
        {KT_ROLE_AUTHORIZER, "/open/*", allow},    {KT_ROLE_AUTHORIZER, "/open/closed/*", deny},
        {KT_ROLE_AUTHORIZER, "/blunder", blunder}, {KT_ROLE_AUTHORIZER, "/stumble", stumble},
        {KT_ROLE_FILTER, "/page", filter},         {KT_ROLE_RESPONDER, "/page", respond},
    };
    for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++)
        kt_plugin_route_role(&plugin, routes[i].role, "GET", routes[i].pattern, routes[i].handler,
                             NULL);
    kt_plugin_route_role_fcgx(&plugin, KT_ROLE_AUTHORIZER, "*", "/stock", stock_authorizer);
    kt_plugin_route_role_fcgx(&plugin, KT_ROLE_FILTER, "*", "/stock", stock_filter);
}

/* ---------------------------------------------------------------- the client's side */

/** BEGIN_REQUEST and the parameters that web servers send in this role. */
static void send_page(struct client *client, uint8_t role, const char *uri, const char *data_length)
{
    unsigned char pairs[512];
    size_t size = kt_pair_write(pairs, sizeof(pairs), "REQUEST_METHOD", "GET");
    size += kt_pair_write(pairs + size, sizeof(pairs) - size, "REQUEST_URI", uri);
    if (data_length)
        size += kt_pair_write(pairs + size, sizeof(pairs) - size, "FCGI_DATA_LENGTH", data_length);
    forget(client);
    send_role(client, 1, role, true);
    send_record(client, FCGI_PARAMS, 1, pairs, size);
    send_record(client, FCGI_PARAMS, 1, NULL, 0);
}

/** Ask an authorizer, which gets no STDIN. */
static void ask(struct client *client, const char *uri)
{
    send_page(client, FCGI_AUTHORIZER, uri, NULL);
    receive_ends(client, 1);
}

static bool has(struct client *client, const char *text)
{
    return client->answers[1].data && strstr(client->answers[1].data, text);
}

static void authorizes(struct client *client)
{
    reconnect(client);
    ask(client, "/open/page%20one?query");
    body_of(client, 1, "200");
    EXPECT(client, has(client, "Variable-WHO: /open/page one\r\n") && !has(client, "EVIL"));
    static const struct {
        const char *uri, *status;
    } denied[] = {
        {"/open/closed/page", "401"},
        {"/open//x/../closed/page", "401"},
        {"/open/%63losed/page", "401"},
        {"/elsewhere", "403"},
        {"/api/test/page", "403"},
        {"/open/%zz", "400"},
        {"", "400"},
        {"/blunder", "500"},
        {"/stumble", "500"},
    };
    for (size_t i = 0; i < sizeof(denied) / sizeof(*denied); i++) {
        ask(client, denied[i].uri);
        body_of(client, 1, denied[i].status);
        EXPECT(client, !has(client, "Variable-"));
    }
    ask(client, "/stock");
    EXPECT(client, has(client, "Status: 200") && has(client, "Variable-ROLE: AUTHORIZER\r\n"));
    /* STDIN all the same: it belongs to no stream of this role. */
    send_page(client, FCGI_AUTHORIZER, "/stock", NULL);
    send_record(client, FCGI_STDIN, 1, "abc", 3);
    send_record(client, FCGI_STDIN, 1, NULL, 0);
    receive_ends(client, 1);
    EXPECT(client, has(client, "Variable-ROLE: AUTHORIZER\r\n"));
    EXPECT(client, strcmp(get(client, "/api/test/page", "200"), "yes") == 0);
}

static const char *filter_page(struct client *client, const char *uri, const char *body,
                               const char *data, const char *data_length, const char *status)
{
    send_page(client, FCGI_FILTER, uri, data_length);
    if (*body)
        send_record(client, FCGI_STDIN, 1, body, strlen(body));
    send_record(client, FCGI_STDIN, 1, NULL, 0);
    for (const char *at = data; *at; at++)
        send_record(client, FCGI_DATA, 1, at, 1);
    send_record(client, FCGI_DATA, 1, NULL, 0);
    receive_ends(client, 1);
    return body_of(client, 1, status);
}

static void filters(struct client *client)
{
    reconnect(client);
    EXPECT(client,
           strcmp(filter_page(client, "/page", "abc", "defgh", "5", "200"), "3 5 defgh") == 0);
    EXPECT(client, strcmp(filter_page(client, "/page", "", "", "0", "200"), "0 0 ") == 0);
    filter_page(client, "/page", "abc", "defgh", "6", "400"); /* a byte of the file is missing */
    filter_page(client, "/page", "abc", "defgh", "4", "400");
    filter_page(client, "/page", "abc", "defgh", NULL, "400");
    filter_page(client, "/page", "abc", "defgh", "five", "400");
    filter_page(client, "/page", "abc", "defgh", "99999999999", "413");
    filter_page(client, "/none", "", "a", "1", "404");
    filter_page(client, "/api/test/page", "", "a", "1", "404");
    EXPECT(client,
           strcmp(filter_page(client, "/stock", "abc", "defgh", "5", "200"), "FILTER 3 5") == 0);
    EXPECT(client, client->answers[1].status == 7);
    /* DATA before the end of STDIN is out of order. */
    send_page(client, FCGI_FILTER, "/page", "1");
    send_record(client, FCGI_DATA, 1, "x", 1);
    send_record(client, FCGI_STDIN, 1, NULL, 0);
    send_record(client, FCGI_DATA, 1, NULL, 0);
    receive_ends(client, 1);
    body_of(client, 1, "400");
    /* DATA for a responder is ignored. */
    forget(client);
    send_begin(client, 1, true, "GET", "/api/test/page", "");
    send_record(client, FCGI_DATA, 1, "x", 1);
    send_record(client, FCGI_STDIN, 1, NULL, 0);
    receive_ends(client, 1);
    body_of(client, 1, "200");
}

/** Files of many times what may wait, and one that breaks off. */
static void filters_big_files(struct client *client)
{
    static char block[32768];
    char length[32];
    memset(block, 'b', sizeof(block));
    snprintf(length, sizeof(length), "%u", BIG_SIZE);
    for (int i = 0; i < 2; i++) {
        reconnect(client);
        send_page(client, FCGI_FILTER, i == 0 ? "/page" : "/stock", length);
        send_record(client, FCGI_STDIN, 1, NULL, 0);
        for (size_t at = 0; at < BIG_SIZE; at += sizeof(block))
            send_record(client, FCGI_DATA, 1, block, sizeof(block));
        send_record(client, FCGI_DATA, 1, NULL, 0);
        receive_ends(client, 1);
        const char *expected = i == 0 ? "0 8388608 long" : "FILTER 0 8388608";
        EXPECT(client, strcmp(body_of(client, 1, "200"), expected) == 0);
        send_page(client, FCGI_FILTER, i == 0 ? "/page" : "/stock", length);
        send_record(client, FCGI_STDIN, 1, NULL, 0);
        send_record(client, FCGI_DATA, 1, block, sizeof(block));
    }
    reconnect(client);
    get(client, "/ping", "200");
}

static void test_authorizes(void **state)
{
    (void)state;
    struct kt_service_options options = options_default();
    options.mount = "/open"; /* authorizers are asked about the site, wherever kontor is mounted */
    run_client(authorizes, &options, route_all);
}

static void test_filters(void **state)
{
    (void)state;
    struct kt_service_options options = options_default();
    run_client(filters, &options, route_all);
}

static void test_filters_big_files(void **state)
{
    (void)state;
    struct kt_service_options options = options_default();
    run_client(filters_big_files, &options, route_all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_authorizes),
        cmocka_unit_test(test_filters),
        cmocka_unit_test(test_filters_big_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
