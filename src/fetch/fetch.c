/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kt_http_fetch: checks what is asked, follows redirects, and keeps the two kinds of addresses
 * apart: each has connections and names of its own, so that a connection which the operator's
 * configuration opened never serves an address that a user entered.
 */
#include "fetch/fetch.h"

#include "fetch/transfer.h"

#include <errno.h>
#include <string.h>

enum kind { USERS, OPERATORS, KINDS };

static struct {
    bool is_open;
    const struct kt_fetch_options *options;
    TALLOC_CTX *memory;
    struct kt_route routes[KINDS]; /**< pool NULL: not used yet */
} fetch_room;

/* ---------------------------------------------------------------- life */

int kt_fetch_proxy_check(const char *text, struct kt_error *error)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    struct kt_target *target;
    char *port = NULL;
    struct kt_error detail = {0};
    int result = kt_target_parse(memory, text, NULL, true, &target, &detail);
    if (result == 0 && curl_url_get(target->url, CURLUPART_PORT, &port, 0) == CURLUE_OK)
        curl_free(port);
    else
        result = kt_error_set(error, -EINVAL,
                              "expected is the address of a proxy with its port, such as "
                              "http://proxy.example.org:3128");
    talloc_free(memory);
    return result;
}

int kt_fetch_start(const struct kt_fetch_options *options)
{
    memset(&fetch_room, 0, sizeof fetch_room);
    fetch_room.options = options;
    fetch_room.memory = talloc_named_const(NULL, 0, "fetch");
    int result = fetch_room.memory ? kt_resolvers_start() : -ENOMEM;
    if (result < 0)
        talloc_free(fetch_room.memory);
    else
        fetch_room.is_open = true;
    return result;
}

void kt_fetch_close(void)
{
    if (!fetch_room.is_open)
        return;
    fetch_room.is_open = false;
    for (enum kind kind = 0; kind < KINDS; kind++)
        if (fetch_room.routes[kind].pool)
            kt_pool_close(fetch_room.routes[kind].pool);
    kt_resolvers_close();
    talloc_free(fetch_room.memory);
}

/** Open what a kind needs, at its first use. */
static int open_route(enum kind kind, struct kt_error *error)
{
    const struct kt_fetch_options *options = fetch_room.options;
    struct kt_route *route = &fetch_room.routes[kind];
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return kt_error_set(error, -EIO, "libcurl can't start");
    if (kind == OPERATORS && options->proxy && !route->proxy) {
        struct kt_target *proxy;
        int status = kt_target_parse(fetch_room.memory, options->proxy, NULL, true, &proxy, error);
        if (status < 0)
            return status;
        route->proxy = proxy;
    }
    route->is_trusted = kind == OPERATORS;
    route->allowed = options->allowed;
    if (!route->resolver && !(route->resolver = kt_resolver_new(fetch_room.memory)))
        return -ENOMEM;
    int result = kt_pool_open(options->connections_max, &route->pool);
    return result < 0 ? kt_error_set(error, result, "no connections to other servers: %s",
                                     strerror(-result))
                      : 0;
}

/* ---------------------------------------------------------------- redirects */

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/** The method for where a redirect leads (RFC 9110, 15.4; browsers make a GET of a POST). */
static const char *method_after(int status, const char *method)
{
    if (status == 303 && strcmp(method, "HEAD") != 0)
        return "GET";
    if ((status == 301 || status == 302) && strcmp(method, "POST") == 0)
        return "GET";
    return method;
}

/** What of a request goes on to the target of a redirect. @return whether it may be sent there */
static bool redirect(struct kt_outgoing *outgoing, int status, struct kt_target *target)
{
    const char *method = method_after(status, outgoing->method);
    const struct kt_target *before = outgoing->target;
    if (strcmp(before->origin, target->origin) != 0) {
        if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
            return false;
        outgoing->is_foreign = true;
    } else if (!outgoing->is_foreign) {
        target->user = before->user; /* both live as long as the fetch */
        target->password = before->password;
    }
    if (method != outgoing->method) {
        outgoing->method = method;
        outgoing->body_size = 0;
        outgoing->has_lost_body = true;
    }
    outgoing->target = target;
    return true;
}

/** Ask, and ask again where redirects lead. Everything is allocated on memory. */
static int follow(TALLOC_CTX *memory, const struct kt_route *route, int redirects_max,
                  struct kt_outgoing *outgoing, struct kt_answer **ret_answer,
                  struct kt_error *error)
{
    for (int count = 0;; count++) {
        struct kt_answer *answer;
        struct kt_target *target;
        int result = kt_transfer(memory, route, outgoing, &answer, error);
        if (result < 0)
            return result;
        *ret_answer = answer;
        const char *location = is_redirect(answer->seen.status)
                                   ? kt_http_answer_header(&answer->seen, "Location")
                                   : NULL;
        if (!location || redirects_max < 0)
            return 0;
        if (count == redirects_max)
            return kt_error_set(error, -ELOOP, "%s redirects, after %d redirects before",
                                outgoing->target->origin, count);
        result =
            kt_target_parse(memory, location, outgoing->target, route->is_trusted, &target, error);
        if (result < 0)
            return result == -EINVAL
                       ? kt_error_set(error, -EPROTO, "%s redirects to a malformed address",
                                      outgoing->target->origin)
                       : result;
        if (!redirect(outgoing, answer->seen.status, target))
            return 0;
        talloc_free(answer);
    }
}

/* ---------------------------------------------------------------- the call */

static int check(const struct kt_http_fetch *fetch, struct kt_error *error)
{
    if (!fetch->url)
        return kt_error_set(error, -EINVAL, "there is no address");
    if (fetch->timeout_ms < 0 || fetch->timeout_ms > KT_HTTP_TIMEOUT_MAX_MS ||
        fetch->connect_timeout_ms < 0 || fetch->connect_timeout_ms > KT_HTTP_TIMEOUT_MAX_MS)
        return kt_error_set(error, -EINVAL, "a time-out is not within 0 and %d ms",
                            KT_HTTP_TIMEOUT_MAX_MS);
    if (fetch->size_max > KT_HTTP_SIZE_MAX)
        return kt_error_set(error, -EINVAL, "size_max is above %zu bytes", KT_HTTP_SIZE_MAX);
    if (fetch->redirects_max < KT_HTTP_REDIRECTS_NONE ||
        fetch->redirects_max > KT_HTTP_REDIRECTS_MAX)
        return kt_error_set(error, -EINVAL, "redirects_max is above %d", KT_HTTP_REDIRECTS_MAX);
    if (!fetch->body && fetch->body_size > 0)
        return kt_error_set(error, -EINVAL, "there is no body of %zu bytes", fetch->body_size);
    if (fetch->body_size > 0 && fetch->method && strcmp(fetch->method, "HEAD") == 0)
        return kt_error_set(error, -EINVAL, "a HEAD request has no body");
    return kt_outgoing_check(fetch->method ? fetch->method : "GET", fetch->headers, error);
}

static int ask(TALLOC_CTX *memory, const struct kt_http_fetch *fetch, struct kt_answer **ret_answer,
               struct kt_error *error)
{
    struct kt_target *target;
    enum kind kind = fetch->is_trusted ? OPERATORS : USERS;
    int result = check(fetch, error);
    if (result == 0)
        result = kt_target_parse(memory, fetch->url, NULL, fetch->is_trusted, &target, error);
    if (result == 0 && !fetch_room.is_open)
        result = kt_error_set(error, -ECANCELED, "the worker ends");
    if (result == 0 && !fetch_room.routes[kind].pool)
        result = open_route(kind, error);
    if (result < 0)
        return result;
    /* Not on the stack: that goes before the memory when the process is ended in between. */
    struct kt_outgoing *outgoing = talloc(memory, struct kt_outgoing);
    if (!outgoing)
        return -ENOMEM;
    *outgoing = (struct kt_outgoing){
        .target = target,
        .method = fetch->method ? fetch->method : "GET",
        .headers = fetch->headers,
        .body = fetch->body,
        .body_size = fetch->body_size,
        .deadline_ms =
            kt_now_ms() + (fetch->timeout_ms ? fetch->timeout_ms : KT_HTTP_TIMEOUT_DEFAULT_MS),
        .connect_timeout_ms = fetch->connect_timeout_ms ? fetch->connect_timeout_ms
                                                        : KT_HTTP_CONNECT_TIMEOUT_DEFAULT_MS,
        .size_max = fetch->size_max ? fetch->size_max : KT_HTTP_SIZE_DEFAULT,
        .is_large = fetch->is_large,
    };
    return follow(memory, &fetch_room.routes[kind],
                  fetch->redirects_max ? fetch->redirects_max : KT_HTTP_REDIRECTS_DEFAULT, outgoing,
                  ret_answer, error);
}

int kt_http_fetch(const struct kt_http_fetch *fetch, struct kt_http_answer **ret_answer,
                  struct kt_error *error)
{
    struct kt_answer *answer = NULL;
    *ret_answer = NULL;
    TALLOC_CTX *memory = kt_must(talloc_named_const(kt_self_memory(), 0, "fetch"));
    int result = ask(memory, fetch, &answer, error);
    if (result == -ENOMEM)
        kt_fail("out of memory");
    if (result == 0)
        *ret_answer = &((struct kt_answer *)talloc_steal(kt_self_memory(), answer))->seen;
    talloc_free(memory);
    return result;
}
