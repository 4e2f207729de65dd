/* SPDX-License-Identifier: BSD-2-Clause */
/* Reports and jobs as JSON, for the page and for scripts. README.md has the fields. */
#ifndef REPORTS_VIEW_H
#define REPORTS_VIEW_H

#include "catalogue.h"

#include <cjson/cJSON.h>
#include <kontor/job.h>

/** The day it is, days since 1970-01-01, in UTC. */
int64_t view_today(void);

/** A report, without the choices that come from its database. */
cJSON *view_report(const struct definition *definition);

/** The same with the choices of each parameter that has some: value, label, value, label …, NULL.
 */
cJSON *view_report_with_choices(const struct definition *definition, char *const *const *choices);

/** A job. @param user  who asks: decides what they are told they can do */
cJSON *view_job(const struct kt_job *job, const struct definition *definition, const char *user);

#endif
