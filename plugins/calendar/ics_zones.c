/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A table from TZID to zone, filled as names are asked for; how many it takes is bounded.
 */
#include "ics_zones.h"
#include "ics_timezone.h"

#include <glib.h>
#include <string.h>

/** Different TZIDs of one calendar that are kept; the world has about 600. */
#define ZONES_MAX 2000
/** Changes of the clocks in all definitions of one calendar: 1,200 are two a year for 600 years. */
#define CHANGES_MAX 100000
/** Periods and instances of rules that are looked at for them. */
#define STEPS_MAX 1000000

/** What a VTIMEZONE says. */
struct definition {
    char *location; /* the name of a place, or NULL */
    const char *text;
    size_t size;
};

struct kt_ics_zones {
    TALLOC_CTX *owner;
    struct kt_warnings *warnings;
    struct kt_zone *fallback;
    char *home;
    GHashTable *definitions; /* TZID to struct definition */
    GHashTable *found;       /* TZID to struct kt_zone */
    struct kt_ics_timezone_budget budget;
};

static void definition_free(void *memory)
{
    struct definition *definition = memory;

    g_free(definition->location);
    g_free(definition);
}

static int zones_destroy(struct kt_ics_zones *zones)
{
    g_hash_table_destroy(zones->definitions);
    g_hash_table_destroy(zones->found);
    return 0;
}

struct kt_ics_zones *kt_ics_zones_new(TALLOC_CTX *context, TALLOC_CTX *owner,
                                      const char *default_zone, struct kt_warnings *warnings)
{
    struct kt_ics_zones *zones = talloc_zero(context, struct kt_ics_zones);

    if (!zones)
        return NULL;
    if (kt_zone_open(owner, default_zone, &zones->fallback) < 0 &&
        kt_zone_open(owner, "UTC", &zones->fallback) < 0) {
        talloc_free(zones);
        return NULL;
    }
    zones->owner = owner;
    zones->warnings = warnings;
    zones->budget = (struct kt_ics_timezone_budget){STEPS_MAX, CHANGES_MAX};
    zones->definitions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, definition_free);
    zones->found = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    talloc_set_destructor(zones, zones_destroy);
    return zones;
}

void kt_ics_zones_define(struct kt_ics_zones *zones, const char *tzid, const char *location,
                         const char *definition, size_t size)
{
    struct definition *copy;

    if (g_hash_table_size(zones->definitions) >= ZONES_MAX ||
        g_hash_table_contains(zones->definitions, tzid))
        return;
    copy = g_new0(struct definition, 1);
    copy->location = g_strdup(location);
    copy->text = definition;
    copy->size = size;
    g_hash_table_insert(zones->definitions, g_strdup(tzid), copy);
}

void kt_ics_zones_home(struct kt_ics_zones *zones, const char *name)
{
    if (!zones->home)
        zones->home = talloc_strdup(zones, name);
}

/** A name of the file's as it can be shown: valid UTF-8, not too long. */
static char *presentable(const char *name)
{
    char *part = g_strndup(name, KT_ZONE_NAME_MAX);
    char *valid = g_utf8_make_valid(part, -1);

    g_free(part);
    return valid;
}

static struct kt_zone *look_up(struct kt_ics_zones *zones, const char *tzid)
{
    const struct definition *definition = g_hash_table_lookup(zones->definitions, tzid);
    struct kt_zone *zone = NULL;
    char *name;

    if (kt_zone_open_foreign(zones->owner, tzid, &zone) == 0)
        return zone;
    if (definition && definition->location &&
        kt_zone_open_foreign(zones->owner, definition->location, &zone) == 0)
        return zone;
    name = presentable(tzid);
    if (!definition || kt_ics_timezone_read(zones->owner, name, definition->text, definition->size,
                                            &zones->budget, zones->warnings, &zone) < 0) {
        if (!zones->home || kt_zone_open_foreign(zones->owner, zones->home, &zone) < 0)
            zone = zones->fallback;
        kt_warnings_add(zones->owner, zones->warnings,
                        "The calendar uses an unknown time zone, “%s”. Its times were read as %s.",
                        name, kt_zone_name(zone));
    }
    g_free(name);
    return zone;
}

const struct kt_zone *kt_ics_zones_find(struct kt_ics_zones *zones, const char *tzid)
{
    struct kt_zone *zone;

    if (!tzid)
        return zones->fallback;
    zone = g_hash_table_lookup(zones->found, tzid);
    if (zone)
        return zone;
    if (g_hash_table_size(zones->found) >= ZONES_MAX) {
        kt_warnings_add(zones->owner, zones->warnings,
                        "The calendar names more than %d time zones; the others were read as %s.",
                        ZONES_MAX, kt_zone_name(zones->fallback));
        return zones->fallback;
    }
    zone = look_up(zones, tzid);
    g_hash_table_insert(zones->found, g_strdup(tzid), zone);
    return zone;
}
