/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers go as text, since a double would round the large ones. */
#include "job/order.h"

#include "job/jobs.h"
#include "plugin/plugin.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/** The largest order: an argument of KT_JOB_ARGUMENT_MAX, each byte as \u00XX, and a section. */
#define ORDER_MAX ((size_t)16 << 20)

static void add_number(cJSON *object, const char *name, int64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, number);
    cJSON_AddStringToObject(object, name, text);
}

static void add_section(cJSON *object, const struct kt_config_section *section)
{
    cJSON *array = cJSON_AddArrayToObject(object, "section");
    for (unsigned i = 0; section && i < section->count; i++) {
        const struct kt_config_entry *entry = &section->entries[i];
        const char *texts[] = {entry->key, entry->value, entry->place, entry->file};
        cJSON_AddItemToArray(array, cJSON_CreateStringArray(texts, 4));
    }
}

static cJSON *make_json(const struct kt_runner_order *order, const char *directory)
{
    const struct kt_jobs_options *options = &kt_jobs_options;
    const char *plugin = kt_plugin_name(order->plugin);
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "plugin", plugin);
    cJSON_AddStringToObject(object, "kind", order->kind);
    cJSON_AddStringToObject(object, "label", order->label);
    cJSON_AddStringToObject(object, "directory", directory);
    cJSON_AddStringToObject(object, "plugin_dirs", options->plugin_dirs);
    cJSON_AddStringToObject(object, "argument", order->argument);
    add_number(object, "plugin_owner", options->plugin_owner);
    add_number(object, "worker", getpid());
    add_number(object, "memory", (int64_t)order->limits.memory_bytes);
    add_number(object, "output", (int64_t)order->limits.output_bytes);
    add_number(object, "cpu", order->limits.cpu_ms);
    add_number(object, "time", order->limits.time_ms);
    cJSON_AddBoolToObject(object, "network", order->limits.needs_network);
    cJSON_AddBoolToObject(object, "local", order->limits.needs_local_sockets);
    cJSON_AddBoolToObject(object, "input", order->input != NULL);
    add_section(object, kt_config_section(options->config, plugin));
    return object;
}

static int write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, bytes, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -errno;
        bytes += written;
        size -= (size_t)written;
    }
    return 0;
}

int kt_job_order_write(const struct kt_runner_order *order, const char *directory, int *ret_fd)
{
    struct kt_memory_file *file;
    cJSON *object = make_json(order, directory);
    char *text = cJSON_PrintUnformatted(object);
    cJSON_Delete(object);
    if (!text)
        return -ENOMEM;
    int result = kt_memory_file_new(kt_self_memory(), "order of a job", &file);
    if (result == 0) {
        result = write_all(file->fd, text, strlen(text));
        if (result == 0)
            result = kt_memory_file_seal(file);
        if (result == 0 && lseek(file->fd, 0, SEEK_SET) < 0)
            result = -errno;
        if (result == 0) {
            *ret_fd = dup(file->fd);
            result = *ret_fd < 0 ? -errno : 0;
        }
        talloc_free(file);
    }
    cJSON_free(text);
    return result;
}

/* ---------------------------------------------------------------- reading */

static const char *text_of(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
    return text ? text : "";
}

static int64_t number_of(const cJSON *object, const char *name)
{
    return strtoll(text_of(object, name), NULL, 10);
}

static bool is_set(const cJSON *object, const char *name)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, name));
}

static const char *copy(TALLOC_CTX *context, const cJSON *text)
{
    const char *value = cJSON_GetStringValue(text);
    return talloc_strdup(context, value ? value : "");
}

static struct kt_config *read_config(TALLOC_CTX *context, const cJSON *object)
{
    const cJSON *array = cJSON_GetObjectItemCaseSensitive(object, "section"), *item;
    struct kt_config *config = talloc_zero(context, struct kt_config);
    unsigned count = (unsigned)cJSON_GetArraySize(array);
    if (!config)
        return NULL;
    config->path = "";
    config->sections = talloc_zero(config, struct kt_config_section);
    if (!config->sections)
        return NULL;
    struct kt_config_section *section = config->sections;
    section->name = talloc_strdup(config, text_of(object, "plugin"));
    section->entries = talloc_zero_array(config, struct kt_config_entry, count + 1);
    if (!section->name || !section->entries)
        return NULL;
    cJSON_ArrayForEach(item, array)
    {
        struct kt_config_entry *entry = &section->entries[section->count++];
        entry->key = copy(config, cJSON_GetArrayItem(item, 0));
        entry->value = copy(config, cJSON_GetArrayItem(item, 1));
        entry->place = copy(config, cJSON_GetArrayItem(item, 2));
        entry->file = copy(config, cJSON_GetArrayItem(item, 3));
        if (section->count == 1)
            section->place = entry->place;
    }
    config->count = section->count > 0;
    return config;
}

static int read_json(TALLOC_CTX *context, const cJSON *object, struct kt_job_order **ret_order)
{
    struct kt_job_order *order = talloc_zero(context, struct kt_job_order);
    if (!order)
        return -ENOMEM;
    order->plugin = talloc_strdup(order, text_of(object, "plugin"));
    order->kind = talloc_strdup(order, text_of(object, "kind"));
    order->label = talloc_strdup(order, text_of(object, "label"));
    order->argument = talloc_strdup(order, text_of(object, "argument"));
    order->directory = talloc_strdup(order, text_of(object, "directory"));
    order->plugin_dirs = talloc_strdup(order, text_of(object, "plugin_dirs"));
    order->plugin_owner = (uid_t)number_of(object, "plugin_owner");
    order->worker = (pid_t)number_of(object, "worker");
    order->limits = (struct kt_job_limits){
        .memory_bytes = (uint64_t)number_of(object, "memory"),
        .output_bytes = (uint64_t)number_of(object, "output"),
        .cpu_ms = number_of(object, "cpu"),
        .time_ms = number_of(object, "time"),
        .needs_network = is_set(object, "network"),
        .needs_local_sockets = is_set(object, "local"),
    };
    order->has_input = is_set(object, "input");
    order->config = read_config(order, object);
    if (!order->plugin || !order->kind || !order->label || !order->argument || !order->directory ||
        !order->plugin_dirs || !order->config) {
        talloc_free(order);
        return -ENOMEM;
    }
    *ret_order = order;
    return order->plugin[0] && order->kind[0] ? 0 : -EBADMSG;
}

int kt_job_order_read(TALLOC_CTX *context, int fd, struct kt_job_order **ret_order)
{
    struct stat status;
    if (fstat(fd, &status) < 0)
        return -errno;
    if (!S_ISREG(status.st_mode) || status.st_size <= 0 || (size_t)status.st_size > ORDER_MAX)
        return -EBADMSG;
    size_t size = (size_t)status.st_size;
    char *text = talloc_size(context, size + 1);
    if (!text)
        return -ENOMEM;
    ssize_t got = pread(fd, text, size, 0);
    text[got > 0 ? got : 0] = '\0';
    cJSON *object = cJSON_Parse(text);
    int result = object ? read_json(context, object, ret_order) : -EBADMSG;
    cJSON_Delete(object);
    talloc_free(text);
    return result;
}
