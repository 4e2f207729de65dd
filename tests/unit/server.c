/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: a named server would lose its state, its time-outs or its last words. */
#include "inside.h"

static char diary[256];

static void note(const char *text)
{
    strncat(diary, text, sizeof diary - strlen(diary) - 1);
}

struct counter {
    int value;
};

static int counter_init(void *argument, void **ret_state)
{
    int first = argument ? *(int *)argument : 0;
    if (first < 0)
        return first;
    struct counter *counter = talloc_zero(kt_self_memory(), struct counter);
    counter->value = first;
    *ret_state = counter;
    return 0;
}

enum { ADD = 1, SLOWLY, STOP, NEVER_ANSWER };

static void counter_call(void *state, const struct kt_message *call)
{
    struct counter *counter = state;
    struct kt_from from = kt_message_from(call);
    if (call->type == NEVER_ANSWER)
        return;
    if (call->type == SLOWLY)
        kt_sleep(5); /* a handler may park: the others' messages wait */
    counter->value += *(const int *)call->data;
    kt_reply(&from, 0, &counter->value, sizeof counter->value);
    if (call->type == STOP)
        kt_exit(KT_EXIT_NORMAL, NULL);
}

static void counter_message(void *state, const struct kt_message *message)
{
    struct counter *counter = state;
    note("m");
    if (message->type == STOP)
        kt_fail("told to");
    if (message->type == 9)
        kt_server_timeout(*(const int *)message->data);
    counter->value++;
}

static void counter_timeout(void *state)
{
    (void)state;
    note("t");
}

static void counter_terminate(void *state, const struct kt_exit *exit)
{
    struct counter *counter = state;
    kt_yield(); /* it may park while it cleans up */
    assert_true(counter->value >= 0);
    note(kt_exit_name(exit->kind));
}

static const struct kt_server counter_server = {
    .label = "counter",
    .init = counter_init,
    .handle_call = counter_call,
    .handle_message = counter_message,
    .handle_timeout = counter_timeout,
    .terminate = counter_terminate,
};

static int call(kt_pid pid, uint32_t type, int value)
{
    const struct kt_message *reply;
    assert_int_equal(kt_call(pid, type, &value, sizeof value, -1, &reply), 0);
    return *(const int *)reply->data;
}

static void adder(void *argument)
{
    call(*(kt_pid *)argument, SLOWLY, 1);
}

static void test_state_and_calls(void)
{
    int first = 10;
    kt_pid pid, adders[20];
    assert_int_equal(kt_server_start(&counter_server, NULL, &first, &pid), 0);
    assert_int_equal(call(pid, ADD, 5), 15);
    for (int i = 0; i < 20; i++)
        kt_spawn(NULL, adder, &pid, &adders[i]);
    for (int i = 0; i < 20; i++)
        kt_join(adders[i], -1);
    assert_int_equal(call(pid, ADD, 0), 35);
    diary[0] = '\0';
    assert_int_equal(call(pid, STOP, 0), 35);
    kt_join(pid, -1);
    assert_string_equal(diary, "normal");
}

static void test_an_init_that_fails(void)
{
    int bad = -EACCES;
    kt_pid pid = 1;
    diary[0] = '\0';
    assert_int_equal(
        kt_server_start(&counter_server, &(struct kt_server_start){.link = true}, &bad, &pid),
        -EACCES);
    assert_int_equal(pid, KT_PID_NONE);
    assert_string_equal(diary, "");
}

static int crash_init(void *argument, void **ret_state)
{
    (void)argument, (void)ret_state;
    kt_fail("in init");
}

static void test_an_init_that_crashes_spares_its_parent(void)
{
    static const struct kt_server server = {.label = "crash", .init = crash_init};
    kt_pid pid;
    assert_int_equal(kt_server_start(&server, &(struct kt_server_start){.link = true}, NULL, &pid),
                     -EOWNERDEAD);
    kt_yield();
}

static void test_it_waits_without_a_stack(void)
{
    struct kt_runtime_counts before, after;
    kt_runtime_counts(&before);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(kt_server_start(&counter_server, NULL, NULL, NULL), 0);
    kt_runtime_counts(&after);
    assert_int_equal(after.processes - before.processes, 1000);
    assert_int_equal(after.stacks, before.stacks);
}

static void test_timeouts(void)
{
    kt_pid pid;
    int soon = 10, far = 1000000, cancel = -1;
    kt_server_start(&counter_server, NULL, NULL, &pid);
    diary[0] = '\0';
    kt_send(pid, 9, &soon, sizeof soon);
    assert_int_equal(call(pid, SLOWLY, 1), 2); /* a message does not cancel it */
    AWAIT(strchr(diary, 't'));
    assert_string_equal(diary, "mt");
    kt_send(pid, 9, &soon, sizeof soon);
    kt_send(pid, 9, &far, sizeof far);
    kt_send(pid, 9, &soon, sizeof soon);
    kt_send(pid, 9, &cancel, sizeof cancel);
    kt_sleep(30);
    assert_string_equal(diary, "mtmmmm");
}

static void test_a_call_unanswered_at_the_end(void)
{
    kt_pid pid;
    diary[0] = '\0';
    kt_server_start(&counter_server, NULL, NULL, &pid);
    assert_int_equal(kt_call(pid, NEVER_ANSWER, NULL, 0, 5, NULL), -ETIMEDOUT);
    kt_send(pid, STOP, NULL, 0);
    assert_int_equal(kt_call(pid, NEVER_ANSWER, NULL, 0, -1, NULL), -EOWNERDEAD);
    assert_string_equal(diary, "merror");
}

static void parent(void *argument)
{
    static const struct kt_server trapping = {.label = "trapping",
                                              .init = counter_init,
                                              .handle_message = counter_message,
                                              .terminate = counter_terminate,
                                              .trap_exit = true};
    kt_server_start(&trapping, &(struct kt_server_start){.link = true}, NULL, argument);
    const struct kt_message *message;
    kt_receive(-1, &message);
}

static void test_the_parents_end_is_its_end(void)
{
    kt_pid child = KT_PID_NONE, pid;
    diary[0] = '\0';
    kt_spawn(NULL, parent, &child, &pid);
    AWAIT(child);
    kt_signal(child, KT_EXIT_ERROR, "of a stranger"); /* trapped: an ordinary message */
    kt_signal(pid, KT_EXIT_SHUTDOWN, "end");
    kt_join(child, -1);
    assert_string_equal(diary, "mshutdown");
}

static void never_done(void *state, const struct kt_exit *exit)
{
    (void)state;
    note(exit->text);
    kt_sleep(1000000);
    note(" never");
}

static void leave(void *state, const struct kt_message *message)
{
    (void)state, (void)message;
    kt_exit(KT_EXIT_SHUTDOWN, "as it was asked");
}

/** Under a leak checker this fails when its last words stay behind. */
static void test_killed_while_it_cleans_up(void)
{
    static const struct kt_server slow = {
        .label = "slow", .handle_message = leave, .terminate = never_done};
    kt_pid pid;
    diary[0] = '\0';
    assert_int_equal(kt_server_start(&slow, NULL, NULL, &pid), 0);
    kt_send(pid, 1, NULL, 0);
    AWAIT(diary[0]);
    kt_signal(pid, KT_EXIT_KILL, "it takes too long");
    kt_join(pid, -1);
    assert_string_equal(diary, "as it was asked");
}

CASE(killed_while_it_cleans_up)
CASE(state_and_calls)
CASE(an_init_that_fails)
CASE(an_init_that_crashes_spares_its_parent)
CASE(it_waits_without_a_stack)
CASE(timeouts)
CASE(a_call_unanswered_at_the_end)
CASE(the_parents_end_is_its_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(state_and_calls),
        cmocka_unit_test(an_init_that_fails),
        cmocka_unit_test(an_init_that_crashes_spares_its_parent),
        cmocka_unit_test(it_waits_without_a_stack),
        cmocka_unit_test(timeouts),
        cmocka_unit_test(a_call_unanswered_at_the_end),
        cmocka_unit_test(the_parents_end_is_its_end),
        cmocka_unit_test(killed_while_it_cleans_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
