/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A question is tried a few times: after a pause with jitter when Google has enough of us, soon
 * when it failed or the connection broke. A pause that would end after the deadline isn't made; the
 * person is told instead.
 */
#include "google_api.h"

#include "google_page.h"

#include <errno.h>
#include <kontor/log.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/** How often one question is asked. */
#define TRIES_MAX 4
/** The first pause when there are too many questions, doubled each time, and when Google failed. */
#define PAUSE_LIMIT_MS 500
#define PAUSE_FAILURE_MS 100
/** The longest Retry-After that is believed. */
#define RETRY_AFTER_MAX_S 86400L
/** Room for a reason such as "userRateLimitExceeded". */
#define REASON_SIZE 64

/** What an answer means for the next try. */
enum next {
    NEXT_DONE,  /* it is final, good or bad */
    NEXT_PAUSE, /* too many questions */
    NEXT_SOON,  /* may have been an accident */
};

static int64_t read_retry_after(const struct kt_http_answer *answer)
{
    const char *text = kt_http_answer_header(answer, "Retry-After");
    char *end;
    long seconds;

    if (!text)
        return 0;
    seconds = strtol(text, &end, 10);
    return end != text && *end == '\0' && seconds > 0 && seconds <= RETRY_AFTER_MAX_S
               ? seconds * INT64_C(1000)
               : 0;
}

static enum next judge_limit(int *ret_result, struct kt_source_error *error)
{
    *ret_result = kt_source_fail(error, KT_TROUBLE_BUSY, "Google wants fewer questions for now");
    return NEXT_PAUSE;
}

/** 403 has many meanings; the reason says which. */
static enum next judge_forbidden(const char *reason, bool is_limit, int *ret_result,
                                 struct kt_source_error *error)
{
    if (strcmp(reason, "dailyLimitExceeded") == 0 || strcmp(reason, "quotaExceeded") == 0) {
        *ret_result = kt_source_fail(error, KT_TROUBLE_BUSY,
                                     "Google's daily limit for this installation is used up");
        return NEXT_DONE;
    }
    if (strcmp(reason, "insufficientPermissions") == 0 ||
        strcmp(reason, "ACCESS_TOKEN_SCOPE_INSUFFICIENT") == 0)
        *ret_result = kt_source_fail(
            error, KT_TROUBLE_RECONNECT,
            "Google was not allowed to show the calendar: connect it again, and leave "
            "the boxes on Google's page ticked");
    else if (strcmp(reason, "accessNotConfigured") == 0)
        *ret_result = kt_source_fail(error, KT_TROUBLE_DENIED,
                                     "the operator has not switched on the Calendar API at Google");
    else if (is_limit || strcmp(reason, "rateLimitExceeded") == 0 ||
             strcmp(reason, "userRateLimitExceeded") == 0)
        return judge_limit(ret_result, error);
    else
        *ret_result = kt_source_fail(error, KT_TROUBLE_DENIED, "Google refuses this calendar");
    return NEXT_DONE;
}

/** What an answer other than 200 means. */
static enum next judge(const struct kt_http_answer *answer, int *ret_result,
                       struct kt_source_error *error)
{
    char reason[REASON_SIZE];
    bool is_limit = kt_google_error_read(answer->body, answer->size, reason, sizeof(reason));

    switch (answer->status) {
    case 401:
        *ret_result = -EKEYEXPIRED;
        return NEXT_DONE;
    case 403:
        return judge_forbidden(reason, is_limit, ret_result, error);
    case 404:
        *ret_result =
            kt_source_fail(error, KT_TROUBLE_GONE, "there is no such calendar at Google any more");
        return NEXT_DONE;
    case 410:
        *ret_result = -ESTALE;
        return NEXT_DONE;
    case 429:
        return judge_limit(ret_result, error);
    default:
        break;
    }
    *ret_result =
        kt_source_fail(error, KT_TROUBLE_BROKEN, "Google failed (status %d)", answer->status);
    if (answer->status >= 500)
        return NEXT_SOON;
    kt_log_warning("Google answered with status %d%s%.60s", answer->status, *reason ? ": " : "",
                   reason);
    return NEXT_DONE;
}

/** What a question without an answer means. */
static enum next judge_failure(int code, const struct kt_error *words, int *ret_result,
                               struct kt_source_error *error)
{
    *ret_result = kt_source_fail(error, kt_trouble_of_fetch(code), "%s", words->text);
    return code == -ECONNRESET || code == -EPROTO ? NEXT_SOON : NEXT_DONE;
}

/** How long to wait before the next try, with half of it by chance. */
static int64_t choose_pause(enum next next, int tries, int64_t wanted_ms)
{
    int64_t base_ms = next == NEXT_PAUSE ? PAUSE_LIMIT_MS : PAUSE_FAILURE_MS;
    int64_t pause_ms = base_ms << tries;

    if (wanted_ms > pause_ms)
        pause_ms = wanted_ms;
    return pause_ms + (int64_t)randombytes_uniform((uint32_t)(base_ms << tries) / 2 + 1);
}

int kt_google_get(const struct kt_google_options *options, const char *person, const char *token,
                  const char *url, int64_t deadline_ms, struct kt_http_answer **ret_answer,
                  struct kt_source_error *error)
{
    char *bearer = kt_must(talloc_asprintf(kt_self_memory(), "Authorization: Bearer %s", token));
    const char *const headers[] = {bearer, "Accept: application/json", NULL};
    int result = 0;

    for (int tries = 0; tries < TRIES_MAX; tries++) {
        struct kt_http_fetch fetch = {.url = url,
                                      .headers = headers,
                                      .size_max = options->answer_size_max,
                                      .redirects_max = KT_HTTP_REDIRECTS_NONE,
                                      .is_trusted = true,
                                      .is_large = true};
        struct kt_error words = {0, ""};
        int64_t wanted_ms = 0, pause_ms;
        TALLOC_CTX *room;
        enum next next;

        if (deadline_ms <= kt_now_ms()) {
            result = kt_source_fail(error, KT_TROUBLE_LATE, "Google did not answer in time");
            break;
        }
        room = kt_must(talloc_new(kt_self_memory()));
        result =
            kt_fetches_get(room, options->fetches, person, &fetch, deadline_ms, ret_answer, &words);
        if (result == 0 && (*ret_answer)->status == 200) {
            talloc_steal(*ret_answer, room);
            break;
        }
        talloc_free(room);
        if (result == 0) {
            next = judge(*ret_answer, &result, error);
            wanted_ms = read_retry_after(*ret_answer);
            TALLOC_FREE(*ret_answer);
        } else {
            next = judge_failure(result, &words, &result, error);
        }
        if (next == NEXT_DONE)
            break;
        pause_ms = choose_pause(next, tries, wanted_ms);
        error->pause_ms = next == NEXT_PAUSE ? pause_ms : 0;
        if (tries == TRIES_MAX - 1 || kt_now_ms() + pause_ms >= deadline_ms)
            break;
        kt_sleep(pause_ms);
    }
    talloc_free(bearer);
    return result;
}
