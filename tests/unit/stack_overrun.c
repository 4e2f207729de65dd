/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: an overrun on a process's stack would silently damage another process. */
#include "config.h"

#include "inside.h"
#include "valgrind.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define HAVE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAVE_ASAN 1
#endif
#endif

enum { EXIT_IN_GUARD = 42, EXIT_ELSEWHERE };

static void on_fault(int number, siginfo_t *info, void *context)
{
    (void)number, (void)context;
    bool is_labelled = kt_self_label() && strcmp(kt_self_label(), "deep") == 0;
    _exit(kt_is_stack_guard(info->si_addr) && is_labelled ? EXIT_IN_GUARD : EXIT_ELSEWHERE);
}

static volatile int depth_reached;

/* Every call is needed for its result, so that no compiler makes a loop of it. */
__attribute__((noinline)) static int dive(int depth)
{
    volatile char frame[512];
    frame[0] = (char)depth;
    depth_reached = depth;
    return depth < 0 ? 0 : dive(depth + 1) + frame[0];
}

static void deep(void *argument)
{
    (void)argument;
    dive(0);
}

static void run_child(void (*function)(void *argument))
{
    kt_runtime_start(NULL, NULL);
    kt_spawn(&(struct kt_spawn){.label = "deep"}, function, NULL, NULL);
    kt_runtime_run();
    _exit(EXIT_SUCCESS);
}

static void an_overflow_hits_the_guard(void **state)
{
    (void)state;
    if (RUNNING_ON_VALGRIND)
        skip(); /* it reports what the child leaves behind, as it must */
    pid_t child = fork();
    if (child == 0) {
        stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536};
        struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
        sigaltstack(&stack, NULL);
        sigaction(SIGSEGV, &action, NULL);
        run_child(deep);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EXIT_IN_GUARD);
}

#ifdef HAVE_ASAN
/* A function of its own, so that the bounds are known to the run-time checker only. */
__attribute__((noinline)) static void fill(volatile char *buffer, size_t length)
{
    for (size_t i = 0; i < length; i++)
        buffer[i] = 'x';
}

static void overrun(void *argument)
{
    (void)argument;
    volatile char buffer[32], *volatile start = buffer;
    volatile size_t length = sizeof buffer + 1;
    kt_yield(); /* the checker must follow us through switches */
    fill(start, length);
    kt_runtime_stop();
}

/** A self-test of the checker: it must see overruns on the stacks of processes. */
static void the_sanitizer_sees_an_overrun(void **state)
{
    (void)state;
    int output[2];
    assert_int_equal(pipe(output), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(output[1], STDERR_FILENO);
        run_child(overrun);
    }
    close(output[1]);
    char report[8192];
    size_t length = 0;
    ssize_t got;
    while (length < sizeof report - 1 &&
           (got = read(output[0], report + length, sizeof report - 1 - length)) > 0)
        length += (size_t)got;
    report[length] = '\0';
    close(output[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS);
    assert_non_null(strstr(report, "stack-buffer-overflow"));
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_overflow_hits_the_guard),
#ifdef HAVE_ASAN
        cmocka_unit_test(the_sanitizer_sees_an_overrun),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
