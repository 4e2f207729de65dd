/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: an export of a store in Redis would leave out counters or whole namespaces, or
 * take for kontor's what somebody else keeps in the same Redis. */
#include "config.h"

#include "inside.h"

#include "store/redis_walk.h"

static void taken_apart(void **state)
{
    static const struct {
        const char *name;
        bool is_one;
        const char *name_space, *key;
    } cases[] = {
        {"kontor:{a}:c:b", true, "a", "b"},
        {"kontor:{mail-out}:c:a:{b}:c", true, "mail-out", "a:{b}:c"},
        {"kontor:{a}:c", true, "a", ""},
        {"kontor:{a}:d:b", false, "", ""},
        {"kontor:{a}:cc", false, "", ""},
        {"kontor:{}:c:b", false, "", ""},
        {"kontor:{a:c:b", false, "", ""},
        {"kontor:a:c:b", false, "", ""},
        {"other:{a}:c:b", false, "", ""},
        {"kontor:{a}", false, "", ""},
        {"", false, "", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char name_space[KT_STORE_NAMESPACE_MAX + 1] = "", key[KT_STORE_KEY_MAX + 1] = "";
        assert_int_equal(kt_redis_name_read(cases[i].name, 'c', name_space, key), cases[i].is_one);
        assert_string_equal(name_space, cases[i].name_space);
        assert_string_equal(key, cases[i].key);
    }
}

static void too_long(void **state)
{
    char name_space[KT_STORE_NAMESPACE_MAX + 1], key[KT_STORE_KEY_MAX + 1], text[512];
    (void)state;
    for (int more = 0; more < 2; more++) {
        snprintf(text, sizeof text, "kontor:{%0*d}:c:b", (int)KT_STORE_NAMESPACE_MAX + more, 1);
        assert_int_equal(kt_redis_name_read(text, 'c', name_space, key), more == 0);
        snprintf(text, sizeof text, "kontor:{a}:c:%0*d", (int)KT_STORE_KEY_MAX + more, 1);
        assert_int_equal(kt_redis_name_read(text, 'c', name_space, key), more == 0);
    }
}

static void in_order(void **state)
{
    char a[] = "a", b[] = "b", bb[] = "bb", d[] = "d", *list[] = {a, b, bb, d};
    const struct kt_redis_names names = {.count = 4, .list = list};
    const struct kt_redis_names none = {0};
    (void)state;
    assert_string_equal(kt_redis_names_next(&names, ""), "a");
    assert_string_equal(kt_redis_names_next(&names, "a"), "b");
    assert_string_equal(kt_redis_names_next(&names, "ba"), "bb");
    assert_string_equal(kt_redis_names_next(&names, "c"), "d");
    assert_null(kt_redis_names_next(&names, "d"));
    assert_null(kt_redis_names_next(&none, ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(taken_apart),
        cmocka_unit_test(too_long),
        cmocka_unit_test(in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
