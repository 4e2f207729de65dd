/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A table that is filled while plugins start and only read and added to afterwards. It outlives the
 * starts of a plugin, so a counter never goes back.
 */
#include "worker/metric.h"

#include "plugin/plugin.h"

#include <kontor/log.h>
#include <kontor/observe.h>
#include <string.h>

/** Letters of a name. */
#define NAME_MAX_LETTERS 48u

struct kt_metric {
    const struct kt_plugin *plugin;
    const char *name, *help;
    bool is_counter;
    int64_t value;
};

static struct kt_metric metrics[KT_METRICS_MAX];
static size_t metric_count;

/** For whom no place is left: counted, and not shown. */
static struct kt_metric unseen;

static bool is_name(const char *name)
{
    size_t size = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
    return size > 0 && size <= NAME_MAX_LETTERS && !name[size] && *name >= 'a';
}

static struct kt_metric *find(const struct kt_plugin *plugin, const char *name)
{
    for (size_t i = 0; i < metric_count; i++)
        if (metrics[i].plugin == plugin && strcmp(metrics[i].name, name) == 0)
            return &metrics[i];
    return NULL;
}

static struct kt_metric *get(struct kt_plugin *plugin, const char *name, const char *help,
                             bool is_counter)
{
    struct kt_metric *metric = find(plugin, name);
    if (metric != NULL && metric->is_counter == is_counter)
        return metric;
    if (metric != NULL || metric_count == KT_METRICS_MAX || !is_name(name)) {
        kt_log_warning("plugin '%s': the number '%s' will not be shown: %s", kt_plugin_name(plugin),
                       name,
                       metric != NULL   ? "it is there as another kind"
                       : !is_name(name) ? "that is no name of one"
                                        : "there are too many");
        return &unseen;
    }
    metrics[metric_count] = (struct kt_metric){plugin, name, help, is_counter, 0};
    return &metrics[metric_count++];
}

struct kt_metric *kt_metric_counter(struct kt_plugin *plugin, const char *name, const char *help)
{
    return get(plugin, name, help, true);
}

struct kt_metric *kt_metric_gauge(struct kt_plugin *plugin, const char *name, const char *help)
{
    return get(plugin, name, help, false);
}

void kt_metric_add(struct kt_metric *metric, int64_t by)
{
    if (by > 0 || !metric->is_counter)
        metric->value += by;
}

void kt_metric_set(struct kt_metric *metric, int64_t value)
{
    if (!metric->is_counter)
        metric->value = value;
}

cJSON *kt_metrics_list(void)
{
    cJSON *array = cJSON_CreateArray();
    for (size_t i = 0; i < metric_count; i++) {
        const struct kt_metric *metric = &metrics[i];
        cJSON *entry = cJSON_CreateObject();
        cJSON_AddStringToObject(entry, "plugin", kt_plugin_name(metric->plugin));
        cJSON_AddStringToObject(entry, "name", metric->name);
        cJSON_AddStringToObject(entry, "type", metric->is_counter ? "counter" : "gauge");
        cJSON_AddStringToObject(entry, "help", metric->help);
        cJSON_AddNumberToObject(entry, "value", (double)metric->value);
        cJSON_AddItemToArray(array, entry);
    }
    return array;
}
