/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed, each of a million processes would leave a little behind, until memory is full. */
#include "config.h"

#include "inside.h"
#include "valgrind.h"

#include <kontor/server.h>
#include <unistd.h>

/** Checkers keep what was freed for a while, and look for leaks themselves. */
#ifdef __SANITIZE_ADDRESS__
#define KEEPS_FREED_MEMORY true
#else
#define KEEPS_FREED_MEMORY RUNNING_ON_VALGRIND
#endif

/** What the allocators may hold on to beyond the state after the first tenth. */
#define SLACK_BYTES (1 << 20)

static size_t resident_bytes(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%*s %ld", &pages), 1);
    fclose(file);
    return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* ---------------------------------------------------------------- ways to live and to end */

static void end_at_once(void *argument)
{
    (void)argument;
}

static void hold_memory(void *argument)
{
    (void)argument;
    kt_must(talloc_size(kt_self_memory(), 500));
    kt_label("holds %d bytes", 500);
    kt_register("a name");
    kt_exit(KT_EXIT_SHUTDOWN, "with a reason");
}

static void wait_long(void *argument)
{
    const struct kt_message *message;
    (void)argument;
    kt_receive(1000000, &message);
    kt_receive(1000000, &message);
}

static int server_init(void *argument, void **ret_state)
{
    (void)argument;
    *ret_state = kt_must(talloc_strdup(kt_self_memory(), "state"));
    kt_server_timeout(1000000);
    return 0;
}

static void answer(void *state, const struct kt_message *call)
{
    struct kt_from from = kt_message_from(call);
    kt_reply(&from, 0, state, strlen(state));
}

static const struct kt_server server = {
    .label = "server", .init = server_init, .handle_call = answer};

static void live_one(unsigned way)
{
    kt_pid pid;
    uint64_t reference;
    const struct kt_message *message;
    switch (way % 6) {
    case 0:
        assert_int_equal(kt_spawn(NULL, end_at_once, NULL, NULL), 0);
        break;
    case 1:
        assert_int_equal(
            kt_spawn(&(struct kt_spawn){.ret_monitor = &reference}, hold_memory, NULL, &pid), 0);
        assert_int_equal(kt_receive(-1, &message), 0);
        assert_int_equal(message->type, KT_MESSAGE_DOWN);
        break;
    case 2: /* killed while it waits, with messages in its mailbox */
        assert_int_equal(kt_spawn(&(struct kt_spawn){.link = true}, wait_long, NULL, &pid), 0);
        kt_send(pid, 1, "message", 7);
        kt_send(pid, 2, "another one, which is never taken", 33);
        kt_yield();
        kt_unlink(pid);
        kt_signal(pid, KT_EXIT_KILL, "enough");
        break;
    case 3: /* before it has run */
        assert_int_equal(kt_spawn(NULL, wait_long, NULL, &pid), 0);
        kt_send_after(pid, 1, 1, "too late", 8);
        kt_signal(pid, KT_EXIT_KILL, "never mind");
        break;
    case 4:
        assert_int_equal(kt_server_start(&server, NULL, NULL, &pid), 0);
        assert_int_equal(kt_call(pid, 1, NULL, 0, 1000, &message), 0);
        kt_signal(pid, KT_EXIT_SHUTDOWN, "done");
        assert_int_equal(kt_join(pid, 1000), 0);
        break;
    default: /* given memory, as a chunk */
        assert_int_equal(kt_spawn(NULL, wait_long, NULL, &pid), 0);
        assert_int_equal(kt_send_memory(pid, 1, talloc_strdup(NULL, "a chunk")), 0);
        kt_signal(pid, KT_EXIT_KILL, "enough");
        break;
    }
}

static void test_a_million_processes(void)
{
    const unsigned count = RUNNING_ON_VALGRIND ? 20000 : 1000000;
    struct kt_runtime_counts counts;
    size_t before = 0;
    for (unsigned i = 0; i < count; i++) {
        live_one(i);
        if (i == count / 10)
            before = resident_bytes();
    }
    kt_sleep(10);
    kt_runtime_counts(&counts);
    assert_int_equal(counts.processes, 1);
    assert_true(counts.spawned >= count);
    size_t after = resident_bytes();
    if (!KEEPS_FREED_MEMORY && after > before + SLACK_BYTES)
        fail_msg("memory has grown from %zu to %zu bytes", before, after);
}
CASE(a_million_processes)

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_million_processes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
