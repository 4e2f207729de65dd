/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of processes within this worker: a hash table of chains that grows with what is in it. */
#include "process/scheduler.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 63u
#define BUCKETS_MIN 64u

struct kt_name {
    struct kt_name *next;
    struct kt_process *process;
    char text[];
};

static struct {
    struct kt_name **buckets;
    size_t bucket_count; /**< 0 or a power of two */
    size_t count;
} names;

/** FNV-1a: the names are the operator's and the plugins' own, nobody can attack the table. */
static size_t hash(const char *text)
{
    uint64_t value = 0xcbf29ce484222325u;
    for (; *text; text++)
        value = (value ^ (unsigned char)*text) * 0x100000001b3u;
    return (size_t)(value ^ value >> 32);
}

static struct kt_name **find(const char *text)
{
    if (!names.bucket_count)
        return NULL;
    struct kt_name **place = &names.buckets[hash(text) & (names.bucket_count - 1)];
    while (*place && strcmp((*place)->text, text) != 0)
        place = &(*place)->next;
    return place;
}

static int grow(void)
{
    size_t count = names.bucket_count ? names.bucket_count * 2 : BUCKETS_MIN;
    struct kt_name **buckets = calloc(count, sizeof *buckets);
    if (!buckets)
        return -ENOMEM;
    for (size_t i = 0; i < names.bucket_count; i++) {
        while (names.buckets[i]) {
            struct kt_name *name = names.buckets[i];
            names.buckets[i] = name->next;
            struct kt_name **place = &buckets[hash(name->text) & (count - 1)];
            name->next = *place;
            *place = name;
        }
    }
    free(names.buckets);
    names.buckets = buckets;
    names.bucket_count = count;
    return 0;
}

int kt_name_give(struct kt_process *process, const char *text)
{
    size_t length = text ? strlen(text) : 0;
    if (length == 0 || length > NAME_MAX_BYTES)
        return -EINVAL;
    if (process->name)
        return -EALREADY;
    if (names.count >= names.bucket_count && grow() < 0)
        return -ENOMEM;
    struct kt_name **place = find(text);
    if (*place)
        return -EEXIST;
    struct kt_name *name = malloc(sizeof *name + length + 1);
    if (!name)
        return -ENOMEM;
    *name = (struct kt_name){NULL, process};
    memcpy(name->text, text, length + 1);
    *place = process->name = name;
    names.count++;
    return 0;
}

void kt_name_release(struct kt_process *process)
{
    if (!process->name)
        return;
    struct kt_name **place = find(process->name->text);
    *place = process->name->next;
    free(process->name);
    process->name = NULL;
    names.count--;
}

const char *kt_name_text(const struct kt_name *name)
{
    return name->text;
}

void kt_name_close(void)
{
    free(names.buckets);
    memset(&names, 0, sizeof names);
}

int kt_register(const char *name)
{
    return kt_name_give(runtime.current, name);
}

void kt_unregister(void)
{
    kt_name_release(runtime.current);
}

kt_pid kt_whereis(const char *name)
{
    struct kt_name **place = find(name);
    return place && *place ? (*place)->process->pid : KT_PID_NONE;
}
