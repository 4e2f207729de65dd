/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * If this failed: somebody's name from a calendar would be cut within a letter, break the answer it
 * is shown in, or be taken for somebody else's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "calendar/text_pool.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>

static struct kt_text_pool *pool;
static TALLOC_CTX *memory;

static int set_up(void **state)
{
    (void)state;
    memory = talloc_new(NULL);
    pool = kt_text_pool_new(memory, memory);
    return pool ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    return talloc_free(memory);
}

static void equal_texts_are_kept_once(void **state)
{
    static const char *kept[10000];
    char text[32];

    (void)state;
    for (int index = 0; index < 10000; index++) {
        snprintf(text, sizeof(text), "person.%d@example.org", index);
        kept[index] = kt_text_pool_add(pool, text);
        assert_string_equal(kept[index], text);
    }
    for (int index = 0; index < 10000; index++) {
        snprintf(text, sizeof(text), "person.%d@example.org", index);
        assert_ptr_equal(kt_text_pool_add(pool, text), kept[index]);
        strcat(text, "?");
        assert_ptr_equal(kt_text_pool_add_bytes(pool, text, strlen(text) - 1), kept[index]);
        assert_ptr_not_equal(kt_text_pool_add(pool, text), kept[index]);
    }
    assert_ptr_equal(kt_text_pool_add(pool, ""), kt_text_pool_add_bytes(pool, "x", 0));
}

/** What isn't printable ASCII, at each place of texts of each length. */
static void text_is_made_valid(void **state)
{
    static const struct {
        const char *written, *kept;
    } parts[] = {{"\x01", " "},
                 {"\x1f", " "},
                 {"\n", "\n"},
                 {"\x7f", " "},
                 {"ü", "ü"},
                 {"😀", "😀"},
                 {"\xff", "\xef\xbf\xbd"},
                 {"\xc3", "\xef\xbf\xbd"},
                 {"~", "~"},
                 {"\xc2\x80", " "}};
    char written[80], expected[80];

    (void)state;
    for (int before = 0; before < 20; before++) {
        for (size_t part = 0; part < sizeof(parts) / sizeof(*parts); part++) {
            for (int after = 0; after < 10; after += 3) {
                snprintf(written, sizeof(written), "%.*s%s%.*s", before, "abcdefghijklmnopqrstuv",
                         parts[part].written, after, "0123456789");
                snprintf(expected, sizeof(expected), "%.*s%s%.*s", before, "abcdefghijklmnopqrstuv",
                         parts[part].kept, after, "0123456789");
                assert_string_equal(kt_text_pool_add(pool, written), expected);
            }
        }
    }
}

static void long_text_is_cut_between_letters(void **state)
{
    char text[3 * KT_TEXT_MAX + 1];

    (void)state;
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(strlen(kt_text_pool_add(pool, text)), KT_TEXT_MAX);
    for (size_t at = 1; at + 2 < sizeof(text); at += 2)
        memcpy(text + at, "ü", 2); /* one of them lies across the bound */
    text[sizeof(text) - 2] = '\0';
    assert_int_equal(strlen(kt_text_pool_add(pool, text)), KT_TEXT_MAX - 1);
    assert_true(g_utf8_validate(kt_text_pool_add(pool, text), -1, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(equal_texts_are_kept_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(text_is_made_valid, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_text_is_cut_between_letters, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
