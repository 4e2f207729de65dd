/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * token = base64url(mac | purpose | until, 8 bytes | user | NUL | address), where mac is
 * crypto_auth (HMAC-SHA-512-256) over the rest.
 */
#include "links.h"

#include <errno.h>
#include <kontor/process.h>
#include <kontor/store.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define KEY_NAMESPACE "mailer-key"
#define KEY_NAME "links"
#define UNTIL_BYTES 8u
#define HEAD_BYTES (crypto_auth_BYTES + 1 + UNTIL_BYTES)
/** Longer tokens are none. */
#define TOKEN_MAX 1024u
#define VARIANT sodium_base64_VARIANT_URLSAFE_NO_PADDING

struct kt_links {
    const char *public_url;
    unsigned char key[crypto_auth_KEYBYTES];
};

static int read_key(struct kt_links *links)
{
    struct kt_store_document *document;
    size_t size = 0;
    int result = kt_store_get(KEY_NAMESPACE, KEY_NAME, &document);

    if (result < 0)
        return result;
    if (sodium_hex2bin(links->key, sizeof(links->key), document->value, document->value_bytes, NULL,
                       &size, NULL) != 0 ||
        size != sizeof(links->key))
        result = -EBADMSG;
    talloc_free(document);
    return result;
}

static int make_key(struct kt_links *links)
{
    char text[2 * crypto_auth_KEYBYTES + 1];
    int result;

    randombytes_buf(links->key, sizeof(links->key));
    sodium_bin2hex(text, sizeof(text), links->key, sizeof(links->key));
    result = kt_store_put(KEY_NAMESPACE, KEY_NAME, text, strlen(text), KT_STORE_NEW, NULL);
    return result == -ESTALE ? read_key(links) : result; /* another worker was faster */
}

int kt_links_open(TALLOC_CTX *context, const char *public_url, struct kt_links **ret_links)
{
    struct kt_links *links = kt_must(talloc_zero(context, struct kt_links));
    int result;

    links->public_url = public_url;
    if (sodium_init() < 0)
        return -EIO;
    result = read_key(links);
    if (result == -ENOENT)
        result = make_key(links);
    if (result < 0) {
        talloc_free(links);
        return result;
    }
    *ret_links = links;
    return 0;
}

char *kt_links_token(TALLOC_CTX *context, const struct kt_links *links, const struct kt_link *link)
{
    size_t user = strlen(link->user) + 1, address = strlen(link->address);
    size_t size = HEAD_BYTES + user + address;
    unsigned char *bytes = kt_must(talloc_array(context, unsigned char, (unsigned)size));
    unsigned char *signed_part = bytes + crypto_auth_BYTES;
    char *token;

    signed_part[0] = (unsigned char)link->purpose;
    for (unsigned index = 0; index < UNTIL_BYTES; index++)
        signed_part[1 + index] = (unsigned char)((uint64_t)link->until >> (8 * index));
    memcpy(bytes + HEAD_BYTES, link->user, user);
    memcpy(bytes + HEAD_BYTES + user, link->address, address);
    crypto_auth(bytes, signed_part, size - crypto_auth_BYTES, links->key);
    token =
        kt_must(talloc_array(context, char, (unsigned)sodium_base64_encoded_len(size, VARIANT)));
    sodium_bin2base64(token, talloc_get_size(token), bytes, size, VARIANT);
    talloc_free(bytes);
    return token;
}

char *kt_links_url(TALLOC_CTX *context, const struct kt_links *links, const struct kt_link *link)
{
    char *token = kt_links_token(context, links, link);
    char *url =
        kt_must(talloc_asprintf(context, "%s/api/mailer/%s?token=%s", links->public_url,
                                link->purpose == KT_LINK_VERIFY ? "verify" : "unsubscribe", token));

    talloc_free(token);
    return url;
}

int kt_links_check(TALLOC_CTX *context, const struct kt_links *links, const char *token,
                   enum kt_link_purpose purpose, int64_t now, struct kt_link *ret_link)
{
    unsigned char bytes[TOKEN_MAX + 1];
    size_t size = 0, user;
    uint64_t until = 0;

    if (strlen(token) > TOKEN_MAX ||
        sodium_base642bin(bytes, TOKEN_MAX, token, strlen(token), NULL, &size, NULL, VARIANT) !=
            0 ||
        size <= HEAD_BYTES ||
        crypto_auth_verify(bytes, bytes + crypto_auth_BYTES, size - crypto_auth_BYTES,
                           links->key) != 0 ||
        bytes[crypto_auth_BYTES] != (unsigned char)purpose)
        return -EBADMSG;
    for (unsigned index = UNTIL_BYTES; index > 0; index--)
        until = until << 8 | bytes[crypto_auth_BYTES + index];
    bytes[size] = 0;
    user = strlen((const char *)bytes + HEAD_BYTES) + 1;
    if (HEAD_BYTES + user > size)
        return -EBADMSG;
    *ret_link = (struct kt_link){
        .purpose = purpose,
        .until = (int64_t)until,
        .user = kt_must(talloc_strdup(context, (const char *)bytes + HEAD_BYTES)),
        .address = kt_must(talloc_strdup(context, (const char *)bytes + HEAD_BYTES + user)),
    };
    return ret_link->until < now ? -ETIME : 0;
}
