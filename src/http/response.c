/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The answer of a request: its header in CGI's form, checked so that no handler can break out of
 * it, and its body. Written into the FCGX out stream, where stock functions may write as well.
 */
#include "http/request.h"
#include "http/text.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/** First room for header fields. */
#define FIELDS_CAPACITY_FIRST 256u
/** First room for printed JSON; cJSON doubles it. */
#define JSON_CAPACITY_FIRST 1024

/* ---------------------------------------------------------------- header fields */

/** Fields that are kontor's or the web server's to write. */
static bool is_reserved(const char *name)
{
    static const char *const names[] = {"Status", "Content-Length", "Connection",
                                        "Transfer-Encoding"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (strcasecmp(name, names[i]) == 0)
            return true;
    return false;
}

int kt_response_header(struct kt_request *request, const char *name, const char *value)
{
    struct kt_response *response = &request->response;
    if (response->has_begun)
        return -EALREADY;
    size_t name_size = strlen(name), value_size = strlen(value);
    size_t needed = response->fields_size + name_size + value_size + 4;
    if (!kt_is_token(name) || is_reserved(name) || !kt_is_field_value(value) ||
        needed > KT_RESPONSE_FIELDS_MAX)
        return -EINVAL;
    if (needed > response->fields_capacity) {
        size_t capacity =
            response->fields_capacity ? response->fields_capacity * 2 : FIELDS_CAPACITY_FIRST;
        if (capacity < needed)
            capacity = needed;
        char *grown = talloc_realloc_size(request, response->fields, capacity);
        if (!grown)
            return -ENOMEM;
        response->fields = grown;
        response->fields_capacity = capacity;
    }
    char *to = response->fields + response->fields_size;
    memcpy(to, name, name_size);
    memcpy(to + name_size, ": ", 2);
    memcpy(to + name_size + 2, value, value_size);
    memcpy(to + name_size + 2 + value_size, "\r\n", 2);
    response->fields_size = needed;
    if (strcasecmp(name, "Content-Type") == 0)
        response->has_type = true;
    return 0;
}

/* ---------------------------------------------------------------- writing */

static void put(struct kt_request *request, const char *data, size_t size)
{
    while (size > 0) {
        int part = size < INT_MAX ? (int)size : INT_MAX;
        if (FCGX_PutStr(data, part, &request->fastcgi->out) < part)
            return;
        data += part;
        size -= (size_t)part;
    }
}

static void put_text(struct kt_request *request, const char *text)
{
    put(request, text, strlen(text));
}

/** @return 0, or -EPIPE when the stream has failed */
static int out_result(const struct kt_request *request)
{
    const FCGX_Stream *out = &request->fastcgi->out;
    return out->isClosed && !out->wasFCloseCalled ? -EPIPE : 0;
}

/** Whether an answer of this status has no body, whatever the method (RFC 9110, 6.4.1). */
static bool has_no_body(int status)
{
    return status == 204 || status == 304;
}

/** Write the header. @return 0, -EALREADY, -EINVAL */
static int begin(struct kt_request *request, int status, const char *type, int64_t length)
{
    struct kt_response *response = &request->response;
    struct kt_fastcgi_request *fastcgi = request->fastcgi;
    if (response->has_begun || kt_fastcgi_out_written(fastcgi) > 0)
        return -EALREADY;
    if (status < 200 || status > 999 || (type && !kt_is_field_value(type)))
        return -EINVAL;
    if (status < 300 && kt_request_role(request) == KT_ROLE_AUTHORIZER && !response->is_authorizing)
        return -EINVAL; /* what a handler says by mistake must open no door */
    char line[128];
    response->has_begun = true;
    response->status = status;
    response->length = length;
    snprintf(line, sizeof(line), "Status: %d %s\r\n", status, kt_status_phrase(status));
    put_text(request, line);
    if (type && !response->has_type && !has_no_body(status)) {
        put_text(request, "Content-Type: ");
        put_text(request, type);
        put_text(request, "\r\n");
    }
    if (length >= 0 && !has_no_body(status)) {
        snprintf(line, sizeof(line), "Content-Length: %lld\r\n", (long long)length);
        put_text(request, line);
    }
    put(request, response->fields, response->fields_size);
    put_text(request, "\r\n");
    response->header_size = kt_fastcgi_out_written(fastcgi);
    response->has_no_body = has_no_body(status) || strcmp(request->params.method, "HEAD") == 0;
    if (response->has_no_body)
        kt_fastcgi_out_discard(fastcgi);
    return 0;
}

int kt_response_begin(struct kt_request *request, int status, const char *type, int64_t length)
{
    kt_request_stream_enter();
    int result = begin(request, status, type, length);
    kt_request_stream_leave(request);
    return result;
}

uint64_t kt_response_body_size(const struct kt_request *request)
{
    uint64_t written = kt_fastcgi_out_written(request->fastcgi);
    uint64_t header_size = request->response.header_size;
    return written > header_size ? written - header_size : 0; /* the header may never go out */
}

bool kt_response_exists(const struct kt_request *request)
{
    return request->response.has_begun || kt_fastcgi_out_written(request->fastcgi) > 0;
}

/** Whether so many bytes may be written now. @return 0, -EINVAL, -EMSGSIZE */
static int check_room(const struct kt_request *request, uint64_t size)
{
    const struct kt_response *response = &request->response;
    if (!kt_response_exists(request))
        return -EINVAL;
    if (response->has_no_body || !response->has_begun || response->length < 0)
        return 0;
    uint64_t length = (uint64_t)response->length, written = kt_response_body_size(request);
    return written > length || size > length - written ? -EMSGSIZE : 0;
}

int kt_response_write(struct kt_request *request, const void *data, size_t size)
{
    int result = check_room(request, size);
    if (result < 0 || request->response.has_no_body)
        return result < 0 ? result : out_result(request);
    kt_request_stream_enter();
    put(request, data, size);
    result = out_result(request);
    kt_request_stream_leave(request);
    return result;
}

int kt_response_file(struct kt_request *request, const struct kt_memory_file *file, uint64_t first,
                     uint64_t count)
{
    if (first > file->size_bytes || count > file->size_bytes - first)
        return -EINVAL;
    int result = check_room(request, count);
    if (result < 0 || request->response.has_no_body)
        return result < 0 ? result : out_result(request);
    kt_request_stream_enter();
    result = kt_fastcgi_out_file(request->fastcgi, file->fd, first, count);
    kt_request_stream_leave(request);
    return result;
}

int kt_response_flush(struct kt_request *request)
{
    kt_request_stream_enter();
    FCGX_FFlush(&request->fastcgi->out);
    int result = out_result(request);
    kt_request_stream_leave(request);
    return result;
}

int kt_respond(struct kt_request *request, int status, const char *type, const void *body,
               size_t size)
{
    kt_request_stream_enter();
    int result = begin(request, status, type, (int64_t)size);
    if (result == 0 && !request->response.has_no_body)
        put(request, body, size);
    if (result == 0)
        result = out_result(request);
    kt_request_stream_leave(request);
    return result;
}

int kt_respond_json(struct kt_request *request, int status, const struct cJSON *json)
{
    char *text = cJSON_PrintBuffered(json, JSON_CAPACITY_FIRST, 0);
    if (!text)
        return -ENOMEM;
    int result = kt_respond(request, status, "application/json", text, strlen(text));
    cJSON_free(text);
    return result;
}

int kt_respond_problem(struct kt_request *request, int status, const char *format, ...)
{
    char detail[KT_PROBLEM_DETAIL_MAX], escaped[2 * KT_PROBLEM_DETAIL_MAX];
    char body[sizeof(escaped) + 128];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(detail, sizeof(detail), format, arguments);
    va_end(arguments);
    kt_json_escape(escaped, sizeof(escaped), detail);
    snprintf(body, sizeof(body), "{\"status\":%d,\"title\":\"%s\",\"detail\":\"%s\"}\n", status,
             kt_status_phrase(status), escaped);
    return kt_respond(request, status, "application/problem+json", body, strlen(body));
}

/* ---------------------------------------------------------------- authorizers */

/** The field that hands a variable to the web server (FastCGI 1.0, 6.3), and its longest name. */
#define VARIABLE_PREFIX "Variable-"
#define VARIABLE_NAME_MAX 128u

int kt_authorize(struct kt_request *request)
{
    if (kt_request_role(request) != KT_ROLE_AUTHORIZER)
        return -ENOTSUP;
    request->response.is_authorizing = true;
    int result = kt_response_begin(request, 200, NULL, -1);
    request->response.is_authorizing = false;
    return result;
}

int kt_authorize_variable(struct kt_request *request, const char *name, const char *value)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
    char field[sizeof(VARIABLE_PREFIX) + VARIABLE_NAME_MAX];
    size_t size = strlen(name);
    if (kt_request_role(request) != KT_ROLE_AUTHORIZER)
        return -ENOTSUP;
    if (size == 0 || size > VARIABLE_NAME_MAX || strspn(name, allowed) != size)
        return -EINVAL;
    snprintf(field, sizeof(field), VARIABLE_PREFIX "%s", name);
    return kt_response_header(request, field, value);
}

bool kt_response_reset(struct kt_request *request)
{
    if (!kt_fastcgi_out_reset(request->fastcgi))
        return false;
    request->response = (struct kt_response){.length = -1};
    return true;
}
