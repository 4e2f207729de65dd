/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A page may be short or even empty while another one follows; only the token says where the end
 * is. Large pages are read on the thread pool.
 */
#include "google_fetch.h"

#include "form.h"
#include "rfc3339.h"
#include "work_tree.h"

#include <errno.h>
#include <kontor/process.h>
#include <string.h>

/** Events on a page: as many as Google gives. */
#define PAGE_EVENTS "2500"
/** Pages of one calendar, or of one list; short and empty ones count as well. */
#define PAGES_MAX 100
/** How often one calendar is begun anew when Google wants that. */
#define RESTARTS_MAX 1
/** Larger pages are read on the thread pool. */
#define PAGE_INLINE_SIZE 65536
/* ---------------------------------------------------------------- the list */

int kt_google_fetch_list(TALLOC_CTX *context, const struct kt_google_query *query,
                         struct kt_google_calendars *ret_calendars, struct kt_source_error *error)
{
    memset(ret_calendars, 0, sizeof(*ret_calendars));
    for (int page = 0; page < PAGES_MAX; page++) {
        char *url = kt_must(
            talloc_asprintf(kt_self_memory(), "%s/users/me/calendarList?", query->options->api));
        struct kt_http_answer *answer;
        int result;

        url = kt_form_add(url, "maxResults", "250");
        url = kt_form_add(url, "fields", KT_GOOGLE_LIST_FIELDS);
        url = kt_form_add(url, "prettyPrint", "false");
        if (ret_calendars->next_page)
            url = kt_form_add(url, "pageToken", ret_calendars->next_page);
        result =
            kt_google_get(query->options, query->person, query->token, url, query->deadline_ms, &answer, error);
        talloc_free(url);
        if (result == -ESTALE)
            return kt_source_fail(error, KT_TROUBLE_BROKEN, "Google loses its place in the list");
        if (result < 0)
            return result;
        result = kt_google_calendars_add(context, ret_calendars, KT_GOOGLE_CALENDARS_MAX,
                                         answer->body, answer->size);
        talloc_free(answer);
        if (result < 0)
            return kt_source_fail(error, KT_TROUBLE_BROKEN,
                                  "Google's list of calendars makes no sense");
        if (!ret_calendars->next_page)
            return 0;
    }
    return kt_source_fail(error, KT_TROUBLE_TOO_LARGE, "Google's list of calendars has no end");
}

/* ---------------------------------------------------------------- the events of a calendar */

/** The reading of one page, for the thread pool. */
struct page_job {
    struct kt_google_events *events;
    const char *text;
    size_t size;
    int result;
};

static void read_page(void *argument)
{
    struct page_job *job = argument;

    job->result = kt_google_events_add(job->events, job->text, job->size);
}

static int take_page(struct kt_google_events *events, struct kt_http_answer *answer,
                     struct kt_source_error *error)
{
    struct page_job *job = kt_must(talloc_zero(answer, struct page_job));
    int result = 0;

    job->events = events;
    job->text = answer->body;
    job->size = answer->size;
    if (answer->size > PAGE_INLINE_SIZE)
        result = kt_work(read_page, job);
    else
        read_page(job);
    if (result == 0)
        result = job->result;
    talloc_free(answer);
    if (result == -EBADMSG)
        return kt_source_fail(error, KT_TROUBLE_BROKEN, "what Google sent makes no sense");
    return result < 0 ? kt_source_fail(error, KT_TROUBLE_OVERLOADED, "the server is too busy now")
                      : 0;
}

static char *page_url(const struct kt_google_query *query, const char *id, const char *page)
{
    char *escaped = kt_form_escape(kt_self_memory(), id);
    char *url = kt_must(
        talloc_asprintf(kt_self_memory(), "%s/calendars/%s/events?", query->options->api, escaped));
    char from[KT_RFC3339_SIZE], to[KT_RFC3339_SIZE];

    kt_rfc3339_format(query->start, from);
    kt_rfc3339_format(query->end, to);
    url = kt_form_add(url, "timeMin", from);
    url = kt_form_add(url, "timeMax", to);
    url = kt_form_add(url, "timeZone", query->zone_name);
    url = kt_form_add(url, "singleEvents", "true");
    url = kt_form_add(url, "maxResults", PAGE_EVENTS);
    url = kt_form_add(url, "fields", KT_GOOGLE_EVENT_FIELDS);
    url = kt_form_add(url, "prettyPrint", "false");
    if (*page)
        url = kt_form_add(url, "pageToken", page);
    talloc_free(escaped);
    return url;
}

/** All pages of a calendar from the first. @return as kt_google_get */
static int read_pages(const struct kt_google_query *query, const char *id, TALLOC_CTX *context,
                      struct kt_google_events **ret_events, struct kt_source_error *error)
{
    TALLOC_CTX *tree = kt_must(kt_work_tree(context));
    struct kt_google_events *events =
        kt_must(kt_google_events_new(tree, query->options->events_max));

    for (int page = 0; page < PAGES_MAX && !events->is_full; page++) {
        char *url = page_url(query, id, events->next_page);
        struct kt_http_answer *answer;
        int result =
            kt_google_get(query->options, query->person, query->token, url, query->deadline_ms, &answer, error);

        talloc_free(url);
        if (result == 0)
            result = take_page(events, answer, error);
        if (result < 0)
            return result;
        if (!*events->next_page)
            break;
    }
    if (events->is_full || *events->next_page)
        kt_warnings_add(tree, &events->warnings,
                        "A calendar has more events than can be counted: only the first %zu are.",
                        events->events.count);
    *ret_events = events;
    return 0;
}

int kt_google_fetch_events(TALLOC_CTX *context, const struct kt_google_query *query, const char *id,
                           struct kt_google_events **ret_events, struct kt_source_error *error)
{
    int result = -ESTALE;

    for (int tries = 0; result == -ESTALE && tries <= RESTARTS_MAX; tries++)
        result = read_pages(query, id, context, ret_events, error);
    return result == -ESTALE
               ? kt_source_fail(error, KT_TROUBLE_BROKEN, "Google loses its place in the events")
               : result;
}
