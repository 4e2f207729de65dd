/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The endpoints now, echo and rpc of the plugin evaluation as a module of Kore, with Kore's own
 * JSON and timers; peers.py compiles it and writes the configuration. Debian's Kore comes without
 * its HTTP client and has none for Redis, so slow and kvs are not there.
 */
#include <kore/kore.h>

#include <kore/http.h>

/** How long rpc takes elsewhere, in milliseconds. */
#define RPC_MS 50

static const char constant[] = "{\"service\":\"kore\",\"status\":\"ok\"}";

int now(struct http_request *request);
int echo(struct http_request *request);
int rpc(struct http_request *request);

static void respond(struct http_request *request, const void *text, size_t size)
{
    http_response_header(request, "content-type", "application/json");
    http_response(request, HTTP_STATUS_OK, text, size);
}

int now(struct http_request *request)
{
    respond(request, constant, sizeof constant - 1);
    return KORE_RESULT_OK;
}

int echo(struct http_request *request)
{
    struct kore_json json;
    struct kore_buf *text = kore_buf_alloc(1024);
    kore_json_init(&json, request->http_body->data, request->http_body_length);
    if (kore_json_parse(&json)) {
        kore_json_item_tobuf(json.root, text);
        respond(request, text->data, text->offset);
    } else {
        http_response(request, HTTP_STATUS_BAD_REQUEST, NULL, 0);
    }
    kore_json_cleanup(&json);
    kore_buf_free(text);
    return KORE_RESULT_OK;
}

/** What a request to rpc keeps while it waits: its timer, to be taken back if the client goes. */
struct wait {
    struct kore_timer *timer;
};

static void wait_is_over(void *argument, u_int64_t time)
{
    (void)time;
    struct http_request *request = argument;
    ((struct wait *)request->hdlr_extra)->timer = NULL;
    http_request_wakeup(request);
}

static void wait_free(struct http_request *request)
{
    struct wait *wait = request->hdlr_extra;
    if (wait != NULL && wait->timer != NULL)
        kore_timer_remove(wait->timer);
    kore_free(wait);
    request->hdlr_extra = NULL;
}

/** Called twice: when the request comes, and when its time is over. */
int rpc(struct http_request *request)
{
    if (request->hdlr_extra != NULL)
        return now(request);
    struct wait *wait = kore_malloc(sizeof *wait);
    wait->timer = kore_timer_add(wait_is_over, RPC_MS, request, KORE_TIMER_ONESHOT);
    request->hdlr_extra = wait;
    request->onfree = wait_free;
    http_request_sleep(request);
    return KORE_RESULT_RETRY;
}
