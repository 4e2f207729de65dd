/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cookie: "hash-of-user secret", sealed; the document: {"version", "user", "created_ms",
 * "seen_ms"}, its key "session/hash-of-user/hash-of-secret", so that all of a person are found by
 * their prefix. When it was last seen is written only from time to time: looking at a week should
 * cost no write.
 */
#include "session.h"

#include "address.h"
#include "service.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <kontor/log.h>
#include <kontor/request.h>
#include <kontor/store.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define NAME_SPACE "calendar"
#define VERSION 1
#define PURPOSE "calendar/session"
#define HOUR_MS INT64_C(3600000)
#define IDLE_MAX_MS (14 * 24 * HOUR_MS)
#define AGE_MAX_MS (90 * 24 * HOUR_MS)
/** "Last seen" is at most so wrong. */
#define SEEN_STEP_MS (6 * HOUR_MS)
/** Browsers of one person. */
#define SESSIONS_MAX 20u
/** How long a mark is good: as long as the way to Google and back may take. */
#define MARK_SECONDS 900

#define SECRET_BYTES 32
#define HEX_SIZE (2 * 32 + 1)
/** "session/", two hashes in hex with a "/" between them. */
#define KEY_SIZE 144

static const struct kt_cookie session_cookie = {.name = "kontor", .seconds = AGE_MAX_MS / 1000};
static const struct kt_cookie mark_cookie = {.name = "kontor-way", .seconds = MARK_SECONDS};

struct session {
    char key[KEY_SIZE];
    const char *user;
    uint64_t revision;
    int64_t created_ms, seen_ms;
};

/* ---------------------------------------------------------------- names */

static void hash_text(const char *text, char digits[HEX_SIZE])
{
    unsigned char hash[32];

    crypto_generichash(hash, sizeof(hash), (const unsigned char *)text, strlen(text), NULL, 0);
    sodium_bin2hex(digits, HEX_SIZE, hash, sizeof(hash));
}

static void make_secret(char secret[HEX_SIZE])
{
    unsigned char bytes[SECRET_BYTES];

    randombytes_buf(bytes, sizeof(bytes));
    sodium_bin2hex(secret, HEX_SIZE, bytes, sizeof(bytes));
    sodium_memzero(bytes, sizeof(bytes));
}

static void make_prefix(const char *user, char prefix[KEY_SIZE])
{
    char who[HEX_SIZE];

    hash_text(user, who);
    snprintf(prefix, KEY_SIZE, "session/%s/", who);
}

/* ---------------------------------------------------------------- the document */

/** @return whether it is a session that has not ended */
static bool read_document(const struct kt_store_document *document, struct session *ret_session)
{
    cJSON *json = cJSON_Parse(document->value);
    const char *user = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "user"));
    const cJSON *created = cJSON_GetObjectItemCaseSensitive(json, "created_ms");
    const cJSON *seen = cJSON_GetObjectItemCaseSensitive(json, "seen_ms");
    int64_t now = kt_unix_ms();
    bool is_good = user && *user && cJSON_IsNumber(created) && cJSON_IsNumber(seen);

    if (is_good) {
        ret_session->user = kt_must(talloc_strdup(kt_self_memory(), user));
        ret_session->revision = document->revision;
        ret_session->created_ms = (int64_t)created->valuedouble;
        ret_session->seen_ms = (int64_t)seen->valuedouble;
        is_good =
            now - ret_session->created_ms < AGE_MAX_MS && now - ret_session->seen_ms < IDLE_MAX_MS;
    }
    cJSON_Delete(json);
    return is_good;
}

static int write_document(const struct session *session)
{
    cJSON *json = kt_must(cJSON_CreateObject());
    char *text;
    int result;

    cJSON_AddNumberToObject(json, "version", VERSION);
    cJSON_AddStringToObject(json, "user", session->user);
    cJSON_AddNumberToObject(json, "created_ms", (double)session->created_ms);
    cJSON_AddNumberToObject(json, "seen_ms", (double)session->seen_ms);
    text = kt_must(cJSON_PrintUnformatted(json));
    result = kt_store_put(NAME_SPACE, session->key, text, strlen(text), session->revision, NULL);
    cJSON_free(text);
    cJSON_Delete(json);
    return result;
}

/* ---------------------------------------------------------------- finding */

/** The key that a cookie leads to; NULL: there is none. @return 0 or -ENOENT */
static int open_cookie(const char *sealed, const struct kt_service *service, char key[KEY_SIZE])
{
    char who[HEX_SIZE], secret[HEX_SIZE], digits[HEX_SIZE];
    char *text;

    if (!service->secrets || !sealed ||
        kt_secrets_unseal(kt_self_memory(), service->secrets, PURPOSE, sealed, &text) < 0 ||
        sscanf(text, "%64s %64s", who, secret) != 2)
        return -ENOENT;
    hash_text(secret, digits);
    snprintf(key, KEY_SIZE, "session/%s/%s", who, digits);
    return 0;
}

/** The key that the request's cookie leads to. @return 0 or -ENOENT */
static int read_cookie(const struct kt_request *request, const struct kt_service *service,
                       char key[KEY_SIZE])
{
    return open_cookie(kt_cookie_read(request, service->public_url, &session_cookie), service, key);
}

static int find(const char *sealed, const struct kt_service *service, struct session *ret_session)
{
    struct kt_store_document *document;
    int result = open_cookie(sealed, service, ret_session->key);

    if (result == 0)
        result = kt_store_get(NAME_SPACE, ret_session->key, &document);
    if (result == 0 && (!read_document(document, ret_session) ||
                        !kt_domains_have(service->sign_in_domains, ret_session->user)))
        result = -ENOENT;
    return result;
}

/** Whose session it is, and that it was used. */
static int use(const char *sealed, const struct kt_service *service, const char **ret_user)
{
    struct session session;
    int64_t now = kt_unix_ms();
    int result = find(sealed, service, &session);

    if (result < 0)
        return result;
    if (now - session.seen_ms > SEEN_STEP_MS) {
        session.seen_ms = now;
        result = write_document(&session); /* -ESTALE: another request did, or it is signed out */
        if (result < 0 && result != -ESTALE)
            kt_log_warning("when a session was last used can't be stored: %s", strerror(-result));
    }
    *ret_user = session.user;
    return 0;
}

int kt_session_find(const struct kt_request *request, const struct kt_service *service,
                    const char **ret_user)
{
    return use(kt_cookie_read(request, service->public_url, &session_cookie), service, ret_user);
}

int kt_session_look_up(const char *cookies, bool is_https, const struct kt_service *service,
                       const char **ret_user)
{
    return use(kt_cookie_find(cookies, is_https, &session_cookie), service, ret_user);
}

/* ---------------------------------------------------------------- ending */

static int delete_key(const char *key)
{
    int result = kt_store_delete(NAME_SPACE, key, KT_STORE_ANY);

    return result == -ENOENT ? 0 : result;
}

int kt_session_end(struct kt_request *request, const struct kt_service *service)
{
    char key[KEY_SIZE];

    if (read_cookie(request, service, key) < 0)
        return 0;
    kt_cookie_clear(request, service->public_url, &session_cookie);
    return delete_key(key);
}

/** Delete what has ended, and the oldest beyond so many. @param keep  0: all go */
static int trim(const char *user, uint32_t keep)
{
    struct session oldest = {.created_ms = INT64_MAX}, session;
    struct kt_store_page *page;
    char prefix[KEY_SIZE];
    uint32_t count = 0;
    int result;

    make_prefix(user, prefix);
    result = kt_store_scan(NAME_SPACE, prefix, NULL, 0, &page);
    for (uint32_t index = 0; result == 0 && index < page->count; index++) {
        snprintf(session.key, sizeof(session.key), "%s", page->documents[index]->key);
        if (keep == 0 || !read_document(page->documents[index], &session)) {
            result = delete_key(session.key);
            continue;
        }
        count++;
        if (session.created_ms < oldest.created_ms)
            oldest = session;
    }
    return result == 0 && keep > 0 && count > keep ? delete_key(oldest.key) : result;
}

int kt_session_end_all(struct kt_request *request, const struct kt_service *service,
                       const char *user)
{
    kt_cookie_clear(request, service->public_url, &session_cookie);
    return trim(user, 0);
}

/* ---------------------------------------------------------------- beginning */

bool kt_session_is_possible(const struct kt_request *request, const struct kt_service *service)
{
    return service->secrets && kt_cookie_is_safe(request, service->public_url);
}

int kt_session_begin(struct kt_request *request, const struct kt_service *service, const char *user)
{
    struct session session = {.user = user, .created_ms = kt_unix_ms(), .revision = KT_STORE_NEW};
    char secret[HEX_SIZE], digits[HEX_SIZE], who[HEX_SIZE], text[2 * HEX_SIZE];
    char key[KEY_SIZE];
    int result;

    if (!kt_session_is_possible(request, service))
        return -EPERM;
    session.seen_ms = session.created_ms;
    make_secret(secret);
    hash_text(secret, digits);
    hash_text(user, who);
    snprintf(session.key, sizeof(session.key), "session/%s/%s", who, digits);
    result = write_document(&session);
    if (result == 0)
        result = trim(user, SESSIONS_MAX);
    if (result == 0 && read_cookie(request, service, key) == 0)
        result = delete_key(key);
    if (result < 0)
        return result;
    snprintf(text, sizeof(text), "%s %s", who, secret);
    result = kt_cookie_write(
        request, service->public_url, &session_cookie,
        kt_must(kt_secrets_seal(kt_self_memory(), service->secrets, PURPOSE, text)));
    sodium_memzero(secret, sizeof(secret));
    sodium_memzero(text, sizeof(text));
    return result;
}

/* ---------------------------------------------------------------- marks */

int kt_session_mark(struct kt_request *request, const struct kt_service *service,
                    char ret_mark[KT_SESSION_MARK_SIZE])
{
    const char *known = kt_cookie_read(request, service->public_url, &mark_cookie);
    char secret[HEX_SIZE];

    if (!kt_session_is_possible(request, service))
        return -EPERM;
    if (known && strlen(known) == HEX_SIZE - 1 && strspn(known, "0123456789abcdef") == HEX_SIZE - 1)
        memcpy(secret, known, HEX_SIZE);
    else
        make_secret(secret);
    hash_text(secret, ret_mark);
    return kt_cookie_write(request, service->public_url, &mark_cookie, secret);
}

bool kt_session_has_mark(struct kt_request *request, const struct kt_service *service,
                         const char *mark)
{
    const char *secret = kt_cookie_read(request, service->public_url, &mark_cookie);
    char digits[HEX_SIZE];

    if (!secret || strlen(mark) != HEX_SIZE - 1)
        return false;
    hash_text(secret, digits);
    if (sodium_memcmp(digits, mark, HEX_SIZE - 1) != 0)
        return false;
    kt_cookie_clear(request, service->public_url, &mark_cookie);
    return true;
}
