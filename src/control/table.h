/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables of text for a terminal: columns as wide as they need to be, numbers to the right. Counts
 * characters, not bytes; what a terminal would take for a command is shown as "?".
 */
#ifndef KT_TABLE_H
#define KT_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#define KT_TABLE_COLUMNS_MAX 12

struct kt_table;

/**
 * @param headings  one for each column, ended by NULL; one that begins with ">" is aligned right
 * @return by malloc; NULL when out of memory
 */
struct kt_table *kt_table_new(const char *const *headings);

/** Set the next cell of the current row; the last one of a row ends it. The text is copied. */
void kt_table_cell(struct kt_table *table, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Whether there are rows. */
bool kt_table_has_rows(const struct kt_table *table);

/** Print with so many blanks before each line, and free. */
void kt_table_print(struct kt_table *table, int indent, FILE *stream);

#endif
