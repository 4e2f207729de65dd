/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See timer.h. The system is asked to wake us only when the loop is about to block and the
 * earliest deadline has changed: a call with a time-out that is answered in time costs no system
 * call for its timer.
 */
#include "process/timer.h"

#include "process/runtime.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define ARITY 4u
#define FIRST_CAPACITY 1024u
/** No deadline is committed to the system. */
#define NEVER INT64_MAX

struct entry {
    int64_t deadline;
    struct kt_timer *timer;
};

struct heap {
    struct entry *entries;
    uint32_t count, capacity;
    int64_t committed; /**< what the system was told */
};

static struct {
    struct heap heap[2];
    void (*expire)(struct kt_timer *timer);
    uv_timer_t monotonic;
    uv_poll_t day;
    int day_fd;
} timers = {.day_fd = -1};

/* ---------------------------------------------------------------- the heap */

static void place(struct heap *heap, uint32_t index, struct entry entry)
{
    heap->entries[index] = entry;
    entry.timer->index = index + 1;
}

static void sift_up(struct heap *heap, uint32_t index, struct entry entry)
{
    while (index > 0) {
        uint32_t parent = (index - 1) / ARITY;
        if (heap->entries[parent].deadline <= entry.deadline)
            break;
        place(heap, index, heap->entries[parent]);
        index = parent;
    }
    place(heap, index, entry);
}

static void sift_down(struct heap *heap, uint32_t index, struct entry entry)
{
    for (;;) {
        uint64_t first = (uint64_t)index * ARITY + 1;
        if (first >= heap->count)
            break;
        uint32_t least = (uint32_t)first;
        for (uint32_t i = least + 1; i < least + ARITY && i < heap->count; i++)
            if (heap->entries[i].deadline < heap->entries[least].deadline)
                least = i;
        if (heap->entries[least].deadline >= entry.deadline)
            break;
        place(heap, index, heap->entries[least]);
        index = least;
    }
    place(heap, index, entry);
}

static void put_at(struct heap *heap, uint32_t index, struct entry entry)
{
    if (index > 0 && heap->entries[(index - 1) / ARITY].deadline > entry.deadline)
        sift_up(heap, index, entry);
    else
        sift_down(heap, index, entry);
}

int kt_timer_arm(struct kt_timer *timer, enum kt_clock clock, int64_t deadline_ms)
{
    if (timer->index && timer->clock != clock)
        kt_timer_cancel(timer);
    struct heap *heap = &timers.heap[clock];
    struct entry entry = {deadline_ms, timer};
    if (timer->index) {
        put_at(heap, timer->index - 1, entry);
        return 0;
    }
    if (heap->count == heap->capacity) {
        uint32_t capacity = heap->capacity ? heap->capacity * 2 : FIRST_CAPACITY;
        struct entry *entries = realloc(heap->entries, capacity * sizeof *entries);
        if (!entries)
            return -ENOMEM;
        heap->entries = entries;
        heap->capacity = capacity;
    }
    timer->clock = (uint8_t)clock;
    sift_up(heap, heap->count++, entry);
    return 0;
}

void kt_timer_cancel(struct kt_timer *timer)
{
    if (!timer->index)
        return;
    struct heap *heap = &timers.heap[timer->clock];
    uint32_t index = timer->index - 1;
    timer->index = 0;
    struct entry last = heap->entries[--heap->count];
    if (index < heap->count)
        put_at(heap, index, last);
}

/* ---------------------------------------------------------------- the clocks */

static void expire_until(enum kt_clock clock, int64_t now)
{
    struct heap *heap = &timers.heap[clock];
    while (heap->count && heap->entries[0].deadline <= now) {
        struct kt_timer *timer = heap->entries[0].timer;
        kt_timer_cancel(timer);
        timers.expire(timer);
    }
    heap->committed = NEVER;
}

static void on_monotonic(uv_timer_t *handle)
{
    (void)handle;
    expire_until(KT_CLOCK_MONOTONIC, kt_now_ms());
    /* the loop may wait right after this, when nobody has become runnable */
    kt_timers_commit();
}

static void on_day(uv_poll_t *handle, int status, int events)
{
    (void)handle, (void)status, (void)events;
    uint64_t expirations;
    /* ECANCELED: the clock was set. Whatever came, look at the clock again. */
    if (read(timers.day_fd, &expirations, sizeof expirations) < 0 && errno == EAGAIN)
        return;
    expire_until(KT_CLOCK_DAY, kt_unix_ms());
}

static void commit_day(int64_t deadline)
{
    struct itimerspec when = {
        .it_value = {.tv_sec = deadline / 1000, .tv_nsec = deadline % 1000 * 1000000}};
    if (deadline <= 0) /* zero would disarm */
        when.it_value = (struct timespec){.tv_nsec = 1};
    timerfd_settime(timers.day_fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when, NULL);
}

void kt_timers_commit(void)
{
    struct heap *heap = &timers.heap[KT_CLOCK_MONOTONIC];
    if (heap->count && heap->entries[0].deadline < heap->committed) {
        heap->committed = heap->entries[0].deadline;
        int64_t left = heap->committed - kt_now_ms();
        uv_timer_start(&timers.monotonic, on_monotonic, left > 0 ? (uint64_t)left : 0, 0);
    }
    heap = &timers.heap[KT_CLOCK_DAY];
    if (heap->count && heap->entries[0].deadline < heap->committed) {
        heap->committed = heap->entries[0].deadline;
        commit_day(heap->committed);
    }
}

int kt_timers_start(void (*expire)(struct kt_timer *timer))
{
    timers.expire = expire;
    timers.heap[0].committed = timers.heap[1].committed = NEVER;
    timers.day_fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (timers.day_fd < 0)
        return -errno;
    uv_timer_init(kt_runtime_loop(), &timers.monotonic);
    int status = uv_poll_init(kt_runtime_loop(), &timers.day, timers.day_fd);
    if (status == 0)
        status = uv_poll_start(&timers.day, UV_READABLE, on_day);
    return status;
}

void kt_timers_close(void (*drop)(struct kt_timer *timer))
{
    for (int clock = 0; clock < 2; clock++) {
        struct heap *heap = &timers.heap[clock];
        while (heap->count) {
            struct kt_timer *timer = heap->entries[heap->count - 1].timer;
            kt_timer_cancel(timer);
            drop(timer);
        }
        free(heap->entries);
        *heap = (struct heap){0};
    }
    uv_close((uv_handle_t *)&timers.monotonic, NULL);
    uv_close((uv_handle_t *)&timers.day, NULL);
    uv_run(kt_runtime_loop(), UV_RUN_NOWAIT);
    close(timers.day_fd);
    timers.day_fd = -1;
}
