/* SPDX-License-Identifier: BSD-2-Clause */
/* Unions are made in one pass, because what is added comes in order of its start. */
#include "stretch.h"

uint32_t kt_window_find(const struct kt_window *window, int64_t instant)
{
    uint32_t first = 0, last = window->days - 1;

    while (first < last) {
        uint32_t middle = first + (last - first + 1) / 2;

        if (window->bounds[middle] <= instant)
            first = middle;
        else
            last = middle - 1;
    }
    return first;
}

void kt_stretches_add(struct kt_stretches *stretches, int64_t start, int64_t end)
{
    struct kt_stretch *last = stretches->count ? &stretches->items[stretches->count - 1] : NULL;

    if (end <= start)
        return;
    if (last && start <= last->end)
        last->end = end > last->end ? end : last->end;
    else
        stretches->items[stretches->count++] = (struct kt_stretch){start, end};
}
