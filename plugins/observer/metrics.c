/* SPDX-License-Identifier: BSD-2-Clause */
/* One family after the other, each with a line per worker, as the format demands. */
#include "metrics.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

/** A family whose samples are one number of each worker. */
struct family {
    const char *name, *type, *help; /**< a counter's samples end in _total */
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
    {"kontor_received_bytes", "counter", "Bytes from web servers.", "service", "bytes_in_total", 1},
    {"kontor_sent_bytes", "counter", "Bytes to web servers.", "service", "bytes_out_total", 1},
    {"kontor_processes", "gauge", "Lightweight processes alive.", "runtime", "processes", 1},
    {"kontor_processes_spawned", "counter", "Lightweight processes ever.", "runtime",
     "spawned_total", 1},
    {"kontor_processes_failed", "counter", "Lightweight processes that failed or were killed.",
     "runtime", "failed_total", 1},
    {"kontor_messages", "counter", "Messages sent.", "runtime", "messages_total", 1},
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

/** Append to the text; NULL once memory was out. */
__attribute__((format(printf, 2, 3))) static void put(char **text, const char *format, ...)
{
    va_list arguments;
    if (!*text)
        return;
    va_start(arguments, format);
    *text = talloc_vasprintf_append_buffer(*text, format, arguments);
    va_end(arguments);
}

static void put_head(char **text, const char *name, const char *type, const char *help)
{
    put(text, "# TYPE %s %s\n# HELP %s %s\n", name, type, name, help);
}

static void put_family(char **text, const struct family *family, const cJSON *workers)
{
    const cJSON *worker;
    const char *end = strcmp(family->type, "counter") == 0 ? "_total" : "";
    put_head(text, family->name, family->type, family->help);
    cJSON_ArrayForEach(worker, workers)
    {
        put(text, "%s%s{worker=\"%.0f\",pid=\"%.0f\"} %.17g\n", family->name, end,
            number(worker, NULL, "worker"), number(worker, NULL, "pid"),
            number(worker, family->group, family->field) / family->divisor);
    }
}

/** The histogram of durations: each bucket holds those below it as well. */
static void put_durations(char **text, const cJSON *workers)
{
    static const char name[] = "kontor_request_duration_seconds";
    const cJSON *worker, *entry;
    put_head(text, name, "histogram", "How long requests took.");
    cJSON_ArrayForEach(worker, workers)
    {
        double count = 0, id = number(worker, NULL, "worker"), pid = number(worker, NULL, "pid");
        const cJSON *service = cJSON_GetObjectItem(worker, "service");
        cJSON_ArrayForEach(entry, cJSON_GetObjectItem(service, "durations"))
        {
            const cJSON *bound = cJSON_GetObjectItem(entry, "up_to_ms");
            count += number(entry, NULL, "count");
            put(text, "%s_bucket{worker=\"%.0f\",pid=\"%.0f\",le=\"", name, id, pid);
            if (bound)
                put(text, "%g", bound->valuedouble / 1000);
            else
                put(text, "+Inf");
            put(text, "\"} %.0f\n", count);
        }
        put(text, "%s_count{worker=\"%.0f\",pid=\"%.0f\"} %.0f\n", name, id, pid, count);
        put(text, "%s_sum{worker=\"%.0f\",pid=\"%.0f\"} %.17g\n", name, id, pid,
            number(worker, "service", "duration_ms_total") / 1000);
    }
}

static void put_plugins(char **text, const cJSON *workers)
{
    const cJSON *worker, *plugin;
    put_head(text, "kontor_plugin_processes", "gauge", "Lightweight processes of a plugin.");
    cJSON_ArrayForEach(worker, workers)
    {
        cJSON_ArrayForEach(plugin, cJSON_GetObjectItem(worker, "plugins"))
        {
            /* names of plugins are plain words: nothing to escape */
            put(text, "kontor_plugin_processes{worker=\"%.0f\",pid=\"%.0f\",plugin=\"%s\"} %.0f\n",
                number(worker, NULL, "worker"), number(worker, NULL, "pid"),
                cJSON_GetStringValue(cJSON_GetObjectItem(plugin, "name")),
                number(plugin, NULL, "processes"));
        }
    }
}

char *metrics_write(TALLOC_CTX *context, const cJSON *workers)
{
    char *text = talloc_strdup(context, "");
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        put_family(&text, &families[i], workers);
    put_durations(&text, workers);
    put_plugins(&text, workers);
    put(&text, "# EOF\n");
    return text;
}
