/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * GLib searches all changes that a zone ever had from the first one, for each instant. But instants
 * come in swarms, mostly of one week: so each thread remembers the last two that it asked for and
 * that lie between the same two changes. Whatever lies between them does, too.
 */
#include "zone_database.h"

#include "zone.h"

#include <errno.h>
#include <glib.h>
#include <string.h>

/** The database has 600 names, thrice where the system keeps its variants, too. */
#define KEPT_MAX 2000u

struct kt_database_zone {
    const char *name;
    GTimeZone *zone;
    uint64_t number; /* never given twice, so that a memory of it can't be of another zone */
};

/** All that were found. */
static struct {
    GMutex lock;
    TALLOC_CTX *memory;
    GHashTable *zones; /* by name */
    uint64_t last_number;
} kept;

/** What a thread remembers: between these instants, both included, a zone has this offset. */
static _Thread_local struct {
    uint64_t number; /* of the zone; 0: none */
    int interval;    /* as GLib counts them */
    int64_t from, to;
    int32_t offset;
} seen;

/** The module may be unloaded before the program ends. */
__attribute__((__destructor__)) static void forget(void)
{
    if (kept.zones)
        g_hash_table_destroy(kept.zones);
    talloc_free(kept.memory);
    kept.zones = NULL;
    kept.memory = NULL;
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

static int zone_destroy(struct kt_database_zone *zone)
{
    g_time_zone_unref(zone->zone);
    return 0;
}

static int read_zone(TALLOC_CTX *context, const char *name, struct kt_database_zone **ret_zone)
{
    GTimeZone *found = g_time_zone_new_identifier(name);
    struct kt_database_zone *zone;

    if (!found)
        return -ENOENT;
    zone = talloc_zero(context, struct kt_database_zone);
    if (!zone) {
        g_time_zone_unref(found);
        return -ENOMEM;
    }
    zone->zone = found;
    talloc_set_destructor(zone, zone_destroy);
    zone->number = ++kept.last_number;
    zone->name = talloc_strdup(zone, name);
    if (!zone->name) {
        talloc_free(zone);
        return -ENOMEM;
    }
    *ret_zone = zone;
    return 0;
}

/** With the lock held. */
static int find_locked(TALLOC_CTX *context, const char *name, struct kt_database_zone **ret_zone)
{
    bool is_kept;
    int result;

    if (!kept.zones) {
        kept.zones = g_hash_table_new(g_str_hash, g_str_equal);
        kept.memory = talloc_named_const(NULL, 0, "time zones");
    }
    *ret_zone = g_hash_table_lookup(kept.zones, name);
    if (*ret_zone)
        return 0;
    is_kept = g_hash_table_size(kept.zones) < KEPT_MAX;
    result = read_zone(is_kept ? kept.memory : context, name, ret_zone);
    if (result == 0 && is_kept)
        g_hash_table_insert(kept.zones, (char *)(uintptr_t)(*ret_zone)->name, *ret_zone);
    return result;
}

int kt_zone_database_find(TALLOC_CTX *context, const char *name,
                          const struct kt_database_zone **ret_zone, const char **ret_name)
{
    struct kt_database_zone *zone;
    int result;

    if (!is_name(name))
        return -ENOENT;
    g_mutex_lock(&kept.lock);
    result = find_locked(context, name, &zone);
    g_mutex_unlock(&kept.lock);
    if (result < 0)
        return result;
    *ret_zone = zone;
    *ret_name = zone->name;
    return 0;
}

bool kt_zone_database_has(const char *name)
{
    bool has;

    g_mutex_lock(&kept.lock);
    has = kept.zones && g_hash_table_contains(kept.zones, name);
    g_mutex_unlock(&kept.lock);
    return has;
}

int32_t kt_zone_database_offset(const struct kt_database_zone *zone, int64_t instant)
{
    int interval;

    if (seen.number == zone->number && instant >= seen.from && instant <= seen.to)
        return seen.offset;
    interval = g_time_zone_find_interval(zone->zone, G_TIME_TYPE_UNIVERSAL, instant);
    if (seen.number == zone->number && seen.interval == interval) {
        seen.from = instant < seen.from ? instant : seen.from;
        seen.to = instant > seen.to ? instant : seen.to;
        return seen.offset;
    }
    seen.number = zone->number;
    seen.interval = interval;
    seen.from = seen.to = instant;
    seen.offset = g_time_zone_get_offset(zone->zone, interval);
    return seen.offset;
}
