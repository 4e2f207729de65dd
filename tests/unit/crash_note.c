/* SPDX-License-Identifier: BSD-2-Clause */
/* If this failed: after a crash nobody would know which plugin it was. */
#include "config.h"

#include "inside.h"
#include "valgrind.h"

#include "plugin/plugin.h"
#include "worker/crash.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static struct kt_note *note;
static const struct kt_plugin_descriptor descriptor = {.name = "shop"};
static struct kt_plugin plugin = {.descriptor = &descriptor, .number = 1};
static void (*crash)(void);

static void segfault(void)
{
    volatile uintptr_t nowhere = 16;
    *(volatile int *)nowhere = 1;
}

/** Not a tail call: the frame is needed after the return. */
static uint64_t descend(uint64_t depth, volatile uint64_t *above)
{
    volatile uint64_t frame[64];
    frame[depth % 64] = depth + *above;
    return depth == 0 ? frame[0] : descend(depth - 1, &frame[depth % 64]) + frame[1];
}

static void overflow(void)
{
    volatile uint64_t above = 0;
    above = descend(UINT32_MAX, &above);
}

static void segfault_in_pool(void *argument)
{
    (void)argument;
    segfault();
}

static void work(void)
{
    kt_work(segfault_in_pool, NULL);
}

static void leave_in_pool(void *argument)
{
    (void)argument;
    _exit(1);
}

static void work_and_leave(void)
{
    kt_work(leave_in_pool, NULL);
}

static int segfault_when_freed(void **memory)
{
    (void)memory;
    segfault();
    return 0;
}

static void end_with_a_destructor(void)
{
    void **memory = talloc_zero(kt_self_memory(), void *);
    talloc_set_destructor(memory, segfault_when_freed);
}

static void load_and_segfault(void)
{
    kt_crash_blame(note, 2, "bakery");
    segfault();
}

/** As exit, but without a leak checker's wait. */
static void leave(void)
{
    _exit(1);
}

/** The plugin's process has ended, the loop goes on. */
static void leave_later(void)
{
    static uv_timer_t timer;
    uv_timer_init(kt_runtime_loop(), &timer);
    uv_timer_start(&timer, (uv_timer_cb)(void (*)(void))leave, 1, 0);
}

static void terminate(void)
{
    kill(getpid(), SIGBUS);
}

static void crash_here(void *argument)
{
    (void)argument;
    kt_self_belong(&plugin);
    kt_label("price of tea");
    crash();
}

/** The life of the forked process, which crashes. */
static void crash_inside(bool in_process)
{
    int null = open("/dev/null", O_WRONLY);
    dup2(null, STDERR_FILENO); /* a sanitizer's report */
    const struct kt_runtime_options options = {.running = &note->running};
    const struct kt_plugins plugins = {.count = 1, .list = {&plugin}};
    if (kt_runtime_start(&options, NULL) < 0 || kt_crash_watch(note) < 0)
        _exit(99);
    kt_crash_map(note, &plugins);
    if (!in_process)
        crash();
    kt_spawn(NULL, crash_here, NULL, NULL);
    kt_runtime_run();
}

/** Crash in a forked process. @return how it ended */
static int run_crash(void (*how)(void), bool in_process)
{
    int status;
    crash = how;
    memset(note, 0, sizeof(*note));
    pid_t pid = fork();
    if (pid == 0) {
        crash_inside(in_process);
        _exit(98);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    /* 1: a sanitizer's; Valgrind has a status of its own for what is not freed at exit */
    assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 1 || RUNNING_ON_VALGRIND);
    return status;
}

static void assert_described(const char *words)
{
    char text[256];
    assert_true(kt_crash_describe(note, text, sizeof(text)));
    assert_string_equal(text, words);
}

static void tells_plugin_and_process(void **state)
{
    (void)state;
    char frame[128];
    bool has_this_program = false;
    run_crash(segfault, true);
    assert_described("segmentation fault at address 0x10 in process 'price of tea' of plugin "
                     "'shop'");
    for (int i = 0; kt_crash_frame(note, i, frame, sizeof(frame)); i++)
        has_this_program = has_this_program || strstr(frame, "kontord+0x") != NULL;
    assert_true(has_this_program); /* the main program has no name of its own in the list */
}

static void tells_a_stack_overflow(void **state)
{
    (void)state;
    run_crash(overflow, true);
    assert_described("stack overflow in process 'price of tea' of plugin 'shop'");
}

static void tells_an_abort(void **state)
{
    (void)state;
    int status = run_crash(abort, true);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_described("abort in process 'price of tea' of plugin 'shop'");
}

static void keeps_the_signal_that_was_sent(void **state)
{
    (void)state;
    int status = run_crash(terminate, false);
    assert_true(WIFEXITED(status) || WTERMSIG(status) == SIGBUS);
    assert_described("bus error, outside of any process");
}

static void tells_the_thread_pool(void **state)
{
    (void)state;
    run_crash(work, true);
    assert_described("segmentation fault at address 0x10 in the thread pool, in work of process "
                     "'price of tea' of plugin 'shop'");
    assert_int_equal(kt_crash_culprit(note), 1);
}

static void tells_what_a_process_left_behind(void **state)
{
    (void)state;
    run_crash(end_with_a_destructor, true);
    assert_described("segmentation fault at address 0x10 after the end of a process of plugin "
                     "'shop'");
    assert_int_equal(kt_crash_culprit(note), 1);
}

static void tells_a_plugin_that_is_loaded(void **state)
{
    (void)state;
    run_crash(load_and_segfault, false);
    assert_described("segmentation fault at address 0x10 while plugin 'bakery' was loaded");
    assert_int_equal(kt_crash_culprit(note), 2);
}

static void knows_who_ran_without_a_crash(void **state)
{
    (void)state;
    char text[16];
    run_crash(leave, true);
    assert_false(kt_crash_describe(note, text, sizeof(text)));
    assert_int_equal(kt_crash_culprit(note), 1);
    run_crash(work_and_leave, true);
    assert_int_equal(kt_crash_culprit(note), 1);
    run_crash(leave_later, true);
    assert_int_equal(kt_crash_culprit(note), 0);
}

static void believes_no_number_out_of_bounds(void **state)
{
    (void)state;
    char text[KT_ERROR_TEXT_MAX], frame[128];
    memset(note, 0xff, sizeof(*note));
    assert_int_equal(kt_crash_culprit(note), 0);
    atomic_store(&note->blamed, 0);
    assert_int_equal(kt_crash_culprit(note), 0);
    atomic_store(&note->signal, 0);
    note->plugins[KT_PLUGINS_MAX - 1] = 0;
    assert_int_equal(kt_crash_culprit(note), 1); /* the first that is the same */
    atomic_store(&note->signal, SIGSEGV);
    note->place = KT_NOTE_IN_PROCESS;
    assert_true(kt_crash_describe(note, text, sizeof(text)));
    atomic_store(&note->frame_count, INT32_MAX);
    assert_true(kt_crash_frame(note, 0, frame, sizeof(frame)));
    assert_false(kt_crash_frame(note, KT_NOTE_FRAMES_MAX, frame, sizeof(frame)));
}

static void says_nothing_without_a_crash(void **state)
{
    (void)state;
    char text[16];
    memset(note, 0, sizeof(*note));
    assert_false(kt_crash_describe(note, text, sizeof(text)));
    assert_false(kt_crash_frame(note, 0, text, sizeof(text)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_plugin_and_process),
        cmocka_unit_test(tells_a_stack_overflow),
        cmocka_unit_test(tells_an_abort),
        cmocka_unit_test(keeps_the_signal_that_was_sent),
        cmocka_unit_test(tells_the_thread_pool),
        cmocka_unit_test(tells_what_a_process_left_behind),
        cmocka_unit_test(tells_a_plugin_that_is_loaded),
        cmocka_unit_test(knows_who_ran_without_a_crash),
        cmocka_unit_test(believes_no_number_out_of_bounds),
        cmocka_unit_test(says_nothing_without_a_crash),
    };
    note = mmap(NULL, sizeof(*note), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (note == MAP_FAILED)
        return 1;
    int failed = cmocka_run_group_tests_name("crash_note", tests, NULL, NULL);
    munmap(note, sizeof(*note));
    return failed;
}
