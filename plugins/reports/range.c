/* SPDX-License-Identifier: BSD-2-Clause */
/* One range; a client that asks for several gets the whole file, as the RFC allows. */
#include "range.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/** Digits into a number; what is too large becomes the largest. @return behind them, NULL: none */
static const char *read_number(const char *text, uint64_t *ret_number)
{
    char *end;
    if (*text < '0' || *text > '9')
        return NULL;
    *ret_number = strtoull(text, &end, 10);
    return end;
}

int range_read(const char *header, const char *if_range, const char *etag, uint64_t size,
               struct range *ret_range)
{
    const char *unit = "bytes=";
    uint64_t first = 0, last = size ? size - 1 : 0;
    *ret_range = (struct range){0, size};
    if (!header || strncasecmp(header, unit, strlen(unit)) != 0 || strchr(header, ',') ||
        (if_range && strcmp(if_range, etag) != 0))
        return 200;
    const char *at = header + strlen(unit);
    at += strspn(at, " \t");
    if (*at == '-') { /* the last so many */
        uint64_t count;
        at = read_number(at + 1, &count);
        if (!at || *at)
            return 200;
        if (count == 0 || size == 0)
            return 416;
        first = count < size ? size - count : 0;
    } else {
        at = read_number(at, &first);
        if (!at || *at++ != '-')
            return 200;
        if (*at && (!(at = read_number(at, &last)) || *at || last < first))
            return 200;
        if (first >= size)
            return 416;
        if (last >= size)
            last = size - 1;
    }
    *ret_range = (struct range){first, last - first + 1};
    return 206;
}

bool etag_is_among(const char *header, const char *etag)
{
    static const char between[] = " \t,";
    size_t size = strlen(etag);
    const char *at = header ? header + strspn(header, between) : "";
    if (*at == '*')
        return true;
    while (*at) {
        if (at[0] == 'W' && at[1] == '/')
            at += 2;
        const char *end = *at == '"' ? strchr(at + 1, '"') : NULL;
        if (!end)
            return false;
        if ((size_t)(end + 1 - at) == size && memcmp(at, etag, size) == 0)
            return true;
        at = end + 1;
        at += strspn(at, between);
    }
    return false;
}
