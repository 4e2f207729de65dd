/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of a request: made at BEGIN_REQUEST, filled by PARAMS and STDIN, handed upward, ended.
 * Knows its connection as a queue to write to; parses no records.
 */
#include "fastcgi/request.h"

#include "fastcgi/connection.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/** Grow a parameter block at least to this; nginx's and Apache's usual sets fit. */
#define PARAMS_CAPACITY_MIN 1024u

/* ---------------------------------------------------------------- active ids */

/** Make a request's id active on its connection. @return 0 or -ENOMEM */
static int attach(struct kt_connection *connection, struct kt_fastcgi_request *request)
{
    struct kt_fastcgi_request *newest = connection->requests;
    if (newest) {
        /* Most connections carry one request at a time; only the others need the map. */
        if (kt_map_put(&connection->ids, newest->id, newest) < 0 ||
            kt_map_put(&connection->ids, request->id, request) < 0)
            return -ENOMEM;
        newest->previous_sibling = request;
        connection->is_shared = true;
    }
    request->next_sibling = newest;
    connection->requests = request;
    connection->request_count++;
    connection->requests_total++;
    return 0;
}

struct kt_fastcgi_request *kt_fastcgi_request_find(const struct kt_connection *connection,
                                                   uint16_t id)
{
    struct kt_fastcgi_request *newest = connection->requests;
    if (!newest || newest->id == id)
        return newest;
    return connection->request_count > 1 ? kt_map_get(&connection->ids, id) : NULL;
}

/** Take the request off its connection: its id is inactive from now on. */
static struct kt_connection *detach(struct kt_fastcgi_request *request)
{
    struct kt_connection *connection = request->connection;
    if (request->previous_sibling)
        request->previous_sibling->next_sibling = request->next_sibling;
    else
        connection->requests = request->next_sibling;
    if (request->next_sibling)
        request->next_sibling->previous_sibling = request->previous_sibling;
    kt_map_take(&connection->ids, request->id);
    connection->request_count--;
    connection->unread_count += (request->body.has_ended ? 0u : 1u);
    connection->unread_count += (request->data.has_ended ? 0u : 1u);
    if (!request->keeps_connection)
        connection->closes_when_done = true;
    request->state = KT_FASTCGI_ENDED;
    return connection;
}

/* ---------------------------------------------------------------- birth and parameters */

static void set_deadline(struct kt_fastcgi_request *request, int64_t now_ms, int64_t timeout_ms)
{
    bool is_endless = timeout_ms < 0 || timeout_ms > INT64_MAX - now_ms;
    request->deadline_ms = is_endless ? INT64_MAX : now_ms + timeout_ms;
}

struct kt_fastcgi_request *kt_fastcgi_request_new(struct kt_connection *connection, uint16_t id,
                                                  uint16_t role, bool keeps_connection)
{
    struct kt_engine *engine = connection->engine;
    TALLOC_CTX *memory = talloc_pool(NULL, KT_REQUEST_POOL_SIZE);
    struct kt_fastcgi_request *request = memory ? talloc(memory, struct kt_fastcgi_request) : NULL;
    if (!request) {
        talloc_free(memory);
        return NULL;
    }
    memset(request, 0, sizeof(*request));
    request->memory = memory;
    request->engine = engine;
    request->connection = connection;
    request->state = KT_FASTCGI_PARAMS;
    request->id = id;
    request->role = role;
    request->keeps_connection = keeps_connection;
    request->reading = &request->body;
    request->body.has_ended = role == FCGI_AUTHORIZER;
    request->data.has_ended = role != FCGI_FILTER;
    if (attach(connection, request) < 0) {
        talloc_free(memory);
        return NULL;
    }
    request->begun_ms = kt_now_ms();
    set_deadline(request, request->begun_ms, engine->options.request_timeout_ms);

    request->next = engine->requests;
    if (engine->requests)
        engine->requests->previous = request;
    engine->requests = request;
    engine->holders++;
    engine->counts.requests++;
    engine->counts.requests_total++;
    return request;
}

void kt_fastcgi_request_deadline(struct kt_fastcgi_request *request, int64_t timeout_ms)
{
    set_deadline(request, kt_now_ms(), timeout_ms);
}

void kt_fastcgi_request_params(struct kt_fastcgi_request *request, const unsigned char *data,
                               size_t size, size_t record_length)
{
    if (request->params_error)
        return;
    size_t limit = request->engine->options.params_max_bytes;
    if (size > limit - request->params_size) {
        request->params_error = -E2BIG;
        return;
    }
    size_t needed = request->params_size + size;
    if (needed > request->params_capacity) {
        /* The first record usually holds them all; then the block is made once and to measure. */
        size_t capacity = request->params_capacity * 2;
        if (capacity == 0)
            capacity = record_length < limit ? record_length : limit;
        if (capacity > limit)
            capacity = limit;
        if (capacity < needed)
            capacity = needed < PARAMS_CAPACITY_MIN ? PARAMS_CAPACITY_MIN : needed;
        unsigned char *grown =
            talloc_realloc(request, request->params, unsigned char, (unsigned int)capacity);
        if (!grown) {
            request->params_error = -ENOMEM;
            return;
        }
        request->params = grown;
        request->params_capacity = capacity;
    }
    memcpy(request->params + request->params_size, data, size);
    request->params_size = needed;
}

/** Decode the parameters into fcgx.envp, which is an empty list when they are no good. */
static void decode_params(struct kt_fastcgi_request *request)
{
    int count = 0;
    if (!request->params_error) {
        count = kt_pairs_count(request->params, request->params_size, KT_REQUEST_PAIRS_MAX);
        if (count < 0)
            request->params_error = count;
    }
    /* One more than the NULL at the end: a stock handler is told its role. */
    size_t room = (count > 0 ? (size_t)count : 0) + 2;
    char **envp = talloc_array(request, char *, (unsigned int)room);
    if (!envp) {
        request->params_error = -ENOMEM;
        return;
    }
    if (count > 0)
        kt_pairs_decode(request->params, request->params_size, envp);
    else
        envp[0] = NULL;
    request->fcgx.envp = envp;
}

void kt_fastcgi_request_begin(struct kt_fastcgi_request *request)
{
    decode_params(request);
    if (!request->fcgx.envp) {
        kt_connection_close(request->connection);
        return;
    }
    request->state = KT_FASTCGI_RUNNING;
    kt_fastcgi_streams_open(request);
    request->engine->options.on_request(request);
}

/* ---------------------------------------------------------------- input */

/** Copy a piece of a stream into its buffers. @return 0 or -ENOMEM */
static int input_append(struct kt_fastcgi_request *request, struct kt_input *input,
                        const unsigned char *data, size_t size)
{
    while (size > 0) {
        struct kt_buffer *last = input->last;
        if (!last || last->end == sizeof(last->data)) {
            struct kt_buffer *buffer = kt_buffer_take(&request->engine->buffers);
            if (!buffer)
                return -ENOMEM;
            buffer->start = buffer->end = 0;
            if (last)
                last->next = buffer;
            else
                input->first = buffer;
            input->last = last = buffer;
        }
        size_t room = sizeof(last->data) - last->end;
        size_t part = size < room ? size : room;
        memcpy(last->data + last->end, data, part);
        last->end += (uint32_t)part;
        data += part;
        size -= part;
        input->waiting += part;
        request->connection->input_waiting += part;
    }
    return 0;
}

static void wake_reader(struct kt_fastcgi_request *request)
{
    if (request->reader.is_waiting) {
        request->reader.is_waiting = false;
        kt_unpark(request->reader.ticket, 0);
    }
}

/** A piece of either stream; size 0 is its end. */
static void take_input(struct kt_fastcgi_request *request, struct kt_input *input,
                       const unsigned char *data, size_t size)
{
    if (input->has_ended)
        return;
    if (size == 0) {
        input->has_ended = true;
    } else {
        input->total += size;
        if (input->error)
            return;
        if (input->total > request->engine->options.body_max_bytes)
            input->error = -EMSGSIZE;
        else
            input->error = input_append(request, input, data, size);
    }
    wake_reader(request);
}

void kt_fastcgi_request_body(struct kt_fastcgi_request *request, const unsigned char *data,
                             size_t size)
{
    take_input(request, &request->body, data, size);
}

void kt_fastcgi_request_data(struct kt_fastcgi_request *request, const unsigned char *data,
                             size_t size)
{
    /* DATA follows STDIN; a filter that reads the one would wait for the other for ever. */
    if (!request->body.has_ended && !request->data.error)
        request->data.error = -EPROTO;
    take_input(request, &request->data, data, size);
}

void kt_fastcgi_request_drop_input(struct kt_fastcgi_request *request, int error)
{
    struct kt_input *input = request->body.waiting > 0 ? &request->body : &request->data;
    kt_buffer_give_all(&request->engine->buffers, input->first);
    input->first = input->last = NULL;
    request->connection->input_waiting -= input->waiting;
    input->waiting = 0;
    input->error = error;
    wake_reader(request);
}

/* ---------------------------------------------------------------- the end */

void kt_fastcgi_request_end(struct kt_fastcgi_request *request, int application_status)
{
    if (request->state == KT_FASTCGI_ENDED)
        return;
    kt_fastcgi_streams_finish(request, application_status);
    struct kt_connection *connection = detach(request);
    kt_fastcgi_streams_shut(request, EPIPE);
    request->connection = NULL;
    kt_connection_flush(connection);
    kt_connection_update(connection);
}

void kt_fastcgi_request_cut(struct kt_fastcgi_request *request)
{
    /* Version 0 doesn't exist: every client of FastCGI takes it for an error, also those for which
     * the end of the connection is a fine end of an answer. */
    static const unsigned char poison[FCGI_HEADER_LEN];
    if (request->state == KT_FASTCGI_ENDED)
        return;
    struct kt_connection *connection = detach(request);
    kt_fastcgi_streams_shut(request, EPIPE);
    request->connection = NULL;
    while (connection->requests)
        kt_fastcgi_request_lose(connection->requests);
    connection->closes_when_done = true;
    kt_connection_queue_bytes(connection, poison, sizeof(poison));
    kt_connection_flush(connection);
    kt_connection_update(connection);
}

void kt_fastcgi_request_abort(struct kt_fastcgi_request *request)
{
    request->body.has_ended = request->data.has_ended = true;
    kt_fastcgi_request_lose(request);
}

void kt_fastcgi_request_lose(struct kt_fastcgi_request *request)
{
    bool has_begun = request->state == KT_FASTCGI_RUNNING;
    detach(request);
    kt_fastcgi_streams_shut(request, ECONNRESET);
    request->connection = NULL;
    if (has_begun) {
        request->is_gone = true;
        request->engine->options.on_gone(request);
    } else {
        kt_fastcgi_request_release(request);
        talloc_free(request->memory);
    }
}

void kt_fastcgi_request_release(struct kt_fastcgi_request *request)
{
    struct kt_engine *engine = request->engine;
    assert(request->state == KT_FASTCGI_ENDED);
    if (engine->sweep_next == request)
        engine->sweep_next = request->next;
    if (request->previous)
        request->previous->next = request->next;
    else
        engine->requests = request->next;
    if (request->next)
        request->next->previous = request->previous;
    engine->counts.requests--;
    kt_engine_unhold(engine);
}
