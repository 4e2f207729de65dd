/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of processes: slots in chunks that never move, a free list, and pids that carry the
 * slot's generation, so that an old pid never names a new process.
 *
 * A pid is generation << 32 | node << KT_NODE_SHIFT | slot + 1. Generations begin anywhere, so that
 * a pid of a worker that has died does not name a process of the one that came after it.
 */
#include "process/scheduler.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 1024u
#define SLOTS_MAX KT_PROCESSES_MAX

static struct {
    struct kt_process **chunks;
    uint32_t used, limit; /**< slots ever used; slots allowed */
    kt_pid base;          /**< what every new pid begins with */
    struct kt_process *free;
} table;

_Static_assert(sizeof(struct kt_process) <= 200, "a process has outgrown its budget");

int kt_table_start(uint32_t limit, uint32_t node, uint32_t first_generation)
{
    table.base = (kt_pid)first_generation << 32 | (kt_pid)node << KT_NODE_SHIFT;
    table.limit = limit < SLOTS_MAX ? limit : SLOTS_MAX;
    table.chunks = calloc((table.limit + CHUNK - 1) / CHUNK, sizeof *table.chunks);
    return table.chunks ? 0 : -ENOMEM;
}

void kt_table_close(void)
{
    for (uint32_t i = 0; i < (table.used + CHUNK - 1) / CHUNK; i++)
        free(table.chunks[i]);
    free(table.chunks);
    memset(&table, 0, sizeof table);
}

struct kt_process *kt_table_slot(uint32_t index)
{
    return index < table.used ? &table.chunks[index / CHUNK][index % CHUNK] : NULL;
}

struct kt_process *kt_process_find(kt_pid pid)
{
    struct kt_process *process = kt_table_slot(((uint32_t)pid & KT_PROCESSES_MAX) - 1);
    return process && process->pid == pid && process->state != KT_STATE_FREE ? process : NULL;
}

struct kt_process *kt_process_new(void)
{
    struct kt_process *process = table.free;
    if (process) {
        table.free = process->next;
        return process;
    }
    if (table.used == table.limit)
        return NULL;
    uint32_t chunk = table.used / CHUNK;
    if (!table.chunks[chunk]) {
        table.chunks[chunk] = calloc(CHUNK, sizeof(struct kt_process));
        if (!table.chunks[chunk])
            return NULL;
    }
    process = &table.chunks[chunk][table.used % CHUNK];
    process->pid = table.base | ++table.used;
    return process;
}

void kt_process_free(struct kt_process *process)
{
    kt_pid next_pid = process->pid + ((kt_pid)1 << 32);
    memset(process, 0, sizeof *process);
    process->pid = next_pid;
    process->next = table.free;
    table.free = process;
}
