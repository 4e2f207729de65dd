/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A plugin by which system tests use the store: each function is a path, what it is asked stands in
 * the query, a value in the body, and the answer is JSON.
 */
#include "config.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <kontor/kontor.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *text_of(struct kt_request *request, const char *name, const char *otherwise)
{
    const char *text = kt_request_query(request, name);
    return text ? text : otherwise;
}

static int64_t number_of(struct kt_request *request, const char *name, int64_t otherwise)
{
    const char *text = kt_request_query(request, name);
    return text ? strtoll(text, NULL, 10) : otherwise;
}

static uint64_t revision_of(struct kt_request *request)
{
    const char *text = kt_request_query(request, "revision");
    return text ? strtoull(text, NULL, 10) : KT_STORE_ANY;
}

static const char *space_of(struct kt_request *request)
{
    return text_of(request, "space", "test");
}

static const char *key_of(struct kt_request *request)
{
    return text_of(request, "key", "");
}

/** A number of 64 bits as text, since JSON's have 53. */
static void add_number(cJSON *json, const char *name, int64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, number);
    cJSON_AddStringToObject(json, name, text);
}

static void answer(struct kt_request *request, cJSON *json, int result)
{
    cJSON_AddStringToObject(json, "error", result < 0 ? strerrorname_np(-result) : "");
    cJSON_AddNumberToObject(json, "worker", getpid());
    kt_respond_json(request, 200, json);
}

static cJSON *document_json(const struct kt_store_document *document)
{
    cJSON *json = cJSON_CreateObject();
    char *hex = kt_must(talloc_size(kt_self_memory(), 2 * document->value_bytes + 1));
    for (size_t i = 0; i < document->value_bytes; i++) {
        static const char digits[] = "0123456789abcdef";
        hex[2 * i] = digits[(unsigned char)document->value[i] >> 4];
        hex[2 * i + 1] = digits[(unsigned char)document->value[i] & 15];
    }
    hex[2 * document->value_bytes] = '\0';
    cJSON_AddStringToObject(json, "key", document->key);
    cJSON_AddStringToObject(json, "value", hex);
    add_number(json, "revision", (int64_t)document->revision);
    return json;
}

/* ---------------------------------------------------------------- documents */

static void get(struct kt_request *request)
{
    struct kt_store_document *document;
    int result = kt_store_get(space_of(request), key_of(request), &document);
    answer(request, result == 0 ? document_json(document) : cJSON_CreateObject(), result);
}

/** The value is the body, or so many bytes "x". */
static void put(struct kt_request *request)
{
    const char *body = "";
    size_t size = (size_t)number_of(request, "bytes", 0);
    uint64_t revision = 0;
    cJSON *json = cJSON_CreateObject();
    int result = 0;
    if (size > 0)
        body = memset(kt_must(talloc_size(kt_self_memory(), size)), 'x', size);
    else
        result = kt_request_body(request, &body, &size);
    if (result == 0)
        result = kt_store_put(space_of(request), key_of(request), body, size, revision_of(request),
                              &revision);
    add_number(json, "revision", (int64_t)revision);
    answer(request, json, result);
}

static void delete (struct kt_request *request)
{
    int result = kt_store_delete(space_of(request), key_of(request), revision_of(request));
    answer(request, cJSON_CreateObject(), result);
}

static void scan(struct kt_request *request)
{
    struct kt_store_page *page;
    cJSON *json = cJSON_CreateObject();
    int result = kt_store_scan(space_of(request), text_of(request, "prefix", ""),
                               kt_request_query(request, "after"),
                               (uint32_t)number_of(request, "limit", 0), &page);
    if (result == 0) {
        cJSON *list = cJSON_AddArrayToObject(json, "documents");
        for (uint32_t i = 0; i < page->count; i++)
            cJSON_AddItemToArray(list, document_json(page->documents[i]));
        cJSON_AddBoolToObject(json, "has_more", page->has_more);
    }
    answer(request, json, result);
}

/* ---------------------------------------------------------------- counters, leases */

static void add(struct kt_request *request)
{
    int64_t value = 0;
    cJSON *json = cJSON_CreateObject();
    int result =
        kt_store_add(space_of(request), key_of(request), number_of(request, "delta", 0), &value);
    add_number(json, "value", value);
    answer(request, json, result);
}

static void claim(struct kt_request *request)
{
    struct kt_store_lease lease = {0};
    cJSON *json = cJSON_CreateObject();
    int result =
        kt_store_claim(space_of(request), key_of(request), number_of(request, "ttl", 0), &lease);
    cJSON_AddStringToObject(json, "token", lease.token);
    add_number(json, "fence", (int64_t)lease.fence);
    answer(request, json, result);
}

static struct kt_store_lease lease_of(struct kt_request *request)
{
    struct kt_store_lease lease = {0};
    snprintf(lease.name_space, sizeof lease.name_space, "%s", space_of(request));
    snprintf(lease.key, sizeof lease.key, "%s", key_of(request));
    snprintf(lease.token, sizeof lease.token, "%s", text_of(request, "token", ""));
    return lease;
}

static void renew(struct kt_request *request)
{
    struct kt_store_lease lease = lease_of(request);
    answer(request, cJSON_CreateObject(), kt_store_renew(&lease, number_of(request, "ttl", 0)));
}

static void release(struct kt_request *request)
{
    struct kt_store_lease lease = lease_of(request);
    answer(request, cJSON_CreateObject(), kt_store_release(&lease));
}

static int start(struct kt_plugin *plugin, struct kt_error *error)
{
    static const struct {
        const char *path;
        void (*handler)(struct kt_request *request);
    } routes[] = {{"/get", get}, {"/put", put},     {"/delete", delete}, {"/scan", scan},
                  {"/add", add}, {"/claim", claim}, {"/renew", renew},   {"/release", release}};
    int status = 0;
    for (size_t i = 0; i < sizeof routes / sizeof *routes && status == 0; i++)
        status = kt_plugin_route(plugin, "*", routes[i].path, routes[i].handler, NULL);
    return status < 0 ? kt_error_set(error, status, "the routes can't be registered") : 0;
}

KT_PLUGIN(.name = "store", .version = "1", .summary = "the store, for the system tests",
          .start = start);
