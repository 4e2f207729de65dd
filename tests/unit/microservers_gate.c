/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: ten thousand rows that are due together would each take a stack, or one that was
 * killed would keep its place at the gate for ever, until nobody comes through. */
#include "inside.h"

#include "microservers/gate.h"

#define VISITORS 1000u
#define LIMIT 10u

static struct gate gate;
static uint32_t inside, most, done;

static int leave(struct gate_visitor *visitor)
{
    gate_leave(&gate, visitor);
    return 0;
}

static void wait_until_inside(struct gate_visitor *visitor)
{
    const struct kt_message *message;
    if (gate_enter(&gate, visitor))
        return;
    kt_receive(-1, &message);
    assert_int_equal(message->type, GATE_OPEN);
    assert_int_equal(visitor->place, GATE_INSIDE);
}

static void visit(void *argument)
{
    struct gate_visitor *visitor = talloc_zero(kt_self_memory(), struct gate_visitor);
    (void)argument;
    visitor->pid = kt_self();
    talloc_set_destructor(visitor, leave);
    for (int i = 0; i < 3; i++) {
        wait_until_inside(visitor);
        most = ++inside > most ? inside : most;
        kt_yield();
        inside--;
        gate_leave(&gate, visitor);
    }
    done++;
}

static void test_never_more_than_the_limit(void)
{
    gate = (struct gate){.limit = LIMIT};
    inside = most = done = 0;
    for (uint32_t i = 0; i < VISITORS; i++)
        assert_int_equal(kt_spawn(NULL, visit, NULL, NULL), 0);
    AWAIT(done == VISITORS);
    assert_int_equal(most, LIMIT);
    assert_int_equal(gate.inside, 0);
    assert_null(gate.first);
    assert_null(gate.last);
}

static void stay(void *argument)
{
    struct gate_visitor *visitor = talloc_zero(kt_self_memory(), struct gate_visitor);
    (void)argument;
    visitor->pid = kt_self();
    talloc_set_destructor(visitor, leave);
    wait_until_inside(visitor);
    inside++;
    kt_sleep(INT64_C(1) << 40);
}

static void test_the_killed_give_up_their_places(void)
{
    kt_pid pids[3 * LIMIT];
    gate = (struct gate){.limit = LIMIT};
    inside = 0;
    for (uint32_t i = 0; i < 3 * LIMIT; i++)
        assert_int_equal(kt_spawn(NULL, stay, NULL, &pids[i]), 0);
    AWAIT(inside == LIMIT);
    /* some who wait, at both ends and between, and all who are inside */
    kt_signal(pids[LIMIT], KT_EXIT_KILL, NULL);
    kt_signal(pids[2 * LIMIT], KT_EXIT_KILL, NULL);
    kt_signal(pids[3 * LIMIT - 1], KT_EXIT_KILL, NULL);
    for (uint32_t i = 0; i < LIMIT; i++)
        kt_signal(pids[i], KT_EXIT_KILL, NULL);
    AWAIT(inside == 2 * LIMIT);
    assert_int_equal(gate.inside, LIMIT);
    for (uint32_t i = LIMIT; i < 3 * LIMIT; i++)
        kt_signal(pids[i], KT_EXIT_KILL, NULL);
    AWAIT(gate.inside == 0 && !gate.first);
}

CASE(never_more_than_the_limit)
CASE(the_killed_give_up_their_places)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(never_more_than_the_limit),
        cmocka_unit_test(the_killed_give_up_their_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
