/* SPDX-License-Identifier: BSD-2-Clause */
/* What remains of the whole time when all waits are taken off is the time it ran. */
#include "http/slow.h"

#include "http/request.h"

#include <kontor/process.h>
#include <stdio.h>
#include <string.h>

/** Longer texts are cut. */
#define ROUTE_MAX 128
#define USER_MAX 64

struct slow {
    char route[ROUTE_MAX], user[USER_MAX];
    const struct kt_plugin *plugin; /**< NULL: the house's; lives as long as the worker */
    int status;
    int64_t started_ms;
    uint64_t took_ns;
    uint64_t waited_ns[KT_REASONS];
};

static struct {
    struct slow ring[KT_SLOW_MAX];
    uint64_t count;
} slow;

void kt_slow_note(const struct kt_request *request, uint64_t took_ns)
{
    if (request->fastcgi->deadline_ms == INT64_MAX)
        return;
    const char *user = kt_request_user(request);
    struct slow *entry = &slow.ring[slow.count++ % KT_SLOW_MAX];
    snprintf(entry->route, sizeof(entry->route), "%s",
             request->route != NULL ? request->route->label : "(no route)");
    snprintf(entry->user, sizeof(entry->user), "%s", user != NULL ? user : "");
    entry->plugin = request->route != NULL ? request->route->plugin : NULL;
    entry->status = request->outcome;
    entry->started_ms = kt_unix_ms() - (int64_t)(took_ns / 1000000);
    entry->took_ns = took_ns;
    memcpy(entry->waited_ns, request->watch.waited_ns, sizeof(entry->waited_ns));
}

uint64_t kt_slow_total(void)
{
    return slow.count;
}

static cJSON *make_entry(const struct slow *entry)
{
    cJSON *json = cJSON_CreateObject();
    uint64_t waited_ns = 0;
    cJSON_AddStringToObject(json, "route", entry->route);
    cJSON_AddStringToObject(json, "plugin",
                            entry->plugin != NULL ? kt_plugin_name(entry->plugin) : "");
    cJSON_AddStringToObject(json, "user", entry->user);
    cJSON_AddNumberToObject(json, "status", entry->status);
    cJSON_AddNumberToObject(json, "started_ms", (double)entry->started_ms);
    cJSON_AddNumberToObject(json, "took_ms", (double)entry->took_ns / 1e6);
    cJSON *waited = cJSON_AddObjectToObject(json, "waited_ms");
    for (int reason = 0; reason < KT_REASONS; reason++) {
        if (entry->waited_ns[reason] == 0)
            continue;
        waited_ns += entry->waited_ns[reason];
        cJSON_AddNumberToObject(waited, kt_reason_name((enum kt_reason)reason),
                                (double)entry->waited_ns[reason] / 1e6);
    }
    uint64_t ran_ns = entry->took_ns > waited_ns ? entry->took_ns - waited_ns : 0;
    cJSON_AddNumberToObject(json, "ran_ms", (double)ran_ns / 1e6);
    return json;
}

cJSON *kt_slow_list(void)
{
    cJSON *array = cJSON_CreateArray();
    uint64_t kept = slow.count < KT_SLOW_MAX ? slow.count : KT_SLOW_MAX;
    for (uint64_t i = 1; i <= kept; i++)
        cJSON_AddItemToArray(array, make_entry(&slow.ring[(slow.count - i) % KT_SLOW_MAX]));
    return array;
}
