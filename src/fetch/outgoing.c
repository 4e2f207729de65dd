/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Methods and header fields of a request: what a caller may say. Whatever could end a line early or
 * contradict libcurl about where a message ends is refused here.
 */
#include "fetch/headers.h"
#include "fetch/transfer.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/** Longer methods than any that is registered (RFC 3253: BASELINE-CONTROL). */
#define METHOD_MAX 32u
/** Fields of one request, and the bytes of one. */
#define FIELDS_MAX 100u
#define FIELD_MAX 8192u

/** These frame the message or the connection: they are libcurl's. */
static const char *const reserved[] = {
    "Connection", "Content-Length",    "Expect", "Host", "Keep-Alive", "Proxy-Authorization", "TE",
    "Trailer",    "Transfer-Encoding", "Upgrade"};
/** These say nothing that another server than the one that was asked could abuse. */
static const char *const harmless[] = {"Accept", "Accept-Language", "If-Modified-Since",
                                       "If-None-Match", "User-Agent"};

/** Length of the token (RFC 9110, 5.6.2) that a text begins with. */
static size_t token_length(const char *text)
{
    size_t length = 0;
    while (isalnum((unsigned char)text[length]) ||
           (text[length] && strchr("!#$%&'*+-.^_`|~", text[length])))
        length++;
    return length;
}

static bool is_name(const char *field, const char *name)
{
    size_t length = strlen(name);
    return strncasecmp(field, name, length) == 0 && field[length] == ':';
}

static bool is_one_of(const char *field, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (is_name(field, names[i]))
            return true;
    return false;
}

static int check_field(const char *field, struct kt_error *error)
{
    size_t length = strnlen(field, FIELD_MAX), name = token_length(field);
    if (length == FIELD_MAX)
        return kt_error_set(error, -EINVAL, "a header is longer than %u bytes", FIELD_MAX - 1);
    if (name == 0 || field[name] != ':')
        return kt_error_set(error, -EINVAL, "a header is malformed, expected is 'Name: value'");
    for (size_t i = name; i < length; i++)
        if (iscntrl((unsigned char)field[i]) && field[i] != '\t')
            return kt_error_set(error, -EINVAL, "the header %.*s has control characters", (int)name,
                                field);
    if (is_one_of(field, reserved, sizeof reserved / sizeof *reserved))
        return kt_error_set(error, -EINVAL, "the header %.*s cannot be set", (int)name, field);
    return 0;
}

int kt_outgoing_check(const char *method, const char *const *headers, struct kt_error *error)
{
    size_t length = token_length(method);
    if (length == 0 || length > METHOD_MAX || method[length] != '\0' ||
        strcmp(method, "CONNECT") == 0 || strcmp(method, "TRACE") == 0)
        return kt_error_set(error, -EINVAL, "this is no method that can be sent");
    for (size_t i = 0; headers && headers[i]; i++) {
        int result = i < FIELDS_MAX
                         ? check_field(headers[i], error)
                         : kt_error_set(error, -EINVAL, "more than %u headers", FIELDS_MAX);
        if (result < 0)
            return result;
    }
    return 0;
}

bool kt_method_is_idempotent(const char *method)
{
    return strcmp(method, "POST") != 0 && strcmp(method, "PATCH") != 0;
}

/** Append a copy. @return false: no memory, the list is as it was */
static bool append(struct curl_slist **list, const char *field)
{
    struct curl_slist *longer = curl_slist_append(*list, field);
    if (longer)
        *list = longer;
    return longer != NULL;
}

/** libcurl takes "Name:" for "leave it out" and wants "Name;" for an empty value. */
static bool append_field(struct curl_slist **list, const char *field)
{
    char empty[FIELD_MAX];
    size_t name = token_length(field);
    if (field[name + 1 + strspn(field + name + 1, " \t")] != '\0')
        return append(list, field);
    snprintf(empty, sizeof empty, "%.*s;", (int)name, field);
    return append(list, empty);
}

bool kt_headers_build(const struct kt_outgoing *outgoing, struct curl_slist **ret_list)
{
    bool has_type = false, has_agent = false;
    /* No "100 Continue" that we would wait for. */
    bool is_complete = append(ret_list, "Expect:");
    for (size_t i = 0; outgoing->headers && outgoing->headers[i]; i++) {
        const char *field = outgoing->headers[i];
        if (outgoing->is_foreign && !is_one_of(field, harmless, sizeof harmless / sizeof *harmless))
            continue;
        if (outgoing->has_lost_body && strncasecmp(field, "Content-", 8) == 0)
            continue;
        has_type = has_type || is_name(field, "Content-Type");
        has_agent = has_agent || is_name(field, "User-Agent");
        is_complete = is_complete && append_field(ret_list, field);
    }
    if (!has_type) /* libcurl would call every body a form */
        is_complete = is_complete && append(ret_list, "Content-Type:");
    if (!has_agent)
        is_complete = is_complete && append(ret_list, "User-Agent: kontor");
    return is_complete;
}
