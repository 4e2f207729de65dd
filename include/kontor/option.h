/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Declared options: the keys that a section of the configuration may have, their types, defaults
 * and ranges. The host reads and checks the values; `kontord -t` names file and line of a mistake,
 * and `kontord -h PLUGIN` lists them.
 */
#ifndef KONTOR_OPTION_H
#define KONTOR_OPTION_H

#include <kontor/error.h>
#include <stdbool.h>
#include <stdint.h>

enum kt_option_type {
    KT_OPTION_STRING,   /**< any text */
    KT_OPTION_PATH,     /**< an absolute path */
    KT_OPTION_INTEGER,  /**< within minimum … maximum */
    KT_OPTION_SIZE,     /**< bytes; 64K, 10M, 1G are understood */
    KT_OPTION_DURATION, /**< milliseconds; 250ms, 10s, 5min, 2h, 7d: with a unit */
    KT_OPTION_BOOLEAN,  /**< yes/no, true/false, on/off, 1/0 */
    KT_OPTION_CHOICE,   /**< one of the words in choices */
};

/** One option; a table of them ends with a NULL name. */
struct kt_option {
    const char *name;
    enum kt_option_type type;
    const char *default_value; /**< as it would be written in the file; NULL: none */
    int64_t minimum, maximum;  /**< for integer, size, duration; both 0: no bounds but >= 0 */
    const char *choices;       /**< for choice: words separated by a space */
    bool required;             /**< must be set */
    bool is_secret;            /**< never shown in a listing or a log */
    const char *help;          /**< one line */
};

#endif
