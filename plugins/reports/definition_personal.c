/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reports of people's own calendars: what the parameters must be that say which days are looked at.
 * Knows no calendars.
 */
#include "definition_reader.h"

#include <string.h>

/** What says which days, and how clocks go; the calendar is asked with these. */
static const struct {
    const char *name;
    bool is_needed;
} asked[] = {
    {DEFINITION_FROM, true},
    {DEFINITION_TO, true},
    {DEFINITION_ZONE, false},
};
#define ASKED (sizeof asked / sizeof *asked)

bool definition_is_asked(const struct definition *definition, const struct parameter *parameter)
{
    for (size_t i = 0; definition->is_personal && i < ASKED; i++)
        if (strcmp(asked[i].name, parameter->name) == 0)
            return true;
    return false;
}

static const struct parameter *find(const struct definition *definition, const char *name)
{
    for (size_t i = 0; i < definition->parameter_count; i++)
        if (strcmp(definition->parameters[i].name, name) == 0)
            return &definition->parameters[i];
    return NULL;
}

void definition_check_personal(struct definition_reader *reader)
{
    const struct definition *definition = reader->definition;
    for (size_t i = 0; definition->is_personal && i < ASKED; i++) {
        const struct parameter *parameter = find(definition, asked[i].name);
        if (asked[i].is_needed &&
            (!parameter || parameter->type != PARAMETER_DATE || !parameter->is_required))
            definition_complain(reader, parameter ? parameter->line : 1,
                                "a report of the calendar needs: param: %s date required",
                                asked[i].name);
        else if (!asked[i].is_needed && parameter && parameter->type != PARAMETER_TEXT &&
                 parameter->type != PARAMETER_CHOICE)
            definition_complain(reader, parameter->line, "param: %s is a text or a choice",
                                asked[i].name);
    }
    if (definition->is_personal && reader->clock_line)
        definition_complain(reader, reader->clock_line,
                            "timezone: a report of the calendar has that of its parameter %s, or "
                            "of the calendar",
                            DEFINITION_ZONE);
    for (size_t i = 0; definition->is_personal && i < definition->parameter_count; i++)
        if (definition->parameters[i].values_query)
            definition_complain(reader, definition->parameters[i].line,
                                "values: a calendar can't be asked for choices");
}
