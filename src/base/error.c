/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Errors with a text for people. Knows nothing of who tells them, or where.
 */
#include <kontor/error.h>

#include <stdio.h>

int kt_error_set(struct kt_error *error, int code, const char *format, ...)
{
    if (error == NULL)
        return code;
    error->code = code;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof(error->text), format, arguments);
    va_end(arguments);
    return code;
}
