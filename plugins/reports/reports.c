/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The plugin of volatile reports: an administrator asks, a job computes, memory keeps the file for
 * a while, nobody sees a 504. Declares the options, reads the catalogue, registers the routes.
 * README.md says how the rooms beside it fit.
 */
#include "config.h"

#include "catalogue.h"
#include "download.h"
#include "forget.h"
#include "jobs.h"
#include "make.h"

#include <kontor/kontor.h>

static const struct kt_option options[] = {
    CATALOGUE_OPTIONS,
    {.name = NULL},
};

static const struct kt_job_kind kinds[] = {
    {.name = REPORT_JOB, .run = report_make},
    {.name = NULL},
};

static const struct {
    const char *method, *pattern;
    void (*handler)(struct kt_request *request);
} routes[] = {
    {"GET", "/", reports_list},
    {"GET", "/jobs", jobs_list},
    {"GET", "/jobs/{realm}/{id}", jobs_show},
    {"DELETE", "/jobs/{realm}/{id}", jobs_delete},
    {"GET", "/jobs/{realm}/{id}/events", jobs_follow},
    {"GET", "/jobs/{realm}/{id}/file", download_file},
    {"GET", "/jobs/{realm}/{id}/preview", download_preview},
    {"POST", "/jobs/{realm}/{id}/cancel", jobs_cancel},
    {"POST", "/jobs/{realm}/{id}/extend", jobs_extend},
    {"GET", "/{report}", reports_show},
    {"POST", "/{report}/jobs", jobs_start},
};

static int check(const struct kt_plugin *plugin, struct kt_error *error)
{
    struct catalogue *checked;
    int result = catalogue_read(NULL, plugin, true, &checked, error);
    if (result == 0)
        talloc_free(checked);
    return result;
}

/** Lives as long as the worker: the thread pool may still use it when the plugin has ended. */
static struct catalogue *catalogue;

static int start(struct kt_plugin *plugin, struct kt_error *error)
{
    int result = catalogue_read(NULL, plugin, false, &catalogue, error);
    if (result == 0 && (result = forget_start(plugin)) < 0)
        kt_error_set(error, result, "the server that forgets reports can't be started");
    for (size_t i = 0; result == 0 && i < sizeof routes / sizeof *routes; i++) {
        result = kt_plugin_route(plugin, routes[i].method, routes[i].pattern, routes[i].handler,
                                 catalogue);
        if (result < 0)
            kt_error_set(error, result, "the route %s can't be registered", routes[i].pattern);
    }
    return result;
}

KT_PLUGIN(.name = "reports", .version = PACKAGE_VERSION,
          .summary = "spreadsheets from databases, made in the background, kept in memory",
          .options = options, .check = check, .start = start, .jobs = kinds);
