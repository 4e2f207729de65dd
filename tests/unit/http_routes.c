/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: a page would be answered by the wrong handler, or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/route.h"
#include "plugin/plugin.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void handler(struct kt_request *request)
{
    (void)request;
}

static int stock(FCGX_Stream *in, FCGX_Stream *out, FCGX_Stream *err, FCGX_ParamArray envp)
{
    (void)in, (void)out, (void)err, (void)envp;
    return 0;
}

static const struct kt_plugin_descriptor descriptor = {.name = "shop"};
static struct kt_plugin plugin = {.descriptor = &descriptor, .number = 1};

static int set_up(void **state)
{
    (void)state;
    static const char *const patterns[][2] = {
        {"GET", "/"},
        {"GET", "/items"},
        {"POST", "/items"},
        {"GET", "/items/{id}"},
        {"DELETE", "/items/{id}"},
        {"GET", "/items/new"},
        {"GET", "/items/{id}/parts/{part}"},
        {"GET", "/files/*"},
        {"*", "/any/{what}"},
        {"PUT", "/any/{thing}"},
    };
    for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++)
        if (kt_plugin_route(&plugin, patterns[i][0], patterns[i][1], handler, NULL) < 0)
            return -1;
    return kt_plugin_route_fcgx(&plugin, "GET", "/stock", stock) |
           kt_route_add("GET", "/ping", handler, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    kt_route_clear();
    return 0;
}

static void test_matches(void **state)
{
    (void)state;
    static const struct {
        const char *method, *path;
        const char *label; /* NULL: none, then */
        const char *allow;
    } cases[] = {
        {"GET", "/ping", "GET /ping", ""},
        {"HEAD", "/ping", "GET /ping", ""},
        {"GET", "/api/shop", "GET /api/shop", ""},
        {"GET", "/api/shop/", "GET /api/shop/", ""},
        {"GET", "/api/shop/items", "GET /api/shop/items", ""},
        {"POST", "/api/shop/items", "POST /api/shop/items", ""},
        {"GET", "/api/shop/items/new", "GET /api/shop/items/new", ""},
        {"GET", "/api/shop/items/7", "GET /api/shop/items/{id}", ""},
        {"DELETE", "/api/shop/items/new", "DELETE /api/shop/items/{id}", ""},
        {"GET", "/api/shop/items/new/parts/x", "GET /api/shop/items/{id}/parts/{part}", ""},
        {"GET", "/api/shop/files/", "GET /api/shop/files/*", ""},
        {"GET", "/api/shop/files/a/b/", "GET /api/shop/files/*", ""},
        {"PATCH", "/api/shop/any/x", "* /api/shop/any/{what}", ""},
        {"PUT", "/api/shop/any/x", "PUT /api/shop/any/{thing}", ""},
        {"GET", "/api/shop/stock", "GET /api/shop/stock", ""},
        {"PUT", "/api/shop/items", NULL, "POST, GET, HEAD"},
        {"PUT", "/api/shop/items/new", NULL, "GET, HEAD, DELETE"},
        {"get", "/ping", NULL, "GET, HEAD"},
        {"GET", "/", NULL, ""},
        {"GET", "/api", NULL, ""},
        {"GET", "/api/shop/files", NULL, ""},
        {"GET", "/api/shop/items/", NULL, ""},
        {"GET", "/api/shop/item", NULL, ""},
        {"GET", "/api/shop/items/7/parts", NULL, ""},
        {"GET", "/ping/", NULL, ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct kt_route_match match;
        kt_route_find(KT_ROLE_RESPONDER, cases[i].method, cases[i].path, &match);
        if (cases[i].label) {
            assert_non_null(match.route);
            assert_string_equal(match.route->label, cases[i].label);
        } else {
            assert_null(match.route);
            assert_string_equal(match.allow, cases[i].allow);
        }
    }
}

static void assert_capture(const struct kt_route_match *match, size_t index, const char *name,
                           const char *value)
{
    assert_string_equal(match->route->capture_names[index], name);
    assert_int_equal(match->captures[index].size, strlen(value));
    assert_memory_equal(match->captures[index].start, value, strlen(value));
}

static void test_captures(void **state)
{
    (void)state;
    struct kt_route_match match;
    kt_route_find(KT_ROLE_RESPONDER, "GET", "/api/shop/items/a b/parts/7", &match);
    assert_capture(&match, 0, "id", "a b");
    assert_capture(&match, 1, "part", "7");
    assert_null(match.route->capture_names[2]);
    kt_route_find(KT_ROLE_RESPONDER, "GET", "/api/shop/files/a/b.txt", &match);
    assert_capture(&match, 0, "*", "a/b.txt");
    kt_route_find(KT_ROLE_RESPONDER, "PUT", "/api/shop/any/x", &match);
    assert_capture(&match, 0, "thing", "x");
    kt_route_find(KT_ROLE_RESPONDER, "GET", "/api/shop/stock", &match);
    assert_ptr_equal(match.route->fcgx_handler, stock);
    assert_ptr_equal(match.route->plugin, &plugin);
}

static void test_bad_patterns_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",         "items",
        "//",       "/a//b",
        "/*/b",     "/{}",
        "/{a}x",    "/x{a}",
        "/{a}/{a}", "/a*",
        "/{a",      "/a}",
        "/{a{b}",   "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(kt_plugin_route(&plugin, "GET", bad[i], handler, NULL), -EINVAL);
    assert_int_equal(kt_plugin_route(&plugin, "G T", "/x", handler, NULL), -EINVAL);
    assert_int_equal(kt_plugin_route(&plugin, "", "/x", handler, NULL), -EINVAL);
    assert_int_equal(kt_plugin_route(&plugin, "GET", "/x", NULL, NULL), -EINVAL);
    assert_int_equal(kt_plugin_route(&plugin, "GET", "/items", handler, NULL), -EEXIST);
    assert_int_equal(kt_plugin_route(&plugin, "GET", "/items/{other}", handler, NULL), -EEXIST);
}

static void test_many_routes(void **state)
{
    (void)state;
    char pattern[64], path[64];
    struct kt_route_match match;
    for (int i = 0; i < 500; i++) {
        snprintf(pattern, sizeof(pattern), "/many/%d/{x}", i * 7919 % 500);
        assert_int_equal(kt_plugin_route(&plugin, "GET", pattern, handler, NULL), 0);
    }
    for (int i = 0; i < 500; i++) {
        snprintf(path, sizeof(path), "/api/shop/many/%d/value", i);
        snprintf(pattern, sizeof(pattern), "/api/shop/many/%d/{x}", i);
        kt_route_find(KT_ROLE_RESPONDER, "GET", path, &match);
        assert_string_equal(match.route->pattern, pattern);
    }
}

/** A page must not be open by one plugin's authorizer only because another plugin is away. */
static void test_authorizers_of_two_plugins(void **state)
{
    (void)state;
    static const struct kt_plugin_descriptor others = {.name = "other"};
    struct kt_plugin other = {.descriptor = &others, .number = 2, .start = 1};
    static const struct {
        const char *pattern;
        bool is_contested;
    } cases[] = {
        {"/private/*", true}, {"/*", true},          {"/private/a/b", true}, {"/{any}/a", true},
        {"/private/", true},  {"/private", false},   {"/", false},           {"/public/*", false},
        {"/{any}", false},    {"/privately", false}, {"/one/two", true},     {"/one/{x}/y", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        assert_int_equal(
            kt_plugin_route_role(&plugin, KT_ROLE_AUTHORIZER, "*", "/private/*", handler, NULL), 0);
        assert_int_equal(
            kt_plugin_route_role(&plugin, KT_ROLE_AUTHORIZER, "*", "/one/{it}", handler, NULL), 0);
        /* One plugin's own may overlap, and other roles don't count. */
        assert_int_equal(
            kt_plugin_route_role(&plugin, KT_ROLE_AUTHORIZER, "*", "/private/x", handler, NULL), 0);
        assert_int_equal(
            kt_plugin_route_role(&other, KT_ROLE_FILTER, "*", "/private/*", handler, NULL), 0);
        int expected = cases[i].is_contested ? -EEXIST : 0;
        assert_int_equal(kt_plugin_route_role(&other, KT_ROLE_AUTHORIZER, "GET", cases[i].pattern,
                                              handler, NULL),
                         expected);
        kt_route_clear();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matches),
        cmocka_unit_test(test_captures),
        cmocka_unit_test(test_bad_patterns_are_refused),
        cmocka_unit_test(test_many_routes),
        cmocka_unit_test(test_authorizers_of_two_plugins),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
