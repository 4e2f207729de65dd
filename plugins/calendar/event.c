/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Windows and warnings: the little that sources and the breakdown share.
 */
#include "event.h"
#include "civil.h"
#include "zone.h"

#include <errno.h>
#include <glib.h>
#include <stdarg.h>
#include <string.h>

int kt_window_week(TALLOC_CTX *context, const struct kt_zone *zone, int32_t day,
                   uint32_t week_start, struct kt_window *ret_window)
{
    int32_t first_day = day - (int32_t)((kt_day_weekday(day) + 7 - week_start) % 7);

    return kt_window_days(context, zone, first_day, 7, ret_window);
}

int kt_window_days(TALLOC_CTX *context, const struct kt_zone *zone, int32_t first_day,
                   uint32_t days, struct kt_window *ret_window)
{
    ret_window->zone = zone;
    ret_window->days = days;
    ret_window->first_day = first_day;
    ret_window->bounds = talloc_array(context, int64_t, ret_window->days + 1);
    if (!ret_window->bounds)
        return -ENOMEM;
    for (uint32_t index = 0; index <= ret_window->days; index++)
        ret_window->bounds[index] = kt_zone_to_instant(
            zone, (int64_t)(ret_window->first_day + (int32_t)index) * KT_DAY_SECONDS);
    return 0;
}

/** Take out bytes that are no UTF-8: a name from a calendar may have been cut within a letter. */
static void repair(char *text)
{
    const char *bad;

    while (!g_utf8_validate(text, -1, &bad))
        memmove(text + (bad - text), bad + 1, strlen(bad));
}

void kt_warnings_add(TALLOC_CTX *context, struct kt_warnings *warnings, const char *format, ...)
{
    va_list arguments;
    char *text;

    va_start(arguments, format);
    text = talloc_vasprintf(context, format, arguments);
    va_end(arguments);
    if (text)
        repair(text);
    for (size_t index = 0; text && index < warnings->count; index++) {
        if (strcmp(warnings->texts[index], text) == 0)
            TALLOC_FREE(text);
    }
    if (!text)
        return;
    if (warnings->count < KT_WARNINGS_MAX) {
        warnings->texts[warnings->count++] = text;
    } else {
        warnings->dropped++;
        talloc_free(text);
    }
}
