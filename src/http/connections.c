/* SPDX-License-Identifier: BSD-2-Clause */
/* Only of those that are shown the peer is looked up, since that takes system calls. */
#include "http/connections.h"

#include "fastcgi/busiest.h"
#include "http/request.h"

#include <inttypes.h>
#include <kontor/observe.h>
#include <stdio.h>

static void add_peer(cJSON *json, const struct kt_peer *peer)
{
    cJSON_AddStringToObject(json, "address", peer->address);
    if (peer->pid <= 0)
        return;
    cJSON_AddNumberToObject(json, "peer_pid", peer->pid);
    cJSON_AddNumberToObject(json, "peer_uid", peer->uid);
    cJSON_AddStringToObject(json, "peer_program", peer->program);
}

static void add_oldest(cJSON *json, const struct kt_fastcgi_request *fastcgi, int64_t now_ms)
{
    /* Until all its parameters are there it is no request yet, and has no process. */
    const struct kt_request *request = fastcgi->context;
    const struct kt_route *route = request ? request->route : NULL;
    cJSON *oldest = cJSON_AddObjectToObject(json, "oldest");
    char pid[24];
    snprintf(pid, sizeof(pid), "%" PRIx64, fastcgi->pid);
    cJSON_AddStringToObject(oldest, "route", route ? route->label : "");
    cJSON_AddStringToObject(oldest, "plugin",
                            route && route->plugin ? kt_plugin_name(route->plugin) : "");
    cJSON_AddStringToObject(oldest, "pid", fastcgi->pid == KT_PID_NONE ? "" : pid);
    cJSON_AddNumberToObject(oldest, "for_ms", (double)(now_ms - fastcgi->begun_ms));
    cJSON_AddBoolToObject(oldest, "is_endless", fastcgi->deadline_ms == INT64_MAX);
}

static cJSON *make_connection(const struct kt_busy_connection *busy, const struct kt_peer *peer,
                              int64_t now_ms)
{
    static const char *const states[] = {
        [KT_BUSINESS_IDLE] = "idle",
        [KT_BUSINESS_ENDLESS] = "endless",
        [KT_BUSINESS_AT_WORK] = "at work",
    };
    const struct kt_connection *connection = busy->connection;
    cJSON *json = cJSON_CreateObject();
    add_peer(json, peer);
    cJSON_AddStringToObject(json, "state", states[busy->business]);
    cJSON_AddNumberToObject(json, "busy_ms", (double)busy->busy_ms);
    cJSON_AddNumberToObject(json, "opened_ms",
                            (double)(kt_unix_ms() - (now_ms - connection->opened_ms)));
    cJSON_AddNumberToObject(json, "requests_total", connection->requests_total);
    cJSON_AddNumberToObject(json, "requests", connection->request_count);
    cJSON_AddBoolToObject(json, "is_shared", connection->is_shared);
    if (busy->oldest)
        add_oldest(json, busy->oldest, now_ms);
    cJSON_AddNumberToObject(json, "output_bytes", (double)connection->output_bytes);
    cJSON_AddNumberToObject(json, "output_waits_ms",
                            connection->output_first ? (double)(now_ms - connection->taken_ms) : 0);
    return json;
}

cJSON *kt_connections_list(const struct kt_engine *engine)
{
    struct kt_busy_sum sum = {0};
    struct kt_busy_connection *list = NULL;
    TALLOC_CTX *memory = kt_self_memory();
    struct kt_peer *peers = talloc_array(memory, struct kt_peer, KT_OBSERVED_CONNECTIONS);
    ssize_t count = 0;
    if (engine && peers)
        count = kt_engine_busiest(memory, engine, KT_OBSERVED_CONNECTIONS, &sum, &list);
    int64_t now_ms = kt_now_ms();
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "count", (double)sum.connections);
    cJSON_AddNumberToObject(json, "at_work", (double)sum.at_work);
    cJSON_AddNumberToObject(json, "output_bytes", (double)sum.output_bytes);
    cJSON *array = cJSON_AddArrayToObject(json, "connections");
    for (ssize_t i = 0; i < count; i++) {
        kt_peer_identify(list[i].connection->fd, peers, (size_t)i, &peers[i]);
        cJSON_AddItemToArray(array, make_connection(&list[i], &peers[i], now_ms));
    }
    talloc_free(list);
    talloc_free(peers);
    return json;
}
