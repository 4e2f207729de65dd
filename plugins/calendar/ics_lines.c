/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unfolding: a line end followed by a space or a tab is no line end. Line ends are CR LF, or LF
 * alone, which many programs write.
 */
#include "ics_lines.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

int kt_ics_lines_begin(TALLOC_CTX *context, const char *text, size_t size,
                       struct kt_ics_lines *ret_lines)
{
    ret_lines->buffer = talloc_array(context, char, KT_ICS_LINE_MAX + 1);
    kt_ics_lines_restart(ret_lines, text, size);
    return ret_lines->buffer ? 0 : -ENOMEM;
}

void kt_ics_lines_restart(struct kt_ics_lines *lines, const char *text, size_t size)
{
    static const char byte_order_mark[] = "\xef\xbb\xbf";

    lines->cursor = text;
    lines->end = text + size;
    lines->depth = 0;
    if (size >= 3 && memcmp(text, byte_order_mark, 3) == 0)
        lines->cursor += 3;
}

/** Copy one logical line into the buffer; NULs in it become spaces. @return its length */
static size_t unfold(struct kt_ics_lines *lines, bool *ret_is_cut)
{
    size_t length = 0;
    bool goes_on = true;

    *ret_is_cut = false;
    while (goes_on && lines->cursor < lines->end) {
        const char *feed = memchr(lines->cursor, '\n', (size_t)(lines->end - lines->cursor));
        const char *stop = feed ? feed : lines->end;
        size_t part = (size_t)(stop - lines->cursor);

        if (part > 0 && lines->cursor[part - 1] == '\r')
            part--;
        if (part > KT_ICS_LINE_MAX - length) {
            part = KT_ICS_LINE_MAX - length;
            *ret_is_cut = true;
        }
        memcpy(lines->buffer + length, lines->cursor, part);
        length += part;
        lines->cursor = feed ? feed + 1 : lines->end;
        goes_on = lines->cursor < lines->end && (*lines->cursor == ' ' || *lines->cursor == '\t');
        lines->cursor += goes_on;
    }
    for (char *nul = memchr(lines->buffer, 0, length); nul;
         nul = memchr(nul, 0, length - (size_t)(nul - lines->buffer)))
        *nul = ' ';
    lines->buffer[length] = '\0';
    return length;
}

/** The colon before the value: the first that isn't in a quoted parameter. */
static const char *find_value(const char *text)
{
    bool is_quoted = false;

    for (; *text; text++) {
        if (*text == '"')
            is_quoted = !is_quoted;
        else if (*text == ':' && !is_quoted)
            return text + 1;
    }
    return text;
}

bool kt_ics_lines_next(struct kt_ics_lines *lines, struct kt_ics_line *ret_line)
{
    while (lines->cursor < lines->end) {
        size_t length = unfold(lines, &ret_line->is_cut);

        while (length > 0 &&
               (lines->buffer[length - 1] == ' ' || lines->buffer[length - 1] == '\r'))
            lines->buffer[--length] = '\0';
        if (length == 0)
            continue;
        ret_line->text = lines->buffer;
        ret_line->name_length = strcspn(lines->buffer, ";:");
        ret_line->value = find_value(lines->buffer);
        if (kt_ics_line_is(ret_line, "BEGIN"))
            lines->depth++;
        else if (kt_ics_line_is(ret_line, "END") && lines->depth > 0)
            lines->depth--;
        return true;
    }
    return false;
}

bool kt_ics_line_is(const struct kt_ics_line *line, const char *name)
{
    return strlen(name) == line->name_length &&
           strncasecmp(line->text, name, line->name_length) == 0;
}

bool kt_ics_line_marks(const struct kt_ics_line *line, const char *mark, const char *component)
{
    return kt_ics_line_is(line, mark) && strcasecmp(line->value, component) == 0;
}
