/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a dispatcher knows: each job's state by its key, and who waits for a change of it. Knows no
 * rules; those are the dispatcher's.
 */
#ifndef KT_JOB_BOARD_H
#define KT_JOB_BOARD_H

#include "base/map.h"
#include "job/state.h"

/** Somebody who waits for a change. */
struct kt_waiter {
    struct kt_waiter *next;
    struct kt_from from;
    int64_t deadline_ms; /**< of the monotonic clock; later nobody waits any more */
};

/** One job, or a key that somebody waits for. */
struct kt_card {
    struct kt_card *next; /**< of the same hash */
    uint64_t hash;
    bool has_entry;   /**< there is one: job and version are its */
    bool is_seen;     /**< for whoever compares the board with the registry */
    uint64_t version; /**< of the entry */
    uint64_t number;  /**< order of arrival on this board */
    /** A queued job was given its turn, or a key its place in the queue, and this is till when that
     * holds; monotonic, 0: not. */
    int64_t turn_until_ms, reserved_until_ms;
    uint32_t position_told;
    struct kt_waiter *waiters;
    struct kt_job *job; /**< of the entry; child of this */
    char key[];
};

/** All cards. They are children of the board. */
struct kt_board {
    struct kt_map cards; /**< by hash: the first of a chain */
    uint64_t last_number;
    uint32_t count;
};

/** An empty board. @return owned by the context, NULL without memory */
struct kt_board *kt_board_new(TALLOC_CTX *context);

/** The card of a key, NULL: there is none. */
struct kt_card *kt_board_find(const struct kt_board *board, const char *key);

/** The card of a key, made when there is none. @return NULL without memory */
struct kt_card *kt_board_get(struct kt_board *board, const char *key);

/** Take a card away when nothing is on it any more: no entry, no waiter, no reservation. */
void kt_board_tidy(struct kt_board *board, struct kt_card *card, int64_t now_ms);

/** Visit all cards; the visitor may tidy the one it is shown. */
void kt_board_each(struct kt_board *board, void (*visit)(struct kt_card *card, void *argument),
                   void *argument);

/** Somebody waits. @return 0, -ENOMEM */
int kt_card_wait(struct kt_card *card, const struct kt_from *from, int64_t deadline_ms);

/** Tell those who wait that something has changed. */
void kt_card_tell(struct kt_card *card);

/** Forget those who do not wait any more. */
void kt_card_forget_late(struct kt_card *card, int64_t now_ms);

#endif
