/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table in the store: a counter for each row. A row that has n left is kept as the least number
 * there is plus n. So nobody can subtract once too often, whoever has died in the middle and
 * whatever comes late: the store itself refuses to go below (-ERANGE), in the same transaction. A
 * row that is not there reads 0, which is none of these.
 */
#ifndef MICROSERVERS_TABLE_H
#define MICROSERVERS_TABLE_H

#include <kontor/process.h>

/** The namespace of everything that the plugin keeps. */
#define TABLE_NAME_SPACE "microservers"
/** The most rows, and the most that a row begins with. */
#define TABLE_ROWS_MAX 1000000u
#define TABLE_VALUE_MAX 1000u
/** Of a row that the store does not have. */
#define TABLE_MISSING UINT32_MAX

/**
 * Subtract one from a row, in a transaction.
 * @param ret_left  what is left
 * @return 0, -ERANGE (there was nothing left, nothing was done), as kt_store_add. Parks.
 */
int table_subtract(uint32_t row, uint32_t *ret_left);

/** What to do with all rows. */
struct table_survey {
    kt_pid asker; /**< gets the message */
    uint32_t rows;
    uint32_t value; /**< give each row so much; 0: only look */
    bool is_empty;  /**< all rows are known to have nothing left: no need to look before */
};

/** The message of a survey that is done; its data are the rows' values, uint32_t each. */
#define TABLE_SURVEYED 2u

/**
 * Look at all rows, or fill them, in a process of its own that is linked with the caller. It sends
 * TABLE_SURVEYED, or fails.
 * @return 0, as kt_spawn
 */
int table_start_survey(const struct table_survey *survey, kt_pid *ret_pid);

#endif
