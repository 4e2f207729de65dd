/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stacks, and the switch between them. A pool hands out stacks without a system call; each lies
 * above a guard area, so that an overrun faults instead of writing into a neighbour. Knows nothing
 * of processes: what runs on a stack is one function, called again for each borrower.
 */
#ifndef KT_STACK_H
#define KT_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kt_stack;

/**
 * Prepare the pool.
 * @param size_bytes  usable bytes of each stack, rounded up to pages
 * @param main        what runs on a stack each time it is entered anew
 */
void kt_stacks_start(size_t size_bytes, void (*main)(void));

/** Unmap every stack. None may be running. */
void kt_stacks_close(void);

/** Borrow a stack. @return NULL when the system gives no more memory or mappings */
struct kt_stack *kt_stack_borrow(void);

/** Give a stack back. @param is_clean  it left by kt_stack_leave and not in the middle of a call */
void kt_stack_return(struct kt_stack *stack, bool is_clean);

/** From the scheduler: run on this stack until it leaves. */
void kt_stack_enter(struct kt_stack *stack);

/** From a stack: go on in the scheduler; returns at the next kt_stack_enter. */
void kt_stack_leave(struct kt_stack *stack);

/** From a stack: go on in the scheduler and never come back; return the stack as not clean. */
_Noreturn void kt_stack_abandon(struct kt_stack *stack);

/** Whether more free stacks hold memory than are kept warm. */
bool kt_stacks_want_trim(void);

/**
 * Give memory of free stacks back to the system, a bounded number of them, sparing as many as
 * were in use at once since the last call. @return whether there may be more to do
 */
bool kt_stacks_trim(void);

/** How many are borrowed, and how many exist. */
void kt_stacks_count(uint64_t *ret_borrowed, uint64_t *ret_held);

/** Whether an address lies in a guard area. Async-signal-safe. */
bool kt_stacks_is_guard(const void *address);

#endif
