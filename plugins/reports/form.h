/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What somebody entered for a report, as it comes over HTTP: {"parameters": {name: value},
 * "format": "xlsx"}. Knows JSON, neither requests nor what a report wants; see parameters.h for
 * that.
 */
#ifndef REPORTS_FORM_H
#define REPORTS_FORM_H

#include "order.h"

#include <cjson/cJSON.h>

/** Values entered for one report; more are refused. */
#define FORM_VALUES_MAX 1000u

/** What was entered, as texts. */
struct form {
    struct entered list[FORM_VALUES_MAX];
    size_t count;
    enum report_file file;
};

/**
 * Read a form. A value is a text, a number, null for nothing, or an array of them. A number becomes
 * the shortest text that reads back as it; one that JSON can't carry exactly is refused, never
 * bound as another one.
 * @param json      its texts are borrowed by the form
 * @param ret_form  owned by the context
 * @return 0; -EBADMSG: it is no form; -EINVAL: a number can't be taken; -ENOMEM; each with the
 * words
 */
int form_read(TALLOC_CTX *context, const cJSON *json, struct form **ret_form,
              struct kt_error *error);

#endif
