/* SPDX-License-Identifier: BSD-2-Clause */
/* Reports and jobs as JSON, for the page and for scripts. README.md has the fields. */
#ifndef REPORTS_VIEW_H
#define REPORTS_VIEW_H

#include "catalogue.h"

#include <cjson/cJSON.h>
#include <kontor/job.h>

/**
 * A report.
 * @param choices  of each parameter that has some from its database: value, label, value, label …,
 *                 NULL; NULL: without them
 * @param now_ms   what the clock on the wall shows: today and now in defaults
 */
cJSON *view_report(const struct definition *definition, char *const *const *choices,
                   int64_t now_ms);

/** A job. @param user  who asks: decides what they are told they can do */
cJSON *view_job(const struct kt_job *job, const struct definition *definition, const char *user);

#endif
