/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pool maps stacks in slabs. Within a slab each stack is [guard | usable bytes]; the switch is
 * Boost.Context's. A stack's context loops over the pool's main function, so that the next borrower
 * of a stack that was left cleanly needs no new context.
 *
 * AddressSanitizer is told of every switch, else it would take another stack for an overrun, and
 * would miss real ones; Valgrind learns the stacks' bounds.
 */
#include "process/stack.h"

#include "config.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(HAVE_VALGRIND_VALGRIND_H)
#include <valgrind/valgrind.h>
#else
#define VALGRIND_STACK_REGISTER(start, end) 0u
#define VALGRIND_STACK_DEREGISTER(id) (void)(id)
#endif

#if defined(__SANITIZE_ADDRESS__)
#define KT_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KT_ASAN 1
#endif
#endif
#ifdef KT_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

/* Boost.Context, <boost/context/detail/fcontext.hpp> (a C++ header; the symbols are plain C). */
struct transfer {
    void *context;
    void *data;
};
extern struct transfer jump_fcontext(void *to, void *data);
extern void *make_fcontext(void *top, size_t size, void (*function)(struct transfer));

/** Wide enough that a large frame can't jump over it; costs address space only. */
#define GUARD_BYTES ((size_t)64 * 1024)
/** Stacks mapped at a time. */
#define SLAB_STACKS 64
/** Slabs at most: 65,536 stacks, beyond the kernel's default number of mappings anyway. */
#define SLABS_MAX 1024
/** Free stacks that may keep their pages; the others' go back to the system when there is time. */
#define WARM_STACKS 256
/** Stacks trimmed in one call, at one to two microseconds each. */
#define TRIM_BATCH 1024

struct kt_stack {
    struct kt_stack *next; /**< in the free list */
    void *context;         /**< where to go on; NULL: to be made */
    char *low;             /**< first usable byte */
    unsigned valgrind_id;
#ifdef KT_ASAN
    void *fake_stack;
#endif
};

static struct {
    void (*main)(void);
    size_t size, stride;
    struct kt_stack *touched; /**< free ones that have pages, most recently used first */
    struct kt_stack *bare;    /**< free ones without pages */
    size_t touched_count;
    char *slabs[SLABS_MAX];
    struct kt_stack *stacks[SLABS_MAX];
    size_t slab_count;
    uint64_t borrowed, peak; /**< now; most at once since the last trim */
    void *scheduler;         /**< the context that entered the running stack */
#ifdef KT_ASAN
    void *scheduler_fake_stack;
    const void *scheduler_low;
    size_t scheduler_size;
#endif
} pool;

/* ---------------------------------------------------------------- switching */

/** The common half of every arrival on a stack. */
static void arrived(struct transfer from, struct kt_stack *stack)
{
    pool.scheduler = from.context;
#ifdef KT_ASAN
    __sanitizer_finish_switch_fiber(stack->fake_stack, &pool.scheduler_low, &pool.scheduler_size);
#else
    (void)stack;
#endif
}

static void stack_main(struct transfer from)
{
    struct kt_stack *stack = from.data;
    arrived(from, stack);
    for (;;) {
        pool.main();
        kt_stack_leave(stack);
    }
}

void kt_stack_enter(struct kt_stack *stack)
{
    if (!stack->context) {
        stack->context = make_fcontext(stack->low + pool.size, pool.size, stack_main);
    }
#ifdef KT_ASAN
    __sanitizer_start_switch_fiber(&pool.scheduler_fake_stack, stack->low, pool.size);
#endif
    struct transfer back = jump_fcontext(stack->context, stack);
#ifdef KT_ASAN
    __sanitizer_finish_switch_fiber(pool.scheduler_fake_stack, NULL, NULL);
#endif
    stack->context = back.context;
}

void kt_stack_leave(struct kt_stack *stack)
{
#ifdef KT_ASAN
    __sanitizer_start_switch_fiber(&stack->fake_stack, pool.scheduler_low, pool.scheduler_size);
#endif
    struct transfer from = jump_fcontext(pool.scheduler, NULL);
    arrived(from, stack);
}

void kt_stack_abandon(struct kt_stack *stack)
{
    (void)stack;
#ifdef KT_ASAN
    __sanitizer_start_switch_fiber(NULL, pool.scheduler_low, pool.scheduler_size);
    stack->fake_stack = NULL;
#endif
    jump_fcontext(pool.scheduler, NULL);
    abort(); /* nobody enters an abandoned stack: kt_stack_return forgets its context */
}

/* ---------------------------------------------------------------- the pool */

void kt_stacks_start(size_t size_bytes, void (*main_function)(void))
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    pool.main = main_function;
    pool.size = (size_bytes + page - 1) / page * page;
    pool.stride = pool.size + GUARD_BYTES;
}

static bool map_slab(void)
{
    if (pool.slab_count == SLABS_MAX)
        return false;
    size_t bytes = pool.stride * SLAB_STACKS;
    char *slab = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (slab == MAP_FAILED)
        return false;
    struct kt_stack *stacks = calloc(SLAB_STACKS, sizeof *stacks);
    if (!stacks)
        goto fail;
    for (size_t i = 0; i < SLAB_STACKS; i++) {
        stacks[i].low = slab + i * pool.stride + GUARD_BYTES;
        if (mprotect(stacks[i].low, pool.size, PROT_READ | PROT_WRITE) < 0)
            goto fail;
    }
    for (size_t i = SLAB_STACKS; i-- > 0;) {
        stacks[i].valgrind_id = VALGRIND_STACK_REGISTER(stacks[i].low, stacks[i].low + pool.size);
        stacks[i].next = pool.bare;
        pool.bare = &stacks[i];
    }
    pool.slabs[pool.slab_count] = slab;
    pool.stacks[pool.slab_count] = stacks;
    pool.slab_count++;
    return true;
fail:
    free(stacks);
    munmap(slab, bytes);
    return false;
}

void kt_stacks_close(void)
{
    assert(pool.borrowed == 0);
    for (size_t i = 0; i < pool.slab_count; i++) {
        for (size_t j = 0; j < SLAB_STACKS; j++)
            VALGRIND_STACK_DEREGISTER(pool.stacks[i][j].valgrind_id);
        munmap(pool.slabs[i], pool.stride * SLAB_STACKS);
        free(pool.stacks[i]);
    }
    pool.touched = pool.bare = NULL;
    pool.slab_count = pool.touched_count = 0;
}

struct kt_stack *kt_stack_borrow(void)
{
    struct kt_stack *stack = pool.touched;
    if (stack) {
        pool.touched = stack->next;
        pool.touched_count--;
    } else {
        if (!pool.bare && !map_slab())
            return NULL;
        stack = pool.bare;
        pool.bare = stack->next;
    }
    if (++pool.borrowed > pool.peak)
        pool.peak = pool.borrowed;
    return stack;
}

void kt_stack_return(struct kt_stack *stack, bool is_clean)
{
    if (!is_clean) {
        stack->context = NULL;
#ifdef KT_ASAN
        __asan_unpoison_memory_region(stack->low, pool.size);
#endif
    }
    pool.borrowed--;
    stack->next = pool.touched;
    pool.touched = stack;
    pool.touched_count++;
}

bool kt_stacks_want_trim(void)
{
    return pool.touched_count > WARM_STACKS;
}

bool kt_stacks_trim(void)
{
    uint64_t keep = pool.peak > WARM_STACKS ? pool.peak : WARM_STACKS;
    pool.peak = pool.borrowed;
    for (int i = 0; i < TRIM_BATCH && pool.touched_count + pool.borrowed > keep; i++) {
        struct kt_stack *stack = pool.touched;
        if (!stack)
            break;
        pool.touched = stack->next;
        pool.touched_count--;
        madvise(stack->low, pool.size, MADV_DONTNEED);
        stack->context = NULL;
        stack->next = pool.bare;
        pool.bare = stack;
    }
    return kt_stacks_want_trim();
}

void kt_stacks_count(uint64_t *ret_borrowed, uint64_t *ret_held)
{
    *ret_borrowed = pool.borrowed;
    *ret_held = pool.slab_count * SLAB_STACKS;
}

bool kt_stacks_is_guard(const void *address)
{
    uintptr_t place = (uintptr_t)address;
    for (size_t i = 0; i < pool.slab_count; i++) {
        uintptr_t start = (uintptr_t)pool.slabs[i];
        if (place >= start && place < start + pool.stride * SLAB_STACKS)
            return (place - start) % pool.stride < GUARD_BYTES;
    }
    return false;
}
