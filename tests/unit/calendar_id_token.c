/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: whoever has any token of Google's could sign in as its person. */
#include "inside.h"

#include "calendar/id_token.h"

#include <sodium.h>

#define NOW INT64_C(1700000000)
#define BASE64 sodium_base64_VARIANT_URLSAFE_NO_PADDING

static const struct kt_id_expected expected = {
    .issuer = "https://accounts.google.com", .client_id = "us", .nonce = "once", .now = NOW};

static const char *problem;
static struct kt_id_claims claims;

static int read_token(const char *token)
{
    return kt_id_token_read(NULL, token, &expected, &claims, &problem);
}

/** A token with this payload. */
static int read_payload(const char *payload)
{
    char text[4096], token[8192];

    sodium_bin2base64(text, sizeof(text), (const unsigned char *)payload, strlen(payload), BASE64);
    snprintf(token, sizeof(token), "eyJhbGciOiJSUzI1NiJ9.%s.c2lnbmF0dXJl", text);
    return read_token(token);
}

/** A good token but for one claim. */
static int read_with(const char *name, const char *value)
{
    static const char *const good[][2] = {
        {"iss", "\"https://accounts.google.com\""},
        {"aud", "\"us\""},
        {"exp", "1700003600"},
        {"iat", "1700000000"},
        {"nonce", "\"once\""},
        {"email", "\"Ada@Example.org\""},
        {"email_verified", "true"},
    };
    char payload[2048];
    size_t length = (size_t)snprintf(payload, sizeof(payload), "{\"sub\":\"1\"");

    for (size_t index = 0; index < sizeof(good) / sizeof(*good); index++) {
        if (strcmp(good[index][0], name) != 0)
            length += (size_t)snprintf(payload + length, sizeof(payload) - length, ",\"%s\":%s",
                                       good[index][0], good[index][1]);
    }
    if (value)
        length +=
            (size_t)snprintf(payload + length, sizeof(payload) - length, ",\"%s\":%s", name, value);
    snprintf(payload + length, sizeof(payload) - length, "}");
    return read_payload(payload);
}

static void a_good_token_names_the_person(void **state)
{
    (void)state;
    assert_int_equal(read_with("", NULL), 0);
    assert_string_equal(claims.address, "ada@example.org");
    assert_true(claims.is_verified);
    assert_false(claims.is_hosted);
    assert_int_equal(read_with("hd", "\"example.org\""), 0);
    assert_true(claims.is_hosted);
    assert_int_equal(read_with("iss", "\"accounts.google.com\""), 0);
    assert_int_equal(read_with("azp", "\"us\""), 0);
    assert_int_equal(read_with("aud", "[\"us\"]"), 0);
}

static void each_claim_is_checked(void **state)
{
    static const struct {
        const char *name, *value;
    } wrong[] = {
        {"iss", NULL},
        {"iss", "\"https://accounts.evil.example\""},
        {"iss", "\"https://accounts.google.com.evil.example\""},
        {"iss", "[\"https://accounts.google.com\"]"},
        {"aud", NULL},
        {"aud", "\"them\""},
        {"aud", "[]"},
        {"aud", "[\"them\"]"},
        {"aud", "[\"us\",\"them\"]"}, /* and no azp */
        {"aud", "{\"us\":\"us\"}"},
        {"azp", "\"them\""},
        {"exp", NULL},
        {"exp", "1699999000"},
        {"exp", "\"1700003600\""},
        {"iat", NULL},
        {"iat", "1699990000"},
        {"iat", "1700001000"},
        {"nonce", NULL},
        {"nonce", "\"twice\""},
        {"nonce", "\"\""},
    };

    (void)state;
    for (size_t index = 0; index < sizeof(wrong) / sizeof(*wrong); index++) {
        int result = read_with(wrong[index].name, wrong[index].value);

        if (result != -EACCES)
            fail_msg("%s: %s is accepted (%d)", wrong[index].name,
                     wrong[index].value ? wrong[index].value : "nothing", result);
        assert_non_null(strstr(problem, wrong[index].name));
        assert_string_equal(claims.address, "");
    }
}

static void clocks_may_differ_a_little(void **state)
{
    (void)state;
    assert_int_equal(read_with("exp", "1699999900"), 0);
    assert_int_equal(read_with("iat", "1700000200"), 0);
}

static void addresses_that_google_does_not_confirm_show(void **state)
{
    (void)state;
    assert_int_equal(read_with("email_verified", "false"), 0);
    assert_false(claims.is_verified);
    assert_int_equal(read_with("email_verified", "\"true\""), 0);
    assert_false(claims.is_verified);
    assert_int_equal(read_with("email", NULL), 0);
    assert_string_equal(claims.address, "");
    assert_int_equal(read_with("email", "\"a\\u0000da@example.org\""), 0);
    assert_string_equal(claims.address, "");
    assert_int_equal(read_with("hd", "\"\""), 0);
    assert_false(claims.is_hosted);
}

static void what_is_no_token_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        ".",
        "..",
        "a.b",
        "a.e30.",
        ".e30.c",
        "a.e30.c.d",
        "a.e30=.c",
        "a.!.c",
        "a..c",
        "eyJhbGciOiJub25lIn0.e30.", /* "alg": "none" has no signature */
    };

    (void)state;
    for (size_t index = 0; index < sizeof(wrong) / sizeof(*wrong); index++)
        assert_int_equal(read_token(wrong[index]), -EBADMSG);
    assert_int_equal(read_payload("[]"), -EBADMSG);
    assert_int_equal(read_payload("{\"iss\":"), -EBADMSG);
    assert_int_equal(read_payload("{} {}"), -EBADMSG);
    assert_int_equal(read_payload("{}"), -EACCES);
}

static void only_a_safe_way_replaces_the_signature(void **state)
{
    static const char *const safe[] = {"https://oauth2.googleapis.com/token",
                                       "http://127.0.0.1:8080/token", "http://localhost/token",
                                       "http://[::1]:1/token", "http://localhost"};
    static const char *const unsafe[] = {"http://oauth2.googleapis.com/token",
                                         "http://localhost.evil.example/",
                                         "ftp://localhost/",
                                         "http://127.0.0.1.evil.example/",
                                         "",
                                         "//localhost/"};

    (void)state;
    for (size_t index = 0; index < sizeof(safe) / sizeof(*safe); index++)
        assert_true(kt_id_token_source_is_safe(safe[index]));
    for (size_t index = 0; index < sizeof(unsafe) / sizeof(*unsafe); index++)
        assert_false(kt_id_token_source_is_safe(unsafe[index]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_token_names_the_person),
        cmocka_unit_test(each_claim_is_checked),
        cmocka_unit_test(clocks_may_differ_a_little),
        cmocka_unit_test(addresses_that_google_does_not_confirm_show),
        cmocka_unit_test(what_is_no_token_is_refused),
        cmocka_unit_test(only_a_safe_way_replaces_the_signature),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
