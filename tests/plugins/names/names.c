/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A plugin by which system tests use the registry: keys held by servers, asked from any worker.
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

#define CALL_TIMEOUT_MS 10000

enum { ASK = 1, END };

/** What a holder is started with. */
struct hold {
    struct kt_registration what;
    struct kt_registry_entry entry; /**< the winner's */
};

static int holder_init(void *argument, void **ret_state)
{
    struct hold *hold = argument;
    (void)ret_state;
    return kt_registry_register(&hold->what, &hold->entry);
}

static void holder_call(void *state, const struct kt_message *call)
{
    char text[64];
    struct kt_from from = kt_message_from(call);
    (void)state;
    snprintf(text, sizeof text, "%d heard %.*s", (int)getpid(), (int)call->size,
             (const char *)call->data);
    kt_reply(&from, 0, text, strlen(text) + 1);
}

static void holder_message(void *state, const struct kt_message *message)
{
    (void)state;
    if (message->type == END)
        kt_exit(KT_EXIT_NORMAL, NULL);
}

static const struct kt_server holder = {
    .label = "holder",
    .init = holder_init,
    .handle_call = holder_call,
    .handle_message = holder_message,
};

static cJSON *entry_json(const struct kt_registry_entry *entry)
{
    char owner[24];
    cJSON *json = cJSON_CreateObject();
    snprintf(owner, sizeof owner, "%" PRIx64, entry->owner);
    cJSON_AddStringToObject(json, "key", entry->key);
    cJSON_AddStringToObject(json, "value", entry->value);
    cJSON_AddStringToObject(json, "owner", owner);
    cJSON_AddBoolToObject(json, "is_kept", entry->owner == KT_PID_NONE);
    cJSON_AddNumberToObject(json, "file_bytes", (double)entry->file_bytes);
    return json;
}

static const char *key_of(struct kt_request *request)
{
    const char *key = kt_request_query(request, "key");
    return key ? key : "";
}

static void fail_with(struct kt_request *request, int result)
{
    int status = result == -ENOENT ? 404 : result == -EPERM ? 403 : result == -ENOTCONN ? 503 : 500;
    kt_respond_problem(request, status, "%s", strerror(-result));
}

/** POST /hold?key=…&keep_ms=…&file=…: 201 with the new entry, 409 with the winner's. */
static void hold(struct kt_request *request)
{
    const char *keep = kt_request_query(request, "keep_ms"),
               *text = kt_request_query(request, "file");
    char value[24];
    snprintf(value, sizeof value, "%d", (int)getpid());
    struct hold start = {
        .what = {.key = key_of(request), .value = value, .value_bytes = strlen(value)}};
    if (keep)
        start.what.keep_until_ms = kt_unix_ms() + strtoll(keep, NULL, 10);
    if (text) {
        struct kt_memory_file *file;
        if (kt_memory_file_new(kt_self_memory(), "test", &file) < 0 ||
            write(file->fd, text, strlen(text)) < 0 || kt_memory_file_seal(file) < 0)
            kt_fail("no memory file");
        start.what.file = file;
    }
    int result = kt_server_start(&holder, NULL, &start, NULL);
    if (result == -EOWNERDEAD) /* owners are ended when the registry is lost */
        result = -ENOTCONN;
    if (result == 0 || result == -EEXIST)
        kt_respond_json(request, result == 0 ? 201 : 409, entry_json(&start.entry));
    else
        fail_with(request, result);
}

/** GET /entry?key=… */
static void look_up(struct kt_request *request)
{
    struct kt_registry_entry entry;
    int result = kt_registry_lookup(key_of(request), &entry);
    if (result == 0)
        kt_respond_json(request, 200, entry_json(&entry));
    else
        fail_with(request, result);
}

/** GET /file?key=…: the memory file. */
static void read_file(struct kt_request *request)
{
    struct kt_memory_file *file;
    int result = kt_registry_file(key_of(request), &file);
    if (result < 0) {
        fail_with(request, result);
        return;
    }
    char *bytes = kt_must(talloc_size(kt_self_memory(), file->size_bytes + 1));
    if (pread(file->fd, bytes, file->size_bytes, 0) != (ssize_t)file->size_bytes)
        kt_fail("the memory file is shorter than it says");
    kt_respond(request, 200, "text/plain", bytes, file->size_bytes);
}

/** GET /list?prefix=… */
static void list(struct kt_request *request)
{
    const char *prefix = kt_request_query(request, "prefix");
    struct kt_registry_page *page = NULL;
    cJSON *array = cJSON_CreateArray();
    do {
        const char *after = page ? page->entries[page->count - 1]->key : NULL;
        int result = kt_registry_select(prefix ? prefix : "", after, 0, &page);
        if (result < 0) {
            fail_with(request, result);
            return;
        }
        for (uint32_t i = 0; i < page->count; i++)
            cJSON_AddItemToArray(array, entry_json(page->entries[i]));
    } while (page->has_more);
    kt_respond_json(request, 200, array);
}

/** POST /call?key=…: the holder's answer to the query parameter "say". */
static void call(struct kt_request *request)
{
    const struct kt_message *reply;
    const char *say = kt_request_query(request, "say");
    int result = kt_registry_call(key_of(request), ASK, say ? say : "", say ? strlen(say) : 0,
                                  CALL_TIMEOUT_MS, &reply);
    if (result == 0)
        kt_respond(request, 200, "text/plain", reply->data, reply->size - 1);
    else
        fail_with(request, result);
}

/** POST /end?key=…: tell the holder to end. */
static void end(struct kt_request *request)
{
    int result = kt_registry_send(key_of(request), END, NULL, 0);
    if (result == 0)
        kt_respond(request, 202, NULL, NULL, 0);
    else
        fail_with(request, result);
}

static int start(struct kt_plugin *plugin, struct kt_error *error)
{
    static const struct {
        const char *method, *path;
        void (*handler)(struct kt_request *request);
    } routes[] = {
        {"POST", "/hold", hold}, {"GET", "/entry", look_up}, {"GET", "/file", read_file},
        {"GET", "/list", list},  {"POST", "/call", call},    {"POST", "/end", end},
    };
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        int status =
            kt_plugin_route(plugin, routes[i].method, routes[i].path, routes[i].handler, NULL);
        if (status < 0)
            return kt_error_set(error, status, "no route %s", routes[i].path);
    }
    return 0;
}

KT_PLUGIN(.name = "names", .version = "0", .summary = "keys of the registry, for tests",
          .start = start);
