/* SPDX-License-Identifier: BSD-2-Clause */
/* Each handler: who asks, what they want, do it, answer. */
#include "me.h"

#include "elsewhere.h"
#include "google_token.h"
#include "json_request.h"
#include "look.h"
#include "owners.h"
#include "person.h"
#include "service.h"
#include "session.h"
#include "sign_in.h"
#include "sign_in_link.h"
#include "zone.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <kontor/log.h>
#include <string.h>

/* ---------------------------------------------------------------- asking */

static void answer_store_error(struct kt_request *request, int result)
{
    kt_respond_store_error(request, "the store can't be used for people", result);
}

/** @return whether there is somebody; otherwise it is answered */
static bool need_person(struct kt_request *request, struct kt_person_found *ret_found)
{
    int result = kt_person_find(request, ret_found);

    if (result < 0)
        answer_store_error(request, result);
    else if (!kt_request_is_same_site(request))
        kt_respond_problem(request, 403, "This request came from a page of another site.");
    else if (!ret_found->user || strlen(ret_found->user) > KT_USER_MAX)
        kt_respond_problem(request, 401, "Sign in first.");
    else
        return true;
    return false;
}

static void answer_nothing(struct kt_request *request)
{
    kt_response_header(request, "Cache-Control", "no-store");
    kt_respond(request, 204, NULL, NULL, 0);
}

/* ---------------------------------------------------------------- me */

static void add_text(cJSON *json, const char *name, const char *text)
{
    if (text && *text)
        kt_must(cJSON_AddStringToObject(json, name, text));
    else
        kt_must(cJSON_AddNullToObject(json, name));
}

static bool has_google(const struct kt_service *service)
{
    return service->secrets && service->google.client_id && service->google.client_secret &&
           service->public_url;
}

/** What is stored of somebody, or nobody. @return 0, and the store's errors */
static int read_own(const struct kt_service *service, const char *user, struct kt_profile *profile,
                    struct kt_addresses *addresses)
{
    struct kt_account *account;
    int result;

    if (!user || strlen(user) > KT_USER_MAX || !service->secrets)
        return 0;
    result = kt_profile_read(user, profile);
    if (result == 0)
        result = kt_account_read(kt_self_memory(), service->secrets, user, &account);
    if (result == 0)
        *addresses = account->addresses;
    return result;
}

static void show(struct kt_request *request, const struct kt_person_found *found)
{
    static const char *const ways[] = {NULL, "web server", "session"};
    const struct kt_service *service = kt_request_context(request);
    struct kt_profile profile = {.timezone = ""};
    struct kt_addresses addresses = {.count = 0};
    cJSON *json = kt_must(cJSON_CreateObject());
    int result = read_own(service, found->user, &profile, &addresses);
    /* Who has no user yet gets one by a session; without a safe cookie Google is of no use. */
    bool can_sign_in = found->user || kt_session_is_possible(request, service);

    if (result < 0) {
        answer_store_error(request, result);
        return;
    }
    add_text(json, "user", found->user);
    add_text(json, "signed_in_by", ways[found->way]);
    add_text(json, "timezone", profile.timezone);
    add_text(json, "week_start", profile.week_start);
    cJSON_AddItemToObject(json, "addresses",
                          kt_must(cJSON_CreateStringArray(addresses.items, (int)addresses.count)));
    kt_must(cJSON_AddBoolToObject(json, "google", has_google(service) && can_sign_in));
    kt_must(cJSON_AddBoolToObject(json, "mail", kt_sign_in_has_mail(service) && can_sign_in));
    kt_must(cJSON_AddBoolToObject(json, "can_connect", service->secrets != NULL));
    kt_response_header(request, "Cache-Control", "no-store");
    kt_respond_json(request, 200, json);
}

static void handle_look(struct kt_request *request)
{
    struct kt_person_found found;
    int result = kt_person_find(request, &found);

    if (result < 0)
        answer_store_error(request, result);
    else
        show(request, &found);
}

/* ---------------------------------------------------------------- settings */

struct zone_job {
    TALLOC_CTX *context;
    const char *name;
    int result;
};

/** Zones are read from files: not on the loop. */
static void look_up_zone(void *argument)
{
    struct zone_job *job = argument;
    struct kt_zone *zone;

    job->result = kt_zone_open(job->context, job->name, &zone);
}

static bool is_zone(const char *name)
{
    struct zone_job job = {.context = talloc_new(NULL), .name = name, .result = -ENOENT};
    bool is_good = strlen(name) < sizeof(((struct kt_profile *)0)->timezone) && job.context &&
                   kt_work(look_up_zone, &job) == 0 && job.result == 0;

    talloc_free(job.context);
    return is_good;
}

/** The addresses that are wanted. @return whether they are good; otherwise it is answered */
static bool read_addresses(struct kt_request *request, const cJSON *list,
                           struct kt_addresses *ret_addresses)
{
    const char *wrong;
    int result = kt_owners_read(kt_self_memory(), list, ret_addresses, &wrong);

    if (result == -E2BIG)
        kt_respond_problem(request, 400, "More than %u addresses can't be kept.", KT_ADDRESSES_MAX);
    else if (result < 0 && wrong)
        kt_respond_problem(request, 400, "“%s” is no e-mail address.", kt_look_presentable(wrong));
    else if (result < 0)
        kt_respond_problem(request, 400, "“addresses” has to be a list of e-mail addresses.");
    return result == 0;
}

static int put_addresses(struct kt_account *account, void *argument)
{
    const struct kt_addresses *addresses = argument;

    account->addresses = *addresses;
    return 0;
}

/** Put what is wanted into the profile. @return whether it is good; otherwise it is answered */
static bool read_settings(struct kt_request *request, const cJSON *json, struct kt_profile *profile)
{
    const char *zone = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "timezone"));
    const char *day = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "week_start"));

    if (zone && !is_zone(zone)) {
        kt_respond_problem(request, 400,
                           "There is no such time zone; use a name such as Europe/Berlin.");
        return false;
    }
    if (day && strcmp(day, "monday") != 0 && strcmp(day, "sunday") != 0) {
        kt_respond_problem(request, 400, "Weeks begin on “monday” or “sunday”.");
        return false;
    }
    if (zone)
        memcpy(profile->timezone, zone, strlen(zone) + 1);
    if (day)
        memcpy(profile->week_start, day, strlen(day) + 1);
    return true;
}

static void handle_settings(struct kt_request *request)
{
    const struct kt_service *service = kt_request_context(request);
    struct kt_person_found found;
    struct kt_addresses addresses;
    struct kt_profile profile;
    const cJSON *list;
    cJSON *json;
    int result;

    if (!need_person(request, &found) || !(json = kt_need_json(request)))
        return;
    if (!service->secrets) {
        kt_respond_problem(request, 501, "Nothing of people is stored here: there is no key_file.");
        return;
    }
    list = cJSON_GetObjectItemCaseSensitive(json, "addresses");
    if (list && !read_addresses(request, list, &addresses))
        return;
    result = kt_profile_read(found.user, &profile);
    if (result == 0 && !read_settings(request, json, &profile))
        return;
    if (result == 0)
        result = kt_profile_write(found.user, &profile);
    if (result == 0 && list)
        result = kt_account_change(service->secrets, found.user, put_addresses, &addresses);
    if (result < 0)
        answer_store_error(request, result);
    else
        show(request, &found);
}

/* ---------------------------------------------------------------- going */

static void handle_sign_out(struct kt_request *request)
{
    const struct kt_service *service = kt_request_context(request);
    struct kt_person_found found;
    cJSON *json;
    int result;

    if (!need_person(request, &found) || !(json = kt_need_json(request)))
        return;
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "everywhere")))
        result = kt_session_end_all(request, service, found.user);
    else
        result = kt_session_end(request, service);
    if (result < 0)
        answer_store_error(request, result);
    else
        answer_nothing(request);
}

/** What has to be given back to Google. */
struct removal {
    char *tokens[KT_CONNECTIONS_MAX];
    uint32_t count;
};

static int remove_all(struct kt_account *account, void *argument)
{
    struct removal *removal = argument;

    removal->count = 0;
    account->addresses.count = 0;
    while (account->count > 0) {
        struct kt_connection *connection = &account->connections[account->count - 1];

        if (connection->kind == KT_CONNECTION_GOOGLE && *connection->refresh_token)
            removal->tokens[removal->count++] =
                kt_must(talloc_strdup(kt_self_memory(), connection->refresh_token));
        kt_account_remove(account, connection);
    }
    return 0;
}

static void handle_delete(struct kt_request *request)
{
    const struct kt_service *service = kt_request_context(request);
    struct removal removal = {.count = 0};
    struct kt_person_found found;
    const char *missed;
    cJSON *json;
    int result = 0;

    if (!need_person(request, &found) || !(json = kt_need_json(request)))
        return;
    if (!cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "delete"))) {
        kt_respond_problem(request, 400, "Say that you mean it: “delete”: true.");
        return;
    }
    if (service->secrets)
        result = kt_account_change(service->secrets, found.user, remove_all, &removal);
    for (uint32_t index = 0; result == 0 && index < removal.count; index++) {
        struct kt_source_error error = {.trouble = KT_TROUBLE_NONE};

        /* It is forgotten here in any case. */
        if (kt_google_revoke(&service->google, removal.tokens[index],
                             kt_now_ms() + service->timeout_ms, &error) < 0)
            kt_log_warning("a consent could not be given back: %s", error.text);
    }
    if (result == 0)
        result = kt_profile_delete(found.user);
    if (result == 0)
        result = kt_sign_in_link_forget(found.user);
    missed = result == 0 ? kt_elsewhere_forget(found.user) : NULL;
    if (missed) {
        kt_respond_problem(request, 503,
                           "Not everything is deleted yet: %s can't be reached. Please do it again "
                           "in a moment.",
                           missed);
        return;
    }
    if (result == 0)
        result = kt_session_end_all(request, service, found.user);
    if (result < 0)
        answer_store_error(request, result);
    else
        answer_nothing(request);
}

/* ---------------------------------------------------------------- routes */

int kt_me_routes(struct kt_plugin *plugin, struct kt_service *service)
{
    static const struct {
        const char *method, *pattern;
        void (*handler)(struct kt_request *request);
    } routes[] = {
        {"GET", "/me", handle_look},
        {"POST", "/me", handle_settings},
        {"POST", "/sign-out", handle_sign_out},
        {"POST", "/delete-me", handle_delete},
    };
    int result = 0;

    for (size_t index = 0; result == 0 && index < sizeof(routes) / sizeof(*routes); index++)
        result = kt_plugin_route(plugin, routes[index].method, routes[index].pattern,
                                 routes[index].handler, service);
    return result;
}
