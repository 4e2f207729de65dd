/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time zones on GLib's GTimeZone. A local time is tried with the offset of a day before and of a
 * day after; an offset is right when the instant it gives has that offset. Both right: the time
 * comes twice; none: it lies in a gap.
 */
#include "zone.h"
#include "civil.h"

#include <errno.h>
#include <glib.h>
#include <string.h>

struct kt_zone {
    GTimeZone *zone;
    const char *name;
};

static int zone_destroy(struct kt_zone *zone)
{
    g_time_zone_unref(zone->zone);
    return 0;
}

/**
 * Whether a text can be the name of a zone's file. GLib would also take a path, a POSIX rule or
 * the environment's zone, none of which a calendar or a client may choose.
 */
static bool is_name(const char *name)
{
    size_t length = strlen(name);
    bool segment_begins = true;

    if (length == 0 || length > KT_ZONE_NAME_MAX)
        return false;
    for (; *name; name++) {
        if (segment_begins && !g_ascii_isalpha(*name))
            return false;
        if (!g_ascii_isalnum(*name) && !strchr("+-_/", *name))
            return false;
        segment_begins = *name == '/';
    }
    return !segment_begins;
}

int kt_zone_open(TALLOC_CTX *context, const char *name, struct kt_zone **ret_zone)
{
    struct kt_zone *zone;
    GTimeZone *found;

    if (!is_name(name))
        return -ENOENT;
    found = g_time_zone_new_identifier(name);
    if (!found)
        return -ENOENT;
    zone = talloc_zero(context, struct kt_zone);
    if (!zone) {
        g_time_zone_unref(found);
        return -ENOMEM;
    }
    zone->zone = found;
    talloc_set_destructor(zone, zone_destroy);
    zone->name = talloc_strdup(zone, name);
    if (!zone->name) {
        talloc_free(zone);
        return -ENOMEM;
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

const char *kt_zone_name(const struct kt_zone *zone)
{
    return zone->name;
}

int32_t kt_zone_offset(const struct kt_zone *zone, int64_t instant)
{
    int interval = g_time_zone_find_interval(zone->zone, G_TIME_TYPE_UNIVERSAL, instant);

    return g_time_zone_get_offset(zone->zone, interval);
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
