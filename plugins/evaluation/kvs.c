/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * JSON documents by key: GET, PUT and DELETE of /kvs/{key}. The revision of a document is its
 * entity tag, so that If-Match and If-None-Match (RFC 9110, 13.1) are compare and set.
 */
#include "kvs.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NAMESPACE "evaluation"
/** '"', the digits of 64 bits, '"', NUL. */
#define TAG_MAX 24

static void refuse(struct kt_request *request, int error)
{
    switch (error) {
    case -ENOENT:
        kt_respond_problem(request, 404, "there is no such document");
        return;
    case -ESTALE:
        kt_respond_problem(request, 412, "the document is not as the request expects it");
        return;
    case -EINVAL:
        kt_respond_problem(request, 400, "a key has 1 to %u bytes without control characters",
                           KT_STORE_KEY_MAX);
        return;
    case -ENOSPC:
        kt_respond_problem(request, 507, "the store is full");
        return;
    case -ENOTCONN:
    case -ETIMEDOUT:
    case -EBUSY:
        kt_response_header(request, "Retry-After", "1");
        kt_respond_problem(request, 503, "the store does not answer at the moment");
        return;
    case -EROFS:
        kt_respond_problem(request, 503, "the store can only be read at the moment");
        return;
    default:
        kt_respond_problem(request, 500, "the store has failed; its log says why");
        return;
    }
}

static const char *key_of(struct kt_request *request)
{
    return kt_request_capture(request, "key");
}

static void add_tag(struct kt_request *request, uint64_t revision)
{
    char tag[TAG_MAX];
    snprintf(tag, sizeof tag, "\"%" PRIu64 "\"", revision);
    kt_response_header(request, "ETag", tag);
}

/** Whether a list of entity tags has this revision, or is "*". Weak ones count as strong: ours are
 * of bytes. */
static bool is_listed(const char *list, uint64_t revision)
{
    char tag[TAG_MAX];
    int length = snprintf(tag, sizeof tag, "\"%" PRIu64 "\"", revision);
    list += strspn(list, " \t");
    if (*list == '*')
        return true;
    while (*list) {
        list += strspn(list, " \t,");
        if (strncmp(list, "W/", 2) == 0)
            list += 2;
        if (strncmp(list, tag, (size_t)length) == 0)
            return true;
        list += strcspn(list, ",");
    }
    return false;
}

/**
 * What a request demands of the document that it changes.
 * @param ret_revision  for the store
 * @return 0, or as the store
 */
static int take_condition(struct kt_request *request, uint64_t *ret_revision)
{
    const char *match = kt_request_header(request, "If-Match");
    const char *none = kt_request_header(request, "If-None-Match");
    struct kt_store_document *document;
    *ret_revision = KT_STORE_ANY;
    if (!match && !none)
        return 0;
    if (!match && none[strspn(none, " \t")] == '*') {
        *ret_revision = KT_STORE_NEW;
        return 0;
    }
    int status = kt_store_get(NAMESPACE, key_of(request), &document);
    if (status == -ENOENT && !match)
        *ret_revision = KT_STORE_NEW;
    if (status < 0)
        return status == -ENOENT ? (match ? -ESTALE : 0) : status;
    *ret_revision = document->revision;
    bool is_met =
        match ? is_listed(match, document->revision) : !is_listed(none, document->revision);
    talloc_free(document);
    return is_met ? 0 : -ESTALE;
}

static void get(struct kt_request *request)
{
    struct kt_store_document *document;
    const char *none = kt_request_header(request, "If-None-Match");
    int status = kt_store_get(NAMESPACE, key_of(request), &document);
    if (status < 0) {
        refuse(request, status);
        return;
    }
    add_tag(request, document->revision);
    if (none && is_listed(none, document->revision))
        kt_respond(request, 304, NULL, NULL, 0);
    else
        kt_respond(request, 200, "application/json", document->value, document->value_bytes);
}

/** Kept is what was sent, byte by byte, once it has proved to be JSON. */
static void put(struct kt_request *request)
{
    cJSON *json;
    const char *body;
    size_t size;
    uint64_t revision, wanted;
    int status = kt_request_json(request, &json);
    if (status == 0)
        status = kt_request_body(request, &body, &size);
    if (status < 0) {
        kt_respond_body_error(request, status);
        return;
    }
    cJSON_Delete(json);
    if (size > KT_STORE_VALUE_MAX) {
        kt_respond_problem(request, 413, "a document has at most %u bytes", KT_STORE_VALUE_MAX);
        return;
    }
    status = take_condition(request, &wanted);
    if (status == 0)
        status = kt_store_put(NAMESPACE, key_of(request), body, size, wanted, &revision);
    if (status < 0) {
        refuse(request, status);
        return;
    }
    add_tag(request, revision);
    kt_respond(request, wanted == KT_STORE_NEW ? 201 : 204, NULL, NULL, 0);
}

static void delete (struct kt_request *request)
{
    uint64_t wanted;
    int status = take_condition(request, &wanted);
    /* nothing that is there has been asked for: there is nothing */
    if (status == 0 && wanted == KT_STORE_NEW)
        status = kt_request_header(request, "If-None-Match") ? -ESTALE : -ENOENT;
    if (status == 0)
        status = kt_store_delete(NAMESPACE, key_of(request), wanted);
    if (status < 0)
        refuse(request, status);
    else
        kt_respond(request, 204, NULL, NULL, 0);
}

int kvs_start(struct kt_plugin *plugin)
{
    int status = kt_plugin_route(plugin, "GET", "/kvs/{key}", get, NULL);
    if (status == 0)
        status = kt_plugin_route(plugin, "PUT", "/kvs/{key}", put, NULL);
    if (status == 0)
        status = kt_plugin_route(plugin, "DELETE", "/kvs/{key}", delete, NULL);
    return status;
}
