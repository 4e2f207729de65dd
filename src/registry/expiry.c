/* SPDX-License-Identifier: BSD-2-Clause */
/* A binary heap; places are counted from 1, as cells note them. */
#include "registry/expiry.h"

#include <errno.h>
#include <stdlib.h>

#define CAPACITY_MIN 64u

static struct kt_cell *cell_at(const struct kt_expiry *expiry, uint32_t place)
{
    return kt_directory_cell(expiry->directory, expiry->cells[place - 1]);
}

static void put(struct kt_expiry *expiry, uint32_t place, struct kt_cell *cell)
{
    expiry->cells[place - 1] = kt_directory_number(expiry->directory, cell);
    cell->expiry = place;
}

/** Let a cell rise and sink from a place to where it belongs. */
static void settle(struct kt_expiry *expiry, uint32_t place, struct kt_cell *cell)
{
    while (place > 1 && cell_at(expiry, place / 2)->keep_until_ms > cell->keep_until_ms) {
        put(expiry, place, cell_at(expiry, place / 2));
        place /= 2;
    }
    for (uint32_t child; (child = place * 2) <= expiry->count; place = child) {
        if (child < expiry->count &&
            cell_at(expiry, child + 1)->keep_until_ms < cell_at(expiry, child)->keep_until_ms)
            child++;
        if (cell_at(expiry, child)->keep_until_ms >= cell->keep_until_ms)
            break;
        put(expiry, place, cell_at(expiry, child));
    }
    put(expiry, place, cell);
}

int kt_expiry_add(struct kt_expiry *expiry, struct kt_cell *cell)
{
    if (expiry->count == expiry->capacity) {
        uint32_t capacity = expiry->capacity ? expiry->capacity * 2 : CAPACITY_MIN;
        uint32_t *cells = realloc(expiry->cells, capacity * sizeof *cells);
        if (!cells)
            return -ENOMEM;
        expiry->cells = cells;
        expiry->capacity = capacity;
    }
    settle(expiry, ++expiry->count, cell);
    return 0;
}

void kt_expiry_change(struct kt_expiry *expiry, struct kt_cell *cell)
{
    settle(expiry, cell->expiry, cell);
}

void kt_expiry_remove(struct kt_expiry *expiry, struct kt_cell *cell)
{
    if (cell->expiry == 0)
        return;
    uint32_t place = cell->expiry;
    struct kt_cell *last = cell_at(expiry, expiry->count--);
    if (last != cell)
        settle(expiry, place, last);
    cell->expiry = 0;
}

struct kt_cell *kt_expiry_first(const struct kt_expiry *expiry)
{
    return expiry->count ? cell_at(expiry, 1) : NULL;
}

void kt_expiry_close(struct kt_expiry *expiry)
{
    free(expiry->cells);
    *expiry = (struct kt_expiry){.directory = expiry->directory};
}
