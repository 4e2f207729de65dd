/* SPDX-License-Identifier: BSD-2-Clause */
/* The words for types. */
#include "value.h"

#include <string.h>

static const char *const names[REPORT_TYPES] = {
    [REPORT_TEXT] = "text",         [REPORT_INTEGER] = "integer", [REPORT_NUMBER] = "number",
    [REPORT_MONEY] = "money",       [REPORT_PERCENT] = "percent", [REPORT_DATE] = "date",
    [REPORT_DATETIME] = "datetime", [REPORT_DURATION] = "duration", [REPORT_BOOLEAN] = "boolean",
};

const char *report_type_name(enum report_type type)
{
    return names[type];
}

enum report_type report_type_find(const char *name)
{
    int type = 0;
    while (type < REPORT_TYPES && strcmp(names[type], name) != 0)
        type++;
    return (enum report_type)type;
}
