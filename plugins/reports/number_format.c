/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Goes through a format token by token. Source: ISO/IEC 29500-1, 18.8.31; that words must be quoted
 * is what spreadsheets do.
 */
#include "number_format.h"

#include <string.h>
#include <strings.h>

/** Source: ISO/IEC 29500-1, 18.8.30, and what spreadsheets take. */
#define FORMAT_MAX ((size_t)255)
#define SECTIONS_MAX 4u

/** What one section has; a date has no place for digits, but for parts of seconds. */
struct section {
    bool has_digits, has_date;
};

static bool begins_with(const char *format, const char *word)
{
    return strncasecmp(format, word, strlen(word)) == 0;
}

/** What stands between two characters, both included. @return 0: it has no end */
static size_t enclosed(const char *format, char end)
{
    const char *at = strchr(format + 1, end);
    return at ? (size_t)(at - format) + 1 : 0;
}

/** Letters have meanings; others must be quoted. @return bytes of the token; 0: it is none */
static size_t letters(const char *format, struct section *section)
{
    static const char *const words[] = {"General", "AM/PM", "A/P"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (begins_with(format, words[i]))
            return strlen(words[i]);
    if ((format[0] == 'E' || format[0] == 'e') && (format[1] == '+' || format[1] == '-'))
        return 2;
    if (!strchr("ymdhsYMDHS", format[0]))
        return 0;
    section->has_date = true;
    return 1;
}

/** @return bytes of the token that a format begins with; 0: it is none */
static size_t token(const char *format, struct section *section)
{
    static const char digits[] = "0#?", alone[] = " .,%()+-/:$'!^&~{}=<>@";
    char first = format[0];
    if (first == '"')
        return enclosed(format, '"');
    if (first == '[') {
        section->has_date |= format[1] && strchr("hmsHMS", format[1]);
        return enclosed(format, ']');
    }
    if (first == '\\' || first == '_' || first == '*')
        return format[1] ? 2 : 0;
    if ((unsigned char)first >= 0x80 || strchr(alone, first)) {
        /* the zeros behind a point may be parts of seconds */
        return first == '.' && section->has_date ? 1 + strspn(format + 1, "0") : 1;
    }
    if (strchr(digits, first)) {
        section->has_digits = true;
        return 1;
    }
    return letters(format, section);
}

bool number_format_is_valid(const char *format)
{
    struct section section = {false, false};
    unsigned sections = 1;
    if (strlen(format) > FORMAT_MAX)
        return false;
    while (*format) {
        if (*format == ';') {
            section = (struct section){false, false};
            format++;
            if (++sections > SECTIONS_MAX)
                return false;
            continue;
        }
        size_t size = token(format, &section);
        if (size == 0 || (section.has_date && section.has_digits))
            return false;
        format += size;
    }
    return true;
}
