/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: a crash would go unseen, take the wrong ones along, or leave things behind. */
#include "inside.h"

#include <sched.h>

static int released;

static int on_release(char *chunk)
{
    (void)chunk;
    released++;
    return 0;
}

static void hold_something(void)
{
    char *chunk = talloc_strdup(kt_self_memory(), "held");
    talloc_set_destructor(chunk, on_release);
}

static void wait_message(void *argument)
{
    (void)argument;
    const struct kt_message *message;
    hold_something();
    kt_receive(-1, &message);
    if (message->type == 1)
        kt_fail("asked to fail");
    if (message->type == 2)
        kt_exit(KT_EXIT_SHUTDOWN, "asked to stop");
}

static const struct kt_down *next_down(uint32_t type)
{
    const struct kt_message *message;
    assert_int_equal(kt_receive(-1, &message), 0);
    assert_int_equal(message->type, type);
    return message->data;
}

static void test_monitor_tells_why(void)
{
    static const struct {
        uint32_t message;
        enum kt_exit_kind kind;
        const char *text;
    } cases[] = {
        {0, KT_EXIT_NORMAL, ""},
        {1, KT_EXIT_ERROR, "asked to fail"},
        {2, KT_EXIT_SHUTDOWN, "asked to stop"},
    };
    released = 0;
    for (size_t i = 0; i < 3; i++) {
        uint64_t reference;
        kt_pid peer;
        kt_spawn(&(struct kt_spawn){.ret_monitor = &reference}, wait_message, NULL, &peer);
        kt_send(peer, cases[i].message, NULL, 0);
        const struct kt_down *down = next_down(KT_MESSAGE_DOWN);
        assert_int_equal(down->pid, peer);
        assert_int_equal(down->reference, reference);
        assert_int_equal(down->exit.kind, cases[i].kind);
        assert_string_equal(down->exit.text, cases[i].text);
        assert_int_equal(released, i + 1);
    }
    uint64_t reference;
    kt_monitor(KT_PID_NONE, &reference);
    assert_int_equal(next_down(KT_MESSAGE_DOWN)->exit.kind, KT_EXIT_NOPROC);
}

static void test_demonitor(void)
{
    uint64_t reference;
    kt_pid peer;
    const struct kt_message *message;
    kt_spawn(&(struct kt_spawn){.ret_monitor = &reference}, wait_message, NULL, &peer);
    kt_demonitor(reference);
    kt_signal(peer, KT_EXIT_KILL, NULL);
    kt_join(peer, -1);
    assert_int_equal(kt_receive(0, &message), -ETIMEDOUT);
}

static void chain(void *argument)
{
    int depth = (int)(intptr_t)argument;
    hold_something();
    if (depth > 0)
        kt_spawn(&(struct kt_spawn){.link = true}, chain, (void *)(intptr_t)(depth - 1), NULL);
    const struct kt_message *message;
    kt_receive(-1, &message);
}

static void test_links_carry_a_crash_along(void)
{
    kt_pid first;
    released = 0;
    kt_spawn(NULL, chain, (void *)(intptr_t)9999, &first);
    AWAIT(({
        struct kt_runtime_counts counts;
        kt_runtime_counts(&counts);
        counts.processes == 10001;
    }));
    kt_signal(first, KT_EXIT_ERROR, "pull");
    AWAIT(released == 10000);
}

static void test_trap_exit(void)
{
    kt_pid peer;
    kt_trap_exit(true);
    kt_spawn(&(struct kt_spawn){.link = true}, wait_message, NULL, &peer);
    kt_send(peer, 1, NULL, 0);
    const struct kt_down *down = next_down(KT_MESSAGE_EXIT);
    assert_int_equal(down->pid, peer);
    assert_string_equal(down->exit.text, "asked to fail");
    kt_spawn(&(struct kt_spawn){.link = true}, wait_message, NULL, &peer);
    kt_signal(peer, KT_EXIT_KILL, "now");
    down = next_down(KT_MESSAGE_EXIT);
    assert_int_equal(down->exit.kind, KT_EXIT_KILLED);
    kt_link(peer);
    assert_int_equal(next_down(KT_MESSAGE_EXIT)->exit.kind, KT_EXIT_NOPROC);
}

static void normal_end(void *argument)
{
    (void)argument;
}

static void test_a_normal_end_hurts_nobody(void)
{
    kt_pid peer;
    kt_spawn(&(struct kt_spawn){.link = true}, normal_end, NULL, &peer);
    kt_join(peer, -1);
    kt_spawn(&(struct kt_spawn){.link = true}, wait_message, NULL, &peer);
    kt_unlink(peer);
    kt_signal(peer, KT_EXIT_ERROR, "unlinked");
    kt_join(peer, -1);
    kt_signal(kt_self(), KT_EXIT_NORMAL, NULL);
    kt_yield();
}

static int critical_steps;

static void critical(void *argument)
{
    (void)argument;
    hold_something();
    kt_critical_enter();
    int status = kt_park(-1);
    critical_steps++;
    assert_int_equal(status, -ECANCELED);
    assert_int_equal(kt_park(-1), -ECANCELED);
    critical_steps++;
    kt_critical_leave();
    critical_steps++;
}

static void test_a_critical_section_is_left_first(void)
{
    kt_pid peer;
    released = critical_steps = 0;
    kt_spawn(NULL, critical, NULL, &peer);
    kt_yield();
    kt_signal(peer, KT_EXIT_KILL, NULL);
    kt_join(peer, -1);
    assert_int_equal(critical_steps, 2);
    assert_int_equal(released, 1);
}

/** One call of a server that never answers. */
struct question {
    kt_pid server, caller;
    int64_t timeout_ms;
    int outcome; /**< what kt_call returned; 1: it never did */
};

static void ask(void *argument)
{
    struct question *question = argument;
    question->outcome = kt_call(question->server, 1, NULL, 0, question->timeout_ms, NULL);
}

static void never_answer(void *argument)
{
    (void)argument;
    const struct kt_message *message;
    for (;;)
        kt_receive(-1, &message);
}

static void test_callers_end_in_any_order(void)
{
    static const int expected[] = {1, -ETIMEDOUT, 1, -EOWNERDEAD, 1};
    struct question questions[5];
    kt_pid server;
    kt_spawn(NULL, never_answer, NULL, &server);
    for (int i = 0; i < 5; i++) {
        questions[i] = (struct question){server, KT_PID_NONE, i == 1 ? 20 : -1, 1};
        kt_spawn(NULL, ask, &questions[i], &questions[i].caller);
    }
    kt_yield();
    for (int i = 4; i >= 0; i -= 2) /* the latest, the middle and the earliest */
        kt_signal(questions[i].caller, KT_EXIT_KILL, NULL);
    kt_join(questions[1].caller, -1);
    kt_signal(server, KT_EXIT_KILL, NULL);
    for (int i = 0; i < 5; i++) {
        kt_join(questions[i].caller, -1);
        assert_int_equal(questions[i].outcome, expected[i]);
    }
}

static void test_an_answer_to_the_dying_goes_nowhere(void)
{
    struct question question = {kt_self(), KT_PID_NONE, -1, 1};
    const struct kt_message *message;
    kt_spawn(NULL, ask, &question, &question.caller);
    kt_receive(-1, &message);
    struct kt_from from = kt_message_from(message);
    kt_signal(question.caller, KT_EXIT_KILL, NULL);
    assert_int_equal(kt_reply(&from, 1, "late", 5), 0);
    kt_join(question.caller, -1);
    assert_int_equal(kt_reply(&from, 1, "too late", 9), 0);
    assert_int_equal(question.outcome, 1);
}

static void ask_while_ending(void *argument)
{
    struct question *question = argument;
    kt_critical_enter();
    assert_int_equal(kt_park(-1), -ECANCELED);
    ask(question);
    kt_yield(); /* the answer comes here */
    kt_critical_leave();
}

static void test_the_ending_wait_for_no_answer(void)
{
    struct question question = {kt_self(), KT_PID_NONE, -1, 1};
    const struct kt_message *message;
    kt_spawn(NULL, ask_while_ending, &question, &question.caller);
    kt_yield();
    kt_signal(question.caller, KT_EXIT_KILL, NULL);
    kt_receive(-1, &message);
    struct kt_from from = kt_message_from(message);
    assert_int_equal(kt_reply(&from, 1, NULL, 0), 0);
    kt_join(question.caller, -1);
    assert_int_equal(question.outcome, -ECANCELED);
}

static void ask_elsewhere(void *argument)
{
    struct question *question = argument;
    struct kt_from from = kt_call_begin();
    question->outcome = kt_call_wait(&from, -1, NULL);
}

static void test_all_who_wait_for_elsewhere_are_told(void)
{
    static const int expected[] = {-EIO, 1, -EIO};
    struct question questions[3];
    for (int i = 0; i < 3; i++) {
        questions[i] = (struct question){.outcome = 1};
        kt_spawn(NULL, ask_elsewhere, &questions[i], &questions[i].caller);
    }
    kt_yield();
    kt_signal(questions[1].caller, KT_EXIT_KILL, NULL);
    kt_call_fail_all(-EIO);
    for (int i = 0; i < 3; i++) {
        kt_join(questions[i].caller, -1);
        assert_int_equal(questions[i].outcome, expected[i]);
    }
}

static void pool_work(void *argument)
{
    *(int *)argument += 1;
}

static int work_result;

static void work(void *argument)
{
    (void)argument;
    kt_work(pool_work, &work_result);
    work_result += 100;
}

static void test_work_is_waited_for(void)
{
    kt_pid peer;
    work_result = 0;
    kt_spawn(NULL, work, NULL, &peer);
    kt_join(peer, -1);
    assert_int_equal(work_result, 101);
    kt_spawn(NULL, work, NULL, &peer);
    kt_yield(); /* it is in the pool now: its end has to wait for the pool */
    kt_signal(peer, KT_EXIT_KILL, NULL);
    kt_join(peer, -1);
    assert_int_equal(work_result, 102);
}

static void work_until_abandoned(void *argument)
{
    _Atomic int *stage = argument;
    *stage = 1;
    while (kt_work_is_wanted())
        sched_yield();
    *stage = 2;
}

static _Atomic int work_stage;

static void work_for_long(void *argument)
{
    (void)argument;
    kt_work(work_until_abandoned, (void *)&work_stage);
}

/** Else a worker that stops would wait for work that nobody wants any more. */
static void test_work_hears_that_nobody_waits(void)
{
    kt_pid peer, other;
    assert_true(kt_work_is_wanted());
    kt_spawn(NULL, work_for_long, NULL, &peer);
    kt_spawn(NULL, work, NULL, &other);
    while (work_stage != 1)
        kt_yield();
    kt_join(other, -1);
    assert_int_equal(work_stage, 1);
    kt_signal(peer, KT_EXIT_KILL, NULL);
    kt_join(peer, -1);
    assert_int_equal(work_stage, 2);
}

static struct kt_ticket ticket;
static int park_result;

static void park(void *argument)
{
    (void)argument;
    ticket = kt_park_ticket();
    park_result = kt_park(-1);
    ticket = kt_park_ticket();
    kt_park(-1);
}

static void test_an_old_ticket_wakes_nobody(void)
{
    kt_pid peer;
    kt_spawn(NULL, park, NULL, &peer);
    kt_yield();
    struct kt_ticket old = ticket;
    assert_true(kt_unpark(old, 5));
    assert_false(kt_unpark(old, 6));
    kt_yield();
    assert_int_equal(park_result, 5);
    assert_false(kt_unpark(old, 7));
    kt_signal(peer, KT_EXIT_KILL, NULL);
    kt_join(peer, -1);
    assert_false(kt_unpark(ticket, 8));
}

static void test_names(void)
{
    kt_pid peer;
    assert_int_equal(kt_register("me"), 0);
    assert_int_equal(kt_register("again"), -EALREADY);
    assert_int_equal(kt_whereis("me"), kt_self());
    assert_int_equal(kt_register(""), -EINVAL);
    kt_unregister();
    assert_int_equal(kt_whereis("me"), KT_PID_NONE);
    static const struct kt_server named = {.label = "named"};
    char name[32];
    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof name, "name %d", i);
        assert_int_equal(
            kt_server_start(&named, &(struct kt_server_start){.name = name}, NULL, &peer), 0);
        assert_int_equal(kt_whereis(name), peer);
    }
    assert_int_equal(
        kt_server_start(&named, &(struct kt_server_start){.name = "name 7"}, NULL, &peer), -EEXIST);
    peer = kt_whereis("name 7");
    kt_signal(peer, KT_EXIT_KILL, NULL);
    kt_join(peer, -1);
    assert_int_equal(kt_whereis("name 7"), KT_PID_NONE);
}

CASE(monitor_tells_why)
CASE(demonitor)
CASE(links_carry_a_crash_along)
CASE(trap_exit)
CASE(a_normal_end_hurts_nobody)
CASE(a_critical_section_is_left_first)
CASE(callers_end_in_any_order)
CASE(an_answer_to_the_dying_goes_nowhere)
CASE(the_ending_wait_for_no_answer)
CASE(all_who_wait_for_elsewhere_are_told)
CASE(work_is_waited_for)
CASE(work_hears_that_nobody_waits)
CASE(an_old_ticket_wakes_nobody)
CASE(names)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(monitor_tells_why),
        cmocka_unit_test(demonitor),
        cmocka_unit_test(links_carry_a_crash_along),
        cmocka_unit_test(trap_exit),
        cmocka_unit_test(a_normal_end_hurts_nobody),
        cmocka_unit_test(a_critical_section_is_left_first),
        cmocka_unit_test(callers_end_in_any_order),
        cmocka_unit_test(an_answer_to_the_dying_goes_nowhere),
        cmocka_unit_test(the_ending_wait_for_no_answer),
        cmocka_unit_test(all_who_wait_for_elsewhere_are_told),
        cmocka_unit_test(work_is_waited_for),
        cmocka_unit_test(work_hears_that_nobody_waits),
        cmocka_unit_test(an_old_ticket_wakes_nobody),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
