/* SPDX-License-Identifier: BSD-2-Clause */
/* header.payload.signature, each base64url without padding (RFC 7515, 7.1). */
#include "id_token.h"

#include "json_text.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#define BASE64 sodium_base64_VARIANT_URLSAFE_NO_PADDING
/** The clocks of others may go so wrong, in seconds. */
#define SKEW 300
/** A token that was made before that is no answer to our question. */
#define AGE_MAX 3600

/** The claims, as written in the payload. */
struct payload {
    struct kt_json_text issuer, audience, party, nonce, email, hosted;
    int64_t expires, issued;
    bool is_verified, has_audience, has_others; /* others: more than one audience */
};

/** One text, or a list of them: ours has to be in it. */
static void read_audience(struct kt_json *json, const char *client_id, struct payload *payload)
{
    struct kt_json copy = *json;

    if (kt_json_take_text(json, &payload->audience)) {
        payload->has_audience = kt_json_text_is(&payload->audience, client_id);
        return;
    }
    *json = copy;
    for (bool is_in = kt_json_enter_array(json); is_in && kt_json_next_element(json);) {
        payload->has_others |= payload->audience.start != NULL;
        if (!kt_json_take_text(json, &payload->audience))
            payload->has_others = true;
        else if (kt_json_text_is(&payload->audience, client_id))
            payload->has_audience = true;
    }
}

static bool read_payload(const char *text, size_t size, const char *client_id,
                         struct payload *ret_payload)
{
    struct kt_json_text name;
    struct kt_json json;

    *ret_payload = (struct payload){.expires = 0};
    kt_json_begin(&json, text, size);
    if (!kt_json_enter_object(&json))
        return false;
    while (kt_json_next_member(&json, &name)) {
        if (kt_json_text_is(&name, "iss"))
            kt_json_take_text(&json, &ret_payload->issuer);
        else if (kt_json_text_is(&name, "aud"))
            read_audience(&json, client_id, ret_payload);
        else if (kt_json_text_is(&name, "azp"))
            kt_json_take_text(&json, &ret_payload->party);
        else if (kt_json_text_is(&name, "nonce"))
            kt_json_take_text(&json, &ret_payload->nonce);
        else if (kt_json_text_is(&name, "exp"))
            kt_json_take_integer(&json, &ret_payload->expires);
        else if (kt_json_text_is(&name, "iat"))
            kt_json_take_integer(&json, &ret_payload->issued);
        else if (kt_json_text_is(&name, "email"))
            kt_json_take_text(&json, &ret_payload->email);
        else if (kt_json_text_is(&name, "email_verified"))
            ret_payload->is_verified = kt_json_take_boolean(&json);
        else if (kt_json_text_is(&name, "hd"))
            kt_json_take_text(&json, &ret_payload->hosted);
        else
            kt_json_skip(&json);
    }
    return kt_json_is_complete(&json);
}

static bool is_issuer(const struct kt_json_text *said, const char *issuer)
{
    static const char scheme[] = "https://";
    size_t length = strlen(scheme);

    return kt_json_text_is(said, issuer) ||
           (strncmp(issuer, scheme, length) == 0 && kt_json_text_is(said, issuer + length));
}

/** 3.1.3.7 of OpenID Connect Core, in its order. @return what is wrong, or NULL */
static const char *check(const struct payload *payload, const struct kt_id_expected *expected)
{
    if (!is_issuer(&payload->issuer, expected->issuer))
        return "another has issued it (iss)";
    if (!payload->has_audience)
        return "it is for another (aud)";
    if (payload->has_others && !payload->party.start)
        return "it is for several (aud), and does not say for whom first (azp)";
    if (payload->party.start && !kt_json_text_is(&payload->party, expected->client_id))
        return "another has asked for it (azp)";
    if (payload->expires <= expected->now - SKEW)
        return "it has expired (exp)";
    if (payload->issued > expected->now + SKEW || payload->issued < expected->now - AGE_MAX)
        return "it was not made just now (iat); is the clock right?";
    if (!kt_json_text_is(&payload->nonce, expected->nonce))
        return "it answers another question (nonce)";
    return NULL;
}

/** The bytes between the dots, decoded. @return NULL: there are no three parts, or no base64 */
static char *decode(TALLOC_CTX *context, const char *token, size_t *ret_size)
{
    const char *first = strchr(token, '.'), *second = first ? strchr(first + 1, '.') : NULL;
    size_t size = second ? (size_t)(second - first - 1) : 0;
    char *text = talloc_array(context, char, (unsigned)size + 1);

    if (!text || first == token || size == 0 || second[1] == '\0' || strchr(second + 1, '.') ||
        sodium_base642bin((unsigned char *)text, size, first + 1, size, NULL, ret_size, NULL,
                          BASE64) != 0) {
        talloc_free(text);
        return NULL;
    }
    return text;
}

int kt_id_token_read(TALLOC_CTX *context, const char *token, const struct kt_id_expected *expected,
                     struct kt_id_claims *ret_claims, const char **ret_problem)
{
    char address[KT_ADDRESS_SIZE];
    struct payload payload;
    size_t size = 0;
    char *text = decode(context, token, &size);
    int result = 0;

    *ret_claims = (struct kt_id_claims){.address = ""};
    *ret_problem = NULL;
    if (!text || !read_payload(text, size, expected->client_id, &payload)) {
        *ret_problem = "it makes no sense";
        result = -EBADMSG;
    } else if ((*ret_problem = check(&payload, expected))) {
        result = -EACCES;
    } else {
        ret_claims->is_verified = payload.is_verified;
        ret_claims->is_hosted = payload.hosted.start && payload.hosted.size > 0;
        if (!payload.email.start || !kt_json_text_copy(&payload.email, address, sizeof(address)) ||
            kt_address_normalise(address, ret_claims->address) < 0)
            *ret_claims->address = '\0';
    }
    talloc_free(text);
    return result;
}

bool kt_id_token_source_is_safe(const char *url)
{
    static const char *const safe[] = {"https://", "http://localhost", "http://127.0.0.1",
                                       "http://[::1]"};

    for (size_t index = 0; index < sizeof(safe) / sizeof(*safe); index++) {
        size_t length = strlen(safe[index]);

        /* A name must end there: http://localhost.example.org is another's. */
        if (strncmp(url, safe[index], length) == 0 &&
            (index == 0 || strchr(":/", url[length]))) /* also the end */
            return true;
    }
    return false;
}
