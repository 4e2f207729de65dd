/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Forms go out, small JSON objects come back. Whatever a server says here goes into no log: it may
 * be a secret.
 */
#include "google_token.h"

#include "form.h"
#include "json_text.h"

#include <errno.h>
#include <string.h>

/** The largest answer, and the longest token, that are accepted. */
#define ANSWER_SIZE_MAX 65536
#define TOKEN_SIZE 8192
/** An access token is taken for ended so long before it is. */
#define MARGIN_MS 60000
/** How long an access token lasts if the answer doesn't say, and at most, in seconds. */
#define LIFETIME_DEFAULT_S 300
#define LIFETIME_MAX_S 86400
/** How often a request is made whose connection broke, or whose server failed. */
#define TRIES_MAX 2

/** The fields of an answer that matter here. */
struct fields {
    struct kt_json_text access, refresh, scope, error, id;
    int64_t lifetime_s;
};

/** @return whether it was a JSON object */
static bool read_fields(const struct kt_http_answer *answer, struct fields *ret_fields)
{
    struct kt_json_text name;
    struct kt_json json;

    memset(ret_fields, 0, sizeof(*ret_fields));
    ret_fields->lifetime_s = LIFETIME_DEFAULT_S;
    kt_json_begin(&json, answer->body, answer->size);
    if (!kt_json_enter_object(&json))
        return false;
    while (kt_json_next_member(&json, &name)) {
        if (kt_json_text_is(&name, "access_token"))
            kt_json_take_text(&json, &ret_fields->access);
        else if (kt_json_text_is(&name, "refresh_token"))
            kt_json_take_text(&json, &ret_fields->refresh);
        else if (kt_json_text_is(&name, "scope"))
            kt_json_take_text(&json, &ret_fields->scope);
        else if (kt_json_text_is(&name, "error"))
            kt_json_take_text(&json, &ret_fields->error);
        else if (kt_json_text_is(&name, "id_token"))
            kt_json_take_text(&json, &ret_fields->id);
        else if (kt_json_text_is(&name, "expires_in"))
            kt_json_take_integer(&json, &ret_fields->lifetime_s);
        else
            kt_json_skip(&json);
    }
    return kt_json_is_complete(&json);
}

/** A token as text, fit for a header line. @return NULL: there is none */
static const char *keep_token(const struct kt_json_text *text)
{
    char buffer[TOKEN_SIZE];

    if (!text->start || text->size == 0 || !kt_json_text_copy(text, buffer, sizeof(buffer)))
        return NULL;
    for (const char *at = buffer; *at; at++) {
        if (*at < ' ' || *at > '~')
            return NULL;
    }
    return kt_must(talloc_strdup(kt_self_memory(), buffer));
}

/** Ask; a broken connection or a failing server gets a second chance. */
static int ask(struct kt_http_fetch *fetch, int64_t deadline_ms, struct kt_http_answer **ret_answer,
               struct kt_source_error *error)
{
    int result = 0;

    fetch->size_max = ANSWER_SIZE_MAX;
    fetch->redirects_max = KT_HTTP_REDIRECTS_NONE;
    fetch->is_trusted = true;
    for (int tries = 0; tries < TRIES_MAX; tries++) {
        struct kt_error words = {0, ""};

        fetch->timeout_ms = deadline_ms - kt_now_ms();
        if (fetch->timeout_ms <= 0)
            return kt_source_fail(error, KT_TROUBLE_LATE, "Google did not answer in time");
        result = kt_http_fetch(fetch, ret_answer, &words);
        if (result == 0 && (*ret_answer)->status < 500 && (*ret_answer)->status != 429)
            return 0;
        if (result == 0)
            result = kt_source_fail(
                error, (*ret_answer)->status == 429 ? KT_TROUBLE_BUSY : KT_TROUBLE_BROKEN,
                "Google's sign-in failed (status %d)", (*ret_answer)->status);
        else
            result = kt_source_fail(error, kt_trouble_of_fetch(result), "%s", words.text);
        if (error->trouble != KT_TROUBLE_BROKEN)
            break;
    }
    return result;
}

static int post(const char *url, const char *form, int64_t deadline_ms,
                struct kt_http_answer **ret_answer, struct kt_source_error *error)
{
    static const char *const headers[] = {"Content-Type: application/x-www-form-urlencoded",
                                          "Accept: application/json", NULL};
    struct kt_http_fetch fetch = {
        .url = url, .method = "POST", .headers = headers, .body = form, .body_size = strlen(form)};

    return ask(&fetch, deadline_ms, ret_answer, error);
}

/** The token endpoint's answer, in all its forms (RFC 6749, 5.1 and 5.2). */
static int ask_tokens(const struct kt_google_options *options, char *form, int64_t deadline_ms,
                      struct kt_google_tokens *ret_tokens, struct kt_source_error *error)
{
    struct kt_http_answer *answer;
    struct fields fields;
    int64_t lifetime_s;
    int result;

    form = kt_form_add(form, "client_id", options->client_id);
    form = kt_form_add(form, "client_secret", options->client_secret);
    result = post(options->token, form, deadline_ms, &answer, error);
    if (result < 0)
        return result;
    if (!read_fields(answer, &fields))
        return kt_source_fail(error, KT_TROUBLE_BROKEN, "Google's sign-in said nothing sensible");
    if (kt_json_text_is(&fields.error, "invalid_grant"))
        return kt_source_fail(error, KT_TROUBLE_RECONNECT,
                              "Google no longer knows this consent: connect it again");
    if (answer->status != 200 || fields.error.start)
        return kt_source_fail(
            error, KT_TROUBLE_DENIED,
            "Google does not accept this installation (client_id, client_secret)");
    ret_tokens->access = keep_token(&fields.access);
    ret_tokens->refresh = keep_token(&fields.refresh);
    ret_tokens->scope = keep_token(&fields.scope);
    ret_tokens->id = keep_token(&fields.id);
    if (!ret_tokens->scope)
        ret_tokens->scope = "";
    if (!ret_tokens->access)
        return kt_source_fail(error, KT_TROUBLE_BROKEN, "Google's sign-in gave no token");
    lifetime_s = fields.lifetime_s > LIFETIME_MAX_S ? LIFETIME_MAX_S : fields.lifetime_s;
    ret_tokens->until_ms = kt_unix_ms() + lifetime_s * 1000 - MARGIN_MS;
    talloc_free(answer);
    return 0;
}

int kt_google_exchange(const struct kt_google_options *options, const char *code,
                       const char *verifier, const char *redirect, int64_t deadline_ms,
                       struct kt_google_tokens *ret_tokens, struct kt_source_error *error)
{
    char *form = kt_must(talloc_strdup(kt_self_memory(), ""));

    form = kt_form_add(form, "grant_type", "authorization_code");
    form = kt_form_add(form, "code", code);
    form = kt_form_add(form, "code_verifier", verifier);
    form = kt_form_add(form, "redirect_uri", redirect);
    return ask_tokens(options, form, deadline_ms, ret_tokens, error);
}

int kt_google_refresh(const struct kt_google_options *options, const char *refresh_token,
                      int64_t deadline_ms, struct kt_google_tokens *ret_tokens,
                      struct kt_source_error *error)
{
    char *form = kt_must(talloc_strdup(kt_self_memory(), ""));

    form = kt_form_add(form, "grant_type", "refresh_token");
    form = kt_form_add(form, "refresh_token", refresh_token);
    return ask_tokens(options, form, deadline_ms, ret_tokens, error);
}

int kt_google_revoke(const struct kt_google_options *options, const char *token,
                     int64_t deadline_ms, struct kt_source_error *error)
{
    char *form = kt_must(talloc_strdup(kt_self_memory(), ""));
    struct kt_http_answer *answer;
    int result;

    form = kt_form_add(form, "token", token);
    result = post(options->revoke, form, deadline_ms, &answer, error);
    if (result < 0)
        return result;
    /* 400: it was revoked or has ended before. */
    if (answer->status != 200 && answer->status != 400)
        result = kt_source_fail(error, KT_TROUBLE_BROKEN, "Google did not take the consent back");
    talloc_free(answer);
    return result;
}
