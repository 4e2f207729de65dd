/* SPDX-License-Identifier: BSD-2-Clause */
/* The answer of the calendar has an HTTP status as its type; see plugins/calendar/week_server.h. */
#include "delivery.h"
#include "calendar/civil.h"
#include "unread.h"
#include "view.h"

#include <errno.h>
#include <kontor/process.h>
#include <kontor/registry.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define CALENDAR "calendar"
#define ASK_WEEK 1u
#define WEEK_DAYS 7
/** How long a link works: one in an old mail for years, one for an address for days. */
#define UNSUBSCRIBE_SECONDS (INT64_C(2) * 365 * KT_DAY_SECONDS)
#define VERIFY_DAYS 3

static void set(struct kt_post_outcome *outcome, enum kt_post_fate fate, const char *text)
{
    *outcome = (struct kt_post_outcome){.fate = fate};
    snprintf(outcome->text, sizeof(outcome->text), "%s", text);
}

static const char *text_of(const cJSON *json, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));
}

/** The text of a question: about a week beside the one before, no more of it than a mail shows. */
static char *make_question(const char *user, const char *zone, int32_t first_day)
{
    char from[KT_DATE_TEXT_SIZE], to[KT_DATE_TEXT_SIZE], *text;
    cJSON *question = cJSON_CreateObject();

    kt_date_format(first_day, from);
    kt_date_format(first_day + WEEK_DAYS - 1, to);
    cJSON_AddStringToObject(question, "user", user);
    cJSON_AddStringToObject(question, "from", from);
    cJSON_AddStringToObject(question, "to", to);
    cJSON_AddStringToObject(question, "zone", zone);
    cJSON_AddNumberToObject(question, "weeks_before", 1);
    cJSON_AddNumberToObject(question, "listed", KT_VIEW_PEOPLE_MAX);
    cJSON_AddTrueToObject(question, "brief");
    text = kt_must(cJSON_PrintUnformatted(question));
    cJSON_Delete(question);
    return text;
}

/** Ask the calendar of this worker if there is one, else that of another. */
static int call_calendar(const struct kt_mailer *mailer, const char *text,
                         const struct kt_message **ret_reply)
{
    kt_pid here = kt_whereis(CALENDAR);

    return here != KT_PID_NONE
               ? kt_call(here, ASK_WEEK, text, strlen(text), mailer->fetch_timeout_ms, ret_reply)
               : kt_registry_call(CALENDAR, ASK_WEEK, text, strlen(text), mailer->fetch_timeout_ms,
                                  ret_reply);
}

/**
 * @param ret_answer  the week or the problem, NULL: nothing that could be read
 * @return an HTTP status, 0: no answer
 */
static uint32_t ask_week(const struct kt_mailer *mailer, const char *user, const char *zone,
                         int32_t first_day, cJSON **ret_answer)
{
    char *question = make_question(user, zone, first_day);
    const struct kt_message *reply;
    int result = call_calendar(mailer, question, &reply);

    cJSON_free(question);
    *ret_answer = result == 0 ? cJSON_ParseWithLength(reply->data, reply->size) : NULL;
    return *ret_answer ? reply->type : 0;
}

/** The links of a mail; texts owned by the process. */
static void make_links(const struct kt_mailer *mailer, const char *user, const char *address,
                       int64_t now, struct kt_view_links *ret_links)
{
    TALLOC_CTX *memory = kt_self_memory();
    struct kt_link link = {.purpose = KT_LINK_UNSUBSCRIBE,
                           .until = now + UNSUBSCRIBE_SECONDS,
                           .user = kt_must(talloc_strdup(memory, user)),
                           .address = kt_must(talloc_strdup(memory, address))};

    ret_links->page = kt_must(talloc_asprintf(memory, "%s/", mailer->public_url));
    ret_links->settings = kt_must(talloc_asprintf(memory, "%s/mailer/", mailer->public_url));
    ret_links->unsubscribe = kt_links_url(memory, mailer->links, &link);
    talloc_free(link.user);
    talloc_free(link.address);
}

/** A week as it is, or no view and why. */
static void view_week(const cJSON *week, const struct kt_view_links *links,
                      enum kt_delivery_patience patience, struct kt_delivery_view *view)
{
    bool is_incomplete = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(week, "incomplete"));
    bool is_good = !is_incomplete || patience != KT_DELIVERY_WAITS;

    set(&view->outcome, is_good ? KT_POST_SENT : KT_POST_LATER,
        is_incomplete ? "a calendar could not be read" : "");
    if (!is_good)
        return;
    view->view = kt_view_make(week, links);
    if (!view->view)
        set(&view->outcome, KT_POST_LATER, "the calendar's answer makes no sense");
}

/**
 * What there is instead of a week. The trouble decides, not the status: a calendar that is gone
 * (404) may be back in an hour, and only who has connected none has no trouble with it.
 */
static void view_problem(uint32_t status, const cJSON *problem, int32_t first_day,
                         const struct kt_view_links *links, enum kt_delivery_patience patience,
                         struct kt_delivery_view *view)
{
    const char *trouble = text_of(problem, "trouble");
    const struct kt_unread *unread = kt_unread_find(trouble ? trouble : "");

    if (trouble && patience == KT_DELIVERY_LAST)
        view->view =
            kt_view_make_unread(first_day, text_of(problem, "detail"), unread->advice, links);
    if (view->view)
        set(&view->outcome, KT_POST_SENT, unread->reason);
    else if (trouble || status != 404)
        set(&view->outcome, KT_POST_LATER, unread->reason);
    else
        set(&view->outcome, KT_POST_NEVER, "no calendar is connected");
}

void kt_delivery_view(const struct kt_mailer *mailer, const char *user,
                      const struct kt_settings *settings, const struct kt_due *due,
                      enum kt_delivery_patience patience, struct kt_delivery_view *ret_view)
{
    int32_t first_day = kt_schedule_first_day(due);
    struct kt_view_links links;
    cJSON *answer;
    uint32_t status = ask_week(mailer, user, settings->zone, first_day, &answer);

    ret_view->view = NULL;
    make_links(mailer, user, settings->address, kt_unix_ms() / 1000, &links);
    if (status == 200)
        view_week(answer, &links, patience, ret_view);
    else if (answer)
        view_problem(status, answer, first_day, &links, patience, ret_view);
    else
        set(&ret_view->outcome, KT_POST_LATER, "the calendar does not answer");
    cJSON_Delete(answer);
}

static void send_letter(const struct kt_mailer *mailer, const struct kt_letter *letter,
                        struct kt_post_outcome *ret_outcome)
{
    size_t size;
    char *text = kt_letter_write(kt_self_memory(), letter, &size);

    if (!text) {
        set(ret_outcome, KT_POST_LATER, "the mail can't be written");
        return;
    }
    kt_post_send(mailer->post, mailer->from.address, letter->to, text, size, ret_outcome);
    talloc_free(text);
}

void kt_delivery_week(const struct kt_mailer *mailer, const char *user,
                      const struct kt_settings *settings, const struct kt_due *due,
                      const char *message_id, enum kt_delivery_patience patience,
                      struct kt_post_outcome *ret_outcome)
{
    struct kt_delivery_view view;

    kt_delivery_view(mailer, user, settings, due, patience, &view);
    if (!view.view) {
        *ret_outcome = view.outcome;
        return;
    }
    send_letter(mailer,
                &(struct kt_letter){.templates = &mailer->week,
                                    .view = view.view,
                                    .from = &mailer->from,
                                    .to = settings->address,
                                    .message_id = message_id,
                                    .date = kt_unix_ms() / 1000,
                                    .unsubscribe = cJSON_GetStringValue(
                                        cJSON_GetObjectItem(view.view, "unsubscribe"))},
                ret_outcome);
    if (ret_outcome->fate == KT_POST_SENT)
        memcpy(ret_outcome->text, view.outcome.text, sizeof(ret_outcome->text));
    cJSON_Delete(view.view);
}

void kt_delivery_verify(const struct kt_mailer *mailer, const char *user, const char *address,
                        int64_t now, struct kt_post_outcome *ret_outcome)
{
    TALLOC_CTX *memory = kt_must(talloc_new(kt_self_memory()));
    struct kt_link link = {.purpose = KT_LINK_VERIFY,
                           .until = now + (int64_t)VERIFY_DAYS * KT_DAY_SECONDS,
                           .user = kt_must(talloc_strdup(memory, user)),
                           .address = kt_must(talloc_strdup(memory, address))};
    char *message_id = kt_must(talloc_asprintf(memory, "verify.%08x%08x@%s", randombytes_random(),
                                               randombytes_random(), mailer->domain));
    char *url = kt_links_url(memory, mailer->links, &link);
    cJSON *view = cJSON_CreateObject();

    cJSON_AddStringToObject(view, "subject", "Is this your address?");
    cJSON_AddStringToObject(view, "address", address);
    cJSON_AddNumberToObject(view, "days", VERIFY_DAYS);
    cJSON_AddStringToObject(view, "verify", url);
    send_letter(mailer,
                &(struct kt_letter){.templates = &mailer->verify,
                                    .view = view,
                                    .from = &mailer->from,
                                    .to = address,
                                    .message_id = message_id,
                                    .date = now},
                ret_outcome);
    cJSON_Delete(view);
    talloc_free(memory);
}

void kt_delivery_sign_in(const struct kt_mailer *mailer, const char *to, const char *url,
                         int minutes, struct kt_post_outcome *ret_outcome)
{
    char *message_id =
        kt_must(talloc_asprintf(kt_self_memory(), "sign-in.%08x%08x@%s", randombytes_random(),
                                randombytes_random(), mailer->domain));
    cJSON *view = kt_must(cJSON_CreateObject());

    kt_must(cJSON_AddStringToObject(view, "subject", "Sign in to kontor"));
    kt_must(cJSON_AddStringToObject(view, "link", url));
    kt_must(cJSON_AddNumberToObject(view, "minutes", minutes));
    send_letter(mailer,
                &(struct kt_letter){.templates = &mailer->sign_in,
                                    .view = view,
                                    .from = &mailer->from,
                                    .to = to,
                                    .message_id = message_id,
                                    .date = kt_unix_ms() / 1000},
                ret_outcome);
    cJSON_Delete(view);
}
