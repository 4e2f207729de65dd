/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The body of a request: read whole, within its bound, once; taken as it is, as JSON, as a form.
 */
#include "http/request.h"
#include "http/text.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <strings.h>

/** What is made room for first when the length is not known. */
#define BODY_CAPACITY_FIRST 4096u

/** Read until the room is full or the body ends. @return bytes read */
static size_t read_into(struct kt_request *request, char *to, size_t room)
{
    size_t got = 0;
    while (got < room) {
        size_t left = room - got;
        int wanted = left < INT_MAX ? (int)left : INT_MAX;
        int part = FCGX_GetStr(to + got, wanted, &request->fastcgi->in);
        got += (size_t)part;
        if (part < wanted)
            break;
    }
    return got;
}

/** Why the stream of the body ended. @return 0 when it was its end */
static int stream_error(const struct kt_request *request)
{
    switch (request->fastcgi->in.FCGI_errno) {
    case 0:
        return 0;
    case EMSGSIZE:
        return -EMSGSIZE;
    case ENOMEM:
        return -ENOMEM;
    default:
        return -ECONNRESET;
    }
}

/** Read a body of known length, and make sure that it ends there. */
static int read_known(struct kt_request *request)
{
    size_t length = (size_t)request->content_length;
    request->body = talloc_size(request, length + 1);
    if (!request->body)
        return -ENOMEM;
    request->body_size = read_into(request, request->body, length);
    char more;
    if (request->body_size == length && read_into(request, &more, 1) > 0)
        return -EPROTO;
    int error = stream_error(request);
    if (error == 0 && request->body_size < length)
        return -EPROTO;
    return error;
}

/** Read a body of unknown length, up to the bound (which the engine watches). */
static int read_unknown(struct kt_request *request)
{
    size_t limit = request->fastcgi->engine->options.body_max_bytes;
    size_t capacity = BODY_CAPACITY_FIRST;
    for (;;) {
        char *grown = talloc_realloc_size(request, request->body, capacity + 1);
        if (!grown)
            return -ENOMEM;
        request->body = grown;
        request->body_size +=
            read_into(request, grown + request->body_size, capacity - request->body_size);
        if (request->body_size < capacity)
            return stream_error(request);
        if (capacity > limit)
            return -EMSGSIZE;
        capacity *= 2;
    }
}

int kt_request_body(struct kt_request *request, const char **ret_data, size_t *ret_size)
{
    static char nothing[] = "";
    if (!request->is_body_read) {
        request->is_body_read = true;
        kt_request_stream_enter();
        request->body_error = request->content_length == KT_LENGTH_UNKNOWN ? read_unknown(request)
                                                                           : read_known(request);
        kt_request_stream_leave(request);
        if (request->body_error == -ENOMEM)
            kt_fail("out of memory for a body");
        if (request->body_error == 0 && request->body)
            request->body[request->body_size] = '\0';
    }
    bool is_there = request->body_error == 0 && request->body;
    *ret_data = is_there ? request->body : nothing;
    if (ret_size)
        *ret_size = is_there ? request->body_size : 0;
    return request->body_error;
}

/** Whether a media type is JSON: application/json or anything with the suffix +json. */
static bool is_json_type(const char *content_type)
{
    size_t size = strcspn(content_type, "; \t");
    if (kt_is_media_type(content_type, "application/json"))
        return true;
    return size > 5 && strncasecmp(content_type + size - 5, "+json", 5) == 0;
}

int kt_request_json(struct kt_request *request, struct cJSON **ret_json)
{
    const char *data, *end = NULL;
    size_t size;
    *ret_json = NULL;
    if (!is_json_type(request->params.content_type))
        return -ENOTSUP;
    int error = kt_request_body(request, &data, &size);
    if (error < 0)
        return error;
    /* cJSON bounds the depth (CJSON_NESTING_LIMIT). It stops at the end of the value: what
     * follows may only be white space, and a NUL inside is no end. */
    cJSON *json = cJSON_ParseWithLengthOpts(data, size, &end, 0);
    if (!json)
        return -EBADMSG;
    size_t used = (size_t)(end - data);
    while (used < size && strchr(" \t\r\n", data[used]) && data[used])
        used++;
    if (used < size) {
        cJSON_Delete(json);
        return -EBADMSG;
    }
    *ret_json = json;
    return 0;
}

/** Read and parse the form once. */
static int form_parse(struct kt_request *request)
{
    const char *data;
    size_t size;
    if (!kt_is_media_type(request->params.content_type, "application/x-www-form-urlencoded"))
        return -ENOTSUP;
    int error = kt_request_body(request, &data, &size);
    if (error < 0)
        return error;
    return kt_fields_parse(request, data, size, &request->form);
}

int kt_request_form(struct kt_request *request, const char *name, const char **ret_value)
{
    *ret_value = NULL;
    if (!request->is_form_parsed) {
        request->form_error = form_parse(request);
        request->is_form_parsed = true;
    }
    if (request->form_error < 0)
        return request->form_error;
    *ret_value = kt_fields_find(&request->form, name, 0);
    return 0;
}

int kt_respond_body_error(struct kt_request *request, int error)
{
    switch (error) {
    case -EMSGSIZE:
        return kt_respond_problem(request, 413, "The body is larger than this server accepts.");
    case -ENOTSUP:
        return kt_respond_problem(request, 415, "Send the body with the Content-Type asked for.");
    case -EBADMSG:
        return kt_respond_problem(request, 400, "The body is no valid JSON.");
    case -EPROTO:
        return kt_respond_problem(request, 400, "The body's size differs from Content-Length.");
    case -ECONNRESET:
        return -EPIPE;
    default:
        return kt_respond_problem(request, 500, "The body can't be read: %s.", strerror(-error));
    }
}
