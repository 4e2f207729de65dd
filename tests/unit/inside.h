/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Run a test inside a process of a fresh runtime, and check that nothing is left when it ends.
 */
#ifndef TEST_INSIDE_H
#define TEST_INSIDE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <kontor/log.h>
#include <kontor/supervisor.h>
#include <stdio.h>
#include <string.h>

#include "process/runtime.h"

struct inside {
    void (*test)(void);
    bool is_done;
};

static inline void inside_main(void *argument)
{
    struct inside *inside = argument;
    inside->test();
    inside->is_done = true;
    kt_runtime_stop();
}

static inline void run_inside(void (*test)(void))
{
    struct inside inside = {.test = test};
    struct kt_runtime_counts counts;
    assert_int_equal(kt_runtime_start(NULL, NULL), 0);
    assert_int_equal(kt_spawn(NULL, inside_main, &inside, NULL), 0);
    kt_runtime_run();
    kt_runtime_close();
    kt_runtime_counts(&counts);
    assert_true(inside.is_done);
    assert_int_equal(counts.processes, 0);
    assert_int_equal(counts.stacks, 0);
}

/** Make the cmocka test `name` of test_`name`, run inside. */
#define CASE(name)                                                                                 \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        run_inside(test_##name);                                                                   \
    }

/** Let the others run until this holds; a test that never gets there fails by the test's time-out.
 */
#define AWAIT(condition)                                                                           \
    do {                                                                                           \
        while (!(condition))                                                                       \
            kt_sleep(1);                                                                           \
    } while (0)

#endif
