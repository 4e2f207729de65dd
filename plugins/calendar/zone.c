/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A zone is one of the database, or has a list of changes of its own. A local time is tried with
 * the offset of a day before and of a day after; an offset is right when the instant it gives has
 * that offset. Both right: the time comes twice; none: it lies in a gap.
 */
#include "zone.h"
#include "civil.h"
#include "zone_database.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct kt_zone {
    const char *name;
    const struct kt_database_zone *known; /* NULL: it has changes of its own */
    struct kt_zone_change *changes;
    size_t count;
    int32_t first_offset;
};

int kt_zone_open(TALLOC_CTX *context, const char *name, struct kt_zone **ret_zone)
{
    struct kt_zone *zone = talloc_zero(context, struct kt_zone);
    int result = zone ? kt_zone_database_find(zone, name, &zone->known, &zone->name) : -ENOMEM;

    if (result < 0) {
        talloc_free(zone);
        return result;
    }
    *ret_zone = zone;
    return 0;
}

int kt_zone_open_foreign(TALLOC_CTX *context, const char *name, struct kt_zone **ret_zone)
{
    const char *windows = kt_zone_windows_name(name);
    int result;

    if (windows)
        return kt_zone_open(context, windows, ret_zone);
    for (const char *tail = name; tail; tail = strchr(tail, '/')) {
        tail += *tail == '/';
        result = kt_zone_open(context, tail, ret_zone);
        if (result != -ENOENT)
            return result;
    }
    return -ENOENT;
}

/** Take up to two digits. @return how many there were */
static int take_digits(const char **cursor, int32_t *ret_number)
{
    int count = 0;

    *ret_number = 0;
    for (; count < 2 && **cursor >= '0' && **cursor <= '9'; count++, (*cursor)++)
        *ret_number = *ret_number * 10 + (**cursor - '0');
    return count;
}

/** What stands behind "GMT" or "UTC": "+1", "+01", "+0100", "+1:00", "+01:00". */
static bool read_offset(const char *text, int32_t *ret_offset)
{
    const char *cursor = text + 1;
    int32_t hours, minutes = 0;
    int digits;

    if (*text != '+' && *text != '-')
        return false;
    digits = take_digits(&cursor, &hours);
    if (digits == 0)
        return false;
    if (*cursor) {
        if (*cursor == ':')
            cursor++;
        else if (digits == 1)
            return false;
        if (take_digits(&cursor, &minutes) != 2 || *cursor || minutes > 59)
            return false;
    }
    *ret_offset = (hours * 3600 + minutes * 60) * (*text == '-' ? -1 : 1);
    return abs(*ret_offset) <= KT_ZONE_OFFSET_MAX;
}

int kt_zone_open_offset(TALLOC_CTX *context, const char *name, struct kt_zone **ret_zone)
{
    int32_t offset;

    if ((strncasecmp(name, "GMT", 3) != 0 && strncasecmp(name, "UTC", 3) != 0) ||
        !read_offset(name + 3, &offset))
        return -ENOENT;
    return kt_zone_new(context, name, offset, NULL, 0, ret_zone);
}

int kt_zone_new(TALLOC_CTX *context, const char *name, int32_t first_offset,
                const struct kt_zone_change *changes, size_t count, struct kt_zone **ret_zone)
{
    struct kt_zone *zone = talloc_zero(context, struct kt_zone);

    if (!zone)
        return -ENOMEM;
    zone->name = talloc_strdup(zone, name);
    zone->changes = talloc_array(zone, struct kt_zone_change, (unsigned)count);
    if (!zone->name || !zone->changes) {
        talloc_free(zone);
        return -ENOMEM;
    }
    if (count > 0)
        memcpy(zone->changes, changes, count * sizeof(*changes));
    zone->count = count;
    zone->first_offset = first_offset;
    *ret_zone = zone;
    return 0;
}

const char *kt_zone_name(const struct kt_zone *zone)
{
    return zone->name;
}

/** The offset of the last change at or before an instant. */
static int32_t own_offset(const struct kt_zone *zone, int64_t instant)
{
    size_t low = 0, high = zone->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (zone->changes[middle].instant <= instant)
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? zone->first_offset : zone->changes[low - 1].offset;
}

int32_t kt_zone_offset(const struct kt_zone *zone, int64_t instant)
{
    return zone->known ? kt_zone_database_offset(zone->known, instant) : own_offset(zone, instant);
}

int64_t kt_zone_to_local(const struct kt_zone *zone, int64_t instant)
{
    return instant + kt_zone_offset(zone, instant);
}

/** The instant of a local time, and whether that local time exists. */
static int64_t resolve(const struct kt_zone *zone, int64_t local, bool *ret_exists)
{
    int32_t before = kt_zone_offset(zone, local - KT_DAY_SECONDS);
    int32_t after = kt_zone_offset(zone, local + KT_DAY_SECONDS);
    bool is_before = kt_zone_offset(zone, local - before) == before;

    *ret_exists = true;
    if (is_before)
        return local - before;
    if (kt_zone_offset(zone, local - after) == after)
        return local - after;
    *ret_exists = false;
    return local - before;
}

int64_t kt_zone_to_instant(const struct kt_zone *zone, int64_t local)
{
    bool exists;

    return resolve(zone, local, &exists);
}

bool kt_zone_has(const void *zone, int64_t local)
{
    bool exists;

    (void)resolve(zone, local, &exists);
    return exists;
}
