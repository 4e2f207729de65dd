/* SPDX-License-Identifier: BSD-2-Clause */
/* What is given out is kept for good: only names of the database, and not more than it has. */
#include "zones.h"

#include <glib.h>

/** The database has 600 names. */
#define ZONES_MAX 1000u

static GHashTable *zones;

const struct kt_zone *kt_zones_get(const char *name)
{
    struct kt_zone *zone;

    if (!zones)
        zones = g_hash_table_new(g_str_hash, g_str_equal);
    zone = g_hash_table_lookup(zones, name);
    if (zone)
        return zone;
    if (g_hash_table_size(zones) >= ZONES_MAX || kt_zone_open(NULL, name, &zone) < 0)
        return NULL;
    g_hash_table_insert(zones, (gpointer)kt_zone_name(zone), zone);
    return zone;
}
