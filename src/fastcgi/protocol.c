/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What records mean: which request they belong to, what they ask for, what is answered at once.
 * Follows the FastCGI specification 1.0; does no I/O of its own.
 */
#include "fastcgi/connection.h"

#include <stdio.h>
#include <string.h>

/* ---------------------------------------------------------------- management records */

/** Answer the variables of a GET_VALUES record that we know. */
static void answer_values(struct kt_connection *connection, const unsigned char *data, size_t size)
{
    const struct kt_engine_options *options = &connection->engine->options;
    /* HAProxy takes FCGI_MAX_REQS for the bound of one connection, so that is what we say. */
    size_t requests_max = options->requests_max < KT_CONNECTION_REQUESTS_MAX
                              ? options->requests_max
                              : KT_CONNECTION_REQUESTS_MAX;
    const struct {
        const char *name;
        size_t value;
    } variables[] = {
        {FCGI_MAX_CONNS, options->connections_max},
        {FCGI_MAX_REQS, requests_max},
        {FCGI_MPXS_CONNS, 1},
    };
    bool is_answered[3] = {false};
    unsigned char answer[256];
    size_t answer_size = FCGI_HEADER_LEN;
    const unsigned char *cursor = data, *end = data + size;
    struct kt_pair pair;
    while (kt_pair_next(&cursor, end, &pair) > 0)
        for (size_t i = 0; i < 3; i++) {
            const char *name = variables[i].name;
            if (is_answered[i] || strlen(name) != pair.name_size ||
                memcmp(name, pair.name, pair.name_size) != 0)
                continue;
            char value[24];
            snprintf(value, sizeof(value), "%zu", variables[i].value);
            is_answered[i] = true;
            answer_size +=
                kt_pair_write(answer + answer_size, sizeof(answer) - answer_size, name, value);
        }
    kt_record_header(answer, FCGI_GET_VALUES_RESULT, FCGI_NULL_REQUEST_ID,
                     answer_size - FCGI_HEADER_LEN);
    kt_connection_queue_bytes(connection, answer, answer_size);
}

/** Collect a GET_VALUES record and answer it when it is complete. */
static void take_values(struct kt_connection *connection, const struct kt_record_part *part)
{
    struct kt_buffer_pool *pool = &connection->engine->buffers;
    connection->is_shared = true; /* who asks means to multiplex */
    if (part->length > KT_CONNECTION_VALUES_MAX) {
        if (part->is_last) /* whatever it asks for is omitted */
            answer_values(connection, part->data, 0);
        return;
    }
    if (part->is_first && part->is_last) {
        answer_values(connection, part->data, part->size);
        return;
    }
    if (!connection->values)
        connection->values = kt_buffer_take(pool);
    struct kt_buffer *values = connection->values;
    if (!values) {
        connection->is_broken = true;
        return;
    }
    memcpy(values->data + values->end, part->data, part->size);
    values->end += (uint32_t)part->size;
    if (!part->is_last)
        return;
    answer_values(connection, values->data + values->start, values->end - values->start);
    kt_buffer_give(pool, values);
    connection->values = NULL;
}

static void answer_unknown_type(struct kt_connection *connection, uint8_t type)
{
    unsigned char record[sizeof(FCGI_UnknownTypeRecord)];
    kt_connection_queue_bytes(connection, record, kt_record_unknown_type(record, type));
}

/* ---------------------------------------------------------------- BEGIN_REQUEST */

/** Answer a request that is not even begun; what comes for its id is ignored. */
static void refuse(struct kt_connection *connection, uint16_t id, bool keeps_connection,
                   const char *answer, uint8_t protocol_status)
{
    unsigned char record[KT_RECORD_END_SIZE];
    if (answer) {
        size_t size = strlen(answer);
        kt_record_header(record, FCGI_STDOUT, id, size);
        kt_connection_queue_bytes(connection, record, FCGI_HEADER_LEN);
        kt_connection_queue_bytes(connection, answer, size);
        kt_record_header(record, FCGI_STDOUT, id, 0);
        kt_connection_queue_bytes(connection, record, FCGI_HEADER_LEN);
    }
    kt_connection_queue_bytes(connection, record, kt_record_end(record, id, 0, protocol_status));
    connection->unread_count++;
    if (!keeps_connection)
        connection->closes_when_done = true;
}

static void begin(struct kt_connection *connection, uint16_t id)
{
    struct kt_engine *engine = connection->engine;
    const unsigned char *body = connection->begin;
    uint16_t role = (uint16_t)(body[0] << 8 | body[1]);
    bool keeps_connection = body[2] & FCGI_KEEP_CONN;
    connection->has_served = true;
    if (kt_fastcgi_request_find(connection, id)) {
        /* The peer has lost count: nobody could tell the two requests' records apart. */
        kt_connection_close(connection);
    } else if (role != FCGI_RESPONDER && role != FCGI_AUTHORIZER && role != FCGI_FILTER) {
        refuse(connection, id, keeps_connection, NULL, FCGI_UNKNOWN_ROLE);
    } else if (engine->counts.requests >= engine->options.requests_max ||
               connection->request_count >= KT_CONNECTION_REQUESTS_MAX) {
        engine->counts.overloads_total++;
        refuse(connection, id, keeps_connection, engine->options.overload_answer,
               FCGI_REQUEST_COMPLETE);
    } else if (!kt_fastcgi_request_new(connection, id, role, keeps_connection)) {
        connection->is_broken = true;
    }
}

static void take_begin(struct kt_connection *connection, const struct kt_record_part *part)
{
    if (part->length != sizeof(connection->begin)) {
        kt_connection_close(connection);
        return;
    }
    if (part->is_first)
        connection->begin_size = 0;
    memcpy(connection->begin + connection->begin_size, part->data, part->size);
    connection->begin_size = (uint8_t)(connection->begin_size + part->size);
    if (part->is_last)
        begin(connection, part->id);
}

/* ---------------------------------------------------------------- records of a request */

/** ABORT_REQUEST: answered at once; the process learns of it by its streams. */
static void abort_request(struct kt_connection *connection, struct kt_fastcgi_request *request)
{
    unsigned char record[KT_RECORD_END_SIZE];
    uint16_t id = request->id;
    kt_fastcgi_request_abort(request);
    kt_connection_queue_bytes(connection, record,
                              kt_record_end(record, id, 0, FCGI_REQUEST_COMPLETE));
}

static void take_request_part(struct kt_connection *connection, const struct kt_record_part *part)
{
    struct kt_fastcgi_request *request = kt_fastcgi_request_find(connection, part->id);
    if (!request) {
        /* Ignored, but it tells that nothing more comes of a request that we have ended. */
        bool is_end = (part->type == FCGI_STDIN || part->type == FCGI_DATA) && part->length == 0;
        if (is_end && connection->unread_count > 0)
            connection->unread_count--;
        return;
    }
    switch (part->type) {
    case FCGI_ABORT_REQUEST:
        if (part->is_last)
            abort_request(connection, request);
        break;
    case FCGI_PARAMS:
        if (request->state != KT_FASTCGI_PARAMS)
            break;
        if (part->length > 0)
            kt_fastcgi_request_params(request, part->data, part->size, part->length);
        else
            kt_fastcgi_request_begin(request);
        break;
    case FCGI_STDIN:
        kt_fastcgi_request_body(request, part->data, part->size);
        break;
    case FCGI_DATA:
        kt_fastcgi_request_data(request, part->data, part->size);
        break;
    default: /* goes the other way, or is unknown */
        break;
    }
}

/** A record of the connection itself. UNKNOWN_TYPE is never answered: that could go on for ever. */
static void take_management_part(struct kt_connection *connection,
                                 const struct kt_record_part *part)
{
    if (part->type == FCGI_GET_VALUES)
        take_values(connection, part);
    else if (part->is_last && part->type != FCGI_UNKNOWN_TYPE)
        answer_unknown_type(connection, part->type);
}

void kt_protocol_part(struct kt_connection *connection, const struct kt_record_part *part)
{
    if (part->id == FCGI_NULL_REQUEST_ID) {
        take_management_part(connection, part);
    } else if (part->type == FCGI_BEGIN_REQUEST) {
        take_begin(connection, part);
    } else {
        take_request_part(connection, part);
    }
}
