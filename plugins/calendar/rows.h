/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A breakdown as flat tables, for spreadsheets and for queries: events, people, days and series,
 * one row each. The same columns in CSV (for people: what opens it must not take a title for a
 * formula) and in JSON (for programs: exact). Pure; fit for the thread pool.
 */
#ifndef CALENDAR_ROWS_H
#define CALENDAR_ROWS_H

#include "breakdown.h"

/** What the rows of a table are. */
enum kt_rows { KT_ROWS_EVENTS, KT_ROWS_PEOPLE, KT_ROWS_DAYS, KT_ROWS_SERIES, KT_ROWS_COUNT };

/** The word for a table: "events" … */
const char *kt_rows_name(enum kt_rows rows);

/** The table of this name, or KT_ROWS_COUNT. */
enum kt_rows kt_rows_find(const char *name);

/**
 * One table as CSV (RFC 4180, UTF-8 with a byte order mark, a header line). What a spreadsheet
 * would calculate in a text gets an apostrophe in front, whatever it takes for the end of a cell.
 * @param window    the breakdown's: its zone says what the clocks show
 * @param ret_text  owned by context; its size without a NUL behind it
 * @return 0 or -ENOMEM
 */
int kt_rows_csv(TALLOC_CTX *context, enum kt_rows rows, const struct kt_breakdown *breakdown,
                const struct kt_window *window, char **ret_text, size_t *ret_size);

/**
 * All tables as one JSON object of arrays of objects, {"events": [{"date": "2026-11-16", …}, …],
 * "people": …}; what is not known is null. @return as kt_rows_csv
 */
int kt_rows_json(TALLOC_CTX *context, const struct kt_breakdown *breakdown,
                 const struct kt_window *window, char **ret_text, size_t *ret_size);

#endif
