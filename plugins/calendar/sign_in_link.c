/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The document: {"version", "address", "mark"}, its key "sign-in/until/hash-of-token" with until in
 * milliseconds since 1970: so the oldest come first, and what nobody used is found without looking
 * at the rest. Of several that use a link at once, the one that deletes the document has it.
 */
#include "sign_in_link.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <kontor/process.h>
#include <kontor/store.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_SPACE "calendar"
#define PREFIX "sign-in/"
#define VERSION 1
#define LIFETIME_MS (KT_SIGN_IN_MINUTES * INT64_C(60000))
/** Digits of the milliseconds since 1970, up to the year 2286. */
#define UNTIL_DIGITS 13u
#define UNTIL_BOUND UINT64_C(10000000000000)
#define SECRET_BYTES 32
/** Those in base64url, with the NUL. */
#define SECRET_SIZE 44
#define BASE64 sodium_base64_VARIANT_URLSAFE_NO_PADDING
/** Old ones that are looked at with each new one. */
#define SWEEP 8
#define KEY_SIZE 96

/** The key of a token. @return 0, or -ENOENT: it is none */
static int make_key(const char *token, char key[KEY_SIZE])
{
    unsigned char hash[32];
    char digits[2 * sizeof(hash) + 1];

    if (strlen(token) != KT_SIGN_IN_TOKEN_SIZE - 1 || strspn(token, "0123456789") != UNTIL_DIGITS ||
        token[UNTIL_DIGITS] != '.')
        return -ENOENT;
    crypto_generichash(hash, sizeof(hash), (const unsigned char *)token, strlen(token), NULL, 0);
    sodium_bin2hex(digits, sizeof(digits), hash, sizeof(hash));
    snprintf(key, KEY_SIZE, PREFIX "%.13s/%s", token, digits);
    return 0;
}

static bool is_over(const char *key)
{
    return strtoll(key + strlen(PREFIX), NULL, 10) <= kt_unix_ms();
}

/** Delete some of those that are too old. It is no harm if that fails. */
static void sweep(void)
{
    struct kt_store_page *page;

    if (kt_store_scan(NAME_SPACE, PREFIX, NULL, SWEEP, &page) < 0)
        return;
    for (uint32_t index = 0; index < page->count; index++) {
        if (is_over(page->documents[index]->key))
            kt_store_delete(NAME_SPACE, page->documents[index]->key, KT_STORE_ANY);
    }
    talloc_free(page);
}

int kt_sign_in_link_make(const char *address, const char *mark,
                         char ret_token[KT_SIGN_IN_TOKEN_SIZE])
{
    unsigned char bytes[SECRET_BYTES];
    char secret[SECRET_SIZE], key[KEY_SIZE], *text;
    cJSON *json = kt_must(cJSON_CreateObject());
    int result;

    sweep();
    randombytes_buf(bytes, sizeof(bytes));
    sodium_bin2base64(secret, sizeof(secret), bytes, sizeof(bytes), BASE64);
    snprintf(ret_token, KT_SIGN_IN_TOKEN_SIZE, "%013" PRIu64 ".%s",
             (uint64_t)(kt_unix_ms() + LIFETIME_MS) % UNTIL_BOUND, secret);
    kt_must(cJSON_AddNumberToObject(json, "version", VERSION));
    kt_must(cJSON_AddStringToObject(json, "address", address));
    kt_must(cJSON_AddStringToObject(json, "mark", mark));
    text = kt_must(cJSON_PrintUnformatted(json));
    result = make_key(ret_token, key);
    if (result == 0)
        result = kt_store_put(NAME_SPACE, key, text, strlen(text), KT_STORE_NEW, NULL);
    cJSON_free(text);
    cJSON_Delete(json);
    sodium_memzero(bytes, sizeof(bytes));
    sodium_memzero(secret, sizeof(secret));
    return result;
}

void kt_sign_in_link_drop(const char *token)
{
    char key[KEY_SIZE];

    if (make_key(token, key) == 0)
        kt_store_delete(NAME_SPACE, key, KT_STORE_ANY);
}

static bool is_of(const struct kt_store_document *document, const char *address)
{
    cJSON *json = cJSON_Parse(document->value);
    const char *whose = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "address"));
    bool is_theirs = whose && strcmp(whose, address) == 0;

    cJSON_Delete(json);
    return is_theirs;
}

int kt_sign_in_link_forget(const char *address)
{
    struct kt_store_page *page;
    bool has_more = true;
    int result = 0;

    /* All are looked at: there are only as many as the limits allow in a quarter of an hour. */
    for (const char *after = NULL; result == 0 && has_more;) {
        result = kt_store_scan(NAME_SPACE, PREFIX, after, 0, &page);
        has_more = result == 0 && page->has_more && page->count > 0;
        for (uint32_t index = 0; result == 0 && index < page->count; index++) {
            after = page->documents[index]->key;
            if (is_over(after) || is_of(page->documents[index], address))
                result = kt_store_delete(NAME_SPACE, after, KT_STORE_ANY);
            result = result == -ENOENT ? 0 : result;
        }
    }
    return result;
}

int kt_sign_in_link_use(const char *token, bool (*has_mark)(const char *mark, void *argument),
                        void *argument, char ret_address[KT_ADDRESS_SIZE])
{
    struct kt_store_document *document;
    const char *address, *mark;
    char key[KEY_SIZE];
    cJSON *json;
    int result = make_key(token, key);

    if (result == 0)
        result = kt_store_get(NAME_SPACE, key, &document);
    if (result < 0)
        return result;
    if (is_over(key)) {
        kt_store_delete(NAME_SPACE, key, KT_STORE_ANY);
        return -ENOENT;
    }
    json = cJSON_Parse(document->value);
    address = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "address"));
    mark = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "mark"));
    if (!address || !mark || strlen(address) >= KT_ADDRESS_SIZE)
        result = -ENOENT;
    else if (!has_mark(mark, argument))
        result = -EPERM;
    else
        result = kt_store_delete(NAME_SPACE, key, document->revision); /* -ENOENT: used meanwhile */
    if (result == 0)
        memcpy(ret_address, address, strlen(address) + 1);
    cJSON_Delete(json);
    return result == -ESTALE ? -ENOENT : result;
}
