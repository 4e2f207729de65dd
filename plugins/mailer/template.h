/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Texts with holes, filled from JSON; a small part of Mustache:
 *
 *     {{name}}                    the value, escaped; nothing when there is none
 *     {{#name}} … {{/name}}       for each item of a list; once for an object or anything that is
 *                                 neither false, 0, "" nor null
 *     {{^name}} … {{/name}}       when it is one of those, or an empty list
 *
 * {{.}} is the item itself. Names are looked for in the item, then in what is around it. A line
 * that holds only one of the section's marks leaves no empty line. Knows no mail.
 */
#ifndef MAILER_TEMPLATE_H
#define MAILER_TEMPLATE_H

#include <cjson/cJSON.h>
#include <kontor/error.h>
#include <talloc.h>

/** Sections within sections. */
#define KT_TEMPLATE_DEPTH_MAX 8u
/** The longest result in bytes. */
#define KT_TEMPLATE_RESULT_MAX (256u << 10)

enum kt_template_escape {
    KT_TEMPLATE_HTML, /**< < > & " ' become entities */
    KT_TEMPLATE_TEXT, /**< control characters become spaces, so that a value is never two lines */
};

/**
 * Fill a template.
 * @param text        with a NUL
 * @param ret_result  owned by context, with a NUL
 * @param error       which line is wrong; may be NULL
 * @return 0, -EBADMSG (the template is malformed), -E2BIG (the bounds above), -ENOMEM
 */
int kt_template_render(TALLOC_CTX *context, const char *text, const cJSON *data,
                       enum kt_template_escape escape, char **ret_result, struct kt_error *error);

#endif
