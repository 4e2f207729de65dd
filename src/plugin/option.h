/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A section of the configuration, checked against the table of options that somebody declared: a
 * plugin, or the house itself for [kontor]. Values are parsed once; looking one up is a comparison
 * of a few names. Knows the types of options; knows nothing of what they are for.
 */
#ifndef KT_OPTION_INSIDE_H
#define KT_OPTION_INSIDE_H

#include "base/configuration.h"

#include <kontor/option.h>
#include <stdio.h>

/** A checked value. */
struct kt_value {
    const struct kt_option *option;
    const char *text;  /**< NULL: unset, without a default */
    int64_t number;    /**< of an integer, size, duration, boolean */
    const char *place; /**< "file:line", or "the default" */
};

/** A checked section: one value for each declared option, in the order of the table. */
struct kt_section {
    const char *name;
    unsigned count;
    struct kt_value *values;
};

/**
 * Check the section of this name against a table. A section that is missing is an empty one.
 * @param options      the table, ended by a NULL name; NULL: no options
 * @param problems     gets everything that is wrong
 * @param ret_section  owned by the context; borrows texts of config and options. Set with -EINVAL
 *                     too: wrong values are replaced by their defaults, so that checking can go on
 * @return 0, -EINVAL (see problems), -ENOMEM
 */
KT_PUBLIC int kt_section_check(TALLOC_CTX *context, const char *name,
                               const struct kt_option *options, const struct kt_config *config,
                               struct kt_problems *problems, struct kt_section **ret_section);

/** The value of an option; asking for one that is not declared is told in the log. */
KT_PUBLIC const struct kt_value *kt_section_value(const struct kt_section *section,
                                                  const char *option);

/** Write the options of a table for people. */
KT_PUBLIC void kt_options_print(FILE *stream, const struct kt_option *options);

#endif
