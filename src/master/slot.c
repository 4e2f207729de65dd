/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The place of one worker: fork, talk, drain, kill, bury.
 */
#include "config.h"

#include "master/slot.h"

#include "base/word.h"
#include "master/control.h"
#include "base/packet.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

static const char *const state_names[] = {
    [KT_SLOT_EMPTY] = "empty",       [KT_SLOT_STARTING] = "starting", [KT_SLOT_SERVING] = "serving",
    [KT_SLOT_DRAINING] = "draining", [KT_SLOT_KILLED] = "killed",
};

static const char *const generation_state_names[] = {
    [KT_GENERATION_STARTING] = "starting",
    [KT_GENERATION_SERVING] = "serving",
    [KT_GENERATION_RETIRING] = "retiring",
};

const char *kt_slot_state_name(enum kt_slot_state state)
{
    return state_names[state];
}

const char *kt_generation_state_name(enum kt_generation_state state)
{
    return generation_state_names[state];
}

int64_t kt_master_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void set_state(struct kt_slot *slot, enum kt_slot_state state)
{
    kt_log_debug("worker %u of generation %u: %s → %s", slot->number, slot->generation->number,
                 state_names[slot->state], state_names[state]);
    slot->state = state;
}

/* ---------------------------------------------------------------- the slot itself */

static int open_slot(struct kt_slot *slot, const char *run_dir, struct kt_error *error)
{
    const struct kt_settings *settings = slot->generation->settings;
    slot->fd = slot->control_fd = -1;
    slot->control_path =
        talloc_asprintf(slot->generation, "%s/" KT_CONTROL_WORKER_PREFIX "%u-%u%s", run_dir,
                        slot->number, slot->generation->number, KT_CONTROL_SUFFIX);
    slot->restarts =
        kt_restarts_new(slot->generation, settings->restart_intensity, settings->restart_period_ms);
    void *page = mmap(NULL, sizeof(struct kt_note), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED || slot->control_path == NULL || slot->restarts == NULL)
        return kt_error_set(error, -ENOMEM, "out of memory");
    slot->note = page;
    slot->control_fd = kt_control_listen(slot->control_path, error);
    return slot->control_fd < 0 ? slot->control_fd : 0;
}

int kt_slots_open(struct kt_generation *generation, const char *run_dir, struct kt_error *error)
{
    generation->slots = talloc_zero_array(generation, struct kt_slot, generation->count);
    if (generation->slots == NULL)
        return kt_error_set(error, -ENOMEM, "out of memory");
    for (uint32_t i = 0; i < generation->count; i++) {
        generation->slots[i].generation = generation;
        generation->slots[i].number = i + 1;
        generation->slots[i].fd = generation->slots[i].control_fd = -1;
    }
    generation->balance = kt_balance_new(generation->count);
    if (generation->balance == NULL)
        return kt_error_set(error, -ENOMEM, "out of memory");
    for (uint32_t i = 0; i < generation->count; i++) {
        int result = open_slot(&generation->slots[i], run_dir, error);
        if (result < 0)
            return result;
    }
    return 0;
}

void kt_slots_close(struct kt_generation *generation)
{
    for (uint32_t i = 0; generation->slots != NULL && i < generation->count; i++) {
        struct kt_slot *slot = &generation->slots[i];
        if (slot->control_fd >= 0) {
            close(slot->control_fd);
            unlink(slot->control_path);
        }
        if (slot->note != NULL)
            munmap(slot->note, sizeof(*slot->note));
    }
    kt_balance_free(generation->balance);
}

/* ---------------------------------------------------------------- starting */

static int become_user(const struct kt_settings *settings)
{
    if (!settings->has_user || geteuid() != 0)
        return 0;
    if (initgroups(settings->user, settings->gid) < 0 || setgid(settings->gid) < 0 ||
        setuid(settings->uid) < 0) {
        kt_log_error("cannot become the user '%s': %s", settings->user, strerror(errno));
        return -errno;
    }
    return 0;
}

/** Note the plugins in quarantine. @return how many */
static size_t list_left_out(const struct kt_quarantine *quarantine, struct kt_left_out *list)
{
    size_t count = 0;
    for (const struct kt_suspect *suspect = quarantine->suspects; suspect; suspect = suspect->next)
        if (suspect->until_ms != 0 && count < KT_PLUGINS_MAX)
            list[count++] = (struct kt_left_out){suspect->name, suspect->until_ms};
    return count;
}

/** Note the plugins that have crashed workers. @return how many */
static size_t list_past(const struct kt_quarantine *quarantine, struct kt_plugin_past *list)
{
    size_t count = 0;
    for (const struct kt_suspect *suspect = quarantine->suspects; suspect; suspect = suspect->next)
        if (suspect->crashes_total > 0 && count < KT_PLUGINS_MAX)
            list[count++] = (struct kt_plugin_past){suspect->name, suspect->text,
                                                    suspect->crashes_total, suspect->crash_unix_ms};
    return count;
}

int kt_child_begin(const char *name, const struct kt_settings *settings)
{
    char short_name[16]; /* as long as the kernel keeps it */
    snprintf(short_name, sizeof(short_name), "%s", name);
    prctl(PR_SET_NAME, short_name);
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_PID");
    unsetenv("WATCHDOG_USEC");
    return become_user(settings);
}

/** The life of the forked process. @return its exit status */
static int be_worker(struct kt_slot *slot, const struct kt_fork *how, int fd, int registry_fd,
                     pid_t master)
{
    char name[16];
    const struct kt_generation *generation = slot->generation;
    how->close_inherited(how->argument, slot);
    kt_registry_place_close_inherited(how->registry);
    snprintf(name, sizeof(name), "kontord-%u", slot->number);
    if (kt_child_begin(name, generation->settings) < 0)
        return EX_NOPERM;
    /* after the change of user, which clears it; the master may have died before */
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != master)
        return EX_OK;
    struct kt_left_out left_out[KT_PLUGINS_MAX];
    struct kt_plugin_past past[KT_PLUGINS_MAX];
    int fds[KT_LISTENERS_MAX];
    for (unsigned i = 0; i < generation->listeners->count; i++)
        fds[i] = generation->listeners->list[i].fd;
    const struct kt_worker_start start = {
        .number = slot->number,
        .generation = generation->number,
        .config = generation->config,
        .settings = generation->settings,
        .listen_fds = fds,
        .listen_count = generation->listeners->count,
        .control_fd = slot->control_fd,
        .master_fd = fd,
        .registry_fd = registry_fd,
        .directory_fd = how->registry->read_only_fd,
        .node = slot->node,
        .note = slot->note,
        .balance = generation->balance,
        .plugin_owner = how->plugin_owner,
        .left_out = left_out,
        .left_out_count = list_left_out(how->quarantine, left_out),
        .past = past,
        .past_count = list_past(how->quarantine, past),
        .heartbeat_ms =
            (uint64_t)kt_watchdog_interval_ms(generation->settings->stuck_timeout_ms),
        .restarts_total = slot->restarts_before + slot->restart_count,
    };
    return kt_worker_run(&start);
}

int kt_slot_start(struct kt_slot *slot, const struct kt_fork *how, struct kt_error *error)
{
    int fds[2];
    pid_t master = getpid();
    slot->restart_ms = 0;
    int registry_fd = kt_registry_place_connect(how->registry, how->is_node_taken, how->argument,
                                                &slot->node, error);
    if (registry_fd < 0)
        return registry_fd;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0) {
        close(registry_fd);
        return kt_error_set(error, -errno, "no socket for a worker: %s", strerror(errno));
    }
    memset(slot->note, 0, sizeof(*slot->note));
    pid_t pid = fork();
    if (pid == 0) {
        close(fds[0]);
        exit(be_worker(slot, how, fds[1], registry_fd, master));
    }
    int fork_errno = errno;
    close(fds[1]);
    close(registry_fd);
    if (pid < 0) {
        close(fds[0]);
        return kt_error_set(error, -fork_errno, "cannot fork a worker: %s", strerror(fork_errno));
    }
    slot->pid = pid;
    slot->fd = fds[0];
    slot->started_ms = kt_master_now_ms();
    slot->ready_ms = 0;
    slot->quarantine_version = how->quarantine->version;
    slot->life = how->registry->life;
    slot->is_wanted = true;
    slot->is_handing_over = false;
    slot->is_cut_off = false;
    slot->said[0] = '\0';
    slot->deadline_ms = slot->started_ms + slot->generation->settings->start_timeout_ms;
    set_state(slot, KT_SLOT_STARTING);
    return 0;
}

bool kt_slot_read(struct kt_slot *slot, void (*take)(void *argument, int fd), void *argument)
{
    char packet[KT_WORKER_PACKET_MAX + 1];
    bool has_become_ready = false;
    const size_t failed = strlen(KT_WORKER_FAILED);
    for (;;) {
        int fd;
        ssize_t size = kt_packet_receive(slot->fd, packet, sizeof(packet), &fd);
        if (size <= 0 && size != -EAGAIN) {
            close(slot->fd); /* its end will be reaped; nothing more is said */
            slot->fd = -1;
        }
        if (size <= 0)
            return has_become_ready;
        if (fd >= 0)
            take(argument, fd);
        if (strcmp(packet, KT_WORKER_READY) == 0 && slot->state == KT_SLOT_STARTING) {
            slot->ready_ms = kt_master_now_ms();
            kt_watchdog_start(&slot->watchdog, slot->generation->settings->stuck_timeout_ms,
                              slot->ready_ms);
            set_state(slot, KT_SLOT_SERVING);
            has_become_ready = true;
        } else if (strcmp(packet, KT_WORKER_RETIRED) == 0) {
            slot->is_handing_over = false;
        } else if (strcmp(packet, KT_WORKER_CUT_OFF) == 0) {
            slot->is_cut_off = true;
        } else if (strncmp(packet, KT_WORKER_FAILED, failed) == 0) {
            snprintf(slot->said, sizeof(slot->said), "%.*s", KT_ERROR_TEXT_MAX - 1,
                     packet + failed);
        }
    }
}

/* ---------------------------------------------------------------- ending */

static void kill_now(struct kt_slot *slot)
{
    if (slot->state == KT_SLOT_EMPTY || slot->state == KT_SLOT_KILLED)
        return;
    kill(slot->pid, SIGKILL);
    set_state(slot, KT_SLOT_KILLED);
}

void kt_slot_kill(struct kt_slot *slot)
{
    slot->is_wanted = false;
    slot->restart_ms = 0;
    kill_now(slot);
}

void kt_slot_expire(struct kt_slot *slot)
{
    const struct kt_settings *settings = slot->generation->settings;
    if (slot->state == KT_SLOT_STARTING)
        snprintf(slot->said, sizeof(slot->said), "was not ready within start_timeout (%lld ms)",
                 (long long)settings->start_timeout_ms);
    else
        snprintf(slot->said, sizeof(slot->said),
                 "was not done within drain_timeout (%lld ms), what it still ran is lost",
                 (long long)settings->drain_timeout_ms);
    kt_log_warning("worker %u (process %d) %s: killed", slot->number, (int)slot->pid, slot->said);
    kill_now(slot);
}

void kt_slot_look(struct kt_slot *slot, int64_t now_ms)
{
    long long timeout_ms = slot->generation->settings->stuck_timeout_ms;
    switch (kt_watchdog_look(&slot->watchdog, atomic_load(&slot->note->turns), now_ms)) {
    case KT_WATCHDOG_STUCK:
        kt_log_error("worker %u (process %d) has stood still for stuck_timeout (%lld ms): aborting "
                     "it",
                     slot->number, (int)slot->pid, timeout_ms);
        kill(slot->pid, SIGABRT);
        break;
    case KT_WATCHDOG_DEAF:
        snprintf(slot->said, sizeof(slot->said), "stood still for stuck_timeout (%lld ms)",
                 timeout_ms);
        kill_now(slot);
        break;
    case KT_WATCHDOG_WELL:
    default:
        break;
    }
}

int kt_slot_give(struct kt_slot *slot, int fd)
{
    if (slot->state != KT_SLOT_SERVING || slot->fd < 0)
        return -ENOTCONN;
    return kt_packet_send(slot->fd, KT_WORKER_CONNECTION, fd);
}

void kt_slot_drain(struct kt_slot *slot, bool has_heirs)
{
    slot->is_wanted = false;
    slot->restart_ms = 0;
    if (slot->state != KT_SLOT_STARTING && slot->state != KT_SLOT_SERVING)
        return;
    if (slot->fd < 0 ||
        kt_packet_send(slot->fd, has_heirs ? KT_WORKER_RETIRE : KT_WORKER_DRAIN, -1) < 0)
        kill(slot->pid, SIGTERM);
    else
        slot->is_handing_over = has_heirs;
    slot->deadline_ms = kt_master_now_ms() + slot->generation->settings->drain_timeout_ms;
    set_state(slot, KT_SLOT_DRAINING);
}

/** How it ended as the system tells it, or itself before that; "" when in good order. */
static void describe_status(const struct kt_slot *slot, int status, char *text, size_t size)
{
    if (slot->said[0] != '\0')
        snprintf(text, size, "%s", slot->said);
    else if (WIFSIGNALED(status) && slot->state == KT_SLOT_KILLED)
        return;
    else if (WIFSIGNALED(status) && (slot->is_wanted || WTERMSIG(status) != SIGTERM))
        snprintf(text, size, "killed by signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else if (WIFEXITED(status) && WEXITSTATUS(status) != EX_OK)
        snprintf(text, size, "exit status %d", WEXITSTATUS(status));
    else if (slot->is_wanted)
        snprintf(text, size, "ended without being told to");
}

/** How it ended, in words; "" when in good order. */
static void describe_end(const struct kt_slot *slot, int status, char *text, size_t size)
{
    text[0] = '\0';
    if (kt_crash_describe(slot->note, text, size))
        return;
    describe_status(slot, status, text, size);
    size_t used = strlen(text);
    if (used > 0 && slot->culprit[0] != '\0' && slot->said[0] == '\0')
        snprintf(text + used, size - used, " while plugin '%s' was running", slot->culprit);
}

/** Keep the backtrace in words, and tell the log. */
static void keep_backtrace(struct kt_slot *slot)
{
    char frame[KT_NOTE_NAME_MAX + 24];
    size_t used = 0;
    slot->backtrace[0] = '\0';
    for (int i = 0; kt_crash_frame(slot->note, i, frame, sizeof(frame)); i++)
        if (used + strlen(frame) + 2 < sizeof(slot->backtrace))
            used += (size_t)snprintf(slot->backtrace + used, sizeof(slot->backtrace) - used, "%s%s",
                                     used > 0 ? " " : "", frame);
    if (used > 0)
        kt_log_info("worker %u (process %d) was at: %s", slot->number, (int)slot->pid,
                    slot->backtrace);
}

/** Find out which plugin is at fault for this end, if somebody may be. */
static void keep_culprit(struct kt_slot *slot, bool may_be)
{
    const char *cursor = slot->generation->settings->plugins, *word = "";
    size_t length = 0;
    uint32_t number = may_be ? kt_crash_culprit(slot->note) : 0;
    for (uint32_t i = 0; i < number; i++)
        length = kt_word_next(&cursor, &word);
    snprintf(slot->culprit, sizeof(slot->culprit), "%.*s", (int)length, word);
}

/** A worker that had been ready died: decide when the next one starts. */
static void plan_restart(struct kt_slot *slot, const char *words)
{
    bool is_first;
    int64_t now = kt_master_now_ms();
    int64_t lifetime = slot->ready_ms > 0 ? now - slot->ready_ms : 0;
    int64_t pause = kt_restarts_pause(slot->restarts, now, lifetime, &is_first);
    const struct kt_settings *settings = slot->generation->settings;
    slot->restart_ms = now + pause;
    slot->restart_count++;
    if (is_first)
        kt_log_error("worker %u died more than %u times within %lld ms: it is restarted with "
                     "pauses of up to %d s from now on",
                     slot->number, settings->restart_intensity,
                     (long long)settings->restart_period_ms, KT_RESTART_PAUSE_LAST_MS / 1000);
    if (pause > 0)
        kt_log_error("worker %u (process %d): %s; restarting in %lld ms", slot->number,
                     (int)slot->pid, words, (long long)pause);
    else
        kt_log_error("worker %u (process %d): %s; restarting", slot->number, (int)slot->pid, words);
}

static void keep_failure(struct kt_slot *slot, const char *words)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(slot->failure, sizeof(slot->failure), "%s", words);
    slot->failure_unix_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static enum kt_slot_end bury(struct kt_slot *slot, int status)
{
    char words[KT_ERROR_TEXT_MAX];
    enum kt_slot_end end = KT_SLOT_ENDED;
    /* one that took too long to end is not a failure of the plugin that it ran */
    keep_culprit(slot, slot->is_wanted || slot->state != KT_SLOT_KILLED);
    describe_end(slot, status, words, sizeof(words));
    slot->requests_before += atomic_load(&slot->note->requests_total);
    atomic_store(&slot->note->requests_total, 0);
    if (words[0] != '\0')
        keep_failure(slot, words);
    if (slot->is_wanted && (slot->ready_ms > 0 || slot->restart_count > 0)) {
        plan_restart(slot, words);
        end = KT_SLOT_CRASHED;
    } else if (slot->is_wanted) {
        if (slot->said[0] == '\0') /* else it has told the log itself */
            kt_log_error("worker %u (process %d) did not get ready: %s", slot->number,
                         (int)slot->pid, words);
        end = KT_SLOT_FAILED;
    } else if (words[0] != '\0' && slot->said[0] == '\0') {
        kt_log_error("worker %u (process %d), while it was ending: %s", slot->number,
                     (int)slot->pid, words);
    }
    keep_backtrace(slot);
    return end;
}

enum kt_slot_end kt_slot_reap(struct kt_slot *slot, void (*take)(void *argument, int fd),
                              void *argument)
{
    int status;
    if (slot->pid == 0 || waitpid(slot->pid, &status, WNOHANG) != slot->pid)
        return KT_SLOT_STILL_THERE;
    if (slot->fd >= 0)
        kt_slot_read(slot, take, argument); /* its last words */
    kt_balance_leave(slot->generation->balance, slot->number - 1);
    enum kt_slot_end end = bury(slot, status);
    if (slot->fd >= 0)
        close(slot->fd);
    slot->fd = -1;
    slot->pid = 0;
    slot->is_handing_over = false;
    set_state(slot, KT_SLOT_EMPTY);
    return end;
}
