/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The values of a report's table, as sources give them and writers take them.
 */
#ifndef REPORTS_VALUE_H
#define REPORTS_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What a column holds; decides how a spreadsheet and a page show it. */
enum report_type {
    REPORT_TEXT,
    REPORT_INTEGER,
    REPORT_NUMBER,
    REPORT_MONEY,
    REPORT_PERCENT,  /**< 0.25 is 25 % */
    REPORT_DATE,     /**< days */
    REPORT_DATETIME, /**< milliseconds */
    REPORT_DURATION, /**< milliseconds */
    REPORT_BOOLEAN,  /**< 0 or 1 */
    REPORT_TYPES,    /**< how many there are; no type */
};

/** The word for a type, as definitions write it. */
const char *report_type_name(enum report_type type);

/** The type of this word, or REPORT_TYPES. */
enum report_type report_type_find(const char *name);

/** What a value is made of. A value whose form does not fit its column's type is shown as text. */
enum report_form {
    REPORT_NULL,
    REPORT_IS_TEXT,    /**< text, size: UTF-8, checked and cleaned by nobody yet */
    REPORT_IS_INTEGER, /**< integer */
    REPORT_IS_REAL,    /**< real; may be NaN or infinite */
};

/**
 * One value. Dates are integers: days since 1970-01-01 for REPORT_DATE, milliseconds since then
 * (no zone: what the clock on the wall shows) for REPORT_DATETIME; sources turn texts like
 * "2026-11-20" and "2026-11-20 19:00:00.123" into them, and leave what is none as text.
 */
struct report_value {
    enum report_form form;
    union {
        struct {
            const char *text; /**< borrowed until the next row; no NUL behind */
            size_t size;
        };
        int64_t integer;
        double real;
    };
};

/** How the values of a column are added up below the table. */
enum report_total { REPORT_NO_TOTAL, REPORT_SUM, REPORT_AVERAGE, REPORT_MINIMUM, REPORT_MAXIMUM, REPORT_COUNT };

/** How a result is drawn. */
enum report_chart { REPORT_NO_CHART, REPORT_LINE, REPORT_BAR, REPORT_STACKED_BAR, REPORT_PIE };

/** A column of the result. */
struct report_column {
    const char *name;   /**< as the query calls it */
    const char *title;  /**< for people */
    enum report_type type;
    const char *format; /**< a spreadsheet's number format such as "#,##0.00"; NULL: the type's */
    enum report_total total;
};

#endif
