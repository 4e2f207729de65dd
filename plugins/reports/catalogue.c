/* SPDX-License-Identifier: BSD-2-Clause */
/* Options into a catalogue. Problems are collected: the first is told, and how many there are. */
#include "catalogue.h"

#include <errno.h>
#include <kontor/log.h>
#include <stdio.h>
#include <string.h>

/** Sources and roles that may be configured. */
#define LIST_MAX 64u
/** The calendar is one more. */
#define SOURCES_MAX (LIST_MAX + 1)

/** What is a source without being configured. */
static const struct source_address calendar = {DEFINITION_CALENDAR, "calendar:"};

struct problems {
    struct kt_error *error;
    unsigned count;
};

static void complain(void *argument, const char *text)
{
    struct problems *problems = argument;
    if (problems->count++ == 0)
        kt_error_set(problems->error, -EINVAL, "%s", text);
    else
        kt_log_error("%s", text);
}

/* ---------------------------------------------------------------- lists in options */

/** The next word of a list separated by blanks. @return its length, 0 at the end */
static size_t next_word(const char **cursor, const char **ret_word)
{
    *cursor += strspn(*cursor, " \t");
    *ret_word = *cursor;
    size_t length = strcspn(*cursor, " \t");
    *cursor += length;
    return length;
}

/** Take "name=rest" apart. @return 0, -EINVAL with the words, -ENOMEM */
static int split(TALLOC_CTX *context, const struct kt_plugin *plugin, const char *option,
                 const char *word, size_t length, const char **ret_name, const char **ret_rest,
                 struct kt_error *error)
{
    const char *equals = memchr(word, '=', length), *colon = memchr(word, ':', length);
    /* Of an address without a name nothing is told: there may be a password in it. */
    bool is_address = colon && (!equals || colon < equals);
    if (is_address || !equals || equals == word || equals + 1 == word + length)
        return kt_error_set(error, -EINVAL, "%s: %s: '%.*s' is not of the form name=…",
                            kt_plugin_option_place(plugin, option), option,
                            (int)(is_address ? colon + 1 - word : (ptrdiff_t)length), word);
    *ret_name = talloc_strndup(context, word, (size_t)(equals - word));
    *ret_rest = talloc_strndup(context, equals + 1, (size_t)(word + length - equals - 1));
    return *ret_name && *ret_rest ? 0 : kt_error_set(error, -ENOMEM, "out of memory");
}

static int read_sources(struct catalogue *catalogue, const struct kt_plugin *plugin,
                        struct kt_error *error)
{
    struct source_address *sources = talloc_array(catalogue, struct source_address, SOURCES_MAX);
    const char *cursor = kt_plugin_string(plugin, "sources"), *word;
    if (!sources)
        return kt_error_set(error, -ENOMEM, "out of memory");
    sources[catalogue->source_count++] = calendar;
    for (size_t length; (length = next_word(&cursor, &word)) > 0;) {
        struct source_address *source = &sources[catalogue->source_count];
        struct kt_error why;
        if (catalogue->source_count == SOURCES_MAX)
            return kt_error_set(error, -EINVAL, "%s: sources: more than %u",
                                kt_plugin_option_place(plugin, "sources"), LIST_MAX);
        int result =
            split(sources, plugin, "sources", word, length, &source->name, &source->address, error);
        if (result < 0)
            return result;
        if (strcmp(source->name, calendar.name) == 0 ||
            strcmp(source->address, calendar.address) == 0)
            return kt_error_set(error, -EINVAL,
                                "%s: source %s: the name calendar means people's own calendars, "
                                "which are there by themselves",
                                kt_plugin_option_place(plugin, "sources"), source->name);
        if (source_check(source->address, &why) < 0)
            return kt_error_set(error, -EINVAL, "%s: source %s: %s",
                                kt_plugin_option_place(plugin, "sources"), source->name, why.text);
        catalogue->source_count++;
    }
    catalogue->sources = sources;
    return 0;
}

/** "ada,bob" into a list that ends with NULL. */
static const char *const *split_users(TALLOC_CTX *context, char *text)
{
    unsigned count = 2;
    for (const char *at = text; *at; at++)
        count += *at == ',';
    const char **users = talloc_zero_array(context, const char *, count);
    char *rest = text;
    for (unsigned i = 0; users && rest;) {
        char *user = strsep(&rest, ",");
        if (*user)
            users[i++] = user;
    }
    return users;
}

static int read_roles(struct catalogue *catalogue, const struct kt_plugin *plugin,
                      struct kt_error *error)
{
    struct role_members *roles = talloc_array(catalogue, struct role_members, LIST_MAX);
    const char *cursor = kt_plugin_string(plugin, "roles"), *word, *users;
    if (!roles)
        return kt_error_set(error, -ENOMEM, "out of memory");
    for (size_t length; (length = next_word(&cursor, &word)) > 0;) {
        struct role_members *role = &roles[catalogue->role_count];
        if (catalogue->role_count == LIST_MAX)
            return kt_error_set(error, -EINVAL, "%s: roles: more than %u",
                                kt_plugin_option_place(plugin, "roles"), LIST_MAX);
        int result = split(roles, plugin, "roles", word, length, &role->role, &users, error);
        if (result < 0)
            return result;
        role->users = split_users(roles, (char *)(uintptr_t)users);
        if (!role->users)
            return kt_error_set(error, -ENOMEM, "out of memory");
        catalogue->role_count++;
    }
    catalogue->roles = roles;
    return 0;
}

static int read_clock(struct catalogue *catalogue, const struct kt_plugin *plugin,
                      struct kt_error *error)
{
    const char *zone = kt_plugin_string(plugin, "timezone");
    int result = wall_clock_new(catalogue, zone, &catalogue->clock);
    if (result == -ENOENT)
        return kt_error_set(error, -EINVAL,
                            "%s: timezone: there is no time zone '%s'; use a name such as "
                            "Europe/Berlin",
                            kt_plugin_option_place(plugin, "timezone"), zone);
    return result < 0 ? kt_error_set(error, result, "out of memory") : 0;
}

/* ---------------------------------------------------------------- definitions */

/** A role that nobody has hides a report, which may be meant or a slip. */
static void check_roles(const struct catalogue *catalogue, const struct definition *definition)
{
    for (const char *const *role = definition->roles; *role; role++) {
        size_t i = 0;
        while (i < catalogue->role_count && strcmp(catalogue->roles[i].role, *role) != 0)
            i++;
        if (i == catalogue->role_count)
            kt_log_warning("%s: roles: nobody has the role '%s', says the option roles",
                           definition->path, *role);
    }
}

/** A database in which definitions are checked: opened for the first of them, or tried in vain. */
struct database {
    struct source *source; /**< NULL: it can't be opened */
    struct kt_error error; /**< why */
    bool is_tried;
};

static const struct source_address *find_source(const struct catalogue *catalogue, const char *name)
{
    for (size_t i = 0; i < catalogue->source_count; i++)
        if (strcmp(catalogue->sources[i].name, name) == 0)
            return &catalogue->sources[i];
    return NULL;
}

/** @param databases  one for each source; NULL: without */
static void check_source(const struct catalogue *catalogue, const struct definition *definition,
                         struct database *databases, struct problems *problems)
{
    char text[KT_ERROR_TEXT_MAX];
    struct kt_error error;
    const struct source_address *address = find_source(catalogue, definition->source);
    if (!address) {
        snprintf(text, sizeof text, "%s: source: there is no '%s' in the option sources",
                 definition->path, definition->source);
        complain(problems, text);
        return;
    }
    if (!databases)
        return;
    /* Once, however many reports ask it: one that does not answer holds up the start for long. */
    struct database *database = &databases[address - catalogue->sources];
    if (!database->is_tried && source_open(databases, address->name, address->address,
                                           &database->source, &database->error) < 0)
        database->source = NULL;
    database->is_tried = true;
    if (!database->source)
        kt_log_warning("%s: not checked: %s", definition->path, database->error.text);
    else if (source_check_definition(database->source, definition, &error) < 0)
        complain(problems, error.text);
}

static int check_definitions(const struct catalogue *catalogue, bool with_databases,
                             struct problems *problems, struct kt_error *error)
{
    struct database *databases =
        with_databases ? talloc_zero_array(NULL, struct database, SOURCES_MAX) : NULL;
    if (with_databases && !databases)
        return kt_error_set(error, -ENOMEM, "out of memory");
    for (size_t i = 0; i < catalogue->definition_count; i++) {
        check_source(catalogue, catalogue->definitions[i], databases, problems);
        if (with_databases)
            check_roles(catalogue, catalogue->definitions[i]);
    }
    talloc_free(databases);
    return problems->count > 0 ? -EINVAL : 0;
}

int catalogue_read(TALLOC_CTX *context, const struct kt_plugin *plugin, bool with_databases,
                   struct catalogue **ret_catalogue, struct kt_error *error)
{
    struct catalogue *catalogue = talloc_zero(context, struct catalogue);
    struct problems problems = {.error = error};
    const struct definition_problems collect = {complain, &problems};
    struct definition **definitions;
    if (!catalogue)
        return kt_error_set(error, -ENOMEM, "out of memory");
    int result = read_sources(catalogue, plugin, error);
    if (result == 0)
        result = read_roles(catalogue, plugin, error);
    if (result == 0)
        result = read_clock(catalogue, plugin, error);
    if (result == 0) {
        const char *directory = kt_plugin_string(plugin, "definitions");
        result = definitions_read(catalogue, directory, &collect, &definitions,
                                  &catalogue->definition_count);
        if (result < 0 && problems.count == 0)
            kt_error_set(error, result, "%s: definitions: %s: %s",
                         kt_plugin_option_place(plugin, "definitions"), directory,
                         strerror(-result));
    }
    if (result == 0) {
        catalogue->definitions = definitions;
        result = check_definitions(catalogue, with_databases, &problems, error);
    }
    if (problems.count > 1) {
        struct kt_error first = *error;
        kt_error_set(error, first.code, "%.400s; and %u more", first.text, problems.count - 1);
    }
    if (result < 0)
        talloc_free(catalogue);
    else
        *ret_catalogue = catalogue;
    return result;
}

const struct definition *catalogue_find(const struct catalogue *catalogue, const char *name)
{
    for (size_t i = 0; i < catalogue->definition_count; i++)
        if (strcmp(catalogue->definitions[i]->name, name) == 0)
            return catalogue->definitions[i];
    return NULL;
}

const struct wall_clock *catalogue_clock(const struct catalogue *catalogue,
                                         const struct definition *definition)
{
    return definition->clock ? definition->clock : catalogue->clock;
}

const char *catalogue_address(const struct catalogue *catalogue, const char *source)
{
    const struct source_address *found = find_source(catalogue, source);
    return found ? found->address : NULL;
}

/* ---------------------------------------------------------------- who may */

static bool has_role(const struct catalogue *catalogue, const char *role, const char *user)
{
    for (size_t i = 0; i < catalogue->role_count; i++) {
        if (strcmp(catalogue->roles[i].role, role) != 0)
            continue;
        for (const char *const *one = catalogue->roles[i].users; *one; one++)
            if (strcmp(*one, user) == 0 || strcmp(*one, "*") == 0)
                return true;
    }
    return false;
}

bool catalogue_may_see(const struct catalogue *catalogue, const struct definition *definition,
                       const char *user)
{
    if (definition->is_personal && !user)
        return false;
    if (!definition->roles[0])
        return true;
    for (const char *const *role = definition->roles; user && *role; role++)
        if (has_role(catalogue, *role, user))
            return true;
    return false;
}

const char *catalogue_realm(const struct definition *definition)
{
    return definition->roles[0] ? definition->roles[0] : REALM_OF_ALL;
}
