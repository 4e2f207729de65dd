/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The caller is linked with one collector, the collector with all parts, so that whoever ends in
 * the middle takes along what is below. The collector traps exits: a part that fails is only a
 * result that is missing. A part may be killed while its work runs on the thread pool; therefore
 * what they share is held by each of them, not by the caller.
 */
#include "gather.h"

#include <errno.h>
#include <kontor/process.h>

/** Messages of parts and of the collector. */
enum { RESULT = 1, RESULTS };

/** What the parts share, with its number of holders. Changed on the worker's thread only. */
struct share {
    void *data;
    size_t holders;
};

struct hold {
    struct share *share;
};

/** The argument of a part. */
struct part {
    kt_gather_function *function;
    struct share *share;
    kt_pid collector;
    uint32_t index;
    size_t result_size;
};

/** A part's answer: a chunk whose child is the result. */
struct parcel {
    uint32_t index;
    void *result;
};

/** The argument of the collector, then its answer. */
struct gathering {
    kt_gather_function *function;
    struct share *share;
    kt_pid caller;
    uint32_t count;
    size_t result_size;
    int64_t deadline_ms;
    int status;
    void *results[KT_GATHER_MAX];
};

/* ---------------------------------------------------------------- what is shared */

static int let_go(struct hold *hold)
{
    struct share *share = hold->share;

    if (--share->holders == 0)
        talloc_free(share);
    return 0;
}

/** Keep what is shared for as long as context lives. */
static void hold_share(TALLOC_CTX *context, struct share *share)
{
    struct hold *hold = kt_must(talloc(context, struct hold));

    hold->share = share;
    share->holders++;
    talloc_set_destructor(hold, let_go);
}

/* ---------------------------------------------------------------- a part */

static void run_part(void *argument)
{
    struct part *part = argument;
    struct parcel *parcel = kt_must(talloc_zero(kt_self_memory(), struct parcel));

    parcel->index = part->index;
    parcel->result = kt_must(talloc_zero_size(parcel, part->result_size));
    part->function(part->share->data, part->index, parcel->result);
    if (kt_send_memory(part->collector, RESULT, parcel) < 0)
        kt_fail("the collector takes no result");
}

/* ---------------------------------------------------------------- the collector */

static int start_parts(const struct gathering *gathering, kt_pid *pids)
{
    for (uint32_t index = 0; index < gathering->count; index++) {
        struct part *part = kt_must(talloc_zero(kt_self_memory(), struct part));
        int result;

        *part = (struct part){.function = gathering->function,
                              .share = gathering->share,
                              .collector = kt_self(),
                              .index = index,
                              .result_size = gathering->result_size};
        hold_share(part, gathering->share);
        result = kt_spawn(&(struct kt_spawn){.label = "a part", .link = true, .give = true},
                          run_part, part, &pids[index]);
        if (result < 0)
            return result;
    }
    return 0;
}

static uint32_t find_pid(const kt_pid *pids, uint32_t count, kt_pid pid)
{
    uint32_t index = 0;

    while (index < count && pids[index] != pid)
        index++;
    return index;
}

/** Take what comes until each part has ended or the deadline is over. */
static void collect(struct gathering *gathering, kt_pid *pids)
{
    uint32_t running = gathering->count;

    while (running > 0) {
        int64_t left_ms = gathering->deadline_ms - kt_now_ms();
        const struct kt_message *message;

        if (kt_receive(left_ms > 0 ? left_ms : 0, &message) < 0)
            return;
        if (message->type == RESULT) {
            struct parcel *parcel = (struct parcel *)(uintptr_t)message->data;

            gathering->results[parcel->index] = talloc_steal(gathering, parcel->result);
        } else if (message->type == KT_MESSAGE_EXIT) {
            const struct kt_down *down = message->data;
            uint32_t index = find_pid(pids, gathering->count, down->pid);

            if (index == gathering->count) /* the caller's */
                kt_exit(KT_EXIT_SHUTDOWN, "nobody waits any more");
            pids[index] = KT_PID_NONE;
            running--;
        }
    }
}

static void run_collector(void *argument)
{
    struct gathering *gathering = argument;
    kt_pid pids[KT_GATHER_MAX];

    for (uint32_t index = 0; index < KT_GATHER_MAX; index++)
        pids[index] = KT_PID_NONE;
    gathering->status = start_parts(gathering, pids);
    if (gathering->status == 0)
        collect(gathering, pids);
    for (uint32_t index = 0; index < gathering->count; index++) {
        if (pids[index] != KT_PID_NONE)
            kt_signal(pids[index], KT_EXIT_KILL, "the deadline is over");
    }
    if (kt_send_memory(gathering->caller, RESULTS, gathering) < 0)
        kt_fail("the caller takes no results"); /* and doesn't wait for ever, by the link */
}

/* ---------------------------------------------------------------- the caller */

int kt_gather(TALLOC_CTX *context, kt_gather_function *function, void *shared, uint32_t count,
              size_t result_size, int64_t deadline_ms, void **ret_results)
{
    struct share *share = kt_must(talloc_zero(NULL, struct share));
    struct gathering *gathering = kt_must(talloc_zero(kt_self_memory(), struct gathering));
    const struct kt_message *message;
    int result;

    share->data = talloc_steal(share, shared);
    hold_share(gathering, share);
    if (count > KT_GATHER_MAX) {
        talloc_free(gathering);
        return -E2BIG;
    }
    *gathering = (struct gathering){.function = function,
                                    .share = share,
                                    .caller = kt_self(),
                                    .count = count,
                                    .result_size = result_size,
                                    .deadline_ms = deadline_ms};
    result = kt_spawn(
        &(struct kt_spawn){.label = "a collector", .link = true, .trap_exit = true, .give = true},
        run_collector, gathering, NULL);
    if (result < 0) {
        talloc_free(gathering);
        return result;
    }
    do {
        result = kt_receive(-1, &message);
    } while (result == 0 && message->type != RESULTS);
    gathering = talloc_steal(context, (void *)(uintptr_t)message->data);
    for (uint32_t index = 0; index < count; index++)
        ret_results[index] = gathering->results[index];
    return gathering->status;
}
