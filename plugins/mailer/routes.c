/* SPDX-License-Identifier: BSD-2-Clause */
/* Changes come as JSON, which other sites' forms can't send. */
#include "routes.h"
#include "calendar/identity_client.h"
#include "delivery.h"
#include "house.h"
#include "ledger.h"
#include "link_pages.h"
#include "settings.h"
#include "zones.h"

#include <errno.h>
#include <kontor/log.h>
#include <kontor/process.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

/** Between two mails that a person has sent by hand, or that ask for an address; seconds. */
#define ASKED_PAUSE 60

static const char *const day_names[] = {"monday", "tuesday",  "wednesday", "thursday",
                                        "friday", "saturday", "sunday"};

/** A change that is asked for. */
struct wish {
    const cJSON *json;
    int64_t now;
    const char *trouble;         /* what is wrong with it, for people */
    bool must_verify;            /* the address has to be asked */
    struct kt_settings settings; /* as they are now */
};

/** The user, or NULL: the request has been answered. */
static const char *find_user(struct kt_request *request)
{
    const char *user;
    int result = kt_identity_find(request, &user);

    if (result < 0)
        kt_respond_problem(request, 503, "Who you are can't be read now. Try again in a moment.");
    else if (!kt_request_is_same_site(request) && strcmp(kt_request_method(request), "GET") != 0)
        kt_respond_problem(request, 403, "This request came from a page of another site.");
    else if (!user)
        kt_respond_problem(request, 401, "Sign in first: the mail is about your own calendar.");
    else if (!kt_settings_user_is_good(user))
        kt_respond_problem(request, 403, "This user name is too long for the mailer.");
    else
        return user;
    return NULL;
}

static void respond_store_error(struct kt_request *request, int error)
{
    kt_log_warning("settings can't be used: %s", strerror(-error));
    kt_respond_problem(request, 503, "The store can't be used now. Try again in a moment.");
}

/* ---------------------------------------------------------------- showing */

static void add_last(cJSON *object, const char *user, int32_t week)
{
    struct kt_ledger_entry entry;
    cJSON *last;

    if (kt_ledger_read(user, week, &entry) < 0 && kt_ledger_read(user, week - 7, &entry) < 0)
        return;
    last = cJSON_AddObjectToObject(object, "last");
    cJSON_AddStringToObject(last, "state", kt_ledger_state_name(entry.state));
    cJSON_AddNumberToObject(last, "at", (double)entry.at);
    cJSON_AddNumberToObject(last, "tries", entry.tries);
    cJSON_AddStringToObject(last, "text", entry.text);
}

static void respond_settings(struct kt_request *request, const char *user,
                             const struct kt_settings *settings)
{
    const struct kt_zone *zone = kt_zones_get(settings->zone);
    cJSON *object = cJSON_CreateObject();

    cJSON_AddBoolToObject(object, "on", settings->is_on);
    cJSON_AddStringToObject(object, "day", day_names[settings->weekday]);
    cJSON_AddNumberToObject(object, "hour", settings->hour);
    cJSON_AddStringToObject(object, "zone", settings->zone);
    cJSON_AddStringToObject(object, "address", settings->address);
    cJSON_AddBoolToObject(object, "verified", settings->is_verified);
    if (zone) {
        struct kt_schedule schedule = {zone, settings->weekday, settings->hour};
        int64_t now = kt_unix_ms() / 1000;

        if (settings->is_on && settings->is_verified)
            cJSON_AddNumberToObject(object, "next", (double)kt_schedule_after(&schedule, now).at);
        add_last(object, user, kt_schedule_before(&schedule, now + 7 * 86400 - 1).week);
    }
    kt_response_header(request, "Cache-Control", "no-store");
    kt_respond_json(request, 200, object);
}

static void show_settings(struct kt_request *request)
{
    const char *user = find_user(request);
    struct kt_settings settings;
    int result;

    if (!user)
        return;
    result = kt_settings_read(user, &settings);
    if (result < 0 && result != -ENOENT)
        respond_store_error(request, result);
    else
        respond_settings(request, user, &settings);
}

/* ---------------------------------------------------------------- changing */

static bool take_day(const cJSON *value, struct kt_settings *settings)
{
    const char *name = cJSON_GetStringValue(value);

    for (uint32_t day = 0; name && day < 7; day++) {
        if (strcmp(name, day_names[day]) == 0) {
            settings->weekday = day;
            return true;
        }
    }
    return false;
}

static bool take_hour(const cJSON *value, struct kt_settings *settings)
{
    double hour = cJSON_IsNumber(value) ? value->valuedouble : -1;

    if (!(hour >= 0 && hour <= 23) || hour > (int)hour)
        return false;
    settings->hour = (uint32_t)hour;
    return true;
}

static bool take_zone(const cJSON *value, struct kt_settings *settings)
{
    const char *name = cJSON_GetStringValue(value);

    if (!name || strlen(name) > KT_ZONE_NAME_MAX || !kt_zones_get(name))
        return false;
    strcpy(settings->zone, name);
    return true;
}

static bool take_address(const cJSON *value, struct kt_settings *settings)
{
    const char *address = cJSON_GetStringValue(value);

    if (!address || !kt_mail_address_is_good(address))
        return false;
    if (strcmp(settings->address, address) != 0)
        settings->is_verified = false;
    strcpy(settings->address, address);
    return true;
}

static const char no_such_zone[] = "There is no such time zone; use a name such as Europe/Berlin.";

/** Take what is in the wish. @return NULL, or what is wrong */
static const char *take_wish(const cJSON *json, struct kt_settings *settings)
{
    const cJSON *on = cJSON_GetObjectItemCaseSensitive(json, "on");
    const cJSON *day = cJSON_GetObjectItemCaseSensitive(json, "day");
    const cJSON *hour = cJSON_GetObjectItemCaseSensitive(json, "hour");
    const cJSON *zone = cJSON_GetObjectItemCaseSensitive(json, "zone");
    const cJSON *address = cJSON_GetObjectItemCaseSensitive(json, "address");

    if (on && !cJSON_IsBool(on))
        return "\"on\" must be true or false.";
    if (day && !take_day(day, settings))
        return "The day must be monday … sunday.";
    if (hour && !take_hour(hour, settings))
        return "The hour must be 0 … 23.";
    if (zone && !take_zone(zone, settings))
        return no_such_zone;
    if (address && !take_address(address, settings))
        return "This is not an e-mail address that mail can be sent to.";
    if (on)
        settings->is_on = cJSON_IsTrue(on);
    if (settings->is_on && !*settings->address)
        return "Say first where the mail shall go.";
    /* one that was stored may have left the database */
    return settings->is_on && !kt_zones_get(settings->zone) ? no_such_zone : NULL;
}

/** A mail that the change would skip is due at once. */
static void keep_the_week(const struct kt_settings *before, struct kt_settings *after, int64_t now)
{
    struct kt_schedule old = {kt_zones_get(before->zone), before->weekday, before->hour};
    struct kt_schedule new = {kt_zones_get(after->zone), after->weekday, after->hour};
    struct kt_due due;

    if (!before->is_on || !before->is_verified || !old.zone || !new.zone ||
        !kt_schedule_skips(&old, &new, now, &due))
        return;
    after->moved_week = due.week;
    after->moved_at = now;
}

/** A mail is asked for: not too often. @return 0 or -EAGAIN, with what to say */
static int note_asked(struct wish *wish, struct kt_settings *settings)
{
    if (wish->now - settings->asked < ASKED_PAUSE && wish->now >= settings->asked) {
        wish->trouble = "A mail was sent a moment ago. Wait a minute before you ask for another.";
        return -EAGAIN;
    }
    settings->asked = wish->now;
    return 0;
}

static int change_settings(struct kt_settings *settings, void *argument)
{
    struct wish *wish = argument;
    struct kt_settings before = *settings;

    wish->must_verify = false;
    wish->trouble = take_wish(wish->json, settings);
    if (wish->trouble)
        return -EINVAL;
    if (settings->is_on && !before.is_on) {
        settings->since = wish->now;
        settings->moved_week = 0;
    }
    keep_the_week(&before, settings, wish->now);
    if (*settings->address && !settings->is_verified &&
        (strcmp(settings->address, before.address) != 0 ||
         cJSON_HasObjectItem(wish->json, "address"))) {
        if (note_asked(wish, settings) < 0)
            return -EAGAIN;
        wish->must_verify = true;
    }
    wish->settings = *settings;
    return 0;
}

/**
 * Take the body and change what is stored by it.
 * @param refused  the status for a wish that can't be fulfilled
 * @return whether it is done; else the request has been answered
 */
static bool change_by_request(struct kt_request *request, const char *user,
                              int (*change)(struct kt_settings *settings, void *argument),
                              int refused, struct wish *wish)
{
    cJSON *json;
    int result = kt_request_json(request, &json);

    if (result < 0) {
        kt_respond_body_error(request, result);
        return false;
    }
    wish->json = json;
    wish->now = kt_unix_ms() / 1000;
    result = kt_settings_change(user, change, wish);
    if (result < 0 && wish->trouble)
        kt_respond_problem(request, result == -EAGAIN ? 429 : refused, "%s", wish->trouble);
    else if (result < 0)
        respond_store_error(request, result);
    return result >= 0;
}

static void post_settings(struct kt_request *request)
{
    const struct kt_mailer *mailer = kt_request_context(request);
    const char *user = find_user(request);
    struct wish wish = {.json = NULL};
    struct kt_post_outcome outcome = {.fate = KT_POST_SENT};

    if (!user || !change_by_request(request, user, change_settings, 422, &wish))
        return;
    kt_house_tell(user);
    if (wish.must_verify)
        kt_delivery_verify(mailer, user, wish.settings.address, wish.now, &outcome);
    if (outcome.fate != KT_POST_SENT)
        kt_respond_problem(request, 502,
                           "What you have chosen is kept, but the mail to %s could "
                           "not be sent: %s.",
                           wish.settings.address, outcome.text);
    else
        respond_settings(request, user, &wish.settings);
}

/* ---------------------------------------------------------------- preview, send me one now */

/** This week, as of now. */
static struct kt_due due_now(const struct kt_settings *settings)
{
    const struct kt_zone *zone = kt_zones_get(settings->zone);
    struct kt_schedule schedule = {zone ? zone : kt_zones_get("UTC"), 6, 23};

    return kt_schedule_after(&schedule, kt_unix_ms() / 1000);
}

static void preview(struct kt_request *request)
{
    const struct kt_mailer *mailer = kt_request_context(request);
    const char *user = find_user(request);
    struct kt_delivery_view view;
    struct kt_settings settings;
    struct kt_due due;
    char *html;
    int result;

    if (!user)
        return;
    result = kt_settings_read(user, &settings);
    if (result < 0 && result != -ENOENT) {
        respond_store_error(request, result);
        return;
    }
    due = due_now(&settings);
    kt_delivery_view(mailer, user, &settings, &due, KT_DELIVERY_NOW, &view);
    if (!view.view) {
        kt_respond_problem(request, view.outcome.fate == KT_POST_NEVER ? 404 : 503,
                           "There is nothing to show: %s.", view.outcome.text);
        return;
    }
    html = kt_must(kt_letter_html(kt_self_memory(), &mailer->week, view.view));
    cJSON_Delete(view.view);
    kt_response_header(request, "Cache-Control", "no-store");
    kt_response_header(request, "Content-Security-Policy",
                       "default-src 'none'; style-src 'unsafe-inline'");
    kt_respond(request, 200, "text/html; charset=utf-8", html, strlen(html));
}

static int change_asked(struct kt_settings *settings, void *argument)
{
    struct wish *wish = argument;

    if (!settings->is_verified) {
        wish->trouble = "The address is not confirmed yet. Open the link in the mail that was sent "
                        "to it.";
        return -EINVAL;
    }
    if (note_asked(wish, settings) < 0)
        return -EAGAIN;
    wish->settings = *settings;
    return 0;
}

static void send_now(struct kt_request *request)
{
    const struct kt_mailer *mailer = kt_request_context(request);
    const char *user = find_user(request);
    struct wish wish = {.json = NULL};
    struct kt_post_outcome outcome;
    struct kt_due due;
    char *message_id;

    if (!user || !change_by_request(request, user, change_asked, 409, &wish))
        return;
    due = due_now(&wish.settings);
    message_id = kt_must(talloc_asprintf(kt_self_memory(), "now.%08x%08x@%s", randombytes_random(),
                                         randombytes_random(), mailer->domain));
    kt_delivery_week(mailer, user, &wish.settings, &due, message_id, KT_DELIVERY_NOW, &outcome);
    if (outcome.fate == KT_POST_SENT)
        kt_respond_json(request, 200, kt_must(cJSON_Parse("{\"sent\":true}")));
    else
        kt_respond_problem(request, 502, "The mail could not be sent: %s.", outcome.text);
}

int kt_mailer_routes(struct kt_plugin *plugin, struct kt_mailer *mailer)
{
    static const struct {
        const char *method, *pattern;
        void (*handler)(struct kt_request *request);
    } routes[] = {
        {"GET", "/settings", show_settings},
        {"POST", "/settings", post_settings},
        {"GET", "/preview", preview},
        {"POST", "/send", send_now},
        {"GET", "/verify", kt_verify_handle},
        {"POST", "/verify", kt_verify_handle},
        {"GET", "/unsubscribe", kt_unsubscribe_handle},
        {"POST", "/unsubscribe", kt_unsubscribe_handle},
    };
    int result = 0;

    for (size_t index = 0; result == 0 && index < sizeof(routes) / sizeof(routes[0]); index++)
        result = kt_plugin_route(plugin, routes[index].method, routes[index].pattern,
                                 routes[index].handler, mailer);
    return result;
}
