/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What people enter for a report's parameters: defaults, checks, canonical form. Knows the calendar
 * (today-2, month-start …), neither clocks nor databases.
 */
#ifndef REPORTS_PARAMETERS_H
#define REPORTS_PARAMETERS_H

#include "source.h"

/** What somebody entered for one parameter. */
struct entered {
    const char *name;
    const char *value; /**< of a PARAMETER_CHOICES one of several with the same name */
};

/**
 * Check and complete what was entered.
 * @param now_ms     what the clock on the wall shows (wall_clock.h): today and now in defaults
 * @param ret_bound  one for each parameter of the definition, in its order; owned by the context.
 *                   Canonical: dates as 2026-11-20, date-times as 2026-11-20 19:00:00, numbers
 *                   without leading zeros, choices as a sorted JSON array
 * @return 0, -EINVAL: the words name the parameter's label and say what is expected
 */
int parameters_bind(TALLOC_CTX *context, const struct definition *definition,
                    const struct entered *entered, size_t entered_count, int64_t now_ms,
                    struct bound **ret_bound, struct kt_error *error);

/**
 * The value of a default expression such as "today-2", for the form: canonical as of parameters_bind,
 * so that choices are a JSON array. @return NULL: no default
 */
const char *parameter_default(TALLOC_CTX *context, const struct parameter *parameter,
                              int64_t now_ms);

/**
 * What a parameter alone is bound to by what was entered, if that does not depend on the clock.
 * @return owned by the context; NULL: nothing, or what was entered is wrong, or there is no such one
 */
const char *parameters_value(TALLOC_CTX *context, const struct definition *definition,
                             const char *name, const struct entered *entered, size_t entered_count);

/**
 * Which job a report with these parameters is: the same for the same version, format and canonical
 * parameters. @param ret_id  32 hex digits and a NUL (keyed by nothing: ids are no secrets)
 */
void parameters_id(const struct definition *definition, const char *format,
                   const struct bound *bound, size_t bound_count, char ret_id[33]);

/** Whether a parameter's default can be understood; for definitions. @return 0, -EINVAL with words */
int parameter_check_default(const struct parameter *parameter, struct kt_error *error);

#endif
