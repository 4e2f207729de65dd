/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: a calendar that is slow or fails would take the others along, or outlive who
 * asked. */
#include "inside.h"

#include "calendar/gather.h"

#define COUNT 8

/** What the parts do, by their index; a talloc root that counts its own end. */
struct plan {
    int64_t sleep_ms[COUNT];
    bool fails[COUNT];
    int started, ended;
};

struct result {
    int square;
    char *text;
};

static int plans_freed;

static int plan_destroy(struct plan *plan)
{
    (void)plan;
    plans_freed++;
    return 0;
}

static struct plan *new_plan(void)
{
    struct plan *plan = talloc_zero(NULL, struct plan);

    talloc_set_destructor(plan, plan_destroy);
    plans_freed = 0;
    return plan;
}

static void do_part(void *shared, uint32_t index, void *result)
{
    struct plan *plan = shared;
    struct result *square = result;

    plan->started++;
    kt_sleep(plan->sleep_ms[index]);
    if (plan->fails[index])
        kt_fail("part %u fails", index);
    square->square = (int)(index * index);
    square->text = talloc_asprintf(square, "part %u", index);
    plan->ended++;
}

static int gather(TALLOC_CTX *memory, struct plan *plan, int64_t time_ms, struct result **results)
{
    return kt_gather(memory, do_part, plan, COUNT, sizeof(struct result), kt_now_ms() + time_ms,
                     (void **)results);
}

static void test_all_results_come(void)
{
    TALLOC_CTX *memory = talloc_new(kt_self_memory());
    struct plan *plan = new_plan();
    struct result *results[COUNT];
    int64_t begin_ms = kt_now_ms();

    for (int index = 0; index < COUNT; index++)
        plan->sleep_ms[index] = 100 - 10 * index;
    assert_int_equal(gather(memory, plan, 10000, results), 0);
    for (int index = 0; index < COUNT; index++) {
        char text[24];

        snprintf(text, sizeof(text), "part %d", index);
        assert_int_equal(results[index]->square, index * index);
        assert_string_equal(results[index]->text, text);
    }
    assert_in_range(kt_now_ms() - begin_ms, 90, 450); /* at once: one after the other is 520 */
    talloc_free(memory);
    AWAIT(plans_freed == 1);
}

static void test_late_and_failing_parts_are_missing(void)
{
    TALLOC_CTX *memory = talloc_new(kt_self_memory());
    struct plan *plan = new_plan();
    struct result *results[COUNT];

    plan->sleep_ms[2] = 60000;
    plan->fails[5] = true;
    assert_int_equal(gather(memory, plan, 100, results), 0);
    for (int index = 0; index < COUNT; index++)
        assert_int_equal(results[index] != NULL, index != 2 && index != 5);
    talloc_free(memory);
    AWAIT(plans_freed == 1);
}

static void ask_and_wait(void *argument)
{
    struct result *results[COUNT];

    gather(kt_self_memory(), argument, 60000, results);
}

static void test_parts_end_with_who_asked(void)
{
    for (enum kt_exit_kind kind = KT_EXIT_SHUTDOWN; kind <= KT_EXIT_KILL; kind++) {
        struct plan *plan = new_plan();
        kt_pid pid;

        for (int index = 0; index < COUNT; index++)
            plan->sleep_ms[index] = 60000;
        assert_int_equal(kt_spawn(NULL, ask_and_wait, plan, &pid), 0);
        AWAIT(plan->started == COUNT);
        kt_signal(pid, kind, "the client went away");
        AWAIT(plans_freed == 1);
    }
}

CASE(all_results_come)
CASE(late_and_failing_parts_are_missing)
CASE(parts_end_with_who_asked)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_results_come),
        cmocka_unit_test(late_and_failing_parts_are_missing),
        cmocka_unit_test(parts_end_with_who_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
