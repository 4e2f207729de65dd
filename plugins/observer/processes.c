/* SPDX-License-Identifier: BSD-2-Clause */
/* One walk; of those that fit, the best few are kept in a heap whose top is the worst of them. */
#include "processes.h"

#include <inttypes.h>
#include <kontor/observe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Labels and names are cut here. */
#define TEXT_MAX 96

struct entry {
    struct kt_observed_process process;
    char label[TEXT_MAX], name[TEXT_MAX];
};

struct list {
    const char *search;
    int (*compare)(const struct entry *left, const struct entry *right);
    struct entry *entries;
    unsigned limit, used;
    uint64_t count;
};

static int compare_memory(const struct entry *left, const struct entry *right)
{
    size_t a = left->process.memory_bytes, b = right->process.memory_bytes;
    return (a < b) - (a > b);
}

static int compare_messages(const struct entry *left, const struct entry *right)
{
    uint32_t a = left->process.messages, b = right->process.messages;
    return (a < b) - (a > b);
}

static int compare_label(const struct entry *left, const struct entry *right)
{
    return strcmp(left->label, right->label);
}

static int compare_pid(const struct entry *left, const struct entry *right)
{
    return (left->process.pid > right->process.pid) - (left->process.pid < right->process.pid);
}

static void swap(struct entry *left, struct entry *right)
{
    struct entry kept = *left;
    *left = *right;
    *right = kept;
}

static void sift_up(struct list *list, unsigned at)
{
    while (at > 0 && list->compare(&list->entries[(at - 1) / 2], &list->entries[at]) < 0) {
        swap(&list->entries[(at - 1) / 2], &list->entries[at]);
        at = (at - 1) / 2;
    }
}

static void sift_down(struct list *list)
{
    for (unsigned at = 0, child; (child = 2 * at + 1) < list->used; at = child) {
        if (child + 1 < list->used &&
            list->compare(&list->entries[child], &list->entries[child + 1]) < 0)
            child++;
        if (list->compare(&list->entries[at], &list->entries[child]) >= 0)
            return;
        swap(&list->entries[at], &list->entries[child]);
    }
}

static bool fits(const struct kt_observed_process *process, const char *search)
{
    char pid[24];
    snprintf(pid, sizeof pid, "%" PRIx64, process->pid);
    return !*search || strcasestr(process->label, search) || strcmp(pid, search) == 0 ||
           (process->name && strcasestr(process->name, search)) ||
           (process->plugin && strcasestr(process->plugin, search));
}

static void visit(const struct kt_observed_process *process, void *argument)
{
    struct list *list = argument;
    struct entry entry = {.process = *process};
    if (!fits(process, list->search))
        return;
    list->count++;
    snprintf(entry.label, sizeof entry.label, "%s", process->label);
    snprintf(entry.name, sizeof entry.name, "%s", process->name ? process->name : "");
    if (list->used < list->limit) {
        list->entries[list->used] = entry;
        sift_up(list, list->used++);
    } else if (list->compare(&entry, &list->entries[0]) < 0) {
        list->entries[0] = entry;
        sift_down(list);
    }
}

static int (*compare_by(const char *sort))(const struct entry *left, const struct entry *right)
{
    if (strcmp(sort, "memory") == 0)
        return compare_memory;
    if (strcmp(sort, "messages") == 0)
        return compare_messages;
    return strcmp(sort, "label") == 0 ? compare_label : compare_pid;
}

static void add_pid(cJSON *json, const char *name, kt_pid pid)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIx64, pid);
    cJSON_AddStringToObject(json, name, text);
}

static cJSON *make_entry(const struct entry *entry)
{
    const struct kt_observed_process *process = &entry->process;
    cJSON *json = cJSON_CreateObject();
    add_pid(json, "pid", process->pid);
    add_pid(json, "parent", process->parent);
    cJSON_AddStringToObject(json, "label", entry->label);
    cJSON_AddStringToObject(json, "name", entry->name);
    cJSON_AddStringToObject(json, "plugin", process->plugin ? process->plugin : "");
    cJSON_AddStringToObject(json, "kind", process->kind);
    cJSON_AddStringToObject(json, "state", process->state);
    cJSON_AddBoolToObject(json, "has_stack", process->has_stack);
    cJSON_AddNumberToObject(json, "messages", process->messages);
    cJSON_AddNumberToObject(json, "memory_bytes", (double)process->memory_bytes);
    return json;
}

cJSON *processes_list(const char *search, const char *sort, unsigned limit)
{
    struct list list = {.search = search,
                        .compare = compare_by(sort),
                        .limit = limit > 0 && limit < PROCESSES_MAX ? limit : PROCESSES_MAX};
    cJSON *json = cJSON_CreateObject(), *array = cJSON_AddArrayToObject(json, "processes");
    list.entries = calloc(list.limit, sizeof *list.entries);
    if (list.entries)
        kt_observe_processes(true, visit, &list);
    /* the worst is on top: take it off, and put it at the end */
    for (unsigned used = list.used; used > 1; used--) {
        swap(&list.entries[0], &list.entries[used - 1]);
        list.used = used - 1;
        sift_down(&list);
    }
    unsigned kept = list.count < list.limit ? (unsigned)list.count : list.limit;
    for (unsigned i = 0; list.entries && i < kept; i++)
        cJSON_AddItemToArray(array, make_entry(&list.entries[i]));
    cJSON_AddNumberToObject(json, "count", (double)list.count);
    free(list.entries);
    return json;
}
