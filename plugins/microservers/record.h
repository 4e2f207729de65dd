/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is known of the table beside its rows, as a document of the store: whoever becomes the
 * monitor goes on from there. Only who has read its last revision can change it.
 */
#ifndef MICROSERVERS_RECORD_H
#define MICROSERVERS_RECORD_H

#include <stdbool.h>
#include <stdint.h>

enum record_phase {
    RECORD_DONE,     /**< nothing is left in any row, or nothing was ever filled in */
    RECORD_FILLING,  /**< rows are given their value; some have it */
    RECORD_COUNTING, /**< all had it */
};

struct record {
    bool is_running; /**< somebody has started it and nobody stopped it */
    bool is_spread;  /**< ticks are spread over the interval */
    enum record_phase phase;
    uint64_t pass;        /**< from 1; 0: there was none */
    uint32_t rows, value; /**< of the table, in this pass */
    uint64_t revision;    /**< of the document */
};

/** Read it; zeroed if there is none. @return 0, as kt_store_get. Parks. */
int record_load(struct record *record);

/** Write it. @return 0, -ESTALE (somebody else did), as kt_store_put. Parks. */
int record_save(struct record *record);

/** As JSON, for the store. @return how long it is */
int record_print(const struct record *record, char *text, unsigned size);

/** @return 0, -EBADMSG (what is there makes no sense) */
int record_parse(const char *text, unsigned size, struct record *record);

#endif
