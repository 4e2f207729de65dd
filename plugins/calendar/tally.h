/* SPDX-License-Identifier: BSD-2-Clause */
/* Texts and numbers for them: 0 for the first text, 1 for the next one that is new … */
#ifndef CALENDAR_TALLY_H
#define CALENDAR_TALLY_H

#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

struct kt_tally_slot;
struct kt_tally_seen;

/** Zeroed is empty. The texts are borrowed, and stay as they are. */
struct kt_tally {
    struct kt_tally_slot *slots; /**< open addressing; at most half of them are taken */
    struct kt_tally_seen *seen;  /**< as many: texts that came before, by where they are */
    size_t size;                 /**< a power of two, or 0 */
    uint32_t count;
};

/**
 * The number of a text, a new one if it is new.
 * @param context  owns the table
 * @return the number, or -ENOMEM
 */
int64_t kt_tally_number(TALLOC_CTX *context, struct kt_tally *tally, const char *text);

/** The number of a text, or -ENOENT. */
int64_t kt_tally_find(const struct kt_tally *tally, const char *text);

#endif
