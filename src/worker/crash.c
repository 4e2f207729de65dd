/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Last words of a worker. The handler runs on a stack of its own, since the one that failed may
 * have overflowed; it stores the essentials first and the backtrace last, which may fail itself.
 */
#include "config.h"

#include "worker/crash.h"

#include "plugin/plugin.h"

#include <errno.h>
#include <execinfo.h>
#include <inttypes.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/** Room for the handler, the unwinder, and a sanitizer's report behind it. */
#define HANDLER_STACK_BYTES ((size_t)256 * 1024)

static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
#define SIGNAL_COUNT (sizeof(signals) / sizeof(signals[0]))

static struct kt_note *watched;
static struct sigaction previous[SIGNAL_COUNT];

static void copy_name(char *to, const char *from)
{
    size_t i = 0;
    for (; from != NULL && from[i] != '\0' && i < KT_NOTE_NAME_MAX - 1; i++)
        to[i] = from[i];
    to[i] = '\0';
}

static void take_note(struct kt_note *note, int signal, const siginfo_t *info)
{
    struct kt_culprit culprit;
    kt_culprit(&culprit);
    note->code = info->si_code;
    note->address = (uintptr_t)info->si_addr;
    note->place = culprit.is_in_pool                ? KT_NOTE_IN_POOL
                  : culprit.label != NULL           ? KT_NOTE_IN_PROCESS
                  : culprit.plugin != NULL          ? KT_NOTE_AFTER_PROCESS
                  : atomic_load(&note->blamed) != 0 ? KT_NOTE_LOADING
                                                    : KT_NOTE_NOWHERE;
    copy_name(note->process, culprit.label);
    if (note->place != KT_NOTE_LOADING) {
        note->plugin_number = culprit.plugin != NULL ? culprit.plugin->number : 0;
        copy_name(note->plugin, culprit.plugin != NULL ? culprit.plugin->descriptor->name : NULL);
    }
    note->is_stack_overflow = (signal == SIGSEGV || signal == SIGBUS) && info->si_code > 0 &&
                              kt_is_stack_guard(info->si_addr);
    atomic_store(&note->signal, signal);
    void *frames[KT_NOTE_FRAMES_MAX];
    int count = backtrace(frames, KT_NOTE_FRAMES_MAX);
    for (int i = 0; i < count; i++)
        note->frames[i] = (uintptr_t)frames[i];
    atomic_store(&note->frame_count, count);
}

/** Go on as if this handler had not been there. */
static void pass_on(int signal, siginfo_t *info, void *context)
{
    const struct sigaction *action = NULL;
    for (size_t i = 0; i < SIGNAL_COUNT; i++)
        if (signals[i] == signal)
            action = &previous[i];
    if (action != NULL && (action->sa_flags & SA_SIGINFO) != 0 && action->sa_sigaction != NULL) {
        action->sa_sigaction(signal, info, context);
        return;
    }
    /* A fault happens again on return and kills; a signal that was sent must be sent again. */
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigaction(signal, &standard, NULL);
    if (info->si_code <= 0)
        raise(signal);
}

static void on_crash(int signal, siginfo_t *info, void *context)
{
    int nobody = 0;
    static _Atomic int is_taken;
    if (atomic_compare_exchange_strong(&is_taken, &nobody, 1))
        take_note(watched, signal, info);
    pass_on(signal, info, context);
}

static int add_module(struct dl_phdr_info *info, size_t size, void *argument)
{
    struct kt_note *note = argument;
    (void)size;
    if (note->module_count == KT_NOTE_MODULES_MAX)
        return 1;
    struct kt_note_module *module = &note->modules[note->module_count];
    module->begin = UINTPTR_MAX;
    module->end = 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        if (header->p_type != PT_LOAD)
            continue;
        uintptr_t begin = info->dlpi_addr + header->p_vaddr;
        if (begin < module->begin)
            module->begin = begin;
        if (begin + header->p_memsz > module->end)
            module->end = begin + header->p_memsz;
    }
    const char *slash = strrchr(info->dlpi_name, '/');
    copy_name(module->name, slash != NULL             ? slash + 1
                            : info->dlpi_name[0] != 0 ? info->dlpi_name
                                                      : "kontord");
    note->module_count++;
    return 0;
}

void kt_crash_map(struct kt_note *note, const struct kt_plugins *plugins)
{
    note->module_count = 0;
    dl_iterate_phdr(add_module, note);
    for (size_t i = 0; plugins != NULL && i < plugins->count; i++)
        note->plugins[plugins->list[i]->number - 1] = (uintptr_t)plugins->list[i];
}

void kt_crash_blame(struct kt_note *note, uint32_t number, const char *name)
{
    copy_name(note->plugin, name);
    atomic_store(&note->blamed, number);
}

/** The number of the plugin at this address in the worker's memory, 0: none. */
static uint32_t plugin_number(const struct kt_note *note, uintptr_t address)
{
    for (uint32_t i = 0; address != 0 && i < KT_PLUGINS_MAX; i++)
        if (note->plugins[i] == address)
            return i + 1;
    return 0;
}

uint32_t kt_crash_culprit(const struct kt_note *note)
{
    uint32_t blamed = atomic_load(&note->blamed);
    if (blamed != 0)
        return blamed <= KT_PLUGINS_MAX ? blamed : 0;
    if (atomic_load(&note->signal) != 0)
        return note->plugin_number <= KT_PLUGINS_MAX ? note->plugin_number : 0;
    /* no handler ran: it was the process, or the pool, if that worked for one plugin only */
    uint32_t culprit = plugin_number(note, atomic_load(&note->running.process));
    if (culprit != 0)
        return culprit;
    for (size_t i = 0; i < KT_RUNNING_THREADS_MAX; i++) {
        uint32_t number = plugin_number(note, atomic_load(&note->running.threads[i]));
        if (culprit != 0 && number != 0 && number != culprit)
            return 0;
        culprit = number != 0 ? number : culprit;
    }
    return culprit;
}

int kt_crash_watch(struct kt_note *note)
{
    kt_crash_map(note, NULL);
    watched = note;
    /* The first call loads the unwinder, which a signal handler must not do. */
    void *frame;
    backtrace(&frame, 1);
    stack_t stack = {.ss_size = HANDLER_STACK_BYTES};
    stack.ss_sp =
        mmap(NULL, HANDLER_STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack.ss_sp == MAP_FAILED || sigaltstack(&stack, NULL) < 0)
        return -errno;
    struct sigaction action = {.sa_sigaction = on_crash, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < SIGNAL_COUNT; i++)
        if (sigaction(signals[i], &action, &previous[i]) < 0)
            return -errno;
    return 0;
}

static const char *signal_text(int signal)
{
    switch (signal) {
    case SIGSEGV:
        return "segmentation fault";
    case SIGBUS:
        return "bus error";
    case SIGILL:
        return "illegal instruction";
    case SIGFPE:
        return "arithmetic fault";
    case SIGABRT:
        return "abort";
    default:
        return "signal";
    }
}

/** What a plugin's mistake may have written over has no end of its own: nothing is read beyond. */
#define NAME_FORMAT "%.*s"
#define NAME(text) KT_NOTE_NAME_MAX, text

static void describe_place(const struct kt_note *note, const char *what, char *buffer, size_t size)
{
    const char *in_pool =
        note->place == KT_NOTE_IN_POOL ? " in the thread pool, in work of" : " in";
    switch (note->place) {
    case KT_NOTE_IN_PROCESS:
    case KT_NOTE_IN_POOL:
        if (note->plugin[0] == '\0')
            snprintf(buffer, size, "%s%s process '" NAME_FORMAT "' of kontor itself", what, in_pool,
                     NAME(note->process));
        else
            snprintf(buffer, size, "%s%s process '" NAME_FORMAT "' of plugin '" NAME_FORMAT "'",
                     what, in_pool, NAME(note->process), NAME(note->plugin));
        break;
    case KT_NOTE_AFTER_PROCESS:
        snprintf(buffer, size, "%s after the end of a process of plugin '" NAME_FORMAT "'", what,
                 NAME(note->plugin));
        break;
    case KT_NOTE_LOADING:
        snprintf(buffer, size, "%s while plugin '" NAME_FORMAT "' was loaded", what,
                 NAME(note->plugin));
        break;
    case KT_NOTE_NOWHERE:
    default:
        snprintf(buffer, size, "%s, outside of any process", what);
        break;
    }
}

bool kt_crash_describe(const struct kt_note *note, char *buffer, size_t size)
{
    int signal = atomic_load(&note->signal);
    if (signal == 0)
        return false;
    char what[80];
    if (note->is_stack_overflow)
        snprintf(what, sizeof(what), "stack overflow");
    else if (signal == SIGABRT || note->code <= 0)
        snprintf(what, sizeof(what), "%s", signal_text(signal));
    else
        snprintf(what, sizeof(what), "%s at address 0x%" PRIxPTR, signal_text(signal),
                 note->address);
    describe_place(note, what, buffer, size);
    return true;
}

bool kt_crash_frame(const struct kt_note *note, int index, char *buffer, size_t size)
{
    if (index >= atomic_load(&note->frame_count) || index >= KT_NOTE_FRAMES_MAX)
        return false;
    uintptr_t address = note->frames[index];
    for (uint32_t i = 0; i < note->module_count && i < KT_NOTE_MODULES_MAX; i++) {
        const struct kt_note_module *module = &note->modules[i];
        if (address >= module->begin && address < module->end) {
            snprintf(buffer, size, NAME_FORMAT "+0x%" PRIxPTR, NAME(module->name),
                     address - module->begin);
            return true;
        }
    }
    snprintf(buffer, size, "0x%" PRIxPTR, address);
    return true;
}
