/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A name is a zone if the database has a file of that name. GLib gets the path of the file, never
 * the name: that it would first try as a rule of POSIX, by which "GMT+1" and "Foo+1" are an hour
 * west of Greenwich.
 *
 * GLib searches all changes that a zone ever had from the first one, for each instant. But instants
 * come in swarms, mostly of one week: so each thread remembers the last two that it asked for and
 * that lie between the same two changes. Whatever lies between them does, too.
 */
#include "zone_database.h"

#include "zone.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/** The database has 600 names. */
#define KEPT_MAX 1000u
/** Where it is unless the environment's TZDIR says otherwise; GLib and libc look there, too. */
#define DIRECTORY "/usr/share/zoneinfo"
#define PATH_SIZE 512
/** How a zone's file begins (RFC 9636, 3.1), and how long its header is. */
#define MAGIC "TZif"
#define HEADER_SIZE 44

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
 * Whether a text can be a name of the database: those begin with a capital letter. What doesn't is
 * a path, or the system's own and no name that others know: posixrules, localtime, right/….
 */
static bool is_name(const char *name)
{
    size_t length = strnlen(name, KT_ZONE_NAME_MAX + 1);
    bool segment_begins = true;

    if (length > KT_ZONE_NAME_MAX || !g_ascii_isupper(*name))
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

/** GLib complains in the log of files that are no zones, of which the directory has some. */
static bool is_zone_file(const char *path)
{
    char header[HEADER_SIZE];
    int file = open(path, O_RDONLY | O_CLOEXEC);
    bool is_zone = file >= 0 && read(file, header, sizeof(header)) == (ssize_t)sizeof(header) &&
                   memcmp(header, MAGIC, sizeof(MAGIC) - 1) == 0;

    if (file >= 0)
        close(file);
    return is_zone;
}

/** @return NULL: there is none. UTC needs no file: it is there on a system without a database. */
static GTimeZone *read_file(const char *name)
{
    const char *directory = g_getenv("TZDIR");
    char path[PATH_SIZE];
    int length;

    if (strcmp(name, "UTC") == 0)
        return g_time_zone_new_utc();
    if (!directory || *directory != '/')
        directory = DIRECTORY;
    length = snprintf(path, sizeof(path), "%s/%s", directory, name);
    if (length >= (int)sizeof(path) || !is_zone_file(path))
        return NULL;
    return g_time_zone_new_identifier(path);
}

static int zone_destroy(struct kt_database_zone *zone)
{
    g_time_zone_unref(zone->zone);
    return 0;
}

static int read_zone(TALLOC_CTX *context, const char *name, struct kt_database_zone **ret_zone)
{
    GTimeZone *found = read_file(name);
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
