/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: of a million people's processes those that crash would not come back, would take
 * the others along, or would stay behind when what they belong to has ended. */
#include "inside.h"

enum { FAIL = 1, LEAVE, LEAVE_SUPERVISOR };

/** What a child is given: kept by the test, as the supervisor only borrows it. */
struct person {
    kt_pid pid;
    int starts, ends; /**< ends in an orderly way, told by terminate */
    int init_result;
    bool is_slow; /**< init takes for ever */
};

static int person_init(void *argument, void **ret_state)
{
    struct person *person = argument;
    *ret_state = person;
    if (!person)
        return 0;
    person->pid = kt_self();
    person->starts++;
    while (person->is_slow)
        kt_sleep(1000);
    return person->init_result;
}

static void person_message(void *state, const struct kt_message *message)
{
    (void)state;
    if (message->type == FAIL)
        kt_fail("asked to fail");
    if (message->type == LEAVE)
        kt_exit(KT_EXIT_NORMAL, NULL);
    if (message->type == LEAVE_SUPERVISOR)
        kt_unlink(*(const kt_pid *)message->data);
}

static void person_terminate(void *state, const struct kt_exit *exit)
{
    struct person *person = state;
    if (person && exit->kind != KT_EXIT_ERROR)
        person->ends++;
}

static const struct kt_server person_server = {
    .label = "person", .init = person_init, .handle_message = person_message};

static const struct kt_server trapping_server = {.label = "trapping person",
                                                 .init = person_init,
                                                 .handle_message = person_message,
                                                 .terminate = person_terminate,
                                                 .trap_exit = true};

static kt_pid start(const struct kt_child *like, uint32_t intensity)
{
    const struct kt_child children[] = {*like, {0}};
    const struct kt_supervisor spec = {.label = "persons",
                                       .strategy = KT_SIMPLE_ONE_FOR_ONE,
                                       .intensity = intensity,
                                       .children = children};
    kt_pid supervisor;
    assert_int_equal(kt_supervisor_start(&spec, NULL, &supervisor), 0);
    return supervisor;
}

static struct kt_supervisor_count count_of(kt_pid supervisor)
{
    struct kt_supervisor_count count;
    assert_int_equal(kt_supervisor_count(supervisor, &count), 0);
    return count;
}

static void add(kt_pid supervisor, struct person *person)
{
    kt_pid pid;
    assert_int_equal(kt_supervisor_add_like(supervisor, person, &pid), 0);
    assert_int_equal(pid, person->pid);
}

/** End a child and wait until its supervisor has dealt with that. */
static void end(kt_pid supervisor, const struct person *person, uint32_t how)
{
    kt_pid pid = person->pid;
    kt_send(pid, how, NULL, 0);
    kt_join(pid, -1);
    count_of(supervisor);
}

/** Wait for the exit signal of a supervisor that was linked with the test. */
static void await_exit(kt_pid supervisor, enum kt_exit_kind kind)
{
    const struct kt_message *message;
    assert_int_equal(kt_receive(-1, &message), 0);
    assert_int_equal(message->type, KT_MESSAGE_EXIT);
    const struct kt_down *down = message->data;
    assert_int_equal(down->pid, supervisor);
    assert_int_equal(down->exit.kind, kind);
}

static void test_one_that_crashes_comes_back_as_itself(void)
{
    struct person ada = {0}, bob = {0};
    struct kt_process_info info;
    kt_pid supervisor = start(&(struct kt_child){.server = &person_server}, 10);
    add(supervisor, &ada);
    add(supervisor, &bob);
    kt_pid bobs = bob.pid;
    for (int i = 1; i <= 3; i++) {
        kt_pid before = ada.pid;
        end(supervisor, &ada, FAIL);
        assert_int_not_equal(ada.pid, before);
        assert_int_equal(ada.starts, i + 1);
        assert_true(kt_runtime_look(ada.pid, &info));
        assert_int_equal(info.restarts, i);
        assert_int_equal(info.parent, supervisor);
        assert_string_equal(info.label, "person");
    }
    assert_int_equal(bob.pid, bobs);
    assert_true(kt_runtime_look(bob.pid, &info));
    assert_int_equal(info.restarts, 0);
    struct kt_supervisor_count count = count_of(supervisor);
    assert_int_equal(count.children, 2);
    assert_int_equal(count.running, 2);
    assert_int_equal(count.restarts, 3);
    kt_supervisor_stop(supervisor, -1);
    assert_int_equal(ada.starts, 4);
    assert_int_equal(bob.starts, 1);
}

static void test_who_is_started_again(void)
{
    static const struct {
        enum kt_restart restart;
        uint32_t how;
        int starts;
    } cases[] = {
        {KT_PERMANENT, LEAVE, 2}, {KT_PERMANENT, FAIL, 2},  {KT_TRANSIENT, LEAVE, 1},
        {KT_TRANSIENT, FAIL, 2},  {KT_TEMPORARY, LEAVE, 1}, {KT_TEMPORARY, FAIL, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct person *person = calloc(1, sizeof *person);
        kt_pid supervisor =
            start(&(struct kt_child){.server = &person_server, .restart = cases[i].restart}, 10);
        add(supervisor, person);
        end(supervisor, person, cases[i].how);
        assert_int_equal(person->starts, cases[i].starts);
        bool is_back = cases[i].starts == 2;
        assert_int_equal(count_of(supervisor).children, is_back);
        assert_int_equal(count_of(supervisor).running, is_back);
        /* One that has ended for good is the caller's again. */
        assert_int_equal(kt_supervisor_stop_child(supervisor, person->pid), is_back ? 0 : -ENOENT);
        free(person);
        kt_supervisor_stop(supervisor, -1);
    }
}

static void test_too_many_restarts_end_all(void)
{
    struct person people[20] = {0};
    kt_trap_exit(true);
    kt_pid supervisor = start(&(struct kt_child){.server = &trapping_server}, 5);
    for (int i = 0; i < 20; i++)
        add(supervisor, &people[i]);
    for (int i = 0; i < 5; i++)
        end(supervisor, &people[7], FAIL);
    assert_int_equal(people[7].starts, 6);
    kt_send(people[7].pid, FAIL, NULL, 0);
    await_exit(supervisor, KT_EXIT_SHUTDOWN);
    assert_int_equal(people[7].starts, 6);
    for (int i = 0; i < 20; i++) {
        assert_false(kt_is_alive(people[i].pid));
        assert_int_equal(people[i].ends, i != 7);
    }
}

static void test_a_killed_supervisor_takes_all_along(void)
{
    struct person people[100] = {0};
    static const struct kt_child likes[] = {{.server = &person_server},
                                            {.server = &trapping_server}};
    kt_trap_exit(true);
    for (int like = 0; like < 2; like++) {
        memset(people, 0, sizeof people);
        kt_pid supervisor = start(&likes[like], 1);
        for (int i = 0; i < 100; i++)
            add(supervisor, &people[i]);
        kt_signal(supervisor, KT_EXIT_KILL, "test");
        await_exit(supervisor, KT_EXIT_KILLED);
        for (int i = 0; i < 100; i++) {
            kt_join(people[i].pid, -1);
            assert_int_equal(people[i].ends, like);
            assert_int_equal(people[i].starts, 1);
        }
    }
}

static void add_slow(void *argument)
{
    kt_pid supervisor = *(kt_pid *)argument;
    static struct person person;
    person = (struct person){.is_slow = true};
    kt_supervisor_add_like(supervisor, &person, NULL);
    *(kt_pid *)argument = person.pid; /* only to say: told that it failed */
}

static void test_one_that_is_just_starting_goes_along_too(void)
{
    kt_trap_exit(true);
    kt_pid supervisor = start(&(struct kt_child){.server = &person_server}, 1), shared = supervisor;
    struct kt_runtime_counts counts;
    kt_spawn(NULL, add_slow, &shared, NULL);
    do {
        kt_yield();
        kt_runtime_counts(&counts);
    } while (counts.processes < 4);
    kt_yield();
    kt_signal(supervisor, KT_EXIT_KILL, "test");
    await_exit(supervisor, KT_EXIT_KILLED);
    AWAIT(shared != supervisor);
    kt_join(shared, -1);
}

static void test_one_that_can_not_start(void)
{
    struct person ada = {.init_result = -EIO}, bob = {0};
    kt_trap_exit(true);
    kt_pid supervisor = start(&(struct kt_child){.server = &person_server}, 3), pid;
    assert_int_equal(kt_supervisor_add_like(supervisor, &ada, &pid), -EIO);
    assert_int_equal(pid, KT_PID_NONE);
    assert_int_equal(count_of(supervisor).children, 0);
    assert_int_equal(count_of(supervisor).restarts, 0);
    add(supervisor, &bob);
    /* At a restart it is tried again until the intensity is used up. */
    bob.init_result = -EIO;
    kt_send(bob.pid, FAIL, NULL, 0);
    await_exit(supervisor, KT_EXIT_SHUTDOWN);
    assert_int_equal(bob.starts, 4);
}

static void test_many_are_stopped_at_once(void)
{
    enum { COUNT = 100000 };
    struct person *people = calloc(COUNT, sizeof *people);
    kt_pid supervisor = start(&(struct kt_child){.server = &trapping_server}, 1);
    struct kt_runtime_counts counts;
    for (int i = 0; i < COUNT; i++)
        add(supervisor, &people[i]);
    for (int i = 0; i < COUNT; i += 100)
        assert_int_equal(kt_supervisor_stop_child(supervisor, people[i].pid), 0);
    assert_int_equal(count_of(supervisor).running, COUNT - COUNT / 100);
    assert_int_equal(kt_supervisor_stop(supervisor, -1), 0);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(people[i].ends, 1);
    kt_runtime_counts(&counts);
    assert_int_equal(counts.processes, 1);
    free(people);
}

static void stubborn(void *argument)
{
    const struct kt_message *message;
    kt_trap_exit(true);
    ++*(int *)argument;
    for (;;)
        kt_receive(-1, &message);
}

static void test_plain_processes_that_do_not_stop_are_killed_together(void)
{
    int ready = 0;
    kt_pid supervisor = start(&(struct kt_child){.function = stubborn, .shutdown_ms = 20}, 1),
           pids[100];
    for (int i = 0; i < 100; i++)
        assert_int_equal(kt_supervisor_add_like(supervisor, &ready, &pids[i]), 0);
    AWAIT(ready == 100);
    int64_t begin_ms = kt_now_ms();
    assert_int_equal(kt_supervisor_stop(supervisor, -1), 0);
    assert_in_range(kt_now_ms() - begin_ms, 0, 100 * 20 - 1); /* not one after the other */
    for (int i = 0; i < 100; i++)
        assert_false(kt_is_alive(pids[i]));
}

static void test_stopping_one(void)
{
    struct person ada = {0};
    kt_pid supervisor = start(&(struct kt_child){.server = &person_server}, 1), nobody;
    add(supervisor, &ada);
    assert_int_equal(kt_supervisor_add_like(supervisor, NULL, &nobody), 0);
    assert_int_equal(count_of(supervisor).running, 2);
    assert_int_equal(kt_supervisor_stop_child(supervisor, ada.pid), 0);
    assert_int_equal(kt_supervisor_stop_child(supervisor, ada.pid), -ENOENT);
    assert_int_equal(kt_supervisor_stop_child(supervisor, kt_self()), -ENOENT);
    assert_int_equal(kt_supervisor_stop_child(supervisor, nobody), 0);
    assert_int_equal(ada.starts, 1);
    assert_int_equal(count_of(supervisor).children, 0);
    kt_supervisor_stop(supervisor, -1);
    assert_int_equal(kt_supervisor_add_like(supervisor, NULL, NULL), -ESRCH);
}

static void test_one_that_leaves_its_supervisor(void)
{
    struct person ada = {0};
    kt_pid supervisor = start(&(struct kt_child){.server = &person_server}, 1);
    add(supervisor, &ada);
    kt_send(ada.pid, LEAVE_SUPERVISOR, &supervisor, sizeof supervisor);
    kt_yield();
    kt_unlink(supervisor);
    kt_signal(supervisor, KT_EXIT_KILL, "test");
    kt_join(supervisor, -1);
    kt_yield();
    assert_true(kt_is_alive(ada.pid));
    kt_signal(ada.pid, KT_EXIT_KILL, NULL);
    kt_join(ada.pid, -1);
}

/** What a plain process counts that links itself with its supervisor once more. */
struct linked {
    kt_pid supervisor;
    int exits;
    bool is_ready, is_done;
};

static void count_exits(void *argument)
{
    struct linked *linked = argument;
    const struct kt_message *message;
    kt_trap_exit(true);
    kt_link(linked->supervisor);
    linked->is_ready = true;
    for (int64_t timeout_ms = -1; kt_receive(timeout_ms, &message) == 0; timeout_ms = 0)
        linked->exits += message->type == KT_MESSAGE_EXIT;
    linked->is_done = true;
}

static void test_a_child_is_linked_once(void)
{
    struct linked linked = {
        .supervisor =
            start(&(struct kt_child){.function = count_exits, .restart = KT_TEMPORARY}, 1)};
    kt_trap_exit(true);
    assert_int_equal(kt_supervisor_add_like(linked.supervisor, &linked, NULL), 0);
    AWAIT(linked.is_ready);
    kt_signal(linked.supervisor, KT_EXIT_KILL, "test");
    AWAIT(linked.is_done);
    assert_int_equal(linked.exits, 1);
}

/** Whatever happens in whatever order: those who shall run do, once, and nobody else. */
static void test_random_lives(void)
{
    enum { PEOPLE = 300, EVENTS = 20000 };
    static struct person people[PEOPLE];
    bool is_in[PEOPLE] = {false};
    uint64_t random = 1, expected = 0;
    memset(people, 0, sizeof people);
    kt_pid supervisor = start(&(struct kt_child){.server = &person_server, .restart = KT_TRANSIENT},
                              KT_INTENSITY_MAX);
    for (int event = 0; event < EVENTS; event++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        size_t index = (size_t)(random >> 33) % PEOPLE;
        struct person *person = &people[index];
        int starts = person->starts;
        if (!is_in[index]) {
            add(supervisor, person);
            expected++, starts++;
        } else if (random >> 62 == 0) { /* it is stopped while it fails, or as the one after it */
            kt_send(person->pid, FAIL, NULL, 0);
            if (random >> 61 & 1)
                kt_yield();
            while (kt_supervisor_stop_child(supervisor, person->pid) == -ENOENT)
                ;
            expected--, starts = person->starts;
        } else if (random >> 62 == 1) {
            end(supervisor, person, LEAVE);
            expected--;
        } else {
            kt_signal(person->pid, KT_EXIT_KILL, NULL);
            kt_join(person->pid, -1);
            starts++;
        }
        assert_int_equal(count_of(supervisor).running, expected);
        assert_int_equal(person->starts, starts);
        is_in[index] = kt_is_alive(person->pid);
    }
    for (size_t index = 0; index < PEOPLE; index++)
        expected -= is_in[index];
    assert_int_equal(expected, 0);
    kt_supervisor_stop(supervisor, -1);
}

static void test_what_is_refused(void)
{
    static const struct kt_child none[] = {{0}},
                                 two[] = {{.server = &person_server},
                                          {.server = &person_server},
                                          {0}},
                                 unclear[] = {{.server = &person_server, .function = stubborn},
                                              {0}},
                                 named[] = {{.server = &person_server, .name = "person"}, {0}},
                                 called[] = {{.server = &person_server, .id = "person"}, {0}};
    static const struct kt_child *const wrong[] = {NULL, none, two, unclear, named, called};
    struct kt_supervisor spec = {.strategy = KT_SIMPLE_ONE_FOR_ONE};
    kt_pid supervisor;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        spec.children = wrong[i];
        assert_int_equal(kt_supervisor_start(&spec, NULL, &supervisor), -EINVAL);
    }
    supervisor = start(&(struct kt_child){.server = &person_server}, 1);
    assert_int_equal(
        kt_supervisor_add(supervisor, &(struct kt_child){.server = &person_server}, NULL), -EINVAL);
    assert_int_equal(kt_supervisor_child(supervisor, "person", &(kt_pid){0}), -ENOENT);
    assert_int_equal(kt_supervisor_restart(supervisor, "person", NULL), -ENOENT);
    kt_supervisor_stop(supervisor, -1);
    kt_supervisor_start(&(struct kt_supervisor){.strategy = KT_DYNAMIC}, NULL, &supervisor);
    assert_int_equal(kt_supervisor_add_like(supervisor, NULL, NULL), -EINVAL);
    kt_supervisor_stop(supervisor, -1);
}

CASE(one_that_crashes_comes_back_as_itself)
CASE(who_is_started_again)
CASE(too_many_restarts_end_all)
CASE(a_killed_supervisor_takes_all_along)
CASE(one_that_is_just_starting_goes_along_too)
CASE(one_that_can_not_start)
CASE(many_are_stopped_at_once)
CASE(plain_processes_that_do_not_stop_are_killed_together)
CASE(stopping_one)
CASE(one_that_leaves_its_supervisor)
CASE(a_child_is_linked_once)
CASE(random_lives)
CASE(what_is_refused)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_crashes_comes_back_as_itself),
        cmocka_unit_test(who_is_started_again),
        cmocka_unit_test(too_many_restarts_end_all),
        cmocka_unit_test(a_killed_supervisor_takes_all_along),
        cmocka_unit_test(one_that_is_just_starting_goes_along_too),
        cmocka_unit_test(one_that_can_not_start),
        cmocka_unit_test(many_are_stopped_at_once),
        cmocka_unit_test(plain_processes_that_do_not_stop_are_killed_together),
        cmocka_unit_test(stopping_one),
        cmocka_unit_test(one_that_leaves_its_supervisor),
        cmocka_unit_test(a_child_is_linked_once),
        cmocka_unit_test(random_lives),
        cmocka_unit_test(what_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
