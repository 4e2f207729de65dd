/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * If this failed: an operator would be told wrong things of a process: what it waits for, how long
 * it ran and waited, how often it was started again, how many a plugin has.
 */
#include "config.h"

#include "inside.h"

#include "plugin/plugin.h"

/** Processes of a walk in parts: more than one part's. */
#define MANY 3000u
#define PART 1000u

static struct kt_process_info look(kt_pid pid)
{
    struct kt_process_info info;
    assert_true(kt_runtime_look(pid, &info));
    return info;
}

static void wait_for_message(void *argument)
{
    const struct kt_message *message;
    (void)argument;
    kt_receive(-1, &message);
}

static void sleep_long(void *argument)
{
    (void)argument;
    kt_sleep(3600 * 1000);
}

static void wait_for_store(void *argument)
{
    (void)argument;
    kt_park_ticket();
    kt_wait_reason(KT_REASON_STORE);
    kt_park(-1);
}

static void test_tells_what_it_waits_for(void)
{
    static const struct {
        void (*function)(void *argument);
        const char *reason;
    } cases[] = {{wait_for_message, "message"}, {sleep_long, "time"}, {wait_for_store, "store"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kt_pid pid;
        assert_int_equal(kt_spawn(NULL, cases[i].function, NULL, &pid), 0);
        assert_string_equal(look(pid).waits_for, ""); /* it is runnable */
        AWAIT(strcmp(look(pid).state, "parked") == 0);
        assert_string_equal(look(pid).waits_for, cases[i].reason);
        assert_int_equal(look(pid).turns, 1);
        kt_signal(pid, KT_EXIT_KILL, "");
        kt_join(pid, -1);
    }
    assert_false(kt_runtime_look(KT_PID_NONE, &(struct kt_process_info){0}));
}

static void wait_twice(void *argument)
{
    (void)argument;
    kt_sleep(20);
    kt_wait_reason(KT_REASON_FETCH);
    kt_park(30);
    kt_yield();
}

static void test_a_watch_adds_the_waits_up(void)
{
    struct kt_watch watch = {.since_ns = uv_hrtime()};
    const struct kt_spawn_inside inside = {.watch = &watch};
    uint64_t start_ns = uv_hrtime();
    kt_pid pid;
    assert_int_equal(kt_spawn_inside(NULL, &inside, wait_twice, NULL, &pid), 0);
    kt_join(pid, -1);
    uint64_t waited_ns = 0;
    for (int reason = 0; reason < KT_REASONS; reason++)
        waited_ns += watch.waited_ns[reason];
    assert_true(watch.waited_ns[KT_REASON_TIME] >= 19000000);
    assert_true(watch.waited_ns[KT_REASON_FETCH] > 0); /* by the loop's clock, which stands */
    assert_true(watch.waited_ns[KT_REASON_TURN] > 0);
    assert_int_equal(watch.waited_ns[KT_REASON_WAKE_UP], 0);
    assert_true(waited_ns <= uv_hrtime() - start_ns);
}

/** Take 400 turns of a tenth of a millisecond. */
static void take_turns(void)
{
    for (int i = 0; i < 400; i++) {
        uint64_t end_ns = uv_hrtime() + 100000;
        while (uv_hrtime() < end_ns)
            ;
        kt_yield();
    }
}

static void work_hard(void *argument)
{
    take_turns();
    sleep_long(argument);
}

static void test_run_time_is_about_right(void)
{
    kt_pid pid;
    assert_int_equal(kt_spawn(NULL, work_hard, NULL, &pid), 0);
    AWAIT(strcmp(look(pid).waits_for, "time") == 0);
    assert_int_equal(look(pid).turns, 401);
    assert_in_range(look(pid).run_us, 20000, 4000000); /* 40 ms, on a machine that may be busy */
    kt_signal(pid, KT_EXIT_KILL, "");
    kt_join(pid, -1);
}

static void work_and_tell(void *argument)
{
    take_turns();
    kt_send(*(kt_pid *)argument, 1, NULL, 0);
    sleep_long(NULL);
}

static void test_those_who_take_turns_are_both_timed(void)
{
    const struct kt_message *message;
    kt_pid self = kt_self(), pids[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(kt_spawn(NULL, work_and_tell, &self, &pids[i]), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(kt_receive(-1, &message), 0); /* nobody else runs meanwhile */
    for (int i = 0; i < 2; i++) {
        assert_in_range(look(pids[i]).run_us, 10000, 4000000);
        kt_signal(pids[i], KT_EXIT_KILL, "");
        kt_join(pids[i], -1);
    }
}

static void test_counts_restarts(void)
{
    static const struct kt_server server = {.label = "falls"};
    static const struct kt_child children[] = {
        {.id = "falls", .name = "falls", .restart = KT_PERMANENT, .server = &server},
        {.id = NULL},
    };
    const struct kt_supervisor options = {.children = children, .intensity = 5};
    kt_pid supervisor;
    assert_int_equal(kt_supervisor_start(&options, NULL, &supervisor), 0);
    for (unsigned i = 0; i < 3; i++) {
        kt_pid pid = kt_whereis("falls");
        assert_int_equal(look(pid).restarts, i);
        kt_signal(pid, KT_EXIT_KILL, "");
        AWAIT(kt_whereis("falls") != KT_PID_NONE && kt_whereis("falls") != pid);
    }
    kt_supervisor_stop(supervisor, -1);
}

static void belong_elsewhere(void *argument)
{
    kt_self_belong(argument);
    sleep_long(NULL);
}

static void test_a_plugin_knows_its_processes(void)
{
    static struct kt_plugin one = {.number = 1}, other = {.number = 2};
    const struct kt_spawn_inside inside = {.plugin = &one};
    kt_pid pids[3];
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(kt_spawn_inside(NULL, &inside, i == 0 ? belong_elsewhere : sleep_long,
                                         &other, &pids[i]),
                         0);
    assert_int_equal(one.processes, 3);
    AWAIT(other.processes == 1);
    assert_int_equal(one.processes, 2);
    for (size_t i = 0; i < 3; i++) {
        kt_signal(pids[i], KT_EXIT_KILL, "");
        kt_join(pids[i], -1);
    }
    assert_int_equal(one.processes + other.processes, 0);
}

static void count(const struct kt_process_info *info, void *argument)
{
    (void)info;
    ++*(unsigned *)argument;
}

static void test_parts_make_the_whole(void)
{
    static kt_pid pids[MANY];
    uint32_t at = 0;
    unsigned whole = 0, sum = 0, parts = 1;
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(kt_spawn(NULL, sleep_long, NULL, &pids[i]), 0);
    kt_runtime_each(false, count, &whole);
    while (kt_runtime_each_part(&at, PART, false, count, &sum))
        parts++;
    assert_int_equal(whole, MANY + 1);
    assert_int_equal(sum, whole);
    assert_true(parts >= MANY / PART);
    for (size_t i = 0; i < MANY; i++)
        kt_signal(pids[i], KT_EXIT_KILL, "");
    for (size_t i = 0; i < MANY; i++)
        kt_join(pids[i], -1);
}

CASE(tells_what_it_waits_for)
CASE(a_watch_adds_the_waits_up)
CASE(run_time_is_about_right)
CASE(those_who_take_turns_are_both_timed)
CASE(counts_restarts)
CASE(a_plugin_knows_its_processes)
CASE(parts_make_the_whole)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_what_it_waits_for),
        cmocka_unit_test(a_watch_adds_the_waits_up),
        cmocka_unit_test(run_time_is_about_right),
        cmocka_unit_test(those_who_take_turns_are_both_timed),
        cmocka_unit_test(counts_restarts),
        cmocka_unit_test(a_plugin_knows_its_processes),
        cmocka_unit_test(parts_make_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
