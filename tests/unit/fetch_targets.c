/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: an address would lead elsewhere than it says, or tell its password to somebody.
 */
#include "config.h"

#include "inside.h"

#include "fetch/target.h"

#include <kontor/http.h>

static TALLOC_CTX *memory;

static int begin(void **state)
{
    (void)state;
    memory = talloc_new(NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    talloc_free(memory);
    return 0;
}

static struct kt_target *parse(const char *text)
{
    struct kt_target *target;
    struct kt_error error = {0};
    if (kt_target_parse(memory, text, NULL, true, &target, &error) < 0)
        fail_msg("%s: %s", text, error.text);
    return target;
}

static void origins(void **state)
{
    static const struct {
        const char *text, *origin, *host, *url;
    } table[] = {
        {"http://example.org", "http://example.org", "example.org", "http://example.org/"},
        {"HTTPS://Example.ORG:443/A?b#c", "https://example.org", "example.org",
         "https://example.org:443/A?b"},
        {"http://example.org:8080/", "http://example.org:8080", "example.org",
         "http://example.org:8080/"},
        {"https://example.org.:8443/", "https://example.org:8443", "example.org",
         "https://example.org:8443/"},
        {"http://[2001:DB8::1]:80/", "http://[2001:db8::1]", "2001:db8::1",
         "http://[2001:db8::1]:80/"},
        {"http://0x7f.1/", "http://127.0.0.1", "127.0.0.1", "http://127.0.0.1/"},
        {"http://ada:pass@example.org/", "http://example.org", "example.org",
         "http://example.org/"},
        {"http://b\xc3\xbc"
         "cher.example/",
         "http://xn--bcher-kva.example", "xn--bcher-kva.example", "http://xn--bcher-kva.example/"},
        {"http://[fe80::1%25eth0]/x", "http://[fe80::1]", "fe80::1", "http://[fe80::1]/x"},
        {"http://example.org?", "http://example.org", "example.org", "http://example.org/"},
        {"http://example.org//b/?c?d=%20#e", "http://example.org", "example.org",
         "http://example.org//b/?c?d=%20"},
        {"http://example.org/a b", "http://example.org", "example.org", "http://example.org/a%20b"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const struct kt_target *target = parse(table[i].text);
        assert_string_equal(target->origin, table[i].origin);
        if (strchr(table[i].text, '@'))
            assert_null(kt_http_origin(memory, table[i].text));
        else
            assert_string_equal(kt_http_origin(memory, table[i].text), table[i].origin);
        assert_string_equal(target->host, table[i].host);
        assert_string_equal(kt_target_text(memory, target), table[i].url);
    }
    assert_true(parse("http://[::1]/")->is_literal);
    assert_true(parse("http://127.1/")->is_literal);
    assert_false(parse("http://127.1.example/")->is_literal);
    assert_int_equal(parse("https://x/")->port, 443);
}

static void credentials(void **state)
{
    const struct kt_target *target = parse("http://ad%61:p%40ss@example.org/");
    struct kt_target *other;
    (void)state;
    assert_string_equal(target->user, "ada");
    assert_string_equal(target->password, "p@ss");
    assert_int_equal(kt_target_parse(memory, "http://ada@example.org/", NULL, false, &other, NULL),
                     -EACCES);
    assert_int_equal(kt_target_parse(memory, "//eve:x@example.net/", target, true, &other, NULL),
                     0);
    assert_null(other->user);
    assert_null(other->password);
}

static void relative_addresses(void **state)
{
    static const struct {
        const char *location, *url;
    } table[] = {
        {"c", "http://example.org/a/c"},
        {"/c", "http://example.org/c"},
        {"?q", "http://example.org/a/b?q"},
        {"../c", "http://example.org/c"},
        {"//example.net/c", "http://example.net/c"},
        {"https://example.net/", "https://example.net/"},
    };
    const struct kt_target *base = parse("http://example.org/a/b?x=1");
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct kt_target *target;
        assert_int_equal(kt_target_parse(memory, table[i].location, base, false, &target, NULL), 0);
        assert_string_equal(kt_target_text(memory, target), table[i].url);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(origins, begin, end),
        cmocka_unit_test_setup_teardown(credentials, begin, end),
        cmocka_unit_test_setup_teardown(relative_addresses, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
