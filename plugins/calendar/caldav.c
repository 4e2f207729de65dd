/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One query brings all resources that touch the window, each with its whole series, and each an
 * iCalendar text of its own. The window is asked a day wider on both sides, since a server may take
 * days and floating times for another zone's; what is too much falls away at the expansion.
 */
#include "caldav.h"

#include "civil.h"
#include "dav.h"
#include "ics_text.h"
#include "owners.h"
#include "work_tree.h"

#include <errno.h>
#include <kontor/process.h>
#include <stdio.h>
#include <string.h>

#define BEGIN "<?xml version=\"1.0\" encoding=\"utf-8\"?>"
#define SPACES " xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\""
/** "YYYYMMDDTHHMMSSZ" and its NUL, with room for any year. */
#define STAMP_SIZE 32

struct caldav {
    struct kt_source source;
    const struct kt_service *service;
    const char *user;
    const struct kt_connection *connection;
    const struct kt_google_calendar *calendar;
    const char *const *owners;
};

static void write_stamp(int64_t instant, char text[STAMP_SIZE])
{
    int32_t day = kt_local_day(instant);
    int seconds = (int)(instant - (int64_t)day * KT_DAY_SECONDS);
    struct kt_date date = kt_date_from_day(day);

    snprintf(text, STAMP_SIZE, "%04d%02u%02uT%02d%02d%02dZ", (int)date.year, date.month, date.day,
             seconds / 3600, seconds / 60 % 60, seconds % 60);
}

static char *query_body(const struct kt_window *window)
{
    char from[STAMP_SIZE], to[STAMP_SIZE];

    write_stamp(kt_window_start(window) - KT_DAY_SECONDS, from);
    write_stamp(kt_window_end(window) + KT_DAY_SECONDS, to);
    return kt_must(talloc_asprintf(
        kt_self_memory(),
        BEGIN "<C:calendar-query" SPACES "><D:prop><D:getetag/><C:calendar-data/></D:prop>"
              "<C:filter><C:comp-filter name=\"VCALENDAR\"><C:comp-filter name=\"VEVENT\">"
              "<C:time-range start=\"%s\" end=\"%s\"/>"
              "</C:comp-filter></C:comp-filter></C:filter></C:calendar-query>",
        from, to));
}

/** The texts of all resources, which point to these. */
static struct kt_ics_text *list_texts(TALLOC_CTX *context, const struct kt_dav_resources *resources,
                                      size_t *ret_count)
{
    struct kt_ics_text *texts =
        kt_must(talloc_array(kt_must(kt_work_tree(context)), struct kt_ics_text, resources->count));

    *ret_count = 0;
    for (uint32_t index = 0; index < resources->count; index++) {
        const struct kt_dav_resource *resource = &resources->items[index];

        if (resource->data)
            texts[(*ret_count)++] = (struct kt_ics_text){resource->data, resource->data_size};
    }
    return texts;
}

static int caldav_read(struct kt_source *source, TALLOC_CTX *context,
                       const struct kt_source_question *question,
                       struct kt_source_answer *ret_answer, struct kt_source_error *error)
{
    const struct caldav *caldav = (const struct caldav *)source;
    const struct kt_dav_login login = {caldav->connection->login, caldav->connection->password};
    TALLOC_CTX *scratch;
    struct kt_dav_question query = {.method = "REPORT",
                                    .url = caldav->calendar->id,
                                    .depth = 1,
                                    .size_max = caldav->service->google.answer_size_max,
                                    .deadline_ms = question->deadline_ms,
                                    .fetches = caldav->service->fetches,
                                    .person = caldav->user};
    struct kt_dav_resources resources;
    struct kt_ics_text *texts;
    size_t count = 0;
    int result;

    if (caldav->connection->is_revoked)
        return kt_source_fail(
            error, KT_TROUBLE_RECONNECT,
            "the server does not accept this login and password: connect it again");
    query.body = query_body(question->window);
    scratch = kt_must(talloc_new(context));
    result = kt_dav_ask(scratch, &login, &query, &resources, NULL, error);
    if (result < 0 && error->trouble == KT_TROUBLE_RECONNECT)
        kt_account_revoke(caldav->service->secrets, caldav->user, caldav->connection);
    texts = result == 0 ? list_texts(scratch, &resources, &count) : NULL;
    if (result == 0 && count > 0)
        result = kt_ics_texts_events(context, caldav->service, texts, count, caldav->owners,
                                     question, ret_answer, error);
    talloc_free(scratch);
    return result;
}

struct kt_source *kt_caldav_new(TALLOC_CTX *context, const struct kt_service *service,
                                const struct kt_account *account,
                                const struct kt_connection *connection,
                                const struct kt_google_calendar *calendar)
{
    struct caldav *caldav = kt_must(talloc_zero(context, struct caldav));

    caldav->source = (struct kt_source){
        .name = "caldav",
        .label =
            kt_must(talloc_asprintf(caldav, "“%.80s” (%s)", calendar->name, connection->label)),
        .calendar = calendar->name,
        .read = caldav_read};
    caldav->service = service;
    caldav->user = account->user;
    caldav->connection = connection;
    caldav->calendar = calendar;
    caldav->owners = kt_owners_of(caldav, account, connection);
    return &caldav->source;
}
