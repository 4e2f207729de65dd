/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: one person could take all memory or all connections, or wait for ever while
 * others have their turns. */
#include "inside.h"

#include "calendar/turns.h"

#define FOREVER (INT64_C(1) << 40)

static struct kt_turns *turns;

/** A process that takes a turn, keeps it until it is told otherwise, and notes all that. */
struct guest {
    const char *person;
    size_t amount;
    int64_t wait_ms;
    bool is_told, has_begun, has_ended;
    int status, number; /* the how manieth it was that began */
    kt_pid pid;
};

#define GUEST(name, size)                                                                          \
    {                                                                                              \
        .person = (name), .amount = (size)                                                         \
    }

static int begun;

static void visit(void *argument)
{
    struct guest *guest = argument;
    struct kt_turn *turn;

    guest->status = kt_turns_take(kt_self_memory(), turns, guest->person, guest->amount,
                                  kt_now_ms() + guest->wait_ms, &turn);
    if (guest->status == 0) {
        guest->has_begun = true;
        guest->number = ++begun;
        AWAIT(guest->is_told);
    }
    guest->has_ended = true;
}

/** Let some in, one after the other, and all processes run until nothing happens any more. */
static void come(struct guest *guests, size_t count)
{
    for (size_t index = 0; index < count; index++) {
        if (guests[index].wait_ms == 0)
            guests[index].wait_ms = FOREVER;
        assert_int_equal(kt_spawn(NULL, visit, &guests[index], &guests[index].pid), 0);
    }
    for (int turn = 0; turn < 10; turn++)
        kt_yield();
}

static void go(struct guest *guest)
{
    guest->is_told = true;
    assert_int_equal(kt_join(guest->pid, -1), 0);
    for (int turn = 0; turn < 10; turn++)
        kt_yield();
}

static void open_turns(size_t all, size_t each, uint32_t waiting_max)
{
    turns = kt_turns_new(NULL, &(struct kt_turns_limits){all, each, waiting_max});
    assert_non_null(turns);
    begun = 0;
}

/** All have gone: everything is there again, and of nobody anything is left. */
static void close_turns(size_t each)
{
    struct kt_turn *turn;

    assert_int_equal(talloc_total_blocks(turns), 1);
    assert_int_equal(kt_turns_take(kt_self_memory(), turns, "last", each, kt_now_ms(), &turn), 0);
    talloc_free(turn);
    TALLOC_FREE(turns);
}

static void test_one_person_has_only_so_much(void)
{
    struct guest ada[] = {GUEST("ada", 1), GUEST("ada", 1), GUEST("ada", 1), GUEST("ada", 1)},
                 bob = GUEST("bob", 1);

    open_turns(SIZE_MAX, 2, 10);
    come(ada, 4);
    come(&bob, 1);
    assert_true(ada[0].has_begun && ada[1].has_begun && bob.has_begun);
    assert_false(ada[2].has_begun || ada[3].has_begun);
    go(&ada[1]);
    assert_true(ada[2].has_begun);
    assert_false(ada[3].has_begun);
    go(&ada[0]);
    assert_true(ada[3].has_begun);
    go(&ada[2]);
    go(&ada[3]);
    go(&bob);
    close_turns(2);
}

static void test_people_have_their_turns(void)
{
    struct guest ada[] = {GUEST("ada", 4), GUEST("ada", 4), GUEST("ada", 4), GUEST("ada", 4)},
                 bob = GUEST("bob", 4), eve = GUEST("eve", 4);

    open_turns(8, 8, 10);
    come(ada, 4);
    come(&bob, 1);
    come(&eve, 1);
    assert_true(ada[0].has_begun && ada[1].has_begun);
    go(&ada[0]);
    go(&ada[1]);
    assert_false(ada[2].has_begun); /* it stands in the line behind bob, since ada had two */
    assert_true(bob.has_begun && eve.has_begun);
    go(&bob);
    go(&eve);
    assert_true(ada[2].has_begun && ada[3].has_begun);
    go(&ada[2]);
    go(&ada[3]);
    close_turns(8);
}

static void test_large_ones_are_not_overtaken(void)
{
    struct guest first = GUEST("ada", 5), large = GUEST("bob", 8), small = GUEST("eve", 1);

    open_turns(8, 8, 10);
    come(&first, 1);
    come(&large, 1);
    come(&small, 1);
    assert_false(large.has_begun || small.has_begun);
    go(&first);
    assert_true(large.has_begun);
    assert_false(small.has_begun);
    go(&large);
    assert_true(small.has_begun);
    go(&small);
    close_turns(8);
}

static void test_what_can_never_be_is_told(void)
{
    struct guest large = GUEST("ada", 5), good = GUEST("ada", 4);

    open_turns(8, 4, 10);
    come(&large, 1);
    come(&good, 1);
    assert_int_equal(large.status, -EMSGSIZE);
    assert_true(good.has_begun);
    go(&good);
    close_turns(4);
}

static void test_queues_are_bounded(void)
{
    struct guest ada[] = {GUEST("ada", 1), GUEST("ada", 1), GUEST("ada", 1)},
                 bob[] = {GUEST("bob", 1), GUEST("bob", 1)};
    struct guest eve = GUEST("eve", 1), mallory = GUEST("mallory", 1);

    open_turns(SIZE_MAX, 1, 1);
    come(ada, 3);
    come(bob, 2);
    assert_int_equal(ada[2].status, -EBUSY);
    assert_true(bob[0].has_begun && !bob[1].has_ended);
    go(&ada[0]);
    go(&ada[1]);
    go(&bob[0]);
    go(&bob[1]);
    close_turns(1);
    open_turns(1, 1, 0); /* nobody may wait, not even somebody who has nothing yet */
    come(&eve, 1);
    come(&mallory, 1);
    assert_int_equal(mallory.status, -EBUSY);
    go(&eve);
    close_turns(1);
}

static void test_deadlines_hold(void)
{
    struct guest first = GUEST("ada", 1), late = {.person = "ada", .amount = 1, .wait_ms = 30},
                 next = GUEST("ada", 1);

    open_turns(SIZE_MAX, 1, 10);
    come(&first, 1);
    come(&late, 1);
    come(&next, 1);
    assert_int_equal(kt_join(late.pid, -1), 0);
    assert_int_equal(late.status, -ETIMEDOUT);
    assert_false(next.has_begun);
    go(&first);
    assert_true(next.has_begun);
    go(&next);
    close_turns(1);
}

static void test_who_ends_gives_back(void)
{
    struct guest inside = GUEST("ada", 1), waiting = GUEST("ada", 1), next = GUEST("ada", 1);

    open_turns(SIZE_MAX, 1, 10);
    come(&inside, 1);
    come(&waiting, 1);
    come(&next, 1);
    kt_signal(waiting.pid, KT_EXIT_KILL, "gone");
    assert_int_equal(kt_join(waiting.pid, -1), 0);
    kt_signal(inside.pid, KT_EXIT_KILL, "gone");
    assert_int_equal(kt_join(inside.pid, -1), 0);
    AWAIT(next.has_begun);
    go(&next);
    close_turns(1);
}

static void test_what_is_left_over_goes_on(void)
{
    struct guest next = GUEST("bob", 6);
    struct kt_turn *turn;

    open_turns(8, 8, 10);
    assert_int_equal(kt_turns_take(kt_self_memory(), turns, "ada", 8, FOREVER, &turn), 0);
    come(&next, 1);
    kt_turn_shrink(turn, 3);
    for (int round = 0; round < 10; round++)
        kt_yield();
    assert_false(next.has_begun);
    kt_turn_shrink(turn, 2);
    AWAIT(next.has_begun);
    go(&next);
    talloc_free(turn);
    close_turns(8);
}

CASE(one_person_has_only_so_much)
CASE(people_have_their_turns)
CASE(large_ones_are_not_overtaken)
CASE(what_can_never_be_is_told)
CASE(queues_are_bounded)
CASE(deadlines_hold)
CASE(who_ends_gives_back)
CASE(what_is_left_over_goes_on)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_person_has_only_so_much),  cmocka_unit_test(people_have_their_turns),
        cmocka_unit_test(large_ones_are_not_overtaken), cmocka_unit_test(what_can_never_be_is_told),
        cmocka_unit_test(queues_are_bounded),           cmocka_unit_test(deadlines_hold),
        cmocka_unit_test(who_ends_gives_back),          cmocka_unit_test(what_is_left_over_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
