/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What there is: the definitions of the reports, the databases they ask, and who may see which.
 * Read at the start from the options of the plugin; the same in workers and in jobs.
 */
#ifndef REPORTS_CATALOGUE_H
#define REPORTS_CATALOGUE_H

#include "source.h"

#include <kontor/plugin.h>

/** The realm of reports that everybody may see. */
#define REALM_OF_ALL "all"

/** A database that the configuration names. */
struct source_address {
    const char *name, *address;
};

/** People of a role. */
struct role_members {
    const char *role;
    const char *const *users; /**< ends with NULL */
};

struct catalogue {
    size_t definition_count, source_count, role_count;
    struct definition *const *definitions;
    const struct source_address *sources;
    const struct role_members *roles;
    const struct wall_clock *clock; /**< of reports that have none of their own */
};

/** The options that describe a catalogue, for the plugin's table. */
#define CATALOGUE_OPTIONS                                                                          \
    {.name = "definitions",                                                                        \
     .type = KT_OPTION_PATH,                                                                       \
     .required = true,                                                                             \
     .help = "directory of the reports, one .sql file each; see kontor-reports(5)"},               \
        {.name = "timezone",                                                                       \
         .type = KT_OPTION_STRING,                                                                 \
         .help = "where it is today in defaults, such as Europe/Berlin; else the machine's own"},  \
        {.name = "sources",                                                                        \
         .type = KT_OPTION_STRING,                                                                 \
         .default_value = "",                                                                      \
         .help = "databases, separated by blanks: name=sqlite:/PATH, name=postgresql://…"},        \
    {                                                                                              \
        .name = "roles", .type = KT_OPTION_STRING, .default_value = "",                            \
        .help =                                                                                    \
            "who has which role, separated by blanks: role=user,user,…; * is everybody who is "  \
            "signed in"                                                                            \
    }

/**
 * Read the catalogue.
 * @param with_databases  prepare each query in its database, where that can be opened
 * @param ret_catalogue   owned by the context
 * @return 0 or a negative errno; the words are the first problem and how many there are
 */
int catalogue_read(TALLOC_CTX *context, const struct kt_plugin *plugin, bool with_databases,
                   struct catalogue **ret_catalogue, struct kt_error *error);

/** The definition of this name, or NULL. */
const struct definition *catalogue_find(const struct catalogue *catalogue, const char *name);

/** The clock that says what day it is for a report. */
const struct wall_clock *catalogue_clock(const struct catalogue *catalogue,
                                         const struct definition *definition);

/** The address of a source, or NULL. */
const char *catalogue_address(const struct catalogue *catalogue, const char *source);

/**
 * Whether a person may see a report; one of a calendar nobody may who is nobody.
 * @param user  NULL: nobody has signed in
 */
bool catalogue_may_see(const struct catalogue *catalogue, const struct definition *definition,
                       const char *user);

/** The realm that jobs of a report belong to, unless it is personal. */
const char *catalogue_realm(const struct definition *definition);

#endif
