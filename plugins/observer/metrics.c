/* SPDX-License-Identifier: BSD-2-Clause */
/* One family after the other, each with a line per worker, as the format demands. */
#include "metrics.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/** A family whose samples are one number of each worker. */
struct family {
    const char *name, *type, *help; /**< a counter's samples end in _total, see put_head */
    const char *group, *field;      /**< where the number is; group NULL: at the top */
    double divisor;
};

static const struct family families[] = {
    {"kontor_connections", "gauge", "Open FastCGI connections.", "service", "connections", 1},
    {"kontor_requests_running", "gauge", "Requests that run now.", "service", "requests", 1},
    {"kontor_requests", "counter", "Requests ever.", "service", "requests_total", 1},
    {"kontor_requests_refused", "counter", "Requests answered with 503 since there were too many.",
     "service", "refused_total", 1},
    {"kontor_requests_failed", "counter", "Requests whose handler failed.", "service",
     "failed_total", 1},
    {"kontor_requests_slow", "counter", "Requests that took longer than slow_request.", "service",
     "slow_total", 1},
    {"kontor_received_bytes", "counter", "Bytes from web servers.", "service", "bytes_in_total", 1},
    {"kontor_sent_bytes", "counter", "Bytes to web servers.", "service", "bytes_out_total", 1},
    {"kontor_processes", "gauge", "Lightweight processes alive.", "runtime", "processes", 1},
    {"kontor_processes_spawned", "counter", "Lightweight processes ever.", "runtime",
     "spawned_total", 1},
    {"kontor_processes_failed", "counter", "Lightweight processes that failed or were killed.",
     "runtime", "failed_total", 1},
    {"kontor_messages", "counter", "Messages sent.", "runtime", "messages_total", 1},
    {"kontor_processes_runnable", "gauge", "Lightweight processes that want their turn.", "runtime",
     "runnable", 1},
    {"kontor_stacks", "gauge", "Stacks in use.", "runtime", "stacks", 1},
    {"kontor_cpu_seconds", "counter", "Processor time.", NULL, "cpu_ms", 1000},
    {"kontor_memory_bytes", "gauge", "Memory in RAM.", NULL, "memory_bytes", 1},
    {"kontor_uptime_seconds", "gauge", "Time since the worker's start.", NULL, "uptime_ms", 1000},
};

static double number(const cJSON *worker, const char *group, const char *field)
{
    const cJSON *from = group ? cJSON_GetObjectItem(worker, group) : worker;
    double value = cJSON_GetNumberValue(cJSON_GetObjectItem(from, field));
    return isnan(value) ? 0 : value;
}

/** Who did not answer in time says nothing but who it is. */
static bool is_silent(const cJSON *worker)
{
    return cJSON_IsTrue(cJSON_GetObjectItem(worker, "is_silent"));
}

/** A text that grows. */
struct page {
    char *text; /**< NULL once memory was out */
    enum metrics_format format;
};

__attribute__((format(printf, 2, 3))) static void put(struct page *page, const char *format, ...)
{
    va_list arguments;
    if (!page->text)
        return;
    va_start(arguments, format);
    page->text = talloc_vasprintf_append_buffer(page->text, format, arguments);
    va_end(arguments);
}

static const char *end_of(const char *type)
{
    return strcmp(type, "counter") == 0 ? "_total" : "";
}

/** A sentence for people, on one line; OpenMetrics escapes quotes as well. */
static void put_help(struct page *page, const char *help)
{
    for (const char *at = help; *at; at++) {
        if (*at == '\n')
            put(page, "\\n");
        else if (*at == '\\' || (*at == '"' && page->format == METRICS_OPEN))
            put(page, "\\%c", *at);
        else
            put(page, "%c", *at);
    }
    put(page, "\n");
}

/** What is told of a family: in OpenMetrics by its name, else by that of its samples. */
static void put_head(struct page *page, const char *name, const char *type, const char *help)
{
    const char *end = page->format == METRICS_OPEN ? "" : end_of(type);
    put(page, "# HELP %s%s ", name, end);
    put_help(page, help);
    put(page, "# TYPE %s%s %s\n", name, end, type);
}

static void put_family(struct page *page, const struct family *family, const cJSON *workers)
{
    const cJSON *worker;
    const char *end = end_of(family->type);
    put_head(page, family->name, family->type, family->help);
    cJSON_ArrayForEach(worker, workers)
    {
        if (is_silent(worker))
            continue;
        put(page, "%s%s{worker=\"%.0f\",pid=\"%.0f\"} %.17g\n", family->name, end,
            number(worker, NULL, "worker"), number(worker, NULL, "pid"),
            number(worker, family->group, family->field) / family->divisor);
    }
}

/** The histogram of durations: each bucket holds those below it as well. */
static void put_durations(struct page *page, const cJSON *workers)
{
    static const char name[] = "kontor_request_duration_seconds";
    const cJSON *worker, *entry;
    put_head(page, name, "histogram", "How long requests took.");
    cJSON_ArrayForEach(worker, workers)
    {
        if (is_silent(worker))
            continue;
        double count = 0, id = number(worker, NULL, "worker"), pid = number(worker, NULL, "pid");
        const cJSON *service = cJSON_GetObjectItem(worker, "service");
        cJSON_ArrayForEach(entry, cJSON_GetObjectItem(service, "durations"))
        {
            const cJSON *bound = cJSON_GetObjectItem(entry, "up_to_ms");
            count += number(entry, NULL, "count");
            put(page, "%s_bucket{worker=\"%.0f\",pid=\"%.0f\",le=\"", name, id, pid);
            if (bound)
                put(page, "%g", bound->valuedouble / 1000);
            else
                put(page, "+Inf");
            put(page, "\"} %.0f\n", count);
        }
        put(page, "%s_count{worker=\"%.0f\",pid=\"%.0f\"} %.0f\n", name, id, pid, count);
        put(page, "%s_sum{worker=\"%.0f\",pid=\"%.0f\"} %.17g\n", name, id, pid,
            number(worker, "service", "duration_ms_total") / 1000);
    }
}

static void put_up(struct page *page, const cJSON *workers)
{
    const cJSON *worker;
    put_head(page, "kontor_worker_up", "gauge", "1: the worker answers, 0: it is silent.");
    cJSON_ArrayForEach(worker, workers)
    {
        put(page, "kontor_worker_up{worker=\"%.0f\",pid=\"%.0f\"} %d\n",
            number(worker, NULL, "worker"), number(worker, NULL, "pid"), !is_silent(worker));
    }
}

/** Whether another worker has taken the place of this one: it finishes what it runs, after a
 * reload. */
static bool is_replaced(const cJSON *workers, const cJSON *worker)
{
    const cJSON *other;
    cJSON_ArrayForEach(other, workers)
    {
        if (!is_silent(other) && number(other, NULL, "worker") == number(worker, NULL, "worker") &&
            number(other, NULL, "generation") > number(worker, NULL, "generation"))
            return true;
    }
    return false;
}

/** These belong to the place of a worker, whichever process is there. */
static void put_restarts(struct page *page, const cJSON *workers)
{
    const cJSON *worker;
    put_head(page, "kontor_worker_restarts", "counter",
             "Workers that were started since the one before had died.");
    cJSON_ArrayForEach(worker, workers)
    {
        if (!is_silent(worker) && !is_replaced(workers, worker))
            put(page, "kontor_worker_restarts_total{worker=\"%.0f\"} %.0f\n",
                number(worker, NULL, "worker"), number(worker, NULL, "restarts_total"));
    }
}

static const char *text_of(const cJSON *json, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(json, name));
    return text ? text : "";
}

static void put_processes(struct page *page, const cJSON *workers)
{
    const cJSON *worker, *plugin;
    put_head(page, "kontor_plugin_processes", "gauge", "Lightweight processes of a plugin.");
    cJSON_ArrayForEach(worker, workers)
    {
        cJSON_ArrayForEach(plugin, cJSON_GetObjectItem(worker, "plugins"))
        {
            /* names of plugins are plain words: nothing to escape */
            put(page, "kontor_plugin_processes{worker=\"%.0f\",pid=\"%.0f\",plugin=\"%s\"} %.0f\n",
                number(worker, NULL, "worker"), number(worker, NULL, "pid"),
                text_of(plugin, "name"), number(plugin, NULL, "processes"));
        }
    }
}

/** The worker that started last knows of all crashes: each makes the master start one. */
static const cJSON *youngest(const cJSON *workers)
{
    const cJSON *worker, *best = NULL;
    cJSON_ArrayForEach(worker, workers)
    {
        if (!is_silent(worker) &&
            (!best || number(worker, NULL, "uptime_ms") < number(best, NULL, "uptime_ms")))
            best = worker;
    }
    return best;
}

static void put_crashes(struct page *page, const cJSON *workers)
{
    const cJSON *plugin, *plugins = cJSON_GetObjectItem(youngest(workers), "plugins");
    put_head(page, "kontor_plugin_crashes", "counter", "Workers that a plugin has crashed.");
    cJSON_ArrayForEach(plugin, plugins)
    {
        put(page, "kontor_plugin_crashes_total{plugin=\"%s\"} %.0f\n", text_of(plugin, "name"),
            number(plugin, NULL, "crashes_total"));
    }
    put_head(page, "kontor_plugin_quarantined", "gauge", "1: the plugin is left out.");
    cJSON_ArrayForEach(plugin, plugins)
    {
        put(page, "kontor_plugin_quarantined{plugin=\"%s\"} %d\n", text_of(plugin, "name"),
            strcmp(text_of(plugin, "state"), "quarantined") == 0);
    }
}

/* ---------------------------------------------------------------- numbers of plugins */

static bool is_same(const cJSON *one, const cJSON *other)
{
    return strcmp(text_of(one, "plugin"), text_of(other, "plugin")) == 0 &&
           strcmp(text_of(one, "name"), text_of(other, "name")) == 0;
}

static const cJSON *find_metric(const cJSON *worker, const cJSON *wanted)
{
    const cJSON *metric;
    cJSON_ArrayForEach(metric, cJSON_GetObjectItem(worker, "metrics"))
    {
        if (is_same(metric, wanted))
            return metric;
    }
    return NULL;
}

/** Whether a worker before this one has it, too: then it is written already. */
static bool is_known(const cJSON *workers, const cJSON *until, const cJSON *wanted)
{
    const cJSON *worker;
    cJSON_ArrayForEach(worker, workers)
    {
        if (worker == until)
            return false;
        if (find_metric(worker, wanted))
            return true;
    }
    return false;
}

static void put_metric(struct page *page, const cJSON *workers, const cJSON *first)
{
    char name[128];
    const cJSON *worker, *metric;
    const char *end = end_of(text_of(first, "type"));
    snprintf(name, sizeof name, "kontor_%s_%s", text_of(first, "plugin"), text_of(first, "name"));
    for (char *at = strchr(name, '-'); at; at = strchr(at, '-'))
        *at = '_';
    put_head(page, name, text_of(first, "type"), text_of(first, "help"));
    cJSON_ArrayForEach(worker, workers)
    {
        if ((metric = find_metric(worker, first)))
            put(page, "%s%s{worker=\"%.0f\",pid=\"%.0f\"} %.0f\n", name, end,
                number(worker, NULL, "worker"), number(worker, NULL, "pid"),
                number(metric, NULL, "value"));
    }
}

static void put_metrics(struct page *page, const cJSON *workers)
{
    const cJSON *worker, *metric;
    cJSON_ArrayForEach(worker, workers)
    {
        cJSON_ArrayForEach(metric, cJSON_GetObjectItem(worker, "metrics"))
        {
            if (!is_known(workers, worker, metric))
                put_metric(page, workers, metric);
        }
    }
}

const char *metrics_type(enum metrics_format format)
{
    return format == METRICS_OPEN ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                  : "text/plain; version=0.0.4; charset=utf-8";
}

char *metrics_write(TALLOC_CTX *context, const cJSON *workers, enum metrics_format format)
{
    struct page page = {talloc_strdup(context, ""), format};
    put_up(&page, workers);
    put_restarts(&page, workers);
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        put_family(&page, &families[i], workers);
    put_durations(&page, workers);
    put_processes(&page, workers);
    put_crashes(&page, workers);
    put_metrics(&page, workers);
    if (format == METRICS_OPEN)
        put(&page, "# EOF\n");
    return page.text;
}
