/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The status as text for people.
 */
#include "config.h"

#include "control/view.h"

#include "control/table.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TEXT_MAX 128
/** Deeper nodes of the process tree are not indented further. */
#define DEPTH_MAX 24

static double number(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

static const char *text(const cJSON *object, const char *name)
{
    const char *value = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
    return value != NULL ? value : "";
}

/** "3 d 4 h", "12 min 5 s", "340 ms": the two largest units. */
static const char *duration(double milliseconds, char *buffer)
{
    long long seconds = (long long)(milliseconds / 1000);
    if (milliseconds < 1000)
        snprintf(buffer, TEXT_MAX, "%.0f ms", milliseconds);
    else if (seconds < 60)
        snprintf(buffer, TEXT_MAX, "%lld s", seconds);
    else if (seconds < 3600)
        snprintf(buffer, TEXT_MAX, "%lld min %lld s", seconds / 60, seconds % 60);
    else if (seconds < 86400)
        snprintf(buffer, TEXT_MAX, "%lld h %lld min", seconds / 3600, seconds / 60 % 60);
    else
        snprintf(buffer, TEXT_MAX, "%lld d %lld h", seconds / 86400, seconds / 3600 % 24);
    return buffer;
}

static const char *size(double bytes, char *buffer)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    while (bytes >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        bytes /= 1024;
        unit++;
    }
    snprintf(buffer, TEXT_MAX, unit == 0 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
    return buffer;
}

static const char *local_time(double unix_ms, char *buffer)
{
    struct tm day;
    time_t seconds = (time_t)(unix_ms / 1000);
    if (localtime_r(&seconds, &day) == NULL ||
        strftime(buffer, TEXT_MAX, "%Y-%m-%d %H:%M:%S", &day) == 0)
        buffer[0] = '\0';
    return buffer;
}

/* ---------------------------------------------------------------- master and workers */

static void view_master(const cJSON *status, FILE *stream)
{
    char buffer[TEXT_MAX];
    fprintf(stream, "kontord %s is %s: process %.0f, up %s, generation %.0f\n",
            text(status, "version"), text(status, "state"), number(status, "pid"),
            duration(number(status, "uptime_ms"), buffer), number(status, "generation"));
    fprintf(stream, "configuration %s\n", text(status, "config"));
    const cJSON *address;
    cJSON_ArrayForEach(address, cJSON_GetObjectItemCaseSensitive(status, "listen"))
    {
        fprintf(stream, "listening on  %s\n", cJSON_GetStringValue(address));
    }
}

static void view_registry(const cJSON *registry, FILE *stream)
{
    char buffer[TEXT_MAX];
    const cJSON *failure = cJSON_GetObjectItemCaseSensitive(registry, "last_failure");
    if (registry == NULL)
        return;
    fprintf(stream, "registry is %s: process %.0f, up %s, %.0f file%s in memory\n",
            text(registry, "state"), number(registry, "pid"),
            duration(number(registry, "uptime_ms"), buffer), number(registry, "files"),
            number(registry, "files") == 1 ? "" : "s");
    if (failure != NULL)
        fprintf(stream, "registry died %.0f time%s, the last time %s: %s\n",
                number(registry, "restarts"), number(registry, "restarts") == 1 ? "" : "s",
                local_time(number(failure, "unix_ms"), buffer), text(failure, "text"));
}

/** What is said of a worker in the column of its state. */
static const char *worker_state(const cJSON *worker, char *buffer)
{
    char pause[TEXT_MAX];
    const char *no_answer = text(worker, "no_answer");
    double restart_in_ms = number(worker, "restart_in_ms");
    if (no_answer[0] != '\0')
        snprintf(buffer, TEXT_MAX, "%s, no answer: %s", text(worker, "state"), no_answer);
    else if (restart_in_ms > 0)
        snprintf(buffer, TEXT_MAX, "restarting in %s", duration(restart_in_ms, pause));
    else
        snprintf(buffer, TEXT_MAX, "%s", text(worker, "state"));
    return buffer;
}

static void view_workers(const cJSON *workers, FILE *stream)
{
    static const char *const headings[] = {">worker", ">gen",      ">pid",       "state",     ">up",
                                           ">now",    ">requests", ">processes", ">restarts", NULL};
    char state[TEXT_MAX], uptime[TEXT_MAX];
    struct kt_table *table = kt_table_new(headings);
    const cJSON *worker;
    if (table == NULL)
        return;
    cJSON_ArrayForEach(worker, workers)
    {
        kt_table_cell(table, "%.0f", number(worker, "worker"));
        kt_table_cell(table, "%.0f", number(worker, "generation"));
        if (number(worker, "pid") > 0)
            kt_table_cell(table, "%.0f", number(worker, "pid"));
        else
            kt_table_cell(table, "-");
        kt_table_cell(table, "%s", worker_state(worker, state));
        kt_table_cell(table, "%s", duration(number(worker, "uptime_ms"), uptime));
        kt_table_cell(table, "%.0f", number(worker, "requests"));
        kt_table_cell(table, "%.0f", number(worker, "requests_total"));
        kt_table_cell(table, "%.0f", number(worker, "processes"));
        kt_table_cell(table, "%.0f", number(worker, "restarts"));
    }
    fprintf(stream, "\n");
    kt_table_print(table, 0, stream);
}

static void view_failures(const cJSON *workers, FILE *stream)
{
    char when[TEXT_MAX];
    bool is_first = true;
    const cJSON *worker;
    cJSON_ArrayForEach(worker, workers)
    {
        const cJSON *failure = cJSON_GetObjectItemCaseSensitive(worker, "last_failure");
        if (failure == NULL)
            continue;
        if (is_first)
            fprintf(stream, "\nlast failures\n");
        is_first = false;
        fprintf(stream, "  %s  worker %.0f: %s\n", local_time(number(failure, "unix_ms"), when),
                number(worker, "worker"), text(failure, "text"));
    }
}

/* ---------------------------------------------------------------- plugins */

/** A plugin's processes in all workers that answered. */
static double count_processes(const cJSON *workers, const char *name)
{
    double count = 0;
    const cJSON *worker, *plugin;
    cJSON_ArrayForEach(worker, workers)
    {
        const cJSON *inside = cJSON_GetObjectItemCaseSensitive(worker, "inside");
        cJSON_ArrayForEach(plugin, cJSON_GetObjectItemCaseSensitive(inside, "plugins"))
        {
            if (strcmp(text(plugin, "name"), name) == 0)
                count += number(plugin, "processes");
        }
    }
    return count;
}

/** The plugins, as the first worker that answers has them. */
static void view_plugins(const cJSON *workers, FILE *stream)
{
    static const char *const headings[] = {"plugin", "version", ">processes", "what it does", NULL};
    struct kt_table *table = kt_table_new(headings);
    const cJSON *worker, *plugin;
    if (table == NULL)
        return;
    cJSON_ArrayForEach(worker, workers)
    {
        const cJSON *inside = cJSON_GetObjectItemCaseSensitive(worker, "inside");
        cJSON_ArrayForEach(plugin, cJSON_GetObjectItemCaseSensitive(inside, "plugins"))
        {
            const char *name = text(plugin, "name");
            kt_table_cell(table, "%s", name);
            kt_table_cell(table, "%s", text(plugin, "version"));
            kt_table_cell(table, "%.0f", count_processes(workers, name));
            kt_table_cell(table, "%s", text(plugin, "summary"));
        }
        if (kt_table_has_rows(table))
            break;
    }
    fprintf(stream, "\n");
    if (!kt_table_has_rows(table))
        fprintf(stream, "no plugins\n");
    else
        kt_table_print(table, 0, stream);
}

/** What the master says of plugins that crashed workers. */
static void view_crashes(const cJSON *plugins, FILE *stream)
{
    char left[TEXT_MAX], when[TEXT_MAX];
    bool is_first = true;
    const cJSON *plugin, *frame;
    cJSON_ArrayForEach(plugin, plugins)
    {
        const cJSON *crash = cJSON_GetObjectItemCaseSensitive(plugin, "last_crash");
        if (crash == NULL)
            continue;
        fprintf(stream, "%s  %s: ", is_first ? "\nplugins that crashed workers\n" : "",
                text(plugin, "name"));
        is_first = false;
        double count = number(plugin, "quarantine_crashes");
        if (count > 0)
            fprintf(stream, "quarantined for %s more after %.0f crash%s",
                    duration(number(plugin, "quarantine_left_ms"), left), count,
                    count > 1 ? "es" : "");
        else
            fprintf(stream, "served%s, crashed %.0f time%s so far",
                    strcmp(text(plugin, "state"), "probation") == 0 ? " again on probation" : "",
                    number(plugin, "crashes_total"),
                    number(plugin, "crashes_total") > 1 ? "s" : "");
        fprintf(stream, "\n    %s  %s\n", local_time(number(crash, "unix_ms"), when),
                text(crash, "text"));
        cJSON_ArrayForEach(frame, cJSON_GetObjectItemCaseSensitive(crash, "backtrace"))
        {
            fprintf(stream, "      at %s\n", cJSON_GetStringValue(frame));
        }
    }
}

/* ---------------------------------------------------------------- processes */

/** The processes of one worker, as a tree. */
struct forest {
    size_t count;
    const cJSON **list; /**< sorted by parent, then by place in the answer */
    struct kt_table *table;
};

static int compare_parents(const void *a, const void *b)
{
    const cJSON *left = *(const cJSON *const *)a, *right = *(const cJSON *const *)b;
    int order = strcmp(text(left, "parent"), text(right, "parent"));
    return order != 0 ? order : strcmp(text(left, "label"), text(right, "label"));
}

/** The index of the first process with this parent; count when there is none. */
static size_t first_child(const struct forest *forest, const char *parent)
{
    size_t low = 0, high = forest->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(text(forest->list[middle], "parent"), parent) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void add_process(const struct forest *forest, const cJSON *process, int depth)
{
    char bytes[TEXT_MAX], name[TEXT_MAX] = "";
    if (text(process, "name")[0] != '\0')
        snprintf(name, sizeof(name), " (%s)", text(process, "name"));
    kt_table_cell(forest->table, "%*s%s%s", depth * 2, "", text(process, "label"), name);
    kt_table_cell(forest->table, "%s", text(process, "plugin"));
    kt_table_cell(forest->table, "%s", text(process, "kind"));
    kt_table_cell(forest->table, "%s", text(process, "state"));
    kt_table_cell(forest->table, "%.0f", number(process, "messages"));
    kt_table_cell(forest->table, "%s", size(number(process, "memory_bytes"), bytes));
    kt_table_cell(forest->table, "%s", text(process, "pid"));
}

static void add_children(const struct forest *forest, const char *parent, int depth)
{
    for (size_t i = first_child(forest, parent);
         i < forest->count && strcmp(text(forest->list[i], "parent"), parent) == 0; i++) {
        const cJSON *process = forest->list[i];
        add_process(forest, process, depth);
        if (depth < DEPTH_MAX)
            add_children(forest, text(process, "pid"), depth + 1);
    }
}

static int compare_pids(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/** Make those whose parent is not in the list roots of the tree. */
static void find_roots(struct forest *forest)
{
    const char **pids = calloc(forest->count + 1, sizeof(*pids));
    if (pids == NULL)
        return;
    for (size_t i = 0; i < forest->count; i++)
        pids[i] = text(forest->list[i], "pid");
    qsort(pids, forest->count, sizeof(*pids), compare_pids);
    for (size_t i = 0; i < forest->count; i++) {
        const char *parent = text(forest->list[i], "parent");
        if (bsearch(&parent, pids, forest->count, sizeof(*pids), compare_pids) == NULL)
            cJSON_DeleteItemFromObject((cJSON *)(uintptr_t)forest->list[i], "parent");
    }
    free(pids);
}

static void view_processes(const cJSON *worker, FILE *stream)
{
    static const char *const headings[] = {"process",   "plugin",  "kind",      "state",
                                           ">messages", ">memory", ">identity", NULL};
    const cJSON *inside = cJSON_GetObjectItemCaseSensitive(worker, "inside");
    const cJSON *processes = cJSON_GetObjectItemCaseSensitive(inside, "processes");
    if (processes == NULL)
        return;
    struct forest forest = {.table = kt_table_new(headings)};
    forest.list = calloc((size_t)cJSON_GetArraySize(processes) + 1, sizeof(*forest.list));
    if (forest.list != NULL && forest.table != NULL) {
        const cJSON *process;
        cJSON_ArrayForEach(process, processes)
        {
            forest.list[forest.count++] = process;
        }
        find_roots(&forest);
        qsort(forest.list, forest.count, sizeof(*forest.list), compare_parents);
        add_children(&forest, "", 0);
        fprintf(stream, "\nprocesses of worker %.0f, generation %.0f\n", number(worker, "worker"),
                number(worker, "generation"));
        kt_table_print(forest.table, 2, stream);
        double omitted = number(inside, "processes_omitted");
        if (omitted > 0)
            fprintf(stream, "  and %.0f more\n", omitted);
    }
    free(forest.list);
}

void kt_view_status(const cJSON *status, bool with_processes, FILE *stream)
{
    const cJSON *workers = cJSON_GetObjectItemCaseSensitive(status, "workers");
    view_master(status, stream);
    view_registry(cJSON_GetObjectItemCaseSensitive(status, "registry"), stream);
    view_workers(workers, stream);
    view_failures(workers, stream);
    view_plugins(workers, stream);
    view_crashes(cJSON_GetObjectItemCaseSensitive(status, "plugins"), stream);
    const cJSON *worker;
    if (with_processes)
        cJSON_ArrayForEach(worker, workers) view_processes(worker, stream);
}
