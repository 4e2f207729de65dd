/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A worker's page of shared memory: what it counts, whose code it runs, and its last words. When a
 * worker crashes, its signal handler notes who was running; the master, which outlives it, tells
 * the story. Where no handler runs (SIGKILL, exit), whose code it was is known all the same.
 */
#ifndef KT_CRASH_H
#define KT_CRASH_H

#include "plugin/loader.h"
#include "process/runtime.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KT_NOTE_NAME_MAX 64
#define KT_NOTE_FRAMES_MAX 24
#define KT_NOTE_MODULES_MAX 96

/** Where a module lies in the worker's memory, so that addresses can be named afterwards. */
struct kt_note_module {
    char name[KT_NOTE_NAME_MAX]; /**< its file name without the directory */
    uintptr_t begin, end;
};

/** Where a worker crashed. */
enum kt_note_place {
    KT_NOTE_NOWHERE, /**< outside of any process */
    KT_NOTE_IN_PROCESS,
    KT_NOTE_IN_POOL,       /**< on a thread of the pool, for a process */
    KT_NOTE_AFTER_PROCESS, /**< freeing what a process held */
    KT_NOTE_LOADING,       /**< while a plugin was loaded or checked its options */
};

/** The shared page of one worker: written by the worker, read by the master, which trusts none of
 * its texts and numbers to be in bounds. */
struct kt_note {
    _Atomic uint64_t requests_total; /**< kept up to date by the worker's loop */
    _Atomic uint64_t requests;       /**< running now */
    _Atomic uint64_t processes;      /**< alive now */
    _Atomic uint64_t turns;          /**< of the loop: one that makes none is stuck */

    struct kt_running running;
    _Atomic uint32_t blamed; /**< the number of a plugin at fault though no process runs: it is
                                being loaded, or keeps failing; 0: none */
    uintptr_t plugins[KT_PLUGINS_MAX]; /**< those in `running`, by number - 1; 0: not loaded */

    uint32_t module_count;
    struct kt_note_module modules[KT_NOTE_MODULES_MAX];

    _Atomic int signal;    /**< 0: no crash; set when the fields below are, except frames */
    int code;              /**< si_code */
    uintptr_t address;     /**< the fault's */
    int is_stack_overflow; /**< no bool, which must not be what a stray write makes of it */
    enum kt_note_place place;
    uint32_t plugin_number;         /**< 0: the house's own */
    char plugin[KT_NOTE_NAME_MAX];  /**< "": the house's own; with `blamed`, that one */
    char process[KT_NOTE_NAME_MAX]; /**< its label */
    _Atomic int frame_count;
    uintptr_t frames[KT_NOTE_FRAMES_MAX];
};

/**
 * Note crashes of this OS process from now on, before it dies of them as it would have; handlers
 * that sanitizers have installed run afterwards.
 * @return 0 or a negative errno
 */
int kt_crash_watch(struct kt_note *note);

/** Note where modules and plugins lie in memory. Call when all are loaded. */
void kt_crash_map(struct kt_note *note, const struct kt_plugins *plugins);

/** From now on this plugin is at fault for whatever happens; 0 and NULL: nobody in particular. */
void kt_crash_blame(struct kt_note *note, uint32_t number, const char *name);

/**
 * The plugin at fault for the worker's end, as far as its page tells.
 * @return its number, at most KT_PLUGINS_MAX; 0: none
 */
KT_PUBLIC uint32_t kt_crash_culprit(const struct kt_note *note);

/**
 * The last words: "segmentation fault at address 0x0 in process 'x' of plugin 'y'".
 * @return false when the note tells of no crash
 */
KT_PUBLIC bool kt_crash_describe(const struct kt_note *note, char *buffer, size_t size);

/**
 * Where the index-th call on the stack was: "calendar.so+0x1a2b", for addr2line.
 * @return false at the end
 */
KT_PUBLIC bool kt_crash_frame(const struct kt_note *note, int index, char *buffer, size_t size);

#endif
