/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each connection becomes a source of its kind. What Google's source changes in its account goes to
 * the store at once, onto what is stored then: another request may have renewed a token, or the
 * person chosen other calendars, in between.
 */
#include "connections.h"

#include "caldav.h"
#include "ics_url.h"
#include "person.h"

#include <errno.h>
#include <kontor/log.h>
#include <kontor/request.h>
#include <string.h>

/** A Google account, and where its changes go. */
struct google_owner {
    struct kt_google_account account; /* first: changed() gets this */
    const struct kt_secrets *secrets;
    const char *user, *id;
};

/* ---------------------------------------------------------------- writing back */

/** The list as it is now at Google, with what is chosen by what is stored now. */
static void update_list(struct kt_connection *connection, const struct google_owner *owner)
{
    struct kt_google_calendars fresh = owner->account.calendars;

    fresh.items = kt_must(talloc_array(kt_self_memory(), struct kt_google_calendar,
                                       owner->account.calendars.count + 1));
    if (fresh.count > 0)
        memcpy(fresh.items, owner->account.calendars.items, fresh.count * sizeof(*fresh.items));
    kt_google_calendars_keep(&fresh, &connection->calendars);
    connection->calendars = fresh;
    connection->list_ms = owner->account.list_ms;
}

static int update(struct kt_account *account, void *argument)
{
    const struct google_owner *owner = argument;
    struct kt_connection *connection = kt_account_find(account, owner->id);

    if (!connection)
        return -ENOENT; /* disconnected meanwhile */
    if (owner->account.is_revoked &&
        strcmp(connection->refresh_token, owner->account.refresh_token) != 0)
        return -EALREADY; /* connected anew meanwhile */
    connection->is_revoked = owner->account.is_revoked;
    connection->refresh_token = owner->account.refresh_token;
    connection->access_token = owner->account.access_token ? owner->account.access_token : "";
    connection->access_until_ms = owner->account.access_until_ms;
    if (owner->account.list_ms >= connection->list_ms)
        update_list(connection, owner);
    return 0;
}

static void google_changed(struct kt_google_account *account)
{
    struct google_owner *owner = (struct google_owner *)account;
    int result = kt_account_change(owner->secrets, owner->user, update, owner);

    if (result < 0 && result != -ENOENT && result != -EALREADY)
        kt_log_warning("what changed at Google can't be stored: %s", strerror(-result));
}

/* ---------------------------------------------------------------- opening */

static struct kt_source *open_google(const struct kt_service *service, struct kt_sources *sources,
                                     const struct kt_account *account,
                                     const struct kt_connection *connection)
{
    struct google_owner *owner = kt_must(talloc_zero(sources, struct google_owner));

    owner->account = (struct kt_google_account){
        .label = kt_must(talloc_asprintf(owner, "Google (%s)", connection->label)),
        .person = account->user,
        .refresh_token = connection->refresh_token,
        .access_token = *connection->access_token ? connection->access_token : NULL,
        .access_until_ms = connection->access_until_ms,
        .calendars = connection->calendars,
        .list_ms = connection->list_ms,
        .changed = google_changed,
        .is_revoked = connection->is_revoked,
    };
    owner->secrets = service->secrets;
    owner->user = account->user;
    owner->id = connection->id;
    return kt_google_new(sources, &service->google, &owner->account);
}

/** Each chosen calendar is a source of its own. */
static uint32_t open_caldav(const struct kt_service *service, struct kt_sources *sources,
                            const struct kt_account *account,
                            const struct kt_connection *connection)
{
    uint32_t count = 0;

    for (uint32_t index = 0; index < connection->calendars.count; index++) {
        const struct kt_google_calendar *calendar = &connection->calendars.items[index];

        if (calendar->is_chosen &&
            kt_sources_add(sources,
                           kt_caldav_new(sources, service, account, connection, calendar)) == 0)
            count++;
    }
    return count;
}

static uint32_t open_one(const struct kt_service *service, struct kt_sources *sources,
                         const struct kt_account *account, const struct kt_connection *connection)
{
    switch (connection->kind) {
    case KT_CONNECTION_GOOGLE:
        return kt_sources_add(sources, open_google(service, sources, account, connection)) == 0;
    case KT_CONNECTION_CALDAV:
        return open_caldav(service, sources, account, connection);
    case KT_CONNECTION_URL:
        return kt_sources_add(sources, kt_ics_url_new(sources, service, account, connection)) == 0;
    case KT_CONNECTION_KINDS:
        break;
    }
    return 0;
}

uint32_t kt_connections_open(const struct kt_service *service, struct kt_account *account,
                             struct kt_sources *sources)
{
    uint32_t count = 0;

    talloc_steal(sources, account);
    for (uint32_t index = 0; index < account->count; index++)
        count += open_one(service, sources, account, &account->connections[index]);
    return count;
}

const char *kt_connections_user(const struct kt_request *request)
{
    return kt_person_user(request);
}
