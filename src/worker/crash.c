/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Last words of a worker. The handler runs on a stack of its own, since the one that failed may
 * have overflowed; it stores the essentials first and the backtrace last, which may fail itself.
 */
#include "config.h"

#include "worker/crash.h"

#include "plugin/plugin.h"
#include "process/runtime.h"

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
    const struct kt_plugin *plugin = kt_self_plugin();
    const char *label = kt_self_label();
    note->code = info->si_code;
    note->address = (uintptr_t)info->si_addr;
    note->is_inside_process = label != NULL;
    copy_name(note->process, label);
    copy_name(note->plugin, plugin != NULL ? plugin->descriptor->name : NULL);
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

int kt_crash_watch(struct kt_note *note)
{
    note->module_count = 0;
    dl_iterate_phdr(add_module, note);
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
    if (!note->is_inside_process)
        snprintf(buffer, size, "%s, outside of any process", what);
    else if (note->plugin[0] == '\0')
        snprintf(buffer, size, "%s in process '%s' of kontor itself", what, note->process);
    else
        snprintf(buffer, size, "%s in process '%s' of plugin '%s'", what, note->process,
                 note->plugin);
    return true;
}

bool kt_crash_frame(const struct kt_note *note, int index, char *buffer, size_t size)
{
    if (index >= atomic_load(&note->frame_count) || index >= KT_NOTE_FRAMES_MAX)
        return false;
    uintptr_t address = note->frames[index];
    for (uint32_t i = 0; i < note->module_count; i++) {
        const struct kt_note_module *module = &note->modules[i];
        if (address >= module->begin && address < module->end) {
            snprintf(buffer, size, "%s+0x%" PRIxPTR, module->name, address - module->begin);
            return true;
        }
    }
    snprintf(buffer, size, "0x%" PRIxPTR, address);
    return true;
}
