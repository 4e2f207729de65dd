/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What came in with a request: method, path, parameters, headers, user, query. Everything is
 * borrowed from the parameters or made once, when first asked for.
 */
#include "http/request.h"

#include "http/text.h"

#include <errno.h>
#include <string.h>

/** The longest name of a header field that is looked up. */
#define HEADER_NAME_MAX 128u

/**
 * Take an announced length.
 * @return 0, or the HTTP status to refuse the request with
 */
static int take_length(const struct kt_request *request, const char *text,
                       struct kt_content *content)
{
    content->length = kt_params_length(text);
    if (content->length == -EINVAL)
        return 400;
    bool is_too_long = content->length > 0 &&
                       (uint64_t)content->length > request->fastcgi->engine->options.body_max_bytes;
    return is_too_long ? 413 : 0;
}

/** Check the lengths of what will come on the streams. @return as kt_request_open */
static int open_streams(struct kt_request *request, const char **ret_detail)
{
    const struct kt_params *params = &request->params;
    enum kt_role role = kt_request_role(request);
    if (role == KT_ROLE_AUTHORIZER)
        return 0; /* no stream comes, whatever the headers say of the visitor's request */
    int status = take_length(request, params->content_length, &request->body);
    *ret_detail = status == 413 ? "The request's body is larger than this server accepts."
                                : "The request's Content-Length is no number.";
    if (status != 0 || role == KT_ROLE_RESPONDER)
        return status;
    status = take_length(request, params->data_length, &request->data);
    *ret_detail = status == 413 ? "The file to be filtered is larger than this server accepts."
                                : "The web server did not say how long the file to be filtered is, "
                                  "or when it changed.";
    bool is_told = request->data.length != KT_LENGTH_UNKNOWN &&
                   kt_params_length(params->data_modified) >= KT_LENGTH_UNKNOWN;
    return status != 0 || is_told ? status : 400;
}

int kt_request_open(struct kt_request *request, const char *mount, const char **ret_detail)
{
    struct kt_fastcgi_request *fastcgi = request->fastcgi;
    struct kt_params *params = &request->params;
    /* For the log, should it be refused. */
    *params = kt_params_none;
    params->method = "-";
    request->path = "-";
    request->mount = "";
    *ret_detail = "The web server's request parameters can't be read.";
    switch (fastcgi->params_error) {
    case 0:
        break;
    case -E2BIG:
        *ret_detail = "The request's header is too large.";
        return 431;
    case -ENOMEM:
        return 503;
    default:
        return 400;
    }
    int status = kt_params_scan(request, fastcgi->fcgx.envp, params);
    if (status < 0) {
        *ret_detail = "The web server sent a request parameter twice.";
        return status == -ENOMEM ? 503 : 400;
    }
    if (!kt_is_token(params->method) || strlen(params->method) > KT_ROUTE_METHOD_MAX) {
        params->method = "-";
        *ret_detail = "The request has no valid method.";
        return 400;
    }
    const char *path = NULL, *where = NULL;
    status = kt_request_role(request) == KT_ROLE_RESPONDER
                 ? kt_params_path(request, params, mount, &path, &where)
                 : kt_params_page(request, params, &path);
    if (status < 0) {
        *ret_detail = "The request's path is not valid.";
        return status == -ENOMEM ? 503 : 400;
    }
    request->path = path;
    request->mount = where ? where : "";
    return open_streams(request, ret_detail);
}

enum kt_role kt_request_role(const struct kt_request *request)
{
    return (enum kt_role)request->fastcgi->role;
}

const char *kt_request_method(const struct kt_request *request)
{
    return request->params.method;
}

const char *kt_request_path(const struct kt_request *request)
{
    return request->path;
}

const char *kt_request_mount(const struct kt_request *request)
{
    return request->mount;
}

const char *kt_request_param(const struct kt_request *request, const char *name)
{
    return FCGX_GetParam(name, request->fastcgi->fcgx.envp);
}

const char *kt_request_header(const struct kt_request *request, const char *name)
{
    char param[sizeof("HTTP_") + HEADER_NAME_MAX] = "HTTP_";
    size_t size = strlen(name);
    if (size > HEADER_NAME_MAX || !kt_is_token(name))
        return NULL;
    for (size_t i = 0; i <= size; i++) {
        char c = name[i];
        param[5 + i] = (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c == '-' ? '_' : c);
    }
    /* These two are CGI parameters of their own. */
    bool is_plain =
        strcmp(param, "HTTP_CONTENT_TYPE") == 0 || strcmp(param, "HTTP_CONTENT_LENGTH") == 0;
    const char *value = kt_request_param(request, is_plain ? param + 5 : param);
    return is_plain && value && !*value ? NULL : value;
}

const char *kt_request_user(const struct kt_request *request)
{
    return *request->params.user ? request->params.user : NULL;
}

void kt_request_set_user(struct kt_request *request, const char *user)
{
    request->params.user = kt_must(talloc_strdup(request, user));
}

const char *kt_request_capture(const struct kt_request *request, const char *name)
{
    for (size_t i = 0; i < KT_ROUTE_CAPTURES_MAX && request->route->capture_names[i]; i++)
        if (strcmp(request->route->capture_names[i], name) == 0)
            return request->captures[i];
    return NULL;
}

const char *kt_request_query(struct kt_request *request, const char *name)
{
    return kt_request_query_at(request, name, 0);
}

const char *kt_request_query_at(struct kt_request *request, const char *name, size_t index)
{
    if (!request->is_query_parsed) {
        const char *query = request->params.query;
        if (kt_fields_parse(request, query, strlen(query), &request->query) == -ENOMEM)
            kt_fail("out of memory");
        request->is_query_parsed = true;
    }
    return kt_fields_find(&request->query, name, index);
}

void *kt_request_context(const struct kt_request *request)
{
    return request->route->context;
}

FCGX_Request *kt_request_fcgx(struct kt_request *request)
{
    return &request->fastcgi->fcgx;
}

void kt_request_deadline(struct kt_request *request, int64_t timeout_ms)
{
    kt_fastcgi_request_deadline(request->fastcgi, timeout_ms);
}

void kt_request_stream_enter(void)
{
    if (kt_self() != KT_PID_NONE)
        kt_critical_enter();
}

void kt_request_stream_leave(struct kt_request *request)
{
    if (kt_self() == KT_PID_NONE)
        return;
    kt_critical_leave();
    kt_fastcgi_settle(request->fastcgi);
}

/** Whether an origin such as "https://example.org" has this host. */
static bool has_host(const char *origin, const char *host)
{
    const char *begin = strstr(origin, "://");
    return begin && host && strcasecmp(begin + 3, host) == 0;
}

bool kt_request_is_same_site(const struct kt_request *request)
{
    const char *site = kt_request_header(request, "Sec-Fetch-Site");
    const char *origin = kt_request_header(request, "Origin");
    if (site)
        return strcmp(site, "same-origin") == 0 || strcmp(site, "none") == 0;
    return !origin || has_host(origin, kt_request_header(request, "Host"));
}
