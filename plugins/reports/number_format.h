/* SPDX-License-Identifier: BSD-2-Clause */
/* Number formats of spreadsheets, such as "#,##0.00": which ones a spreadsheet accepts. */
#ifndef REPORTS_NUMBER_FORMAT_H
#define REPORTS_NUMBER_FORMAT_H

#include <stdbool.h>

/**
 * Whether a spreadsheet would take this format. One that it does not take makes it refuse the whole
 * workbook, or "repair" it; so this knows what is common and refuses the rest.
 */
bool number_format_is_valid(const char *format);

#endif
