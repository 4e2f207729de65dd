/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A request is BEGIN_REQUEST, PARAMS, their end, STDIN in as many records as it takes, its end. The
 * parameters are those that web servers send of a request from the loopback.
 */
#include "config.h"

#include "fcgi_request.h"

#include <errno.h>
#include <fastcgi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** What a record can hold (FastCGI 1.0, 3.3). */
#define CONTENT_MAX 65535u

/** Append to the request, or fail: then it has no bytes any more. */
static void append(struct request *request, const void *data, size_t size)
{
    if (request->bytes == NULL)
        return;
    uint8_t *bytes = realloc(request->bytes, request->size + size + 1);
    if (bytes == NULL)
        free(request->bytes);
    else if (size > 0)
        memcpy(bytes + request->size, data, size);
    request->bytes = bytes;
    request->size += size;
}

static void append_record(struct request *request, unsigned char type, const void *content,
                          size_t size)
{
    FCGI_Header header = {.version = FCGI_VERSION_1,
                          .type = type,
                          .contentLengthB1 = (unsigned char)(size >> 8),
                          .contentLengthB0 = (unsigned char)size};
    size_t *ids = realloc(request->ids, (request->ids_count + 1) * sizeof ids[0]);
    if (ids == NULL) {
        free(request->bytes);
        request->bytes = NULL;
        return;
    }
    request->ids = ids;
    request->ids[request->ids_count++] = request->size;
    append(request, &header, sizeof header);
    append(request, content, size);
}

/** Parameters that are being encoded; `size` above CONTENT_MAX: they don't fit. */
struct params {
    uint8_t bytes[CONTENT_MAX];
    size_t size;
};

static void put(struct params *params, const void *data, size_t size)
{
    if (params->size > CONTENT_MAX || size > CONTENT_MAX - params->size) {
        params->size = CONTENT_MAX + 1;
        return;
    }
    memcpy(params->bytes + params->size, data, size);
    params->size += size;
}

static void put_length(struct params *params, size_t length)
{
    uint8_t bytes[4] = {(uint8_t)(length >> 24 | 0x80), (uint8_t)(length >> 16),
                        (uint8_t)(length >> 8), (uint8_t)length};
    if (length < 128)
        put(params, &bytes[3], 1);
    else
        put(params, bytes, 4);
}

static void put_pair(struct params *params, const char *name, size_t name_size, const char *value)
{
    put_length(params, name_size);
    put_length(params, strlen(value));
    put(params, name, name_size);
    put(params, value, strlen(value));
}

/** Whether the caller gives this parameter. */
static bool is_given(const struct request_words *words, const char *name)
{
    size_t size = strlen(name);
    for (size_t i = 0; i < words->params_count; i++) {
        if (strncmp(words->params[i], name, size) == 0 && words->params[i][size] == '=')
            return true;
    }
    return false;
}

static void encode(struct params *params, const struct request_words *words)
{
    const char *query = strchr(words->path, '?');
    size_t path_size = query ? (size_t)(query - words->path) : strlen(words->path);
    char length[24];
    char *path = strndup(words->path, path_size);
    snprintf(length, sizeof length, "%zu", words->body ? strlen(words->body) : (size_t)0);
    const char *const own[][2] = {
        {"REQUEST_METHOD", words->method},
        {"REQUEST_URI", words->path},
        {"SCRIPT_NAME", ""},
        {"PATH_INFO", path ? path : ""},
        {"QUERY_STRING", query ? query + 1 : ""},
        {"CONTENT_LENGTH", words->body ? length : ""},
        {"CONTENT_TYPE", words->body ? words->content_type : ""},
        {"SERVER_PROTOCOL", "HTTP/1.1"},
        {"SERVER_SOFTWARE", "fcgi_load"},
        {"SERVER_NAME", "localhost"},
        {"SERVER_ADDR", "127.0.0.1"},
        {"SERVER_PORT", "80"},
        {"REMOTE_ADDR", "127.0.0.1"},
        {"REMOTE_PORT", "1024"},
        {"GATEWAY_INTERFACE", "CGI/1.1"},
        {"HTTP_HOST", "localhost"},
    };
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        if (!is_given(words, own[i][0]))
            put_pair(params, own[i][0], strlen(own[i][0]), own[i][1]);
    }
    for (size_t i = 0; i < words->params_count; i++) {
        const char *sign = strchr(words->params[i], '=');
        put_pair(params, words->params[i], (size_t)(sign - words->params[i]), sign + 1);
    }
    free(path);
}

struct request *request_new(const struct request_words *words)
{
    static struct params params;
    struct request *request = calloc(1, sizeof *request);
    FCGI_BeginRequestBody begin = {.roleB0 = FCGI_RESPONDER,
                                   .flags = words->is_kept ? FCGI_KEEP_CONN : 0};
    if (request == NULL || (request->bytes = malloc(1)) == NULL) {
        free(request);
        return NULL;
    }
    params.size = 0;
    encode(&params, words);
    if (params.size > CONTENT_MAX) {
        request_free(request);
        errno = E2BIG;
        return NULL;
    }
    append_record(request, FCGI_BEGIN_REQUEST, &begin, sizeof begin);
    append_record(request, FCGI_PARAMS, params.bytes, params.size);
    append_record(request, FCGI_PARAMS, NULL, 0);
    size_t body_size = words->body ? strlen(words->body) : 0;
    for (size_t at = 0; at < body_size; at += CONTENT_MAX) {
        size_t piece = body_size - at < CONTENT_MAX ? body_size - at : CONTENT_MAX;
        append_record(request, FCGI_STDIN, words->body + at, piece);
    }
    append_record(request, FCGI_STDIN, NULL, 0);
    if (request->bytes == NULL) {
        request_free(request);
        errno = ENOMEM;
        return NULL;
    }
    return request;
}

void request_free(struct request *request)
{
    free(request->bytes);
    free(request->ids);
    free(request);
}
