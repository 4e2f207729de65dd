/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A reading goes in rounds. In a round all calendars that still have no answer, and the list if it
 * is old, are asked at the same time, a process each. A token that turns out to be no longer good
 * is renewed once, by the reading and not by its parts, and what it cost is asked again in the next
 * round; so are calendars that the list has brought. A calendar that fails is told in a warning.
 */
#include "google.h"

#include "gather.h"
#include "google_token.h"
#include "zone.h"

#include <errno.h>
#include <kontor/process.h>
#include <string.h>

/** The first one, one with a fresh token, one for new calendars. */
#define ROUNDS_MAX 3

struct google {
    struct kt_source source;
    const struct kt_google_options *options;
    struct kt_google_account *account;
};

/** One calendar in a reading. */
struct part {
    const char *id, *name;
    bool is_done; /* nothing more is to be asked */
    int status;
    struct kt_google_events *events;
    struct kt_source_error error;
};

/** What the processes of a round share: a talloc root. */
struct round {
    struct kt_google_query query;
    uint32_t count; /* calendars; one more process reads the list if wants_list */
    bool wants_list;
    const char *ids[KT_GOOGLE_CALENDARS_MAX];
};

/** What one of them brings. */
struct finding {
    int status;
    struct kt_google_events *events;
    struct kt_google_calendars calendars; /* of the list */
    struct kt_source_error error;
};

struct reading {
    const struct google *google;
    const struct kt_source_question *question;
    struct part *parts; /* moves when the list has brought more */
    uint32_t count;     /* at most KT_GOOGLE_CALENDARS_MAX */
    bool wants_list, has_renewed;
};

/* ---------------------------------------------------------------- tokens */

/** A new access token, once; the account's owner is told. */
static int renew(const struct kt_google_options *options, struct kt_google_account *account,
                 int64_t deadline_ms, struct kt_source_error *error)
{
    struct kt_google_tokens tokens = {.access = NULL};
    int result = kt_google_refresh(options, account->refresh_token, deadline_ms, &tokens, error);

    if (result == 0) {
        account->access_token = tokens.access;
        account->access_until_ms = tokens.until_ms;
        if (tokens.refresh)
            account->refresh_token = tokens.refresh;
    } else if (error->trouble == KT_TROUBLE_RECONNECT) {
        account->is_revoked = true;
    }
    if (account->changed && (result == 0 || account->is_revoked))
        account->changed(account);
    return result;
}

static int need_token(const struct kt_google_options *options, struct kt_google_account *account,
                      int64_t deadline_ms, struct kt_source_error *error)
{
    if (account->is_revoked || !account->refresh_token)
        return kt_source_fail(error, KT_TROUBLE_RECONNECT,
                              "Google no longer knows this consent: connect it again");
    if (account->access_token && account->access_until_ms > kt_unix_ms())
        return 0;
    return renew(options, account, deadline_ms, error);
}

static int refuse(struct kt_source_error *error)
{
    return kt_source_fail(error, KT_TROUBLE_RECONNECT,
                          "Google does not accept its own token: connect it again");
}

/* ---------------------------------------------------------------- the list */

/** Whether two lists would be stored alike. */
static bool is_same_list(const struct kt_google_calendars *a, const struct kt_google_calendars *b)
{
    for (uint32_t index = 0; a->count == b->count && index < a->count; index++) {
        const struct kt_google_calendar *one = &a->items[index], *other = &b->items[index];

        if (strcmp(one->id, other->id) != 0 || strcmp(one->name, other->name) != 0 ||
            one->is_primary != other->is_primary)
            return false;
    }
    return a->count == b->count;
}

/** Take a fresh list over; what the person chose before stays chosen. */
static void adopt_list(const struct kt_google_options *options, struct kt_google_account *account,
                       struct kt_google_calendars *fresh)
{
    kt_google_calendars_keep(fresh, &account->calendars);
    if (account->list_ms == 0 || !is_same_list(&account->calendars, fresh) ||
        kt_unix_ms() - account->list_ms >= options->list_age_ms) {
        account->calendars = *fresh;
        account->list_ms = kt_unix_ms();
        if (account->changed)
            account->changed(account);
    }
}

int kt_google_list(const struct kt_google_options *options, struct kt_google_account *account,
                   int64_t deadline_ms, struct kt_source_error *error)
{
    struct kt_google_query query = {
        .options = options, .person = account->person, .deadline_ms = deadline_ms};
    struct kt_google_calendars fresh;
    int result = need_token(options, account, deadline_ms, error);

    query.token = account->access_token;
    if (result == 0)
        result = kt_google_fetch_list(kt_self_memory(), &query, &fresh, error);
    if (result == -EKEYEXPIRED) {
        result = renew(options, account, deadline_ms, error);
        query.token = account->access_token;
        if (result == 0)
            result = kt_google_fetch_list(kt_self_memory(), &query, &fresh, error);
        if (result == -EKEYEXPIRED)
            result = refuse(error);
    }
    if (result == 0)
        adopt_list(options, account, &fresh);
    return result;
}

/* ---------------------------------------------------------------- rounds */

static void run_one(void *shared, uint32_t index, void *result)
{
    const struct round *round = shared;
    struct finding *finding = result;

    if (index < round->count)
        finding->status = kt_google_fetch_events(finding, &round->query, round->ids[index],
                                                 &finding->events, &finding->error);
    else
        finding->status =
            kt_google_fetch_list(finding, &round->query, &finding->calendars, &finding->error);
}

/** What is to be asked now; indexes say whose answers they will be. */
static struct round *begin_round(const struct reading *reading, uint32_t *ret_indexes)
{
    const struct google *google = reading->google;
    const struct kt_window *window = reading->question->window;
    struct round *round = kt_must(talloc_zero(NULL, struct round));

    round->query = (struct kt_google_query){
        .options = google->options,
        .person = google->account->person ? kt_must(talloc_strdup(round, google->account->person))
                                          : NULL,
        .token = kt_must(talloc_strdup(round, google->account->access_token)),
        .zone_name = kt_must(talloc_strdup(round, kt_zone_name(window->zone))),
        .start = kt_window_start(window),
        .end = kt_window_end(window),
        .deadline_ms = reading->question->deadline_ms,
    };
    round->wants_list = reading->wants_list;
    for (uint32_t index = 0; index < reading->count; index++) {
        if (reading->parts[index].is_done)
            continue;
        ret_indexes[round->count] = index;
        round->ids[round->count++] = kt_must(talloc_strdup(round, reading->parts[index].id));
    }
    return round;
}

/** One that is alone needs no process. */
static int run_round(TALLOC_CTX *context, struct round *round, void **ret_findings)
{
    uint32_t count = round->count + round->wants_list;

    if (count > 1)
        return kt_gather(context, run_one, round, count, sizeof(struct finding),
                         round->query.deadline_ms, ret_findings);
    talloc_steal(context, round);
    ret_findings[0] = kt_must(talloc_zero(context, struct finding));
    run_one(round, 0, ret_findings[0]);
    return 0;
}

/** @return whether its token was no longer good */
static bool take_finding(struct part *part, const struct finding *finding)
{
    part->status =
        finding ? finding->status
                : kt_source_fail(&part->error, KT_TROUBLE_LATE, "Google did not answer in time");
    if (finding) {
        part->events = finding->events;
        part->error = finding->error;
    }
    part->is_done = part->status != -EKEYEXPIRED;
    return !part->is_done;
}

/** The chosen calendars that are not being read yet become parts of it. */
static void add_parts(struct reading *reading)
{
    const struct kt_google_calendars *calendars = &reading->google->account->calendars;

    reading->parts = kt_must(talloc_realloc(reading, reading->parts, struct part,
                                            reading->count + calendars->count + 1));
    for (uint32_t index = 0; index < calendars->count; index++) {
        const struct kt_google_calendar *calendar = &calendars->items[index];
        struct part *part;
        uint32_t at = 0;

        while (at < reading->count && strcmp(reading->parts[at].id, calendar->id) != 0)
            at++;
        if (!calendar->is_chosen || at < reading->count || at == KT_GOOGLE_CALENDARS_MAX)
            continue;
        part = &reading->parts[reading->count++];
        *part = (struct part){.id = calendar->id, .name = calendar->name};
        part->status = kt_source_fail(&part->error, KT_TROUBLE_LATE, "there was no time to ask");
    }
}

/** @return 0, or the error of all of it */
static int read_round(TALLOC_CTX *context, struct reading *reading, struct kt_source_error *error)
{
    const struct google *google = reading->google;
    struct kt_google_account *account = google->account;
    void *findings[KT_GOOGLE_CALENDARS_MAX + 1] = {NULL};
    uint32_t indexes[KT_GOOGLE_CALENDARS_MAX], count;
    struct round *round = begin_round(reading, indexes);
    bool is_expired = false;

    count = round->count;
    if (count == 0 && !round->wants_list) {
        talloc_free(round);
        return 0;
    }
    if (run_round(context, round, findings) < 0)
        return kt_source_fail(error, KT_TROUBLE_OVERLOADED, "the server is too busy now");
    for (uint32_t index = 0; index < count; index++)
        is_expired |= take_finding(&reading->parts[indexes[index]], findings[index]);
    if (reading->wants_list) {
        struct finding *finding = findings[count];

        /* A list that can't be read now can be read another time. */
        reading->wants_list = finding && finding->status == -EKEYEXPIRED;
        is_expired |= reading->wants_list;
        if (finding && finding->status == 0)
            adopt_list(google->options, account, &finding->calendars);
        add_parts(reading);
    }
    if (!is_expired)
        return 0;
    if (reading->has_renewed)
        return refuse(error);
    reading->has_renewed = true;
    return renew(google->options, account, reading->question->deadline_ms, error);
}

/* ---------------------------------------------------------------- together */

/** @return how many calendars have an answer */
static uint32_t merge(TALLOC_CTX *context, const struct reading *reading,
                      struct kt_source_answer *ret_answer)
{
    uint32_t answers = 0;

    for (uint32_t index = 0; index < reading->count; index++) {
        const struct part *part = &reading->parts[index];

        if (part->status < 0) {
            kt_warnings_add(context, &ret_answer->warnings, "The calendar “%.80s” is missing: %s.",
                            part->name, part->error.text);
        } else {
            kt_source_name_events(context, &part->events->events, part->name);
            kt_source_answer_add(context, ret_answer, &part->events->events,
                                 &part->events->warnings);
            answers++;
        }
    }
    ret_answer->is_incomplete = answers < reading->count;
    return answers;
}

static int google_read(struct kt_source *source, TALLOC_CTX *context,
                       const struct kt_source_question *question,
                       struct kt_source_answer *ret_answer, struct kt_source_error *error)
{
    const struct google *google = (const struct google *)source;
    struct kt_google_account *account = google->account;
    struct reading *reading = kt_must(talloc_zero(context, struct reading));
    int result = need_token(google->options, account, question->deadline_ms, error);

    reading->google = google;
    reading->question = question;
    if (result == 0 && account->list_ms == 0)
        result = kt_google_list(google->options, account, question->deadline_ms, error);
    if (result < 0)
        return result;
    reading->wants_list = kt_unix_ms() - account->list_ms >= google->options->list_age_ms;
    add_parts(reading);
    for (int round = 0; result == 0 && round < ROUNDS_MAX; round++)
        result = read_round(context, reading, error);
    if (result < 0)
        return result;
    if (reading->count == 0)
        kt_warnings_add(context, &ret_answer->warnings, "No calendar of %s is chosen.",
                        google->source.label);
    if (merge(context, reading, ret_answer) > 0 || reading->count == 0)
        return 0;
    *error = reading->parts[0].error;
    return reading->parts[0].status;
}

struct kt_source *kt_google_new(TALLOC_CTX *context, const struct kt_google_options *options,
                                struct kt_google_account *account)
{
    struct google *google = kt_must(talloc_zero(context, struct google));

    google->source =
        (struct kt_source){.name = "google", .label = account->label, .read = google_read};
    google->options = options;
    google->account = account;
    return &google->source;
}
