/* SPDX-License-Identifier: BSD-2-Clause */
/* Fields of a query or of a form (application/x-www-form-urlencoded), and parts of a path. */
#ifndef CALENDAR_FORM_H
#define CALENDAR_FORM_H

#include <talloc.h>

/** A text with all but unreserved characters escaped (RFC 3986). @return owned by context */
char *kt_form_escape(TALLOC_CTX *context, const char *text);

/**
 * Append "name=value", escaped, behind "&" unless the text is empty or ends in "?".
 * @param form  a talloc chunk; moved and returned
 * Ends the calling process without memory, as kt_form_escape.
 */
char *kt_form_add(char *form, const char *name, const char *value);

#endif
