/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nothing is kept between the two requests: `state` carries who asked, until when it is good, and
 * PKCE's verifier, sealed so that nobody else can read or make it. Who comes back must be who went:
 * so nobody can be made to connect a stranger's calendar. The person ends on the page either way,
 * which is told by ?connected=google or ?problem=….
 *
 * Who isn't signed in yet is so when they come back, as the person whom Google says they are.
 * `state` then carries a mark that only the same browser can show (session.h): so nobody can be
 * signed in as a stranger.
 */
#include "oauth.h"

#include "connections.h"
#include "form.h"
#include "google_token.h"
#include "id_token.h"
#include "identity_server.h"
#include "person.h"
#include "session.h"

#include <errno.h>
#include <kontor/log.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

/** How long a person may take on Google's page. */
#define STATE_LIFETIME_MS INT64_C(900000)
#define STATE_PURPOSE "calendar/oauth/state"
/** Random bytes of a verifier: 43 characters (RFC 7636, 4.1). */
#define VERIFIER_BYTES 32
#define VERIFIER_SIZE 44
#define BASE64 sodium_base64_VARIANT_URLSAFE_NO_PADDING
#define REDIRECT_PATH "/api/calendar/callback"
/** In a state: where the person goes on. */
#define PAGE_CALENDAR 'c'
#define PAGE_MAILER 'm'

/** What a state says. */
struct state {
    char user[KT_USER_MAX + 1]; /* "": whom Google names */
    char mark[KT_SESSION_MARK_SIZE];
    char verifier[VERIFIER_SIZE];
    char nonce[VERIFIER_SIZE]; /* what the ID token has to repeat */
    int64_t until_ms;
    bool is_for_mailer; /* the page to go on to */
};

/* ---------------------------------------------------------------- state */

/** "until verifier nonce mark page user": the user comes last, it may hold spaces; "-" is no mark.
 */
static char *write_state(const struct kt_service *service, const struct state *state)
{
    char *text = kt_must(talloc_asprintf(
        kt_self_memory(), "%lld %s %s %s %c %s", (long long)(kt_unix_ms() + STATE_LIFETIME_MS),
        state->verifier, state->nonce, *state->mark ? state->mark : "-",
        state->is_for_mailer ? PAGE_MAILER : PAGE_CALENDAR, state->user));

    return kt_must(kt_secrets_seal(kt_self_memory(), service->secrets, STATE_PURPOSE, text));
}

static int read_state(const struct kt_service *service, const char *sealed, struct state *ret_state)
{
    long long until_ms;
    char *text, page;
    int offset = 0;

    if (kt_secrets_unseal(kt_self_memory(), service->secrets, STATE_PURPOSE, sealed, &text) < 0)
        return -EBADMSG;
    if (sscanf(text, "%lld %43s %43s %64s %c%n", &until_ms, ret_state->verifier, ret_state->nonce,
               ret_state->mark, &page, &offset) != 5 ||
        text[offset++] != ' ' || strlen(text + offset) > KT_USER_MAX)
        return -EBADMSG;
    ret_state->until_ms = until_ms;
    ret_state->is_for_mailer = page == PAGE_MAILER;
    memcpy(ret_state->user, text + offset, strlen(text + offset) + 1);
    return kt_unix_ms() < ret_state->until_ms ? 0 : -ETIME;
}

/* ---------------------------------------------------------------- to Google */

/** @return whether Google is set up; otherwise the request has been answered */
static bool need_google(struct kt_request *request, const struct kt_service *service)
{
    bool is_missing = !service->secrets || !service->google.client_id ||
                      !service->google.client_secret || !service->public_url;

    if (is_missing)
        kt_respond_problem(request, 501,
                           "Google is not set up here. The operator has to set google_client_id, "
                           "google_client_secret, public_url and key_file of [calendar].");
    return !is_missing;
}

static void redirect(struct kt_request *request, const char *address)
{
    kt_response_header(request, "Location", address);
    kt_response_header(request, "Cache-Control", "no-store");
    /* The address that is left has a code in it. */
    kt_response_header(request, "Referrer-Policy", "no-referrer");
    kt_respond(request, 302, NULL, NULL, 0);
}

/** Google's consent page, for this state. */
static char *consent_url(const struct kt_service *service, const struct state *state,
                         const char *redirect_uri)
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    char challenge[VERIFIER_SIZE];
    char *url = kt_must(talloc_asprintf(kt_self_memory(), "%s?", service->google.authorize));

    crypto_hash_sha256(digest, (const unsigned char *)state->verifier, strlen(state->verifier));
    sodium_bin2base64(challenge, sizeof(challenge), digest, sizeof(digest), BASE64);
    url = kt_form_add(url, "client_id", service->google.client_id);
    url = kt_form_add(url, "redirect_uri", redirect_uri);
    url = kt_form_add(url, "response_type", "code");
    url = kt_form_add(url, "scope", KT_GOOGLE_SCOPES);
    url = kt_form_add(url, "access_type", "offline");
    url = kt_form_add(url, "prompt", "consent");
    url = kt_form_add(url, "code_challenge", challenge);
    url = kt_form_add(url, "code_challenge_method", "S256");
    url = kt_form_add(url, "nonce", state->nonce);
    return kt_form_add(url, "state", write_state(service, state));
}

/** Who asks, perhaps nobody. @return whether that is known; otherwise the request is answered */
static bool find_person(struct kt_request *request, struct kt_person_found *ret_found)
{
    int result = kt_person_find(request, ret_found);

    if (result < 0)
        kt_respond_problem(request, 503, "The store can't be used now. Try again in a moment.");
    else if (ret_found->user && strlen(ret_found->user) > KT_USER_MAX)
        kt_respond_problem(request, 403, "The name of the user is too long.");
    else
        return true;
    return false;
}

static char *redirect_uri(const struct kt_service *service)
{
    return kt_must(talloc_asprintf(kt_self_memory(), "%s%s", service->public_url, REDIRECT_PATH));
}

/** 43 characters that nobody can guess. */
static void make_secret(char text[VERIFIER_SIZE])
{
    unsigned char bytes[VERIFIER_BYTES];

    randombytes_buf(bytes, sizeof(bytes));
    sodium_bin2base64(text, VERIFIER_SIZE, bytes, sizeof(bytes), BASE64);
}

void kt_oauth_connect(struct kt_request *request)
{
    const struct kt_service *service = kt_request_context(request);
    const char *page = kt_request_query(request, "for");
    struct state state = {.user = "", .is_for_mailer = page && strcmp(page, "mailer") == 0};
    struct kt_person_found found;

    if (!need_google(request, service) || !find_person(request, &found))
        return;
    if (found.user) {
        memcpy(state.user, found.user, strlen(found.user) + 1);
    } else if (!kt_sign_in_may_begin(request, NULL)) {
        return;
    } else if (kt_session_mark(request, service, state.mark) < 0) {
        kt_respond_problem(request, 403, "Signing in needs HTTPS. Nothing was sent to Google.");
        return;
    }
    make_secret(state.verifier);
    make_secret(state.nonce);
    redirect(request, consent_url(service, &state, redirect_uri(service)));
}

/* ---------------------------------------------------------------- and back */

/** On to a page, with one word about how it went. */
static void go_on(struct kt_request *request, const struct kt_service *service, const char *page,
                  const char *name, const char *word)
{
    char *url = kt_must(talloc_asprintf(kt_self_memory(), "%s/%s?", service->public_url, page));

    redirect(request, kt_form_add(url, name, word));
}

/** To the calendar's page, which knows words for what went wrong. */
static void go_home(struct kt_request *request, const struct kt_service *service,
                    const char *problem)
{
    go_on(request, service, "", "problem", problem);
}

/** Whether a word is among those separated by spaces. */
static bool has_word(const char *words, const char *word)
{
    size_t length = strlen(word);

    for (const char *at = words; (at = strstr(at, word)); at += length) {
        if ((at == words || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
            return true;
    }
    return false;
}

/** People can untick what they don't want to allow. */
static bool is_enough(const struct kt_google_tokens *tokens)
{
    return !*tokens->scope || (has_word(tokens->scope, KT_GOOGLE_SCOPE_EVENTS) &&
                               has_word(tokens->scope, KT_GOOGLE_SCOPE_LIST));
}

/** What is to be stored of a new connection. */
struct fresh {
    const char *address;
    struct kt_google_account *account;
};

/** The same Google account again replaces what is stored of it. */
static int store_fresh(struct kt_account *account, void *argument)
{
    struct fresh *fresh = argument;
    struct kt_connection *connection = NULL;

    for (uint32_t index = 0; index < account->count; index++) {
        if (account->connections[index].kind == KT_CONNECTION_GOOGLE &&
            strcmp(account->connections[index].label, fresh->address) == 0)
            connection = &account->connections[index];
    }
    if (!connection)
        connection = kt_account_add(account, KT_CONNECTION_GOOGLE, fresh->address);
    if (!connection)
        return -ENOSPC;
    /* Without a new one the old refresh token stays valid. */
    if (fresh->account->refresh_token)
        connection->refresh_token = fresh->account->refresh_token;
    if (!*connection->refresh_token)
        return -ENOKEY;
    connection->access_token = fresh->account->access_token;
    connection->access_until_ms = fresh->account->access_until_ms;
    connection->is_revoked = false;
    if (fresh->account->list_ms > 0) {
        kt_google_calendars_keep(&fresh->account->calendars, &connection->calendars);
        connection->calendars = fresh->account->calendars;
        connection->list_ms = fresh->account->list_ms;
    }
    return 0;
}

/**
 * Whether Google's word is good for this address: where only some may sign in, it has to be an
 * organisation's account, or a mailbox at Google. With a private account of another provider's
 * address the mailbox may have been somebody else's for years.
 */
static bool may_sign_in(const struct kt_service *service, const struct kt_id_claims *claims)
{
    static const char *const googles[] = {"gmail.com", "googlemail.com", NULL};

    return kt_domains_are_open(service->sign_in_domains) ||
           (kt_domains_have(service->sign_in_domains, claims->address) &&
            (claims->is_hosted || kt_domains_have(googles, claims->address)));
}

/** Who has come back, as the ID token says. @return NULL, or the word for what went wrong */
static const char *read_claims(const struct kt_service *service, const struct state *state,
                               const struct kt_google_tokens *tokens,
                               struct kt_id_claims *ret_claims)
{
    const struct kt_id_expected expected = {.issuer = service->google.issuer,
                                            .client_id = service->google.client_id,
                                            .nonce = state->nonce,
                                            .now = kt_unix_ms() / 1000};
    const char *problem = "there is none";

    if (!tokens->id ||
        kt_id_token_read(kt_self_memory(), tokens->id, &expected, ret_claims, &problem) < 0) {
        kt_log_warning("Google's ID token can't be used: %s", problem);
        return kt_trouble_name(KT_TROUBLE_BROKEN);
    }
    if (!*ret_claims->address || !ret_claims->is_verified) {
        kt_log_warning("Google names no confirmed address for somebody");
        return kt_trouble_name(KT_TROUBLE_DENIED);
    }
    return *state->user || may_sign_in(service, ret_claims) ? NULL : "not_allowed";
}

/** Sign in whom Google names. @return 0 or a negative errno; state has the user now */
static int sign_in(struct kt_request *request, const struct kt_service *service,
                   const char *address, struct state *state)
{
    memcpy(state->user, address, strlen(address) + 1);
    return kt_session_begin(request, service, state->user);
}

/** From the code to a stored connection. @return NULL, or the word for what went wrong */
static const char *finish(struct kt_request *request, const struct kt_service *service,
                          struct state *state, const char *code)
{
    const struct kt_google_options *google = &service->google;
    int64_t deadline_ms = kt_now_ms() + service->timeout_ms;
    struct kt_source_error error = {.trouble = KT_TROUBLE_NONE};
    struct kt_google_account account = {.label = "Google"};
    struct kt_google_tokens tokens;
    struct kt_id_claims claims;
    struct fresh fresh = {.account = &account, .address = claims.address};
    const char *problem;
    int result;

    if (kt_google_exchange(google, code, state->verifier, redirect_uri(service), deadline_ms,
                           &tokens, &error) < 0) {
        kt_log_warning("Google can't be connected (%s): %s", kt_trouble_name(error.trouble),
                       error.text);
        return kt_trouble_name(error.trouble);
    }
    problem = read_claims(service, state, &tokens, &claims);
    if (!problem && !is_enough(&tokens))
        problem = "permissions";
    if (problem) {
        kt_google_revoke(google, tokens.access, deadline_ms, &error);
        return problem;
    }
    account.refresh_token = tokens.refresh;
    account.access_token = tokens.access;
    account.access_until_ms = tokens.until_ms;
    if (tokens.refresh)
        kt_google_list(google, &account, deadline_ms, &error); /* else at the first week */
    result = *state->user ? 0 : sign_in(request, service, fresh.address, state);
    if (result == 0)
        result = kt_account_change(service->secrets, state->user, store_fresh, &fresh);
    if (result == 0)
        return NULL;
    kt_log_warning("a connection with Google can't be stored: %s", strerror(-result));
    return result == -ENOSPC ? "too_many" : result == -ENOKEY ? "reconnect" : "store";
}

/** Whether who comes back is who went. */
static bool is_same_person(struct kt_request *request, const struct kt_service *service,
                           const struct state *state, const struct kt_person_found *found)
{
    if (*state->user)
        return found->user && strcmp(state->user, found->user) == 0;
    return kt_session_has_mark(request, service, state->mark);
}

void kt_oauth_callback(struct kt_request *request)
{
    const struct kt_service *service = kt_request_context(request);
    const char *code = kt_request_query(request, "code");
    const char *sealed = kt_request_query(request, "state");
    const char *refusal = kt_request_query(request, "error"), *problem;
    struct kt_person_found found;
    struct state state;
    int result;

    if (!need_google(request, service) || !find_person(request, &found))
        return;
    result = sealed ? read_state(service, sealed, &state) : -EBADMSG;
    if (result == 0 && !is_same_person(request, service, &state, &found))
        result = -EPERM;
    if (result < 0)
        go_home(request, service, result == -ETIME ? "too_late" : "state");
    else if (refusal)
        go_home(request, service, strcmp(refusal, "access_denied") == 0 ? "refused" : "broken");
    else if (!code || !*code)
        go_home(request, service, "broken");
    else if ((problem = finish(request, service, &state, code)))
        go_home(request, service, problem);
    else
        go_on(request, service, state.is_for_mailer ? "mailer/" : "", "connected", "google");
}
