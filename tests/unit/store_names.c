/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: a document would be kept under a name that cannot be found again, or a store's
 * password would be told in the log. */
#include "config.h"

#include "inside.h"

#include "store/address.h"
#include "store/name.h"
#include "store/sum.h"

#include <unistd.h>

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

static const struct kt_store_address *read_address(const char *text)
{
    struct kt_store_address *address;
    struct kt_error error = {0};
    if (kt_store_address_read(memory, text, &address, &error) < 0)
        fail_msg("%s: %s", text, error.text);
    return address;
}

static void addresses(void **state)
{
    static const struct {
        const char *text, *shown, *path, *host, *user, *password;
        unsigned port, database;
        bool with_tls;
    } table[] = {
        {.text = "sqlite:/a/b.db", .shown = "sqlite:/a/b.db", .path = "/a/b.db"},
        {.text = "redis://localhost",
         .shown = "redis://localhost:6379/0",
         .host = "localhost",
         .port = 6379},
        {.text = "redis://localhost/",
         .shown = "redis://localhost:6379/0",
         .host = "localhost",
         .port = 6379},
        {.text = "rediss://db.example.org:7000/3",
         .shown = "rediss://db.example.org:7000/3",
         .host = "db.example.org",
         .port = 7000,
         .database = 3,
         .with_tls = true},
        {.text = "redis://:secret@h",
         .shown = "redis://h:6379/0",
         .host = "h",
         .port = 6379,
         .password = "secret"},
        {.text = "redis://ada:p%40%2f%3A%25@h/1",
         .shown = "redis://ada@h:6379/1",
         .host = "h",
         .port = 6379,
         .user = "ada",
         .password = "p@/:%",
         .database = 1},
        {.text = "redis://ada@[::1]:1/2",
         .shown = "redis://ada@[::1]:1/2",
         .host = "::1",
         .port = 1,
         .user = "ada",
         .database = 2},
        {.text = "redis+unix:/run/r.sock",
         .shown = "redis+unix:/run/r.sock?db=0",
         .path = "/run/r.sock"},
        {.text = "redis+unix:/run/r.sock?db=7",
         .shown = "redis+unix:/run/r.sock?db=7",
         .path = "/run/r.sock",
         .database = 7},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const struct kt_store_address *address = read_address(table[i].text);
        const char *pairs[][2] = {{address->shown, table[i].shown},
                                  {address->path, table[i].path},
                                  {address->host, table[i].host},
                                  {address->user, table[i].user},
                                  {address->password, table[i].password}};
        for (size_t k = 0; k < sizeof pairs / sizeof *pairs; k++) {
            if (pairs[k][1])
                assert_string_equal(pairs[k][0], pairs[k][1]);
            else
                assert_null(pairs[k][0]);
        }
        assert_int_equal(address->port, table[i].port);
        assert_int_equal(address->database, table[i].database);
        assert_int_equal(address->with_tls, table[i].with_tls);
    }
}

static void wrong_addresses(void **state)
{
    static const char *const table[] = {"",
                                        "sqlite",
                                        "sqlite:",
                                        "sqlite:store.db",
                                        "sqlite:/",
                                        "sqlite://",
                                        "file:/a",
                                        "/a/b",
                                        "redis:",
                                        "redis://",
                                        "redis:///1",
                                        "redis://h:0",
                                        "redis://h:65536",
                                        "redis://h:x",
                                        "redis://h/-1",
                                        "redis://h/1x",
                                        "redis://h/99999999999",
                                        "redis://[::1",
                                        "redis://[::g]",
                                        "redis://[::1]x",
                                        "redis://a b",
                                        "redis://:secret@",
                                        "redis://:secret@@h",
                                        "redis://:se:cret@h",
                                        "redis://:secret%@h",
                                        "redis://:secret%4@h",
                                        "redis://:secret%zz@h",
                                        "redis://:secret%00@h",
                                        "redis://:secret%0a@h",
                                        "redis://:secret/x@h",
                                        "redis+unix:",
                                        "redis+unix:run",
                                        "redis+unix:/r?db=",
                                        "redis+unix:/r?db=x",
                                        "redis+unix:/r?x=1",
                                        "sqlite:/a\nb"};
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct kt_store_address *address;
        struct kt_error error = {0};
        if (kt_store_address_read(memory, table[i], &address, &error) != -EINVAL)
            fail_msg("taken: %s", table[i]);
        assert_string_not_equal(error.text, "");
        assert_null(strstr(error.text, "secret"));
        assert_null(strstr(error.text, "cret@"));
    }
}

/** What a file with this content makes of an address. */
static int read_password(const char *address_text, const char *content, const char **ret_password)
{
    struct kt_store_address *address;
    struct kt_error error = {0};
    char path[] = "/tmp/kontor-password-XXXXXX";
    int fd = mkstemp(path);
    assert_int_equal(write(fd, content, strlen(content)), strlen(content));
    close(fd);
    assert_int_equal(kt_store_address_read(memory, address_text, &address, &error), 0);
    int result = kt_store_password_read(address, path, &error);
    unlink(path);
    assert_null(strstr(error.text, "secret"));
    *ret_password = address->password;
    return result;
}

static void passwords(void **state)
{
    static const char *const bad[] = {"", "\n", "secret\nsecret\n", "secret\tx"};
    const char *password;
    struct kt_store_address *address;
    struct kt_error error;
    (void)state;
    assert_int_equal(read_password("redis://ada:other@h", "se cret%\n", &password), 0);
    assert_string_equal(password, "se cret%");
    assert_int_equal(read_password("redis+unix:/r", "secret", &password), 0);
    assert_string_equal(password, "secret");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(read_password("redis://h", bad[i], &password), -EINVAL);
    assert_int_equal(read_password("sqlite:/s", "secret", &password), -EINVAL);
    assert_int_equal(kt_store_address_read(memory, "redis://h", &address, &error), 0);
    assert_int_equal(kt_store_password_read(address, "/nonexistent", &error), -ENOENT);
}

static bool is_taken(const char *name_space, const char *key)
{
    struct kt_store_name name;
    return kt_store_name_check(name_space, key, false, &name) == 0;
}

static void names(void **state)
{
    static const char *const good[] = {"a",
                                       "A b/c:d",
                                       "\xc2\xa0",
                                       "\xc3\xbc",
                                       "\xe0\xa0\x80",
                                       "\xed\x9f\xbf",
                                       "\xf0\x90\x80\x80",
                                       "\xf4\x8f\xbf\xbf"};
    static const char *const bad[] = {
        "",     "a\x01",        "\x7f",         "\xc2\x9f",         "\xc0\x80",
        "\xc3", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
        "\xff", "\x80",         "a\xc3("};
    static const char *const good_spaces[] = {"a", "a-b", "a9-"};
    static const char *const bad_spaces[] = {"", "A", "9", "-a", "a_b", "a b", "\xc3\xbc"};
    char text[KT_STORE_KEY_MAX + 2];
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!is_taken("a", good[i]))
            fail_msg("refused: key %zu", i);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (is_taken("a", bad[i]))
            fail_msg("taken: key %zu", i);
    for (size_t i = 0; i < sizeof good_spaces / sizeof *good_spaces; i++)
        assert_true(is_taken(good_spaces[i], "k"));
    for (size_t i = 0; i < sizeof bad_spaces / sizeof *bad_spaces; i++)
        assert_false(is_taken(bad_spaces[i], "k"));
    memset(text, 'k', sizeof text);
    text[KT_STORE_KEY_MAX + 1] = '\0';
    assert_false(is_taken("a", text));
    text[KT_STORE_KEY_MAX] = '\0';
    assert_true(is_taken("a", text));
    text[KT_STORE_NAMESPACE_MAX + 1] = '\0';
    assert_false(is_taken(text, "k"));
    text[KT_STORE_NAMESPACE_MAX] = '\0';
    assert_true(is_taken(text, "k"));
    assert_false(is_taken(NULL, "k"));
    assert_false(is_taken("a", NULL));
}

/** Every single flipped bit of a page shows, and the sum is what stands in files that exist. */
static void sums(void **state)
{
    unsigned char page[4088];
    (void)state;
    for (size_t i = 0; i < sizeof page; i++)
        page[i] = (unsigned char)(i * 7 + i / 256);
    uint64_t sum = kt_sum(1, page, sizeof page);
    for (size_t i = 0; i < sizeof page * 8; i++) {
        page[i / 8] ^= (unsigned char)(1u << i % 8);
        assert_true(kt_sum(1, page, sizeof page) != sum);
        page[i / 8] ^= (unsigned char)(1u << i % 8);
    }
    assert_true(kt_sum(2, page, sizeof page) != sum);
    assert_true(kt_sum(1, page, sizeof page - 1) != sum);
    assert_true(kt_sum(0, "kontor", 6) == UINT64_C(0xbffe7142fd445d88));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses), cmocka_unit_test(wrong_addresses),
        cmocka_unit_test(passwords), cmocka_unit_test(names),
        cmocka_unit_test(sums),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
