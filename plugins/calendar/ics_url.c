/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server is asked at each reading; when it says that nothing has changed (ETag, Last-Modified)
 * the text of before is taken, of which a few are kept in memory for a while.
 */
#include "ics_url.h"

#include "ics_text.h"
#include "owners.h"
#include "url_cache.h"

#include <errno.h>
#include <kontor/http.h>
#include <string.h>
#include <strings.h>

/** What calendars are called, and what servers send that don't know better. */
#define ACCEPT "Accept: text/calendar, text/plain;q=0.5, */*;q=0.1"
/** The longest validator that is sent back. */
#define VALIDATOR_MAX 1000

struct url_source {
    struct kt_source source;
    const struct kt_service *service;
    const struct kt_connection *connection;
    const char *person;
    const char *const *owners;
};

/* ---------------------------------------------------------------- addresses */

char *kt_ics_url_normalise(TALLOC_CTX *context, const char *address)
{
    static const struct {
        const char *scheme, *real;
    } schemes[] = {{"https://", "https://"},
                   {"http://", "http://"},
                   {"webcal://", "https://"},
                   {"webcals://", "https://"}};

    for (size_t index = 0; index < sizeof(schemes) / sizeof(*schemes); index++) {
        size_t length = strlen(schemes[index].scheme);

        if (strncasecmp(address, schemes[index].scheme, length) == 0 && address[length] &&
            strlen(address) < KT_HTTP_URL_MAX - 8)
            return kt_must(talloc_asprintf(context, "%s%s", schemes[index].real, address + length));
    }
    return NULL;
}

char *kt_ics_url_host(TALLOC_CTX *context, const char *address)
{
    const char *start = strstr(address, "://");
    size_t length;

    start = start ? start + 3 : address;
    length = strcspn(start, "/?#");
    for (size_t index = 0; index < length; index++) {
        if (start[index] == '@') { /* no user and password in front of people */
            start += index + 1;
            length -= index + 1;
            index = 0;
        }
    }
    return kt_must(talloc_strndup(context, start, length));
}

/* ---------------------------------------------------------------- fetching */

/** What is fetched, and for whom. */
struct errand {
    const struct kt_service *service;
    const char *person, *address;
    int64_t deadline_ms;
};

/** A text and the room that it takes: both as long as the context for which it was fetched. */
struct text {
    const char *data;
    size_t size;
};

static int judge(const struct kt_http_answer *answer, struct kt_source_error *error)
{
    switch (answer->status) {
    case 200:
        return 0;
    case 401:
    case 403:
        return kt_source_fail(error, KT_TROUBLE_RECONNECT,
                              "its address is no longer allowed to be read: connect it again");
    case 404:
    case 410:
        return kt_source_fail(error, KT_TROUBLE_GONE, "there is no calendar at its address");
    case 429:
        return kt_source_fail(error, KT_TROUBLE_BUSY, "its server wants fewer questions for now");
    default:
        return kt_source_fail(error, KT_TROUBLE_BROKEN, "its server failed (status %d)",
                              answer->status);
    }
}

/** Keep a header of an answer if it fits. */
static const char *validator(const struct kt_http_answer *answer, const char *name)
{
    const char *value = kt_http_answer_header(answer, name);

    return value && strlen(value) < VALIDATOR_MAX ? value : NULL;
}

static char *header(const char *name, const char *value)
{
    return kt_must(talloc_asprintf(kt_self_memory(), "%s: %s", name, value));
}

/** @return 0 or 304, or a negative errno and the error filled */
static int ask(TALLOC_CTX *context, const struct errand *errand, const struct kt_url_known *known,
               struct text *ret_text, struct kt_source_error *error)
{
    const char *headers[4] = {ACCEPT};
    struct kt_http_fetch fetch = {
        .url = errand->address, .headers = headers, .size_max = errand->service->file_size_max};
    struct kt_http_answer *answer;
    struct kt_error words = {0, ""};
    size_t count = 1;
    int result;

    if (known && known->etag)
        headers[count++] = header("If-None-Match", known->etag);
    if (known && known->modified)
        headers[count++] = header("If-Modified-Since", known->modified);
    result = kt_fetches_get(context, errand->service->fetches, errand->person, &fetch,
                            errand->deadline_ms, &answer, &words);
    if (result < 0)
        return kt_source_fail(error, kt_trouble_of_fetch(result), "%s", words.text);
    talloc_steal(context, answer);
    if (answer->status == 304 && known)
        return answer->status;
    result = judge(answer, error);
    if (result < 0)
        return result;
    *ret_text = (struct text){answer->body, answer->size};
    kt_url_cache_put(errand->address, validator(answer, "ETag"), validator(answer, "Last-Modified"),
                     answer->body, answer->size);
    return 0;
}

/** The text that was known. @return 0, or as ask */
static int take_known(TALLOC_CTX *context, const struct errand *errand,
                      const struct kt_url_known *known, struct text *ret_text,
                      struct kt_source_error *error)
{
    TALLOC_CTX *round = kt_must(talloc_new(context));
    struct kt_error words = {0, ""};
    int result = kt_fetches_hold(round, errand->service->fetches, errand->person, known->size,
                                 errand->deadline_ms, &words);

    if (result < 0)
        return kt_source_fail(error, kt_trouble_of_fetch(result), "%s", words.text);
    *ret_text = (struct text){kt_url_cache_text(round, errand->address, known), known->size};
    if (ret_text->data)
        return 0;
    talloc_free(round); /* it has gone meanwhile */
    return ask(context, errand, NULL, ret_text, error);
}

/** Fetch, or take what is known when it is still the same. */
static int fetch_text(TALLOC_CTX *context, const struct errand *errand, struct text *ret_text,
                      struct kt_source_error *error)
{
    struct kt_url_known *known = kt_url_cache_find(context, errand->address);
    TALLOC_CTX *round = kt_must(talloc_new(context));
    int result = ask(round, errand, known, ret_text, error);

    if (result != 304)
        return result;
    talloc_free(round); /* with its room, before there is another one */
    return take_known(context, errand, known, ret_text, error);
}

static int url_read(struct kt_source *source, TALLOC_CTX *context,
                    const struct kt_source_question *question, struct kt_source_answer *ret_answer,
                    struct kt_source_error *error)
{
    const struct url_source *url = (const struct url_source *)source;
    const struct errand errand = {url->service, url->person, url->connection->address,
                                  question->deadline_ms};
    TALLOC_CTX *scratch;
    struct text text;
    int result;

    if (url->connection->is_revoked)
        return kt_source_fail(error, KT_TROUBLE_RECONNECT, "connect it again");
    scratch = kt_must(talloc_new(context));
    result = fetch_text(scratch, &errand, &text, error);
    if (result == 0)
        result = kt_ics_text_events(context, url->service, text.data, text.size, url->owners,
                                    question, ret_answer, error);
    talloc_free(scratch);
    return result;
}

struct kt_source *kt_ics_url_new(TALLOC_CTX *context, const struct kt_service *service,
                                 const struct kt_account *account,
                                 const struct kt_connection *connection)
{
    struct url_source *url = kt_must(talloc_zero(context, struct url_source));

    url->source = (struct kt_source){
        .name = "url",
        .label = kt_must(talloc_asprintf(url, "The calendar of %s", connection->label)),
        .calendar = connection->label,
        .read = url_read};
    url->service = service;
    url->connection = connection;
    url->person = account->user;
    url->owners = kt_owners_of(url, account, NULL);
    return &url->source;
}

int kt_ics_url_try(const struct kt_service *service, const char *person, const char *address,
                   int64_t deadline_ms, struct kt_source_error *error)
{
    static const char beginning[] = "BEGIN:VCALENDAR";
    const struct errand errand = {service, person, address, deadline_ms};
    TALLOC_CTX *scratch = kt_must(talloc_new(kt_self_memory()));
    struct text text;
    int result = fetch_text(scratch, &errand, &text, error);

    if (result == 0) {
        const char *at = text.data + (strncmp(text.data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0);

        at += strspn(at, " \t\r\n");
        if (strncasecmp(at, beginning, strlen(beginning)) != 0)
            result = kt_source_fail(error, KT_TROUBLE_UNREADABLE,
                                    "there is something at this address, but no calendar");
    }
    talloc_free(scratch);
    return result;
}
