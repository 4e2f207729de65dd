/* SPDX-License-Identifier: BSD-2-Clause */
/* Only names that exist are kept, of which the database has some 600: so it is bounded. */
#include "zones.h"

#include <glib.h>

static GHashTable *zones;

const struct kt_zone *kt_zones_get(const char *name)
{
    struct kt_zone *zone;

    if (!zones)
        zones = g_hash_table_new(g_str_hash, g_str_equal);
    zone = g_hash_table_lookup(zones, name);
    if (!zone && kt_zone_open(NULL, name, &zone) == 0)
        g_hash_table_insert(zones, (gpointer)kt_zone_name(zone), zone);
    else if (!zone)
        return NULL;
    return zone;
}
