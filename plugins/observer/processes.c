/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One walk: of those that fit, the best few are kept in a heap whose top is the worst of them; each
 * branch of the tree has a heap of its own. A second walk counts the children of these.
 */
#include "processes.h"

#include <inttypes.h>
#include <kontor/observe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Labels and names are cut here. */
#define TEXT_MAX 96
/** Of the 64 bits of a pid. */
#define PID_DIGITS 16u

struct entry {
    struct kt_observed_process process;
    char label[TEXT_MAX], name[TEXT_MAX];
    uint32_t children;
};

/** The best so far, the worst of them on top. */
struct heap {
    struct entry *entries;
    unsigned limit, used;
};

/** Those that one process has started; KT_PID_NONE: who has no living parent. */
struct branch {
    kt_pid parent;
    uint64_t count;
    struct heap best;
};

struct list {
    const char *search;
    kt_pid searched; /**< the search read as a pid */
    struct branch branches[PROCESSES_BRANCHES_MAX];
    unsigned branch_count; /**< 0: all processes, whoever started them */
    int (*compare)(const struct entry *left, const struct entry *right);
    struct heap best; /**< of all branches, once they are gathered */
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

/** Those that are alike are in the order of their pids: nothing jumps when the page looks again. */
static int order(const struct list *list, const struct entry *left, const struct entry *right)
{
    int result = list->compare(left, right);
    return result != 0 ? result : compare_pid(left, right);
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

static void sift_up(const struct list *list, struct heap *heap, unsigned at)
{
    struct entry *entries = heap->entries;
    while (at > 0 && order(list, &entries[(at - 1) / 2], &entries[at]) < 0) {
        swap(&entries[(at - 1) / 2], &entries[at]);
        at = (at - 1) / 2;
    }
}

static void sift_down(const struct list *list, struct heap *heap)
{
    struct entry *entries = heap->entries;
    for (unsigned at = 0, child; (child = 2 * at + 1) < heap->used; at = child) {
        if (child + 1 < heap->used && order(list, &entries[child], &entries[child + 1]) < 0)
            child++;
        if (order(list, &entries[at], &entries[child]) >= 0)
            return;
        swap(&entries[at], &entries[child]);
    }
}

/** Keep an entry if it is among the best. */
static void keep(const struct list *list, struct heap *heap, const struct entry *entry)
{
    if (heap->used < heap->limit) {
        heap->entries[heap->used] = *entry;
        sift_up(list, heap, heap->used++);
    } else if (order(list, entry, &heap->entries[0]) < 0) {
        heap->entries[0] = *entry;
        sift_down(list, heap);
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

static void copy_text(char ret_text[TEXT_MAX], const char *text)
{
    size_t length = text ? strnlen(text, TEXT_MAX - 1) : 0;
    if (length > 0)
        memcpy(ret_text, text, length);
    ret_text[length] = '\0';
}

static void visit(const struct kt_observed_process *process, void *argument)
{
    struct list *list = argument;
    struct heap *heap = &list->best;
    if (list->branch_count > 0) {
        struct branch *branch = branch_of(list, process);
        if (!branch)
            return;
        branch->count++;
        heap = &branch->best;
    }
    if (!fits(process, list))
        return;
    list->count++;
    struct entry entry = {.process = *process};
    copy_text(entry.label, process->label);
    copy_text(entry.name, process->name);
    keep(list, heap, &entry);
}

/** Put what the branches have kept behind each other: their heaps are parts of one array. */
static void join_branches(struct list *list)
{
    struct heap *all = &list->best;
    for (unsigned i = 0; i < list->branch_count; i++) {
        const struct heap *part = &list->branches[i].best;
        memmove(&all->entries[all->used], part->entries, part->used * sizeof *part->entries);
        all->used += part->used;
    }
}

/** In the order of pids: where this one is, or NULL. */
static struct entry *find(struct list *list, kt_pid pid)
{
    unsigned low = 0, high = list->best.used;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        if (list->best.entries[middle].process.pid < pid)
            low = middle + 1;
        else
            high = middle;
    }
    return low < list->best.used && list->best.entries[low].process.pid == pid
               ? &list->best.entries[low]
               : NULL;
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
    for (unsigned i = 0; i < list->best.used; i++)
        if (kt_observe_process(list->best.entries[i].process.pid, &now))
            list->best.entries[i].process.memory_bytes = now.memory_bytes;
    qsort(list->best.entries, list->best.used, sizeof *list->best.entries, compare_entries_pid);
    kt_observe_processes(false, count_child, list);
}

/** From a heap, or anything, to the best first. */
static void sort(struct list *list)
{
    struct heap *heap = &list->best;
    unsigned count = heap->used;
    heap->used = 0;
    while (heap->used < count)
        sift_up(list, heap, heap->used++);
    for (unsigned last = count; last > 1; last--) {
        swap(&heap->entries[0], &heap->entries[last - 1]);
        heap->used = last - 1;
        sift_down(list, heap);
    }
    heap->used = count;
}

/* ---------------------------------------------------------------- pids as text */

bool processes_read_pid(const char *text, kt_pid *ret_pid)
{
    size_t length = strspn(text, "0123456789abcdefABCDEF");
    *ret_pid = KT_PID_NONE;
    if (length == 0 || length > PID_DIGITS || text[length] != '\0')
        return false;
    *ret_pid = strtoull(text, NULL, 16);
    return true;
}

static void add_pid(cJSON *json, const char *name, kt_pid pid)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIx64, pid);
    cJSON_AddStringToObject(json, name, text);
}

/* ---------------------------------------------------------------- the answer */

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

/** Room for those that are kept. @return false: no memory */
static bool make_room(struct list *list, unsigned limit)
{
    if (list->branch_count > 0)
        limit = list->branch_count * PROCESSES_BRANCH_MAX;
    list->best.entries = talloc_zero_array(kt_self_memory(), struct entry, limit);
    list->best.limit = limit;
    for (unsigned i = 0; list->best.entries && i < list->branch_count; i++)
        list->branches[i].best =
            (struct heap){.entries = &list->best.entries[i * PROCESSES_BRANCH_MAX],
                          .limit = PROCESSES_BRANCH_MAX};
    return list->best.entries != NULL;
}

cJSON *processes_list(const cJSON *question)
{
    double limit = cJSON_GetNumberValue(cJSON_GetObjectItem(question, "limit"));
    struct list list = {
        .search = text_of(question, "search"),
        .compare = compare_by(text_of(question, "sort")),
    };
    cJSON *json = cJSON_CreateObject(), *array = cJSON_AddArrayToObject(json, "processes");
    processes_read_pid(list.search, &list.searched);
    read_branches(&list, text_of(question, "parents"));
    if (make_room(&list, limit >= 1 && limit < PROCESSES_MAX ? (unsigned)limit : PROCESSES_MAX)) {
        /* to count the memory of each takes a while: only when it decides */
        kt_observe_processes(list.compare == compare_memory, visit, &list);
        join_branches(&list);
        complete(&list);
        sort(&list);
    }
    for (unsigned i = 0; i < list.best.used; i++)
        cJSON_AddItemToArray(array, make_entry(&list.best.entries[i]));
    cJSON_AddNumberToObject(json, "count", (double)list.count);
    add_branches(json, &list);
    talloc_free(list.best.entries);
    return json;
}
