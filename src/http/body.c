/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The body of a request, and the file that a filter gets: read whole, within a bound, once; a body
 * taken as it is, as JSON, as a form.
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
    case EPROTO:
        return -EPROTO;
    case ENOBUFS:
        return -ENOBUFS;
    default:
        return -ECONNRESET;
    }
}

/** Read what has a known length, and make sure that it ends there. */
static int read_known(struct kt_request *request, struct kt_content *content)
{
    size_t length = (size_t)content->length;
    content->bytes = talloc_size(request, length + 1);
    if (!content->bytes)
        return -ENOMEM;
    content->size = read_into(request, content->bytes, length);
    char more;
    if (content->size == length && read_into(request, &more, 1) > 0)
        return -EPROTO;
    int error = stream_error(request);
    if (error == 0 && content->size < length)
        return -EPROTO;
    return error;
}

/** Read what has an unknown length, up to the bound (which the engine watches). */
static int read_unknown(struct kt_request *request, struct kt_content *content)
{
    size_t limit = request->fastcgi->engine->options.body_max_bytes;
    size_t capacity = BODY_CAPACITY_FIRST;
    for (;;) {
        char *grown = talloc_realloc_size(request, content->bytes, capacity + 1);
        if (!grown)
            return -ENOMEM;
        content->bytes = grown;
        content->size += read_into(request, grown + content->size, capacity - content->size);
        if (content->size < capacity)
            return stream_error(request);
        if (capacity > limit)
            return -EMSGSIZE;
        capacity *= 2;
    }
}

/** Read a stream to its end, once. */
static void read_content(struct kt_request *request, struct kt_content *content)
{
    if (content->is_read)
        return;
    content->is_read = true;
    content->error = content->length == KT_LENGTH_UNKNOWN ? read_unknown(request, content)
                                                          : read_known(request, content);
    if (content->error == 0)
        content->bytes[content->size] = '\0';
}

/** What was read, for the handler. */
static int give_content(const struct kt_content *content, const char **ret_data, size_t *ret_size)
{
    bool is_there = content->error == 0 && content->bytes;
    if (content->error == -ENOMEM)
        kt_fail("out of memory for a body");
    *ret_data = is_there ? content->bytes : "";
    if (ret_size)
        *ret_size = is_there ? content->size : 0;
    return content->error;
}

int kt_request_body(struct kt_request *request, const char **ret_data, size_t *ret_size)
{
    kt_request_stream_enter();
    read_content(request, &request->body);
    kt_request_stream_leave(request);
    return give_content(&request->body, ret_data, ret_size);
}

int kt_request_data(struct kt_request *request, const char **ret_data, size_t *ret_size)
{
    struct kt_content *data = &request->data;
    if (kt_request_role(request) != KT_ROLE_FILTER) {
        *ret_data = "";
        if (ret_size)
            *ret_size = 0;
        return -ENOTSUP;
    }
    kt_request_stream_enter();
    read_content(request, &request->body);
    if (!data->is_read && request->body.error < 0) {
        data->is_read = true;
        data->error = request->body.error;
    } else if (!data->is_read && FCGX_StartFilterData(&request->fastcgi->in) < 0) {
        data->is_read = true;
        data->error = stream_error(request);
    }
    read_content(request, data);
    kt_request_stream_leave(request);
    return give_content(data, ret_data, ret_size);
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
        return kt_respond_problem(request, 400, "The body's size differs from what was announced.");
    case -ENOBUFS:
        return kt_respond_problem(request, 503, "The body was not taken in time; try again.");
    case -ECONNRESET:
        return -EPIPE;
    default:
        return kt_respond_problem(request, 500, "The body can't be read: %s.", strerror(-error));
    }
}
