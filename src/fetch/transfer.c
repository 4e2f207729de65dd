/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One transfer. All that libcurl holds of it hangs on one talloc chunk of the calling process,
 * whose destructor takes it out of the pool: so it ends with the process, whenever that is.
 */
#include "fetch/transfer.h"

#include "fetch/headers.h"
#include "fetch/outcome.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/** libcurl's buffers for one transfer, bytes. Its own defaults (16 and 64 KiB) would be most of the
 * memory of a thousand transfers that wait; a page is as fast but for the largest answers. */
#define RECEIVE_BUFFER 4096L
/** For answers of which the caller says that they are large. */
#define RECEIVE_BUFFER_LARGE 16384L
#define SEND_BUFFER 16384L
/** Names are looked up before libcurl is asked to connect; what it was told stays long enough for
 * any transfer that waits for a connection. */
#define TOLD_S (KT_HTTP_TIMEOUT_MAX_MS / 1000L)
/** An entry of CURLOPT_RESOLVE: the host, a port, and bracketed addresses. */
#define RESOLVE_MAX (KT_HOST_MAX + 8 + KT_ADDRESSES_MAX * (INET6_ADDRSTRLEN + 3))

/* ---------------------------------------------------------------- callbacks of libcurl */

static size_t on_head(char *line, size_t one, size_t size, void *argument)
{
    struct kt_transfer *transfer = argument;
    (void)one;
    return kt_answer_head(transfer->answer, line, size) == 0 ? size : size + 1;
}

static size_t on_body(char *data, size_t one, size_t size, void *argument)
{
    struct kt_transfer *transfer = argument;
    (void)one;
    return kt_answer_body(transfer->answer, data, size) == 0 ? size : CURL_WRITEFUNC_ERROR;
}

static size_t on_send(char *buffer, size_t one, size_t room, void *argument)
{
    struct kt_transfer *transfer = argument;
    size_t left = transfer->outgoing->body_size - transfer->sent, size = one * room;
    if (size > left)
        size = left;
    if (size > 0)
        memcpy(buffer, transfer->outgoing->body + transfer->sent, size);
    transfer->sent += size;
    return size;
}

/** The body is wanted again: only where sending it twice does no harm. */
static int on_seek(void *argument, curl_off_t offset, int origin)
{
    struct kt_transfer *transfer = argument;
    if (origin != SEEK_SET || offset < 0 || (size_t)offset > transfer->outgoing->body_size ||
        !kt_method_is_idempotent(transfer->outgoing->method))
        return CURL_SEEKFUNC_FAIL;
    transfer->sent = (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

/** The last check before a connection, on the address that is really used. */
static curl_socket_t on_open(void *argument, curlsocktype purpose, struct curl_sockaddr *wanted)
{
    struct kt_transfer *transfer = argument;
    union kt_address address;
    (void)purpose;
    if (!kt_address_take(&wanted->addr, wanted->addrlen, &address) ||
        kt_route_refuses(transfer->route, &address)) {
        transfer->is_refused = true;
        return CURL_SOCKET_BAD;
    }
    int fd =
        socket(wanted->family, wanted->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, wanted->protocol);
    transfer->socket_error = fd < 0 ? errno : 0;
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}

/** libcurl wants to look up a name by itself: it has been told all it needs. */
static int on_look_up(void *state, void *reserved, void *argument)
{
    (void)state;
    (void)reserved;
    (void)argument;
    return 1;
}

/* ---------------------------------------------------------------- the way */

const char *kt_route_refuses(const struct kt_route *route, const union kt_address *address)
{
    return route->is_trusted || kt_networks_contain(route->allowed, address)
               ? NULL
               : kt_address_class(address);
}

/** A proxy cannot know what this machine means by localhost. */
static bool is_local(const struct kt_target *target)
{
    return target->is_literal ? kt_address_is_loopback(&target->address)
                              : strcmp(target->host, "localhost") == 0;
}

static int refuse(const struct kt_target *target, const char *words, struct kt_error *error)
{
    return kt_error_set(error, -EACCES,
                        "%s is refused: it is %s, which only the option fetch_allow permits",
                        target->origin, words);
}

/** Tell libcurl the addresses of a name. @return false: no memory */
static bool tell_addresses(struct kt_transfer *transfer, const struct kt_target *hop,
                           const struct kt_addresses *addresses)
{
    char entry[RESOLVE_MAX], text[INET6_ADDRSTRLEN];
    int length = snprintf(entry, sizeof entry, "+%s:%u:", hop->host, hop->port);
    for (unsigned i = 0; i < addresses->count; i++) {
        const union kt_address *address = &addresses->list[i];
        bool is_v4 = address->any.sa_family == AF_INET;
        inet_ntop(address->any.sa_family,
                  is_v4 ? (const void *)&address->v4.sin_addr : &address->v6.sin6_addr, text,
                  sizeof text);
        length += snprintf(entry + length, sizeof entry - (size_t)length, is_v4 ? "%s%s" : "%s[%s]",
                           i ? "," : "", text);
    }
    transfer->resolve = curl_slist_append(NULL, entry);
    return transfer->resolve != NULL;
}

/** Look up the next hop, leave out what may not be reached, and tell libcurl the rest. */
static int find_addresses(struct kt_transfer *transfer, const struct kt_target *hop,
                          struct kt_error *error)
{
    const struct kt_route *route = transfer->route;
    struct kt_addresses addresses;
    const char *words = NULL;
    if (hop->is_literal) {
        words = kt_route_refuses(route, &hop->address);
        return words ? refuse(hop, words, error) : 0;
    }
    int status = kt_resolve(route->resolver, hop->host,
                            transfer->outgoing->deadline_ms - kt_now_ms(), &addresses);
    if (status < 0)
        return kt_outcome_of_name(status, hop, error);
    unsigned count = 0;
    for (unsigned i = 0; i < addresses.count; i++) {
        const char *refusal = kt_route_refuses(route, &addresses.list[i]);
        if (refusal)
            words = refusal;
        else
            addresses.list[count++] = addresses.list[i];
    }
    addresses.count = count;
    if (count == 0)
        return refuse(hop, words, error);
    return tell_addresses(transfer, hop, &addresses) ? 0 : -ENOMEM;
}

/* ---------------------------------------------------------------- setting up */

static int end_transfer(struct kt_transfer *transfer)
{
    kt_pool_remove(&transfer->exchange);
    curl_easy_cleanup(transfer->exchange.easy);
    curl_slist_free_all(transfer->headers);
    curl_slist_free_all(transfer->resolve);
    return 0;
}

static void set_method(struct kt_transfer *transfer)
{
    CURL *easy = transfer->exchange.easy;
    const struct kt_outgoing *outgoing = transfer->outgoing;
    bool wants_body = outgoing->body_size > 0 || strcmp(outgoing->method, "POST") == 0 ||
                      strcmp(outgoing->method, "PUT") == 0 ||
                      strcmp(outgoing->method, "PATCH") == 0;
    if (wants_body) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)outgoing->body_size);
        curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_send);
        curl_easy_setopt(easy, CURLOPT_READDATA, transfer);
        curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
        curl_easy_setopt(easy, CURLOPT_SEEKDATA, transfer);
        curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, SEND_BUFFER);
    } else if (strcmp(outgoing->method, "HEAD") == 0) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    }
    if (strcmp(outgoing->method, wants_body ? "POST" : "GET") != 0 &&
        (wants_body || strcmp(outgoing->method, "HEAD") != 0))
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, outgoing->method);
}

static void set_way(struct kt_transfer *transfer, const struct kt_target *proxy,
                    const char *proxy_text)
{
    CURL *easy = transfer->exchange.easy;
    const struct kt_target *target = transfer->outgoing->target;
    /* An empty string keeps libcurl from looking into the environment. */
    curl_easy_setopt(easy, CURLOPT_PROXY, proxy_text);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
    if (proxy && proxy->user)
        curl_easy_setopt(easy, CURLOPT_PROXYUSERNAME, proxy->user);
    if (proxy && proxy->password)
        curl_easy_setopt(easy, CURLOPT_PROXYPASSWORD, proxy->password);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_RESOLVE, transfer->resolve);
    curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, TOLD_S);
    if (transfer->resolve)
        curl_easy_setopt(easy, CURLOPT_RESOLVER_START_FUNCTION, on_look_up);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                     target->is_tls ? (long)CURL_HTTP_VERSION_2TLS : (long)CURL_HTTP_VERSION_1_1);
    /* Rather wait for a connection that can carry many than open many. */
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, target->is_tls ? 1L : 0L);
    if (target->user || target->password) {
        curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        curl_easy_setopt(easy, CURLOPT_USERNAME, target->user ? target->user : "");
        curl_easy_setopt(easy, CURLOPT_PASSWORD, target->password ? target->password : "");
    }
}

static void set_answer(struct kt_transfer *transfer)
{
    CURL *easy = transfer->exchange.easy;
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_head);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE,
                     transfer->outgoing->is_large ? RECEIVE_BUFFER_LARGE : RECEIVE_BUFFER);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->text);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
}

static int set_up(struct kt_transfer *transfer, const struct kt_target *proxy)
{
    const struct kt_outgoing *outgoing = transfer->outgoing;
    CURL *easy = transfer->exchange.easy = curl_easy_init();
    const char *proxy_text = proxy ? kt_target_text(transfer, proxy) : "";
    if (!easy || !proxy_text || !kt_headers_build(outgoing, &transfer->headers))
        return -ENOMEM;
    /* Redirects are followed by our caller, who knows what may go where. */
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_CURLU, outgoing->target->url);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)outgoing->connect_timeout_ms);
    set_method(transfer);
    set_way(transfer, proxy, proxy_text);
    set_answer(transfer);
    return 0;
}

/* ---------------------------------------------------------------- running */

static int run(struct kt_transfer *transfer, struct kt_error *error)
{
    const struct kt_outgoing *outgoing = transfer->outgoing;
    const struct kt_target *proxy = is_local(outgoing->target) ? NULL : transfer->route->proxy;
    int result = find_addresses(transfer, proxy ? proxy : outgoing->target, error);
    if (result == 0)
        result = set_up(transfer, proxy);
    if (result == 0)
        result = kt_pool_add(transfer->route->pool, &transfer->exchange);
    if (result < 0)
        return result;
    int64_t left_ms = outgoing->deadline_ms - kt_now_ms();
    kt_wait_reason(KT_REASON_FETCH);
    result = kt_park(left_ms > 0 ? left_ms : 0);
    if (result < 0)
        return kt_outcome_of_wait(result, transfer, error);
    return kt_outcome(transfer, error);
}

int kt_transfer(TALLOC_CTX *context, const struct kt_route *route,
                const struct kt_outgoing *outgoing, struct kt_answer **ret_answer,
                struct kt_error *error)
{
    struct kt_transfer *transfer = talloc_zero(context, struct kt_transfer);
    if (!transfer)
        return -ENOMEM;
    talloc_set_destructor(transfer, end_transfer);
    transfer->route = route;
    transfer->outgoing = outgoing;
    transfer->answer = kt_answer_new(transfer, outgoing->size_max);
    int result = transfer->answer ? run(transfer, error) : -ENOMEM;
    if (result == 0) {
        long status = 0;
        curl_easy_getinfo(transfer->exchange.easy, CURLINFO_RESPONSE_CODE, &status);
        result = kt_answer_finish(transfer->answer, (int)status,
                                  kt_target_text(transfer, outgoing->target));
    }
    if (result == 0)
        *ret_answer = talloc_steal(context, transfer->answer);
    talloc_free(transfer);
    return result;
}
