/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: a plugin whose processes keep failing would stay half dead, or serve requests
 * with what its earlier life left behind. */
#include "config.h"

#include "inside.h"

#include "http/route.h"
#include "worker/tree.h"

static int starts;       /**< of the plugin */
static int start_result; /**< of its next start */
static kt_pid child_pid; /**< its child */
static kt_pid stray_pid; /**< a process it spawned beside */

static void handler(struct kt_request *request)
{
    (void)request;
}

static void child_main(void *argument)
{
    const struct kt_message *message;
    (void)argument;
    child_pid = kt_self();
    kt_receive(-1, &message);
    kt_fail("asked to");
}

static void stray_main(void *argument)
{
    (void)argument;
    kt_sleep(3600 * 1000);
}

static int start(struct kt_plugin *plugin, struct kt_error *error)
{
    const struct kt_child child = {.id = "child", .restart = KT_PERMANENT, .function = child_main};
    starts++;
    if (start_result < 0)
        return kt_error_set(error, start_result, "no tea today");
    assert_int_equal(kt_plugin_route(plugin, "GET", "/tea", handler, NULL), 0);
    assert_int_equal(kt_plugin_route(plugin, "GET", "/tea", handler, NULL), -EEXIST);
    assert_int_equal(kt_spawn(NULL, stray_main, NULL, &stray_pid), 0);
    return kt_plugin_child(plugin, &child, NULL);
}

static const struct kt_plugin_descriptor descriptor = {.name = "shop", .start = start};
static struct kt_plugin plugin;
static struct kt_plugins plugins;

static struct kt_tree *begin(void)
{
    struct kt_error error;
    struct kt_tree *tree = NULL;
    starts = start_result = 0;
    child_pid = KT_PID_NONE;
    plugin = (struct kt_plugin){.descriptor = &descriptor, .number = 1};
    plugins = (struct kt_plugins){.count = 1, .list = {&plugin}};
    kt_trap_exit(true);
    assert_int_equal(kt_tree_start(&plugins, &tree, &error), 0);
    AWAIT(child_pid != KT_PID_NONE);
    return tree;
}

static const struct kt_route *find(void)
{
    struct kt_route_match match;
    kt_route_find(KT_ROLE_RESPONDER, "GET", "/api/shop/tea", &match);
    assert_non_null(match.route);
    return match.route;
}

/** Let the child fail until its supervisor gives up and the plugin has ended. */
static void exhaust(void)
{
    int before = starts;
    kt_pid supervisor = plugin.supervisor;
    while (kt_is_alive(supervisor)) {
        kt_send(child_pid, 1, NULL, 0);
        kt_sleep(1);
    }
    AWAIT(starts > before);
}

static void test_restarts_as_a_whole(void)
{
    struct kt_tree *tree = begin();
    const struct kt_route *first = find();
    kt_pid stray = stray_pid;
    assert_false(kt_route_is_void(first));
    exhaust();
    AWAIT(plugin.supervisor != KT_PID_NONE && kt_is_alive(stray_pid));
    assert_int_equal(starts, 2);
    assert_true(kt_route_is_void(first)); /* requests that run still may look at it */
    assert_ptr_not_equal(find(), first);
    assert_false(kt_route_is_void(find()));
    assert_false(kt_is_alive(stray));
    kt_tree_stop(tree);
    assert_true(kt_route_is_void(find()));
    assert_false(kt_is_alive(stray_pid));
    kt_route_clear();
}

static void test_gives_up_at_last(void)
{
    struct kt_tree *tree = begin();
    kt_pid root = kt_tree_root(tree);
    const struct kt_message *message;
    while (kt_is_alive(root)) {
        kt_send(child_pid, 1, NULL, 0);
        kt_sleep(1);
    }
    assert_int_equal(kt_receive(-1, &message), 0);
    assert_int_equal(message->type, KT_MESSAGE_EXIT);
    assert_int_equal(((const struct kt_down *)message->data)->pid, root);
    assert_true(starts > 1);
    kt_route_clear();
}

static void test_says_why_it_does_not_start(void)
{
    struct kt_error error;
    struct kt_tree *tree;
    plugin = (struct kt_plugin){.descriptor = &descriptor, .number = 1};
    plugins = (struct kt_plugins){.count = 1, .list = {&plugin}};
    start_result = -EIO;
    assert_int_equal(kt_tree_start(&plugins, &tree, &error), -EIO);
    assert_string_equal(error.text, "plugin 'shop' did not start: no tea today");
    start_result = 0;
    kt_route_clear();
}

CASE(restarts_as_a_whole)
CASE(gives_up_at_last)
CASE(says_why_it_does_not_start)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(restarts_as_a_whole),
        cmocka_unit_test(gives_up_at_last),
        cmocka_unit_test(says_why_it_does_not_start),
    };
    return cmocka_run_group_tests_name("plugin_restart", tests, NULL, NULL);
}
