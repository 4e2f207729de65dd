/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: what must run would not come back, or come back in the wrong order. */
#include "inside.h"

/* Each child writes its letter when it starts, and the small letter when it stops in order. */
static char diary[256];
static int failing_start; /**< the letter whose init fails, or 0 */

static void note(char letter)
{
    size_t length = strlen(diary);
    assert_true(length + 1 < sizeof diary);
    diary[length] = letter;
    diary[length + 1] = '\0';
}

static int child_init(void *argument, void **ret_state)
{
    const char *letter = argument;
    if (*letter == failing_start)
        return -EIO;
    *ret_state = argument;
    note(*letter);
    return 0;
}

static void child_message(void *state, const struct kt_message *message)
{
    (void)state;
    if (message->type == 1)
        kt_fail("asked to fail");
    if (message->type == 2)
        kt_exit(KT_EXIT_NORMAL, NULL);
}

static void child_terminate(void *state, const struct kt_exit *exit)
{
    if (exit->kind == KT_EXIT_SHUTDOWN)
        note((char)(*(const char *)state - 'A' + 'a'));
}

static const struct kt_server child_server = {
    .label = "child",
    .init = child_init,
    .handle_message = child_message,
    .terminate = child_terminate,
    .trap_exit = true,
};

#define CHILD(letter, ...)                                                                         \
    {                                                                                              \
        .id = letter, .server = &child_server, .argument = (void *)(uintptr_t)letter, __VA_ARGS__  \
    }

static const struct kt_child three[] = {CHILD("A"), CHILD("B"), CHILD("C"), {0}};

static kt_pid start(enum kt_strategy strategy, const struct kt_child *children)
{
    kt_pid pid;
    const struct kt_supervisor spec = {
        .label = "test", .strategy = strategy, .intensity = 5, .children = children};
    diary[0] = '\0';
    failing_start = 0;
    assert_int_equal(kt_supervisor_start(&spec, NULL, &pid), 0);
    return pid;
}

static kt_pid child(kt_pid supervisor, const char *id)
{
    kt_pid pid;
    assert_int_equal(kt_supervisor_child(supervisor, id, &pid), 0);
    return pid;
}

static void crash(kt_pid supervisor, const char *id, uint32_t how)
{
    kt_pid pid = child(supervisor, id);
    kt_send(pid, how, NULL, 0);
    kt_join(pid, -1);
    child(supervisor, id); /* answered when the supervisor has dealt with it */
}

static void test_strategies(void)
{
    static const struct {
        enum kt_strategy strategy;
        const char *expected;
    } cases[] = {
        {KT_ONE_FOR_ONE, "ABCBcba"},
        {KT_ONE_FOR_ALL, "ABCcaABCcba"},
        {KT_REST_FOR_ONE, "ABCcBCcba"},
    };
    for (size_t i = 0; i < 3; i++) {
        kt_pid supervisor = start(cases[i].strategy, three);
        crash(supervisor, "B", 1);
        assert_int_equal(kt_supervisor_stop(supervisor, -1), 0);
        assert_string_equal(diary, cases[i].expected);
    }
}

static void test_restart_types(void)
{
    static const struct kt_child children[] = {CHILD("A", .restart = KT_PERMANENT),
                                               CHILD("B", .restart = KT_TRANSIENT),
                                               CHILD("C", .restart = KT_TEMPORARY),
                                               {0}};
    kt_pid supervisor = start(KT_ONE_FOR_ONE, children), pid;
    crash(supervisor, "A", 2);
    crash(supervisor, "B", 2);
    assert_int_equal(child(supervisor, "B"), KT_PID_NONE);
    assert_int_equal(kt_supervisor_restart(supervisor, "B", &pid), 0);
    assert_int_equal(kt_supervisor_restart(supervisor, "B", &pid), -EBUSY);
    crash(supervisor, "B", 1);
    pid = child(supervisor, "C");
    kt_send(pid, 1, NULL, 0);
    kt_join(pid, -1);
    assert_int_equal(kt_supervisor_child(supervisor, "C", &pid), -ENOENT);
    assert_string_equal(diary, "ABCABB");
    struct kt_supervisor_count count;
    assert_int_equal(kt_supervisor_count(supervisor, &count), 0);
    assert_int_equal(count.children, 2);
    assert_int_equal(count.running, 2);
    assert_int_equal(count.restarts, 2);
    kt_supervisor_stop(supervisor, -1);
}

static void test_too_many_restarts_escalate(void)
{
    kt_trap_exit(true);
    kt_pid supervisor = start(KT_ONE_FOR_ONE, three);
    for (int i = 0; i < 5; i++)
        crash(supervisor, "A", 1);
    kt_send(child(supervisor, "A"), 1, NULL, 0);
    const struct kt_message *message;
    assert_int_equal(kt_receive(-1, &message), 0);
    assert_int_equal(message->type, KT_MESSAGE_EXIT);
    const struct kt_down *down = message->data;
    assert_int_equal(down->pid, supervisor);
    assert_int_equal(down->exit.kind, KT_EXIT_SHUTDOWN);
    assert_string_equal(diary, "ABCAAAAAcb");
}

static void test_a_supervisor_below_a_supervisor(void)
{
    static const struct kt_child inner_children[] = {CHILD("B"), CHILD("C"), {0}};
    static const struct kt_supervisor inner = {
        .label = "inner", .intensity = KT_INTENSITY_NONE, .children = inner_children};
    static const struct kt_child outer[] = {
        CHILD("A"), {.id = "inner", .supervisor = &inner}, CHILD("D"), {0}};
    kt_pid supervisor = start(KT_ONE_FOR_ONE, outer);
    kt_pid old = child(supervisor, "inner");
    kt_send(child(old, "B"), 1, NULL, 0);
    kt_join(old, -1);
    assert_int_not_equal(child(supervisor, "inner"), old);
    assert_string_equal(diary, "ABCDcBC");
    kt_supervisor_stop(supervisor, -1);
    assert_string_equal(diary, "ABCDcBCdcba");
}

static void test_a_start_that_fails_is_taken_back(void)
{
    kt_pid pid = start(KT_ONE_FOR_ONE, NULL);
    const struct kt_supervisor spec = {.label = "test", .children = three};
    kt_supervisor_stop(pid, -1);
    failing_start = 'C';
    assert_int_equal(kt_supervisor_start(&spec, NULL, &pid), -EIO);
    assert_string_equal(diary, "ABba");
    /* At a restart it is tried again until the intensity is used up. */
    failing_start = 0;
    diary[0] = '\0';
    kt_trap_exit(true);
    kt_supervisor_start(&spec, NULL, &pid);
    kt_pid doomed = child(pid, "C");
    failing_start = 'C';
    kt_send(doomed, 1, NULL, 0);
    kt_join(pid, -1);
    assert_string_equal(diary, "ABCba");
}

static void stubborn(void *argument)
{
    const struct kt_message *message;
    kt_trap_exit(true);
    *(bool *)argument = true;
    for (;;)
        kt_receive(-1, &message);
}

static void test_who_does_not_stop_is_killed(void)
{
    bool is_ready = false;
    kt_pid supervisor = start(KT_ONE_FOR_ONE, NULL), pid;
    assert_int_equal(kt_supervisor_add(supervisor,
                                       &(struct kt_child){.id = "stubborn",
                                                          .function = stubborn,
                                                          .argument = &is_ready,
                                                          .shutdown_ms = 10},
                                       &pid),
                     0);
    AWAIT(is_ready);
    assert_int_equal(kt_supervisor_stop_child(supervisor, pid), 0);
    assert_false(kt_is_alive(pid));
    assert_int_equal(kt_supervisor_stop_child(supervisor, pid), -ENOENT);
    kt_supervisor_stop(supervisor, -1);
}

static void test_dynamic(void)
{
    enum { COUNT = 5000 };
    static const struct kt_server idle = {.label = "idle"};
    const struct kt_supervisor spec = {
        .label = "dynamic", .strategy = KT_DYNAMIC, .intensity = 1000};
    kt_pid supervisor, pids[COUNT];
    struct kt_supervisor_count count;
    kt_supervisor_start(&spec, NULL, &supervisor);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(
            kt_supervisor_add(supervisor, &(struct kt_child){.server = &idle}, &pids[i]), 0);
    for (int i = 0; i < COUNT; i += 10)
        kt_signal(pids[i], KT_EXIT_KILL, NULL);
    do
        kt_supervisor_count(supervisor, &count);
    while (count.restarts < COUNT / 10);
    assert_int_equal(count.running, COUNT);
    assert_int_equal(kt_supervisor_stop_child(supervisor, pids[1]), 0);
    kt_supervisor_count(supervisor, &count);
    assert_int_equal(count.children, COUNT - 1);
    assert_int_equal(kt_supervisor_stop(supervisor, -1), 0);
    for (int i = 0; i < COUNT; i++)
        assert_false(kt_is_alive(pids[i]));
}

static void test_adding(void)
{
    kt_pid supervisor = start(KT_ONE_FOR_ONE, three);
    const struct kt_child added = CHILD("D"), again = CHILD("A"), nothing = {.id = "E"};
    assert_int_equal(kt_supervisor_add(supervisor, &added, NULL), 0);
    assert_int_equal(kt_supervisor_add(supervisor, &again, NULL), -EEXIST);
    assert_int_equal(kt_supervisor_add(supervisor, &nothing, NULL), -EINVAL);
    failing_start = 'F';
    const struct kt_child failing = CHILD("F");
    assert_int_equal(kt_supervisor_add(supervisor, &failing, NULL), -EIO);
    assert_int_equal(kt_supervisor_child(supervisor, "F", &(kt_pid){0}), -ENOENT);
    kt_supervisor_stop(supervisor, -1);
    assert_string_equal(diary, "ABCDdcba");
}

CASE(strategies)
CASE(restart_types)
CASE(too_many_restarts_escalate)
CASE(a_supervisor_below_a_supervisor)
CASE(a_start_that_fails_is_taken_back)
CASE(who_does_not_stop_is_killed)
CASE(dynamic)
CASE(adding)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strategies),
        cmocka_unit_test(restart_types),
        cmocka_unit_test(too_many_restarts_escalate),
        cmocka_unit_test(a_supervisor_below_a_supervisor),
        cmocka_unit_test(a_start_that_fails_is_taken_back),
        cmocka_unit_test(who_does_not_stop_is_killed),
        cmocka_unit_test(dynamic),
        cmocka_unit_test(adding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
