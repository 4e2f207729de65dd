/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A request as the HTTP room itself sees it. Handlers see <kontor/request.h> only.
 */
#ifndef KT_HTTP_REQUEST_H
#define KT_HTTP_REQUEST_H

#include "fastcgi/engine.h"
#include "http/params.h"
#include "http/query.h"
#include "http/route.h"

#include <kontor/request.h>

/** Bytes of header fields that a handler may add to one answer. */
#define KT_RESPONSE_FIELDS_MAX 16384u
/** The longest detail of a problem, in bytes; longer ones are cut. */
#define KT_PROBLEM_DETAIL_MAX 1024u

/** The answer so far. */
struct kt_response {
    bool has_begun;      /**< the header was written by kt_response_begin */
    bool is_authorizing; /**< in kt_authorize, which alone may say 200 in that role */
    bool has_no_body;
    int status;           /**< 0 until it has begun */
    int64_t length;       /**< declared, or -1 */
    uint64_t header_size; /**< bytes of STDOUT before the body */
    char *fields;         /**< "Name: value\r\n" …, not NUL-terminated */
    size_t fields_size, fields_capacity;
    bool has_type; /**< Content-Type is among the fields */
};

/** A body or a filter's data, once it has been read. */
struct kt_content {
    int64_t length; /**< announced; KT_LENGTH_UNKNOWN: not said */
    char *bytes;    /**< followed by a NUL; NULL: none */
    size_t size;
    int error;
    bool is_read;
};

/** A request; lives in its FastCGI request's pool, which becomes its process's memory. */
struct kt_request {
    struct kt_fastcgi_request *fastcgi;
    const struct kt_route *route; /**< NULL when it was refused before it had one */
    struct kt_params params;
    const char *path, *mount;
    const char *captures[KT_ROUTE_CAPTURES_MAX];
    struct kt_content body, data;
    struct kt_fields query, form;
    bool is_query_parsed, is_form_parsed;
    int form_error;
    struct kt_response response;
    bool is_told_to_end;    /**< a stream whose worker should end */
    int application_status; /**< of a stock FCGX handler */
    int outcome;            /**< the status for the log, if not the response's */
    uint64_t started_ns;    /**< of the monotonic clock */
    struct kt_watch watch;  /**< where the time of its process goes */
};

/**
 * Make sense of the parameters.
 * @return 0, or the HTTP status to refuse the request with and a detail in words
 */
int kt_request_open(struct kt_request *request, const char *mount, const char **ret_detail);

/** Forget an answer of which nothing was sent. @return false if a part was sent */
bool kt_response_reset(struct kt_request *request);

/** Whether something of an answer was written, by kontor's functions or by FCGX's. */
bool kt_response_exists(const struct kt_request *request);

/** Bytes of the answer's body written so far. */
uint64_t kt_response_body_size(const struct kt_request *request);

/**
 * Before and after stream calls of the house: the process isn't dropped inside of them. Leave may
 * end the process if it was asked to end meanwhile. Outside of a process they do nothing.
 */
void kt_request_stream_enter(void);
void kt_request_stream_leave(struct kt_request *request);

#endif
