/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler: a queue of runnable processes, served in slices between turns of the loop. It
 * lends a stack to a process when it runs and takes it back when a server has nothing more to do.
 * It knows the states of a process and nothing of what they are for.
 */
#include "process/scheduler.h"

#include <assert.h>
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define STACK_SIZE_DEFAULT ((size_t)256 * 1024)
#define PROCESS_LIMIT_DEFAULT 2000000u
/** The loop gets its turn after so long, and every so many processes we look at the clock. */
#define SLICE_NS 1000000u
#define SLICE_CHECK 32u
/** How often memory of unused stacks is given back. */
#define TRIM_MS 1000
/** The heap grows by at least so much, and keeps so much that is free. */
#define HEAP_STEP_BYTES (1 << 20)
#define HEAP_KEEP_BYTES (8 << 20)
/** Larger pieces are mapped one by one. Setting what is kept would fix that at 128 KiB: the body of
 * a fetched answer would cost a mapping, and a fault for each of its pages. */
#define HEAP_PIECE_BYTES (1 << 20)
/** Turns that processes get to end in an orderly way when the runtime is closed. */
#define CLOSE_TURNS 10000
/** What fits a process's run_us: nine years. */
#define RUN_US_MASK ((UINT64_C(1) << 48) - 1)

struct kt_runtime kt_runtime_state;

/** Only one thread runs processes; others (the pool's) must find nothing here. */
static __thread bool is_runtime_thread __attribute__((tls_model("initial-exec")));

/** How the process that last ran left its stack. */
static enum { LEFT_WAITING, LEFT_TURN_DONE, LEFT_FOR_EVER } departure;

static uv_timer_t trim_timer;
static uv_prepare_t before_poll;

/* ---------------------------------------------------------------- the queue */

static void enqueue(struct kt_process *process)
{
    process->state = KT_STATE_RUNNABLE;
    process->next = NULL;
    if (runtime.queue_last)
        runtime.queue_last->next = process;
    else
        runtime.queue_first = process;
    runtime.queue_last = process;
    runtime.counts.runnable++;
}

static struct kt_process *dequeue(void)
{
    struct kt_process *process = runtime.queue_first;
    if (process) {
        runtime.counts.runnable--;
        runtime.queue_first = process->next;
        if (!runtime.queue_first)
            runtime.queue_last = NULL;
    }
    return process;
}

void kt_wake(struct kt_process *process, int result)
{
    assert(process->state == KT_STATE_WAITING);
    if (process->timer.index && !process->timer.is_servers)
        kt_timer_cancel(&process->timer);
    if (process->wait == KT_WAIT_REPLY)
        kt_await_cancel(process);
    process->result = result;
    enqueue(process);
}

void kt_process_start(struct kt_process *process)
{
    process->reason = KT_REASON_TURN;
    enqueue(process);
}

/* ---------------------------------------------------------------- waiting */

int64_t kt_deadline(int64_t timeout_ms)
{
    /* The loop's clock may be a slice behind: one more millisecond, so that nothing is early. */
    return timeout_ms < 0 ? -1 : kt_now_ms() + timeout_ms + 1;
}

void kt_wait_reason(enum kt_reason reason)
{
    runtime.current->reason = (uint8_t)reason;
}

enum kt_reason kt_reason_of(const struct kt_process *process)
{
    static const uint8_t reasons[] = {
        [KT_WAIT_NOTHING] = KT_REASON_TURN, [KT_WAIT_MESSAGE] = KT_REASON_MESSAGE,
        [KT_WAIT_REPLY] = KT_REASON_ANSWER, [KT_WAIT_TICKET] = KT_REASON_WAKE_UP,
        [KT_WAIT_TIME] = KT_REASON_TIME,    [KT_WAIT_WORK] = KT_REASON_WORK,
    };
    return (enum kt_reason)(process->reason ? process->reason : reasons[process->wait]);
}

/** Add the wait that ends now for who wants to know. */
static void watch_wait(const struct kt_process *process, struct kt_watch *watch)
{
    if (!watch->since_ns)
        return;
    watch->waited_ns[kt_reason_of(process)] += uv_hrtime() - watch->since_ns;
    watch->since_ns = 0;
}

int kt_wait(enum kt_wait wait, enum kt_clock clock, int64_t deadline_ms)
{
    struct kt_process *process = runtime.current;
    if (process->is_exit_pending && wait != KT_WAIT_WORK) {
        if (process->critical)
            return -ECANCELED;
        kt_leave_for_ever();
    }
    if (deadline_ms >= 0) {
        int status = kt_timer_arm(&process->timer, clock, deadline_ms);
        if (status < 0)
            return status;
        process->timer.is_servers = false;
    }
    process->state = KT_STATE_WAITING;
    process->wait = (uint8_t)wait;
    departure = LEFT_WAITING;
    kt_stack_leave(process->stack);
    return process->result;
}

void kt_yield(void)
{
    struct kt_process *process = runtime.current;
    enqueue(process);
    process->reason = KT_REASON_TURN;
    departure = LEFT_WAITING;
    kt_stack_leave(process->stack);
}

void kt_leave_for_ever(void)
{
    kt_await_cancel(runtime.current); /* nobody may find what lies on the stack */
    departure = LEFT_FOR_EVER;
    kt_stack_abandon(runtime.current->stack);
}

static void expire_process(struct kt_process *process)
{
    bool is_idle_server = process->is_server && !process->stack;
    if (process->timer.is_servers) {
        process->is_timeout_due = true;
        process->server_deadline = -1;
        if (is_idle_server && process->state == KT_STATE_WAITING)
            kt_wake(process, 0);
    } else if (process->state == KT_STATE_WAITING) {
        kt_wake(process, process->wait == KT_WAIT_TIME ? 0 : -ETIMEDOUT);
    }
}

static void expire(struct kt_timer *timer)
{
    if (timer->is_message)
        kt_delayed_send(timer);
    else
        expire_process((struct kt_process *)((char *)timer - offsetof(struct kt_process, timer)));
}

static void drop_timer(struct kt_timer *timer)
{
    if (timer->is_message)
        kt_delayed_drop(timer);
}

/* ---------------------------------------------------------------- running */

/** What runs on a borrowed stack. */
static void stack_main(void)
{
    struct kt_process *process = runtime.current;
    if (process->is_server)
        kt_server_turn(process);
    else
        process->function(process->argument);
    departure = LEFT_TURN_DONE;
}

static void give_stack_back(struct kt_process *process, bool is_clean)
{
    kt_stack_return(process->stack, is_clean);
    process->stack = NULL;
}

/** A server has handled its mailbox: it waits without a stack. */
static void rest(struct kt_process *process)
{
    give_stack_back(process, true);
    if (process->server_deadline >= 0 && !(process->timer.index && process->timer.is_servers)) {
        kt_timer_arm(&process->timer,
                     process->is_deadline_of_day ? KT_CLOCK_DAY : KT_CLOCK_MONOTONIC,
                     process->server_deadline);
        process->timer.is_servers = true;
    }
    process->state = KT_STATE_WAITING;
    process->wait = KT_WAIT_MESSAGE;
    process->reason = KT_REASON_MESSAGE;
    /* A turn ends only when nothing is left to do, and nothing happens between it and here. */
    assert(!process->last && !process->is_timeout_due && !process->is_exit_pending);
}

void kt_running(const struct kt_plugin *plugin)
{
    atomic_store_explicit(&runtime.running->process, (uintptr_t)plugin, memory_order_relaxed);
}

/** Turns until the next one that is timed. */
static uint32_t untimed = KT_RUN_SAMPLE;

/** This turn stands for many. */
static void enter_timed(struct kt_process *process)
{
    uint64_t start_ns = uv_hrtime();
    untimed = KT_RUN_SAMPLE;
    kt_stack_enter(process->stack);
    process->run_us =
        (process->run_us + (uv_hrtime() - start_ns) * KT_RUN_SAMPLE / 1000) & RUN_US_MASK;
}

/** Let a process run until it waits or leaves. */
static void enter(struct kt_process *process)
{
    process->reason = KT_REASON_WAKE_UP;
    process->turns++;
    process->state = KT_STATE_RUNNING;
    runtime.current = process;
    if (--untimed == 0)
        enter_timed(process);
    else
        kt_stack_enter(process->stack);
    runtime.current = NULL;
    if (process->watch && departure == LEFT_WAITING)
        process->watch->since_ns = uv_hrtime();
}

static void run(struct kt_process *process)
{
    kt_running(process->plugin); /* until the next one: what it held is freed after its end */
    if (process->watch)
        watch_wait(process, process->watch);
    if (process->is_exit_pending && !process->critical) {
        kt_process_end(process);
        return;
    }
    if (!process->stack && !(process->stack = kt_stack_borrow())) {
        kt_exit_set(process, KT_EXIT_ERROR, "no memory for a stack");
        kt_process_end(process);
        return;
    }
    enter(process);
    switch (departure) {
    case LEFT_WAITING:
        break;
    case LEFT_TURN_DONE:
        if (process->is_server) {
            rest(process);
            break;
        }
        give_stack_back(process, true);
        kt_exit_set(process, KT_EXIT_NORMAL, NULL);
        kt_process_end(process);
        break;
    case LEFT_FOR_EVER:
        give_stack_back(process, false);
        kt_process_end(process);
        break;
    }
}

static void run_slice(void)
{
    uint64_t end = uv_hrtime() + SLICE_NS;
    struct kt_process *process;
    for (uint32_t count = 1; (process = dequeue()); count++) {
        run(process);
        if (count % SLICE_CHECK == 0 && uv_hrtime() >= end)
            break;
    }
    kt_running(NULL);
}

static void on_trim(uv_timer_t *timer)
{
    if (!kt_stacks_trim())
        uv_timer_stop(timer);
}

/** The loop runs due timers before it polls, and would then block although a process is runnable;
 * a stopped loop polls without blocking, once. */
static void on_before_poll(uv_prepare_t *prepare)
{
    if (runtime.queue_first)
        uv_stop(prepare->loop);
}

void kt_runtime_run(void)
{
    while (!runtime.is_stopping) {
        run_slice();
        if (runtime.is_stopping)
            break;
        kt_timers_commit();
        bool is_busy = runtime.queue_first != NULL;
        if (!is_busy && kt_stacks_want_trim() && !uv_is_active((uv_handle_t *)&trim_timer))
            uv_timer_start(&trim_timer, on_trim, TRIM_MS, TRIM_MS);
        uv_run(&runtime.loop, is_busy ? UV_RUN_NOWAIT : UV_RUN_ONCE);
    }
    runtime.is_stopping = false;
}

void kt_runtime_stop(void)
{
    runtime.is_stopping = true;
    uv_stop(&runtime.loop);
}

void kt_runtime_slice(void)
{
    if (!runtime.current)
        run_slice();
}

/* ---------------------------------------------------------------- the runtime's life */

/**
 * The C library's allocator as processes need it: they end by the thousand, and what each of them
 * held was allocated together. Its fast bins would be merged again and again meanwhile; and memory
 * that the next burst needs is not given back to the system in between.
 */
static void set_allocator(void)
{
    mallopt(M_MXFAST, 0);
    mallopt(M_TOP_PAD, HEAP_STEP_BYTES);
    mallopt(M_TRIM_THRESHOLD, HEAP_KEEP_BYTES);
    mallopt(M_MMAP_THRESHOLD, HEAP_PIECE_BYTES);
}

int kt_runtime_start(const struct kt_runtime_options *options, struct kt_error *error)
{
    static const struct kt_runtime_options defaults;
    if (!options)
        options = &defaults;
    if (runtime.is_started)
        return kt_error_set(error, -EALREADY, "the runtime has been started already");
    memset(&runtime, 0, sizeof runtime);
    set_allocator();
    static struct kt_running nobodys;
    runtime.running = options->running ? options->running : &nobodys;
    int status = uv_loop_init(&runtime.loop);
    if (status < 0)
        return kt_error_set(error, status, "no event loop: %s", uv_strerror(status));
    uint32_t first_generation = 0;
    if (options->node != 0 && getrandom(&first_generation, sizeof first_generation, 0) < 0)
        return kt_error_set(error, -errno, "no random numbers: %s", strerror(errno));
    status = kt_table_start(options->process_limit ? options->process_limit : PROCESS_LIMIT_DEFAULT,
                            options->node, first_generation);
    if (status == 0)
        status = kt_timers_start(expire);
    if (status < 0)
        return kt_error_set(error, status, "the runtime can't start: %s", uv_strerror(status));
    kt_stacks_start(options->stack_size_bytes ? options->stack_size_bytes : STACK_SIZE_DEFAULT,
                    stack_main);
    uv_timer_init(&runtime.loop, &trim_timer);
    uv_unref((uv_handle_t *)&trim_timer);
    uv_prepare_init(&runtime.loop, &before_poll);
    uv_prepare_start(&before_poll, on_before_poll);
    runtime.memory = talloc_named_const(NULL, 0, "worker");
    runtime.is_started = is_runtime_thread = true;
    return 0;
}

/** Every process gets the kill signal; those in a critical section some turns to leave it. */
static void end_all(void)
{
    struct kt_process *process;
    for (uint32_t i = 0; (process = kt_table_slot(i)); i++)
        if (process->state != KT_STATE_FREE)
            kt_signal(process->pid, KT_EXIT_KILL, "the worker stops");
    for (int turn = 0; runtime.counts.processes && turn < CLOSE_TURNS; turn++) {
        run_slice();
        if (runtime.counts.processes && !runtime.queue_first)
            uv_run(&runtime.loop, UV_RUN_ONCE); /* the thread pool's answers */
    }
}

void kt_runtime_close(void)
{
    if (!runtime.is_started)
        return;
    runtime.is_closing = true;
    end_all();
    kt_timers_close(drop_timer);
    uv_close((uv_handle_t *)&trim_timer, NULL);
    uv_close((uv_handle_t *)&before_poll, NULL);
    uv_run(&runtime.loop, UV_RUN_NOWAIT);
    kt_message_close();
    kt_link_close();
    kt_name_close();
    kt_map_clear(&runtime.monitors);
    kt_table_close();
    kt_stacks_close();
    talloc_free(runtime.memory);
    uv_loop_close(&runtime.loop);
    runtime.is_started = is_runtime_thread = false;
}

uv_loop_t *kt_runtime_loop(void)
{
    return &runtime.loop;
}

/* ---------------------------------------------------------------- time */

int64_t kt_now_ms(void)
{
    return (int64_t)uv_now(&runtime.loop);
}

int64_t kt_unix_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void kt_sleep(int64_t duration_ms)
{
    uv_update_time(&runtime.loop);
    kt_wait(KT_WAIT_TIME, KT_CLOCK_MONOTONIC, duration_ms > 0 ? kt_now_ms() + duration_ms : 0);
}

void kt_sleep_until(int64_t unix_ms)
{
    if (unix_ms > kt_unix_ms())
        kt_wait(KT_WAIT_TIME, KT_CLOCK_DAY, unix_ms);
}

/* ---------------------------------------------------------------- who runs */

bool kt_is_inside(void)
{
    return is_runtime_thread && runtime.current;
}

bool kt_is_runtime_thread(void)
{
    return is_runtime_thread;
}

void kt_runtime_counts(struct kt_runtime_counts *ret_counts)
{
    *ret_counts = runtime.counts;
    kt_stacks_count(&ret_counts->stacks, &ret_counts->stacks_held);
}

bool kt_is_stack_guard(const void *address)
{
    return kt_stacks_is_guard(address);
}
