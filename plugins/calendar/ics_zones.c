/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables from TZID to zone, filled as names are asked for; how many they take is bounded. A zone of
 * the system is the same for all calendars, as is what a definition says that many of them repeat
 * word by word; which of these a TZID means is found anew for each calendar.
 */
#include "ics_zones.h"
#include "ics_timezone.h"

#include <glib.h>
#include <string.h>

/** Different names, and different definitions, that are kept; the world has about 600. */
#define ZONES_MAX 2000
/** Changes of the clocks in all definitions: 1,200 are two a year for 600 years. */
#define CHANGES_MAX 100000
/** Steps (effort.h) to follow their rules: two that begin in 1601, as Outlook's, take 60,000; */
#define STEPS_MAX 4000000
/** and for one of them, so that one without an end leaves enough for the others. */
#define STEPS_ONE_MAX 400000

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
    GHashTable *known;     /* name to struct kt_zone of the system; NULL: it has none */
    GHashTable *evaluated; /* text of a VTIMEZONE to struct kt_zone; NULL: it says nothing */
    struct kt_ics_timezone_budget budget;
    /* of the calendar that is being read: */
    char *home;
    GHashTable *definitions; /* TZID to struct definition */
    GHashTable *found;       /* TZID to struct kt_zone, where the system knows none */
};

static void definition_free(void *memory)
{
    struct definition *definition = memory;

    g_free(definition->location);
    g_free(definition);
}

static int zones_destroy(struct kt_ics_zones *zones)
{
    g_hash_table_destroy(zones->known);
    g_hash_table_destroy(zones->evaluated);
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
    zones->budget = (struct kt_ics_timezone_budget){kt_effort_of(STEPS_MAX), CHANGES_MAX};
    zones->known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    zones->evaluated =
        g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL);
    zones->definitions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, definition_free);
    zones->found = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    talloc_set_destructor(zones, zones_destroy);
    return zones;
}

void kt_ics_zones_begin(struct kt_ics_zones *zones)
{
    TALLOC_FREE(zones->home);
    g_hash_table_remove_all(zones->definitions);
    g_hash_table_remove_all(zones->found);
}

void kt_ics_zones_define(struct kt_ics_zones *zones, const char *tzid, const char *location,
                         const char *definition, size_t size)
{
    struct definition *copy;

    if (g_hash_table_lookup(zones->known, tzid) ||
        g_hash_table_size(zones->definitions) >= ZONES_MAX ||
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

/** The system's zone of a name. @return NULL: there is none */
static struct kt_zone *by_name(struct kt_ics_zones *zones, const char *name)
{
    struct kt_zone *zone = NULL;
    void *known;

    if (g_hash_table_lookup_extended(zones->known, name, NULL, &known))
        return known;
    if (g_hash_table_size(zones->known) < ZONES_MAX) {
        (void)kt_zone_open_foreign(zones->owner, name, &zone);
        g_hash_table_insert(zones->known, g_strdup(name), zone);
    }
    return zone;
}

/** The zone that a VTIMEZONE defines. @return NULL: it says nothing that can be read */
static struct kt_zone *by_definition(struct kt_ics_zones *zones, const char *name,
                                     const struct definition *definition)
{
    GBytes *text = g_bytes_new_static(definition->text, definition->size);
    struct kt_ics_timezone_budget part = zones->budget;
    struct kt_zone *zone = NULL;
    void *evaluated;

    if (g_hash_table_lookup_extended(zones->evaluated, text, NULL, &evaluated)) {
        g_bytes_unref(text);
        return evaluated;
    }
    if (g_hash_table_size(zones->evaluated) >= ZONES_MAX) {
        g_bytes_unref(text);
        return NULL;
    }
    part.effort.left = MIN(part.effort.left, STEPS_ONE_MAX);
    zones->budget.effort.left -= part.effort.left;
    (void)kt_ics_timezone_read(zones->owner, name, definition->text, definition->size, &part,
                               zones->warnings, &zone);
    zones->budget.effort.left += part.effort.left;
    zones->budget.changes = part.changes;
    g_hash_table_insert(zones->evaluated, text, zone);
    return zone;
}

/** The zone of a name that nothing is known of, with a warning. */
static struct kt_zone *guess(struct kt_ics_zones *zones, const char *name)
{
    struct kt_zone *zone = zones->home ? by_name(zones, zones->home) : NULL;

    if (!zone && (!zones->home || kt_zone_open_offset(zones->owner, zones->home, &zone) < 0))
        zone = zones->fallback;
    kt_warnings_add(zones->owner, zones->warnings,
                    "The calendar uses an unknown time zone, “%s”. Its times were read as %s.",
                    name, kt_zone_name(zone));
    return zone;
}

/** The zone of a TZID that the system doesn't know: what the calendar says of it. */
static struct kt_zone *by_calendar(struct kt_ics_zones *zones, const char *tzid)
{
    const struct definition *definition = g_hash_table_lookup(zones->definitions, tzid);
    struct kt_zone *zone = NULL;
    char *name;

    if (definition && definition->location)
        zone = by_name(zones, definition->location);
    if (zone)
        return zone;
    name = presentable(tzid);
    if (definition)
        zone = by_definition(zones, name, definition);
    if (!zone && kt_zone_open_offset(zones->owner, tzid, &zone) < 0)
        zone = guess(zones, name);
    g_free(name);
    return zone;
}

const struct kt_zone *kt_ics_zones_known(const struct kt_ics_zones *zones, const char *tzid)
{
    const struct kt_zone *zone = g_hash_table_lookup(zones->known, tzid);

    return zone ? zone : g_hash_table_lookup(zones->found, tzid);
}

const struct kt_zone *kt_ics_zones_find(struct kt_ics_zones *zones, const char *tzid)
{
    struct kt_zone *zone;

    if (!tzid)
        return zones->fallback;
    zone = by_name(zones, tzid);
    if (!zone)
        zone = g_hash_table_lookup(zones->found, tzid);
    if (zone)
        return zone;
    if (g_hash_table_size(zones->known) >= ZONES_MAX &&
        !g_hash_table_contains(zones->known, tzid)) {
        kt_warnings_add(zones->owner, zones->warnings,
                        "The calendar names more than %d time zones; the others were read as %s.",
                        ZONES_MAX, kt_zone_name(zones->fallback));
        return zones->fallback;
    }
    zone = by_calendar(zones, tzid);
    g_hash_table_insert(zones->found, g_strdup(tzid), zone);
    return zone;
}
