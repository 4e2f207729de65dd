/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the rooms that read a definition share: the state of reading, complaints with file and line,
 * and the words of a directive. Private to definition*.c.
 */
#ifndef REPORTS_DEFINITION_READER_H
#define REPORTS_DEFINITION_READER_H

#include "definition.h"

/* Bounds of a definition; more is a mistake of its author. */
#define DEFINITION_PARAMETERS_MAX 32u
#define DEFINITION_COLUMNS_MAX 256u
#define DEFINITION_CHOICES_MAX 200u
#define DEFINITION_SERIES_MAX 16u
#define DEFINITION_ROLES_MAX 16u
/** Bytes of what people read: a title, a label, a name. */
#define DEFINITION_TITLE_MAX 120u
/** Told for one file; more are only counted. */
#define DEFINITION_PROBLEMS_MAX 50u

/** A definition that is being read. The arrays are the definition's, as long as they can change. */
struct definition_reader {
    struct definition *definition;
    const struct definition_problems *problems;
    unsigned line;          /**< of the directive that is being read */
    unsigned problem_count;
    bool is_out_of_memory;
    bool has_title;
    struct parameter *parameters;
    struct report_column *columns;
    unsigned *column_lines;
    unsigned clock_line;    /**< 0: the report has no clock of its own */
    unsigned chart_line;    /**< 0: there is none; its columns are checked when all are known */
};

/** Tell a problem of a line. */
void definition_complain(struct definition_reader *reader, unsigned line, const char *format, ...)
    KT_PRINTF(3, 4);

/** Memory of the definition, zeroed; NULL marks the reader. */
void *definition_memory(struct definition_reader *reader, size_t size, size_t count);

/** A copy of a text, owned by the definition; "" when there is no memory, which marks the reader. */
const char *definition_text(struct definition_reader *reader, const char *text, size_t size);

/** A word of a directive: `key=value` or a value alone; borrowed from the line. */
struct definition_word {
    const char *key; /**< of key_size bytes, not ended; 0: none */
    size_t key_size;
    const char *value; /**< of value_size bytes, as written, with its quotes */
    size_t value_size;
};

/**
 * The next word. Blanks in "quotes" and (parentheses) belong to it.
 * @return false at the end; also after a quote that does not end, which is told
 */
bool definition_next(struct definition_reader *reader, const char **cursor,
                     struct definition_word *ret_word);

/** Whether the key of a word is this one. */
bool definition_is_key(const struct definition_word *word, const char *key);

/** The next part of a value with commas; those in "quotes" belong to it. @return false at the end */
bool definition_next_part(struct definition_word *rest, struct definition_word *ret_part);

/**
 * The text of a value without its quotes, in which "" stands for one; told when it is empty or
 * longer than the limit. @return owned by the definition, never NULL
 */
const char *definition_value(struct definition_reader *reader, const struct definition_word *word,
                             const char *what, size_t size_max);

/** Whether a text is a name: a small letter, then small letters, digits and the joint. */
bool definition_is_name(const char *text, char joint);

/* The directives that need a room of their own; each reads what comes behind the colon. */
void definition_read_parameter(struct definition_reader *reader, const char *text);
void definition_read_column(struct definition_reader *reader, const char *text);
void definition_read_chart(struct definition_reader *reader, const char *text);

/** Whether the calendar is asked with a parameter, so that the query need not use it. */
bool definition_is_asked(const struct definition *definition, const struct parameter *parameter);

/** Once all parameters are known: those of a report of the calendar. */
void definition_check_personal(struct definition_reader *reader);

/** Once all columns are known: those of the chart must be among them. */
void definition_check_chart(struct definition_reader *reader);

#endif
