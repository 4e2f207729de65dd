/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * If this failed: a quote or a letter in a meeting's title would be overlooked, where eight
 * characters are looked at together, and the week would be shown broken or not at all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "calendar/blocks.h"
#include "calendar/eight.h"

#include <string.h>

/** Around a character there are those that come nearest to what is looked for. */
static const char neighbours[] = " ~!#[]A\x7f@Za{";

static bool is_special(unsigned char byte)
{
    return byte < ' ' || byte == '"' || byte == '\\';
}

static void each_character_is_known_at_each_place(void **state)
{
    char text[KT_EIGHT];

    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        for (size_t place = 0; place < KT_EIGHT; place++) {
            uint64_t marks;

            memset(text, 'x', sizeof(text));
            text[place] = (char)byte;
            marks = kt_eight_mark_special(kt_eight_load(text));
            assert_int_equal(marks != 0, is_special((unsigned char)byte));
            if (marks && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
                assert_int_equal(kt_eight_before(marks), place);
            assert_int_equal(kt_eight_is_printable(kt_eight_load(text)),
                             byte >= ' ' && byte <= '~');
            if (byte < 128)
                assert_int_equal(kt_eight_may_have_upper(kt_eight_load(text)),
                                 byte >= 'A' && byte <= 'Z');
        }
    }
}

static void neighbours_do_not_hide_it(void **state)
{
    char text[KT_EIGHT];

    (void)state;
    for (const char *at = neighbours; *at; at++) {
        for (size_t place = 0; place < KT_EIGHT; place++) {
            memset(text, *at, sizeof(text));
            assert_int_equal(kt_eight_mark_special(kt_eight_load(text)), 0);
            text[place] = '"';
            assert_true(kt_eight_before(kt_eight_mark_special(kt_eight_load(text))) <= place);
            assert_true(kt_eight_mark_special(kt_eight_load(text)) != 0);
            memset(text, *at, sizeof(text));
            text[place] = '\n';
            assert_false(kt_eight_is_printable(kt_eight_load(text)));
            text[place] = 'Q';
            assert_true(kt_eight_may_have_upper(kt_eight_load(text)));
        }
    }
}

/** What is put into blocks stays there, whatever comes after it and however large it is. */
static void things_in_blocks_do_not_touch(void **state)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    struct kt_blocks blocks = {.owner = memory};
    static const size_t sizes[] = {1, 24, 7, KT_BLOCK_SIZE, 4000, KT_BLOCK_SIZE + 1, 100, 3};
    enum { ROUNDS = 40, KINDS = sizeof(sizes) / sizeof(*sizes) };
    unsigned char *places[ROUNDS * KINDS];

    (void)state;
    for (size_t index = 0; index < ROUNDS * KINDS; index++) {
        size_t size = sizes[index % KINDS];

        places[index] = index % 3 ? kt_blocks_take(&blocks, size)
                                  : (unsigned char *)kt_blocks_take_bytes(&blocks, size);
        assert_non_null(places[index]);
        if (index % 3)
            assert_int_equal((uintptr_t)places[index] % alignof(max_align_t), 0);
        memset(places[index], (int)(index % 251), size);
    }
    for (size_t index = 0; index < ROUNDS * KINDS; index++) {
        for (size_t at = 0; at < sizes[index % KINDS]; at++)
            assert_int_equal(places[index][at], index % 251);
    }
    talloc_free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_character_is_known_at_each_place),
        cmocka_unit_test(neighbours_do_not_hide_it),
        cmocka_unit_test(things_in_blocks_do_not_touch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
