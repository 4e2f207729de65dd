/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A worker's page of shared memory: what it counts, and its last words. When a worker crashes, its
 * signal handler notes who was running; the master, which outlives it, tells the story.
 */
#ifndef KT_CRASH_H
#define KT_CRASH_H

#include <kontor/error.h>
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

/** The shared page of one worker: written by the worker, read by the master. */
struct kt_note {
    _Atomic uint64_t requests_total; /**< kept up to date by the worker's loop */
    _Atomic uint64_t requests;       /**< running now */
    _Atomic uint64_t processes;      /**< alive now */

    uint32_t module_count; /**< set before anything can crash */
    struct kt_note_module modules[KT_NOTE_MODULES_MAX];

    _Atomic int signal; /**< 0: no crash; set when the fields below are, except frames */
    int code;           /**< si_code */
    uintptr_t address;  /**< the fault's */
    bool is_stack_overflow;
    bool is_inside_process;
    char plugin[KT_NOTE_NAME_MAX];  /**< "": the house's own */
    char process[KT_NOTE_NAME_MAX]; /**< its label */
    _Atomic int frame_count;
    uintptr_t frames[KT_NOTE_FRAMES_MAX];
};

/**
 * Note crashes of this OS process from now on, before it dies of them as it would have. Call when
 * all modules are loaded; handlers that sanitizers have installed run afterwards.
 * @return 0 or a negative errno
 */
int kt_crash_watch(struct kt_note *note);

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
