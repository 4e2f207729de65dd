/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The content lines of an iCalendar file (RFC 5545, 3.1): unfolded, with the component that each
 * belongs to. Bounded: one line in memory at a time, nesting is only counted. Knows nothing of
 * what lines mean.
 */
#ifndef CALENDAR_ICS_LINES_H
#define CALENDAR_ICS_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <talloc.h>

/** The longest line, unfolded; what is beyond it is cut off (attachments, mostly). */
#define KT_ICS_LINE_MAX 65536

/** One content line; its strings are valid until the next one is read. */
struct kt_ics_line {
    char *text;         /**< the whole line, NUL-terminated, without line end */
    size_t name_length; /**< of the property's name at the beginning of text */
    const char *value;  /**< what follows the colon; "" if there is none */
    bool is_cut;        /**< it was longer than KT_ICS_LINE_MAX */
};

struct kt_ics_lines {
    const char *cursor, *end;
    char *buffer;
    size_t depth; /**< open components, after this line: 1 in the VCALENDAR, 2 in a VEVENT */
};

/** Begin; a byte order mark is skipped. @param context owns the buffer. @return 0 or -ENOMEM */
int kt_ics_lines_begin(TALLOC_CTX *context, const char *text, size_t size,
                       struct kt_ics_lines *ret_lines);

/** Begin another text, with the same buffer; a byte order mark is skipped. */
void kt_ics_lines_restart(struct kt_ics_lines *lines, const char *text, size_t size);

/** The next line that isn't empty; BEGIN and END have been counted. @return false at the end */
bool kt_ics_lines_next(struct kt_ics_lines *lines, struct kt_ics_line *ret_line);

/** Whether this line's property has that name, in any letter case. */
bool kt_ics_line_is(const struct kt_ics_line *line, const char *name);

/** Whether it is BEGIN or END of that component: kt_ics_line_marks(line, "BEGIN", "VEVENT"). */
bool kt_ics_line_marks(const struct kt_ics_line *line, const char *mark, const char *component);

#endif
