/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kontor-job: one job in an OS process of its own. It reads its order, gives up what it does not
 * need, loads one plugin, runs one function, and reports. There is no runtime in here.
 */
#include "config.h"

#include "base/log.h"
#include "job/run.h"
#include "job/sandbox.h"
#include "plugin/loader.h"
#include "plugin/option.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static void on_terminate(int number)
{
    (void)number;
    kt_job_run_cancelled = 1;
}

/** Report why it failed. @return the exit status */
static int fail(const struct kt_error *error)
{
    if (error->code == -ENOMEM)
        kt_job_report(KT_REPORT_NO_MEMORY, "");
    kt_job_report(KT_REPORT_FAILED, error->text[0] ? error->text : strerror(-error->code));
    return EXIT_FAILURE;
}

/** Load the plugin with its options. @return 0 or a negative errno, with the words */
static int load(struct kt_job_order *order, struct kt_plugin **ret_plugin, struct kt_error *error)
{
    struct kt_section *section = NULL;
    struct kt_problems *problems = kt_problems_new(order);
    if (!problems)
        return kt_error_set(error, -ENOMEM, "out of memory");
    int result = kt_plugin_load(order, order->plugin, order->plugin_dirs, order->plugin_owner,
                                ret_plugin, error);
    if (result < 0)
        return result;
    struct kt_plugin *plugin = *ret_plugin;
    plugin->number = 1;
    result = kt_section_check(plugin, order->plugin, plugin->descriptor->options, order->config,
                              problems, &section);
    plugin->section = section;
    if (result < 0)
        return kt_error_set(error, result, "%s",
                            kt_problems_count(problems) ? kt_problems_text(problems, 0)
                                                        : strerror(-result));
    return 0;
}

static const struct kt_job_kind *find_kind(const struct kt_plugin *plugin, const char *name)
{
    const struct kt_job_kind *kind = plugin->descriptor->jobs;
    while (kind && kind->name && strcmp(kind->name, name) != 0)
        kind++;
    return kind && kind->name ? kind : NULL;
}

static int run(struct kt_job_order *order)
{
    struct kt_error error = {0};
    struct kt_plugin *plugin = NULL;
    struct kt_job_run job = {.order = order};
    /* without SA_RESTART, so that a system call that waits returns */
    const struct sigaction terminate = {.sa_handler = on_terminate};
    sigaction(SIGTERM, &terminate, NULL);
    signal(SIGPIPE, SIG_IGN);
    error.code = kt_sandbox_enter(order, &error);
    if (error.code == 0)
        error.code = load(order, &plugin, &error);
    if (error.code < 0)
        return fail(&error);
    const struct kt_job_kind *kind = find_kind(plugin, order->kind);
    if (!kind) {
        kt_error_set(&error, -ENOENT, "plugin '%s' has no jobs of the kind '%s'", order->plugin,
                     order->kind);
        return fail(&error);
    }
    job.plugin = plugin;
    kt_sandbox_watch_memory(order);
    error.code = kind->run(&job, &error);
    if (error.code < 0)
        return fail(&error);
    kt_job_report(KT_REPORT_FINISHED, "");
    return EXIT_SUCCESS;
}

int main(void)
{
    struct kt_job_order *order;
    int result = kt_job_order_read(NULL, KT_RUNNER_ORDER_FD, &order);
    if (result < 0) {
        fprintf(stderr, "kontor-job runs one job for kontord, and is started by it\n");
        return EX_USAGE;
    }
    kt_log_role("job");
    int status = run(order);
    fflush(NULL);
    _exit(status); /* what a plugin's libraries hang on the end of a program is of no use here */
}
