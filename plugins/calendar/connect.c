/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each handler: who asks, what they want, try it at the server in question, store it, and show how
 * it is now. Secrets go in, and never out.
 */
#include "connect.h"

#include "caldav.h"
#include "connections.h"
#include "google_token.h"
#include "ics_url.h"
#include "json_request.h"
#include "look_request.h"
#include "oauth.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <kontor/log.h>
#include <string.h>

/** The longest login and password that are stored. */
#define LOGIN_MAX 1024

/* ---------------------------------------------------------------- asking */

/** @return the user, or NULL when the request has been answered */
static const char *need_user(struct kt_request *request, const struct kt_service *service)
{
    const char *user = kt_connections_user(request);

    if (!service->secrets)
        kt_respond_problem(request, 501,
                           "Nothing can be connected here. The operator has to set key_file of "
                           "[calendar].");
    else if (!user || strlen(user) > KT_USER_MAX)
        kt_respond_problem(request, 401, "Sign in first: calendars belong to somebody.");
    else
        return user;
    return NULL;
}

/** @return the body, or NULL when the request has been answered */
static cJSON *need_own_json(struct kt_request *request)
{
    if (kt_request_is_same_site(request))
        return kt_need_json(request);
    kt_respond_problem(request, 403, "This has to come from a page of this site.");
    return NULL;
}

static void answer_store_error(struct kt_request *request, int result)
{
    kt_respond_store_error(request, "what people have connected can't be read or stored", result);
}

static void answer_source_error(struct kt_request *request, const struct kt_source_error *error)
{
    kt_respond_problem(request, 422, "It can't be connected: %s.", error->text);
}

/* ---------------------------------------------------------------- showing */

static cJSON *show_connection(const struct kt_connection *connection)
{
    cJSON *json = kt_must(cJSON_CreateObject()), *calendars;

    kt_must(cJSON_AddStringToObject(json, "id", connection->id));
    kt_must(cJSON_AddStringToObject(json, "kind", kt_connection_kind_name(connection->kind)));
    kt_must(cJSON_AddStringToObject(json, "label", connection->label));
    kt_must(cJSON_AddBoolToObject(json, "needs_reconnect", connection->is_revoked));
    calendars = kt_must(cJSON_AddArrayToObject(json, "calendars"));
    for (uint32_t index = 0; index < connection->calendars.count; index++) {
        const struct kt_google_calendar *calendar = &connection->calendars.items[index];
        cJSON *item = kt_must(cJSON_CreateObject());

        cJSON_AddItemToArray(calendars, item);
        kt_must(cJSON_AddStringToObject(item, "id", calendar->id));
        kt_must(cJSON_AddStringToObject(item, "name", calendar->name));
        kt_must(cJSON_AddBoolToObject(item, "primary", calendar->is_primary));
        kt_must(cJSON_AddBoolToObject(item, "chosen", calendar->is_chosen));
    }
    return json;
}

static void show(struct kt_request *request, const struct kt_service *service, const char *user)
{
    cJSON *json = kt_must(cJSON_CreateObject()), *list;
    struct kt_account *account;
    int result = kt_account_read(kt_self_memory(), service->secrets, user, &account);

    if (result < 0) {
        answer_store_error(request, result);
        return;
    }
    list = kt_must(cJSON_AddArrayToObject(json, "connections"));
    for (uint32_t index = 0; index < account->count; index++)
        cJSON_AddItemToArray(list, show_connection(&account->connections[index]));
    kt_response_header(request, "Cache-Control", "no-store");
    kt_respond_json(request, 200, json);
}

static void handle_connections(struct kt_request *request)
{
    const struct kt_service *service = kt_request_context(request);
    const char *user = need_user(request, service);

    if (user)
        show(request, service, user);
}

/** After a change: show what there is now, or tell why it isn't changed. */
static void conclude(struct kt_request *request, const struct kt_service *service, const char *user,
                     int result)
{
    if (result == 0)
        show(request, service, user);
    else if (result == -ENOENT)
        kt_respond_problem(request, 404, "There is no such connection any more.");
    else if (result == -ENOSPC)
        kt_respond_problem(request, 409, "There are %u connections already. Disconnect one first.",
                           KT_CONNECTIONS_MAX);
    else
        answer_store_error(request, result);
}

/* ---------------------------------------------------------------- connecting */

/** What is to be stored; replaces a connection of the same kind and label and login. */
static int store(struct kt_account *account, void *argument)
{
    struct kt_connection *fresh = argument;
    struct kt_connection *connection = NULL;
    char id[KT_CONNECTION_ID_SIZE];

    for (uint32_t index = 0; index < account->count; index++) {
        struct kt_connection *known = &account->connections[index];

        if (known->kind == fresh->kind && strcmp(known->address, fresh->address) == 0 &&
            strcmp(known->login, fresh->login) == 0)
            connection = known;
    }
    if (!connection)
        connection = kt_account_add(account, fresh->kind, fresh->label);
    if (!connection)
        return -ENOSPC;
    memcpy(id, connection->id, sizeof(id));
    kt_google_calendars_keep(&fresh->calendars, &connection->calendars);
    *connection = *fresh;
    memcpy(connection->id, id, sizeof(id));
    return 0;
}

static struct kt_connection begin(enum kt_connection_kind kind, const char *address)
{
    return (struct kt_connection){.kind = kind,
                                  .label = kt_ics_url_host(kt_self_memory(), address),
                                  .refresh_token = "",
                                  .access_token = "",
                                  .address = address,
                                  .login = "",
                                  .password = "",
                                  .owners = ""};
}

/** To try what is connected is a look at it. @return whether it is the person's turn; else the
 * request has been answered */
static bool need_turn(struct kt_request *request, const struct kt_service *service,
                      const char *user, int64_t deadline_ms)
{
    struct kt_look_refusal refusal;

    if (kt_look_turn(service, user, deadline_ms, &refusal) == 0)
        return true;
    kt_look_respond_refusal(request, &refusal);
    return false;
}

/** @return the address as it is fetched, or NULL when the request has been answered */
static const char *need_address(struct kt_request *request, const cJSON *json)
{
    const char *address = kt_ics_url_normalise(kt_self_memory(), kt_json_member(json, "address"));

    if (!address)
        kt_respond_problem(request, 400,
                           "The address has to begin with https://, http:// or webcal://.");
    return address;
}

static void handle_url(struct kt_request *request)
{
    const struct kt_service *service = kt_request_context(request);
    const char *user = need_user(request, service);
    cJSON *json = user ? need_own_json(request) : NULL;
    const char *address = json ? need_address(request, json) : NULL;
    int64_t deadline_ms = kt_now_ms() + service->timeout_ms;
    struct kt_source_error error = {.trouble = KT_TROUBLE_NONE};
    struct kt_connection fresh;

    if (!address || !need_turn(request, service, user, deadline_ms))
        return;
    if (kt_ics_url_try(service, user, address, deadline_ms, &error) < 0) {
        answer_source_error(request, &error);
        return;
    }
    fresh = begin(KT_CONNECTION_URL, address);
    conclude(request, service, user, kt_account_change(service->secrets, user, store, &fresh));
}

static void handle_caldav(struct kt_request *request)
{
    const struct kt_service *service = kt_request_context(request);
    const char *user = need_user(request, service);
    cJSON *json = user ? need_own_json(request) : NULL;
    const char *address = json ? need_address(request, json) : NULL;
    int64_t deadline_ms = kt_now_ms() + service->timeout_ms;
    struct kt_source_error error = {.trouble = KT_TROUBLE_NONE};
    struct kt_connection fresh;

    if (!address)
        return;
    fresh = begin(KT_CONNECTION_CALDAV, address);
    fresh.login = kt_json_member(json, "login");
    fresh.password = kt_json_member(json, "password");
    if (strlen(fresh.login) > LOGIN_MAX || strlen(fresh.password) > LOGIN_MAX ||
        strchr(fresh.login, ':')) {
        kt_respond_problem(request, 400, "The login or the password can't be used.");
        return;
    }
    if (!need_turn(request, service, user, deadline_ms))
        return;
    if (kt_caldav_discover(kt_self_memory(), service, &fresh, deadline_ms, &error) < 0) {
        answer_source_error(request, &error);
        return;
    }
    conclude(request, service, user, kt_account_change(service->secrets, user, store, &fresh));
}

/* ---------------------------------------------------------------- choosing */

static bool is_named(const cJSON *list, const char *id)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, list)
    {
        if (cJSON_IsString(item) && strcmp(item->valuestring, id) == 0)
            return true;
    }
    return false;
}

static int choose(struct kt_account *account, void *argument)
{
    const cJSON *json = argument;
    struct kt_connection *connection = kt_account_find(account, kt_json_member(json, "id"));
    const cJSON *chosen = cJSON_GetObjectItemCaseSensitive(json, "chosen");

    if (!connection)
        return -ENOENT;
    for (uint32_t index = 0; index < connection->calendars.count; index++)
        connection->calendars.items[index].is_chosen =
            is_named(chosen, connection->calendars.items[index].id);
    return 0;
}

static void handle_choose(struct kt_request *request)
{
    const struct kt_service *service = kt_request_context(request);
    const char *user = need_user(request, service);
    cJSON *json = user ? need_own_json(request) : NULL;

    if (!json)
        return;
    if (!cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(json, "chosen")))
        kt_respond_problem(request, 400, "“chosen” has to be a list of calendars.");
    else
        conclude(request, service, user, kt_account_change(service->secrets, user, choose, json));
}

/* ---------------------------------------------------------------- disconnecting */

/** What goes, and what has to be given back to Google for it. */
struct removal {
    const char *id; /* "": all */
    char *tokens[KT_CONNECTIONS_MAX];
    uint32_t count;
};

static int remove_some(struct kt_account *account, void *argument)
{
    struct removal *removal = argument;
    bool is_found = *removal->id == '\0';

    removal->count = 0;
    for (uint32_t index = account->count; index-- > 0;) {
        struct kt_connection *connection = &account->connections[index];

        if (*removal->id && strcmp(connection->id, removal->id) != 0)
            continue;
        is_found = true;
        if (connection->kind == KT_CONNECTION_GOOGLE && *connection->refresh_token)
            removal->tokens[removal->count++] =
                kt_must(talloc_strdup(kt_self_memory(), connection->refresh_token));
        kt_account_remove(account, connection);
    }
    return is_found ? 0 : -ENOENT;
}

static void handle_disconnect(struct kt_request *request)
{
    const struct kt_service *service = kt_request_context(request);
    const char *user = need_user(request, service);
    cJSON *json = user ? need_own_json(request) : NULL;
    struct removal removal = {.id = ""};
    int result;

    if (!json)
        return;
    removal.id = kt_json_member(json, "id");
    if (!*removal.id && !cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "all"))) {
        kt_respond_problem(request, 400, "Say which one: “id”, or “all”: true.");
        return;
    }
    result = kt_account_change(service->secrets, user, remove_some, &removal);
    for (uint32_t index = 0; result == 0 && index < removal.count; index++) {
        struct kt_source_error error = {.trouble = KT_TROUBLE_NONE};

        /* It is forgotten here in any case. */
        if (kt_google_revoke(&service->google, removal.tokens[index],
                             kt_now_ms() + service->timeout_ms, &error) < 0)
            kt_log_warning("a consent could not be given back: %s", error.text);
    }
    conclude(request, service, user, result);
}

/* ---------------------------------------------------------------- routes */

int kt_connect_routes(struct kt_plugin *plugin, struct kt_service *service)
{
    static const struct {
        const char *method, *pattern;
        void (*handler)(struct kt_request *request);
    } routes[] = {
        {"GET", "/connections", handle_connections}, {"GET", "/connect/google", kt_oauth_connect},
        {"GET", "/callback", kt_oauth_callback},     {"POST", "/connect/caldav", handle_caldav},
        {"POST", "/connect/url", handle_url},        {"POST", "/choose", handle_choose},
        {"POST", "/disconnect", handle_disconnect},
    };
    int result = 0;

    for (size_t index = 0; result == 0 && index < sizeof(routes) / sizeof(*routes); index++)
        result = kt_plugin_route(plugin, routes[index].method, routes[index].pattern,
                                 routes[index].handler, service);
    return result;
}
