/* SPDX-License-Identifier: BSD-2-Clause */
/* If this fails, plugins in different workers can't talk, or wait for ever for one that has died.
 */
#include "registry_house.h"

#include <kontor/server.h>

/* ---------------------------------------------------------------- a server in another worker */

enum { ECHO_BACK = 1, NEVER, LATE, CRASH, DIE, COUNT_ME, END };

static void handle_call(void *state, const struct kt_message *call)
{
    (void)state;
    struct kt_from from = kt_message_from(call);
    switch (call->type) {
    case ECHO_BACK:
        kt_reply(&from, call->type + 100, call->data, call->size);
        break;
    case LATE:
        kt_sleep(50);
        kt_reply(&from, 0, NULL, 0);
        break;
    case CRASH:
        kt_exit(KT_EXIT_SHUTDOWN, "crash");
    case DIE:
        raise(SIGKILL);
        break;
    default:
        board->counts[1]++; /* it will never answer */
    }
}

static void handle_message(void *state, const struct kt_message *message)
{
    (void)state;
    if (message->type == COUNT_ME)
        board->counts[0] += message->size;
    else if (message->type == END)
        board->counts[2] = 1;
}

static int server_init(void *argument, void **ret_state)
{
    *ret_state = argument;
    return kt_registry_register(&(struct kt_registration){.key = argument}, NULL);
}

static const struct kt_server server = {
    .label = "far away",
    .init = server_init,
    .handle_call = handle_call,
    .handle_message = handle_message,
};

static void serve(void)
{
    char key[] = "far", fragile[] = "fragile";
    CHECK(kt_server_start(&server, NULL, key, NULL) == 0);
    CHECK(kt_server_start(&server, NULL, fragile, NULL) == 0);
    AWAIT(board->counts[2]);
}

static pid_t far; /* the worker that is asked, or asks */
static struct kt_registry_entry entry;
static const struct kt_message *reply;

static void test_messages_and_calls(void)
{
    AWAIT(kt_registry_lookup("fragile", &entry) == 0);
    assert_int_equal(entry.owner >> 22 & 1023, 2);
    assert_int_equal(kt_registry_call("nobody", 1, NULL, 0, 1000, &reply), -ENOENT);
    assert_int_equal(kt_registry_call("far", ECHO_BACK, "hello", 6, 1000, &reply), 0);
    assert_int_equal(reply->type, ECHO_BACK + 100);
    assert_string_equal(reply->data, "hello");
    char *large = talloc_size(kt_self_memory(), KT_MESSAGE_SIZE_MAX + 1);
    memset(large, 'x', KT_MESSAGE_SIZE_MAX + 1);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(
            kt_registry_call("far", ECHO_BACK, large, KT_MESSAGE_SIZE_MAX, 10000, &reply), 0);
        assert_int_equal(reply->size, KT_MESSAGE_SIZE_MAX);
        assert_memory_equal(reply->data, large, KT_MESSAGE_SIZE_MAX);
    }
    assert_int_equal(kt_registry_call("far", 1, large, KT_MESSAGE_SIZE_MAX + 1, 1000, &reply),
                     -EMSGSIZE);
    assert_int_equal(kt_registry_call("far", KT_MESSAGE_EXIT, NULL, 0, 1000, &reply), -EINVAL);
    for (int i = 1; i <= 100; i++)
        assert_int_equal(kt_registry_send("far", COUNT_ME, "abc", 3), 0);
    AWAIT(board->counts[0] == 300);
    assert_int_equal(kt_registry_send("nobody", COUNT_ME, "abc", 3), -ENOENT);
    assert_int_equal(kt_registry_call("far", NEVER, NULL, 0, 20, &reply), -ETIMEDOUT);
    assert_int_equal(kt_registry_call("far", LATE, NULL, 0, 10, &reply), -ETIMEDOUT);
    assert_int_equal(kt_registry_call("far", ECHO_BACK, "on", 3, 1000, &reply), 0);
    assert_string_equal(reply->data, "on");
    /* the callee ends before it answers; then its whole worker */
    assert_int_equal(kt_registry_call("fragile", CRASH, NULL, 0, -1, &reply), -EOWNERDEAD);
    AWAIT(kt_registry_lookup("fragile", &entry) == -ENOENT);
    assert_int_equal(kt_registry_call("far", DIE, NULL, 0, -1, &reply), -EOWNERDEAD);
    AWAIT(kt_registry_lookup("far", &entry) == -ENOENT);
    int status;
    assert_int_equal(waitpid(far, &status, 0), far);
    assert_true(WIFSIGNALED(status));
}

static void messages_and_calls(void **state)
{
    (void)state;
    house_open();
    far = house_fork(2, serve);
    house_run(1, test_messages_and_calls);
    house_close();
}

static void call_for_ever(void *argument)
{
    kt_registry_call("far", NEVER, NULL, 0, -1, &reply);
    *(bool *)argument = true;
}

static void serve_and_count(void)
{
    char key[] = "far";
    struct kt_runtime_counts counts;
    kt_runtime_counts(&counts);
    uint64_t before = counts.processes + 1;
    CHECK(kt_server_start(&server, NULL, key, NULL) == 0);
    while (!board->counts[2]) {
        kt_runtime_counts(&counts);
        board->counts[3] = counts.processes - before;
        kt_sleep(1);
    }
}

/** A caller that is killed leaves nothing behind in the worker of its callee. */
static void test_withdrawn_calls(void)
{
    kt_pid callers[50];
    bool is_done = false;
    AWAIT(kt_registry_lookup("far", &entry) == 0);
    for (size_t i = 0; i < 50; i++)
        assert_int_equal(kt_spawn(NULL, call_for_ever, &is_done, &callers[i]), 0);
    AWAIT(board->counts[1] == 50 && board->counts[3] == 50);
    for (size_t i = 0; i < 50; i++)
        kt_signal(callers[i], KT_EXIT_KILL, "test");
    AWAIT(board->counts[3] == 0);
    assert_false(is_done);
    assert_int_equal(kt_registry_send("far", END, NULL, 0), 0);
    kt_yield();
}

static void withdrawn_calls(void **state)
{
    (void)state;
    house_open();
    far = house_fork(2, serve_and_count);
    house_run(1, test_withdrawn_calls);
    house_join(far);
    house_close();
}

static void ask_far(void)
{
    AWAIT(kt_registry_lookup("near", &entry) == 0);
    kt_registry_call("near", NEVER, NULL, 0, -1, &reply);
}

/** A worker that dies while it waits for an answer leaves nothing behind, either. */
static void test_dead_callers(void)
{
    char key[] = "near";
    struct kt_runtime_counts before, now;
    assert_int_equal(kt_server_start(&server, NULL, key, NULL), 0);
    kt_runtime_counts(&before);
    AWAIT(board->counts[1] == 1);
    house_kill(far);
    do {
        kt_sleep(1);
        kt_runtime_counts(&now);
    } while (now.processes > before.processes);
}

static void dead_callers(void **state)
{
    (void)state;
    house_open();
    far = house_fork(2, ask_far);
    house_run(1, test_dead_callers);
    house_close();
}

/** Within one worker it is an ordinary call. */
static void test_near(void)
{
    char key[] = "near";
    assert_int_equal(kt_server_start(&server, NULL, key, NULL), 0);
    assert_int_equal(kt_registry_call("near", ECHO_BACK, "x", 2, 1000, &reply), 0);
    assert_string_equal(reply->data, "x");
    assert_int_equal(kt_registry_call("near", CRASH, NULL, 0, 1000, &reply), -EOWNERDEAD);
    assert_int_equal(kt_registry_send("near", COUNT_ME, NULL, 0), -ENOENT);
}
HOUSE_CASE(near)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_and_calls),
        cmocka_unit_test(withdrawn_calls),
        cmocka_unit_test(dead_callers),
        cmocka_unit_test(near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
