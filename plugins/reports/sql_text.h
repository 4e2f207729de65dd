/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SQL as text: its pieces, as far as one must know them to find parameters beside strings and
 * comments, and to see whether it is one statement that only asks. Knows no database; what it lets
 * through the database still refuses. Strings and comments are PostgreSQL's, of which SQLite's are
 * a part.
 */
#ifndef REPORTS_SQL_TEXT_H
#define REPORTS_SQL_TEXT_H

#include <stdbool.h>
#include <stddef.h>

enum sql_kind {
    SQL_END,
    SQL_BLANK,     /**< blanks and comments */
    SQL_QUOTED,    /**< 'text', "name", E'te\'xt', $tag$text$tag$ */
    SQL_WORD,      /**< names, keywords, numbers */
    SQL_PARAMETER, /**< ":name" */
    SQL_POSITION,  /**< "$1" */
    SQL_SEMICOLON,
    SQL_SIGN,      /**< anything else, one sign; "::" is one */
    SQL_OPEN,      /**< a string or comment that does not end */
};

/** A piece; borrowed from the text. */
struct sql_piece {
    enum sql_kind kind;
    const char *text;
    size_t size;
};

/** The next piece. @param cursor  the text at the first call, advanced */
struct sql_piece sql_next(const char **cursor);

/**
 * Whether a text is one statement that asks: SELECT, WITH or VALUES, maybe in parentheses.
 * @param ret_at  where it is wrong
 * @return NULL, or words
 */
const char *sql_check(const char *sql, const char **ret_at);

/** Whether SQL begins with this keyword, in any case, after blanks, comments and "(". */
bool sql_begins_with(const char *sql, const char *keyword);

/** The number of line ends before a place. */
unsigned sql_lines_before(const char *sql, const char *at);

#endif
