/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: strangers could sign in, or one person would be two. */
#include "inside.h"

#include "calendar/address.h"

static void one_person_has_one_name(void **state)
{
    static const char *const same[] = {"ada@example.org", "ADA@Example.ORG", "  ada@example.org\n"};
    char address[KT_ADDRESS_SIZE];

    (void)state;
    for (size_t index = 0; index < sizeof(same) / sizeof(*same); index++) {
        assert_int_equal(kt_address_normalise(same[index], address), 0);
        assert_string_equal(address, "ada@example.org");
    }
    assert_int_equal(kt_address_normalise("o'neill+week@mail.example-1.org", address), 0);
}

static void what_no_mail_reaches_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "ada",
        "@example.org",
        "ada@",
        "a@b@example.org",
        "ada@.org",
        "ada@example.",
        "ada@exa..mple",
        ".ada@example.org",
        "a..da@example.org",
        "\"a b\"@example.org",
        "ada@exa mple.org",
        "ada@example.org\r\nBcc: eve@evil.example",
        "ada@example.org,eve@evil.example",
        "Ada <ada@example.org>",
        "ada@ex\xc3\xa4mple.org",
        "ada@[127.0.0.1]",
        "12345678901234567890123456789012345678901234567890123456789012345@example.org",
    };
    char address[KT_ADDRESS_SIZE], longest[400];

    (void)state;
    for (size_t index = 0; index < sizeof(wrong) / sizeof(*wrong); index++)
        assert_int_equal(kt_address_normalise(wrong[index], address), -EINVAL);
    memset(longest, 'a', sizeof(longest));
    longest[2] = '@';
    longest[254] = '\0';
    assert_int_equal(kt_address_normalise(longest, address), 0);
    longest[254] = 'a';
    longest[255] = '\0';
    assert_int_equal(kt_address_normalise(longest, address), -EINVAL);
}

static void only_the_domains_of_the_list_may(void **state)
{
    static const char *const domains[] = {"example.org", "example.com", NULL};

    (void)state;
    assert_true(kt_domains_have(domains, "ada@example.org"));
    assert_true(kt_domains_have(domains, "ada@example.com"));
    assert_false(kt_domains_have(domains, "ada@example.net"));
    assert_false(kt_domains_have(domains, "ada@evil-example.org"));
    assert_false(kt_domains_have(domains, "ada@sub.example.org"));
    assert_false(kt_domains_have(domains, "ada@example.org.evil.example"));
    assert_false(kt_domains_have(domains, "example.org"));
    assert_false(kt_domains_are_open(domains));
}

static void an_empty_list_and_a_star_are_everybody(void **state)
{
    static const char *const none[] = {NULL}, *const star[] = {"example.org", "*", NULL};

    (void)state;
    assert_true(kt_domains_have(NULL, "ada@example.net"));
    assert_true(kt_domains_have(none, "ada@example.net"));
    assert_true(kt_domains_have(star, "ada@example.net"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_person_has_one_name),
        cmocka_unit_test(what_no_mail_reaches_is_refused),
        cmocka_unit_test(only_the_domains_of_the_list_may),
        cmocka_unit_test(an_empty_list_and_a_star_are_everybody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
