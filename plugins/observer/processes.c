/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One walk: of those that fit, the best few are kept in a heap whose top is the worst of them. A
 * second one counts the children of these.
 */
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
    uint32_t children;
};

/** Those that one process has started; KT_PID_NONE: who has no living parent. */
struct branch {
    kt_pid parent;
    uint64_t count;
};

struct list {
    const char *search;
    kt_pid searched; /**< the search read as a pid */
    struct branch branches[PROCESSES_BRANCHES_MAX];
    unsigned branch_count; /**< 0: all processes, whoever started them */
    int (*compare)(const struct entry *left, const struct entry *right);
    struct entry *entries; /**< while it is collected a heap, the worst on top */
    unsigned limit, used;
    uint64_t count;
};

/* ---------------------------------------------------------------- orders, the first is the best */

#define MORE_FIRST(name, field)                                                                    \
    static int name(const struct entry *left, const struct entry *right)                           \
    {                                                                                              \
        return (left->process.field < right->process.field) -                                      \
               (left->process.field > right->process.field);                                       \
    }

MORE_FIRST(compare_memory, memory_bytes)
MORE_FIRST(compare_messages, messages)
MORE_FIRST(compare_time, run_us)
MORE_FIRST(compare_turns, turns)
MORE_FIRST(compare_age, age_ms)
MORE_FIRST(compare_restarts, restarts)

static int compare_label(const struct entry *left, const struct entry *right)
{
    return strcmp(left->label, right->label);
}

static int compare_pid(const struct entry *left, const struct entry *right)
{
    return (left->process.pid > right->process.pid) - (left->process.pid < right->process.pid);
}

static int (*compare_by(const char *sort))(const struct entry *left, const struct entry *right)
{
    static const struct {
        const char *name;
        int (*compare)(const struct entry *left, const struct entry *right);
    } orders[] = {
        {"memory", compare_memory}, {"messages", compare_messages}, {"time", compare_time},
        {"turns", compare_turns},   {"age", compare_age},           {"restarts", compare_restarts},
        {"label", compare_label},
    };
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++)
        if (strcmp(sort, orders[i].name) == 0)
            return orders[i].compare;
    return compare_pid;
}

/* ---------------------------------------------------------------- the heap */

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

/* ---------------------------------------------------------------- the walk */

static bool has(const char *text, const char *search)
{
    return text && strcasestr(text, search);
}

static bool fits(const struct kt_observed_process *process, const struct list *list)
{
    const char *search = list->search;
    return !*search || process->pid == list->searched || has(process->label, search) ||
           has(process->name, search) || has(process->plugin, search) ||
           has(process->kind, search) || has(process->state, search) ||
           has(process->waits_for, search);
}

/** The branch that a process is on; NULL: none that was asked for. */
static struct branch *branch_of(struct list *list, const struct kt_observed_process *process)
{
    for (unsigned i = 0; i < list->branch_count; i++) {
        struct branch *branch = &list->branches[i];
        if (branch->parent == process->parent ||
            (branch->parent == KT_PID_NONE && !kt_is_alive(process->parent)))
            return branch;
    }
    return NULL;
}

static void visit(const struct kt_observed_process *process, void *argument)
{
    struct list *list = argument;
    struct entry entry = {.process = *process};
    if (list->branch_count > 0) {
        struct branch *branch = branch_of(list, process);
        if (!branch || ++branch->count > PROCESSES_BRANCH_MAX)
            return;
    }
    if (!fits(process, list))
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

/** In the order of pids: where this one is, or NULL. */
static struct entry *find(struct list *list, kt_pid pid)
{
    unsigned low = 0, high = list->used;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        if (list->entries[middle].process.pid < pid)
            low = middle + 1;
        else
            high = middle;
    }
    return low < list->used && list->entries[low].process.pid == pid ? &list->entries[low] : NULL;
}

static void count_child(const struct kt_observed_process *process, void *argument)
{
    struct entry *parent = find(argument, process->parent);
    if (parent)
        parent->children++;
}

static int compare_entries_pid(const void *left, const void *right)
{
    return compare_pid(left, right);
}

/** What only those that are shown need: their memory and how many children they have. */
static void complete(struct list *list)
{
    struct kt_observed_process now;
    for (unsigned i = 0; i < list->used; i++)
        if (kt_observe_process(list->entries[i].process.pid, &now))
            list->entries[i].process.memory_bytes = now.memory_bytes;
    qsort(list->entries, list->used, sizeof *list->entries, compare_entries_pid);
    kt_observe_processes(false, count_child, list);
}

/** From a heap, or anything, to the best first. */
static void sort(struct list *list)
{
    unsigned count = list->used;
    list->used = 0;
    while (list->used < count)
        sift_up(list, list->used++);
    for (unsigned last = count; last > 1; last--) {
        swap(&list->entries[0], &list->entries[last - 1]);
        list->used = last - 1;
        sift_down(list);
    }
    list->used = count;
}

/* ---------------------------------------------------------------- the answer */

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
    cJSON_AddStringToObject(json, "waits_for", process->waits_for);
    cJSON_AddBoolToObject(json, "has_stack", process->has_stack);
    cJSON_AddNumberToObject(json, "messages", process->messages);
    cJSON_AddNumberToObject(json, "memory_bytes", (double)process->memory_bytes);
    cJSON_AddNumberToObject(json, "age_ms", (double)process->age_ms);
    cJSON_AddNumberToObject(json, "turns", (double)process->turns);
    cJSON_AddNumberToObject(json, "run_us", (double)process->run_us);
    cJSON_AddNumberToObject(json, "restarts", process->restarts);
    cJSON_AddNumberToObject(json, "children", entry->children);
    return json;
}

static const char *text_of(const cJSON *question, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(question, name));
    return text ? text : "";
}

static void read_branches(struct list *list, const char *text)
{
    char *end;
    while (*text && list->branch_count < PROCESSES_BRANCHES_MAX) {
        list->branches[list->branch_count++].parent = strtoull(text, &end, 16);
        text = *end == ',' ? end + 1 : "";
    }
}

static void add_branches(cJSON *json, const struct list *list)
{
    cJSON *array = cJSON_AddArrayToObject(json, "branches");
    for (unsigned i = 0; i < list->branch_count; i++) {
        cJSON *branch = cJSON_CreateObject();
        add_pid(branch, "pid", list->branches[i].parent);
        cJSON_AddNumberToObject(branch, "count", (double)list->branches[i].count);
        cJSON_AddItemToArray(array, branch);
    }
}

cJSON *processes_list(const cJSON *question)
{
    double limit = cJSON_GetNumberValue(cJSON_GetObjectItem(question, "limit"));
    struct list list = {
        .search = text_of(question, "search"),
        .searched = strtoull(text_of(question, "search"), NULL, 16),
        .compare = compare_by(text_of(question, "sort")),
        .limit = limit >= 1 && limit < PROCESSES_MAX ? (unsigned)limit : PROCESSES_MAX,
    };
    cJSON *json = cJSON_CreateObject(), *array = cJSON_AddArrayToObject(json, "processes");
    read_branches(&list, text_of(question, "parents"));
    if (list.branch_count > 0)
        list.limit = list.branch_count * PROCESSES_BRANCH_MAX;
    list.entries = talloc_zero_array(kt_self_memory(), struct entry, list.limit);
    if (list.entries) {
        /* to count the memory of each takes a while: only when it decides */
        kt_observe_processes(list.compare == compare_memory, visit, &list);
        complete(&list);
        sort(&list);
    }
    for (unsigned i = 0; i < list.used; i++)
        cJSON_AddItemToArray(array, make_entry(&list.entries[i]));
    cJSON_AddNumberToObject(json, "count", (double)list.count);
    add_branches(json, &list);
    talloc_free(list.entries);
    return json;
}
