/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The master's loop: signals, the control socket, what workers say, and times. Everything it waits
 * for is in one poll(2); everything it does is done without waiting.
 */
#include "config.h"

#include "master/master.h"

#include "master/control.h"
#include "master/daemon.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

/** Signals that are taken from one read. */
#define SIGNALS_AT_ONCE 16
/** What is polled besides the workers: signals, registry, control socket and its clients. */
#define FIXED_FDS (3 + KT_MASTER_CLIENTS_MAX)
/** While a client of the control socket may be cut off, look that often. */
#define CONTROL_TICK_MS 1000

static const char *const state_names[] = {
    [KT_MASTER_STARTING] = "starting",
    [KT_MASTER_RUNNING] = "running",
    [KT_MASTER_STOPPING] = "stopping",
};

const char *kt_master_state_name(enum kt_master_state state)
{
    return state_names[state];
}

static void set_state(struct kt_master *master, enum kt_master_state state)
{
    kt_log_debug("the master is %s after being %s", state_names[state], state_names[master->state]);
    master->state = state;
}

/* ---------------------------------------------------------------- log */

/** Open the log as the settings say. @return 0 or -ENOENT with the words */
static int open_log(const struct kt_master *master, const struct kt_settings *settings,
                    struct kt_error *error)
{
    enum kt_log_target target = KT_LOG_TARGET_STDERR;
    if (settings->log == KT_LOG_CHOICE_JOURNAL ||
        (settings->log == KT_LOG_CHOICE_AUTO && !master->is_foreground && kt_log_has_journal()))
        target = KT_LOG_TARGET_JOURNAL;
    if (kt_log_open(target, settings->log_level) < 0)
        return kt_error_set(error, -ENOENT, "log is 'journal', but this machine has none");
    if (target == KT_LOG_TARGET_JOURNAL && !master->is_foreground && isatty(STDERR_FILENO))
        dup2(STDIN_FILENO, STDERR_FILENO); /* the daemon's is /dev/null: let the terminal go */
    return 0;
}

/* ---------------------------------------------------------------- start, reload, stop */

static void log_ready(const struct kt_master *master)
{
    const struct kt_generation *current = master->current;
    for (unsigned i = 0; i < current->listeners->count; i++)
        kt_log_info("listening on %s", current->listeners->list[i].address);
    if (current->settings->plugins[strspn(current->settings->plugins, " \t")] == '\0')
        kt_log_warning("no plugin is loaded: every request will get 404; set plugins in [kontor] "
                       "of %s",
                       master->config_path);
    kt_log_notice("kontord " PACKAGE_VERSION " is ready: %u worker%s, generation %u",
                  current->count, current->count == 1 ? "" : "s", current->number);
}

/** A renewal comes and goes without those who watch reloads. */
static void settle_renewal(struct kt_master *master, const char *why)
{
    if (why == NULL)
        kt_log_notice("the workers are replaced: generation %u", master->current->number);
    else if (!master->is_reload_wanted)
        kt_log_error("the workers could not be replaced: %s", why);
}

void kt_master_settled(struct kt_master *master, const struct kt_generation *generation,
                       const char *why)
{
    struct kt_error error;
    bool is_first_start = master->state == KT_MASTER_STARTING;
    if (master->state == KT_MASTER_STOPPING)
        return;
    if (why == NULL)
        master->renewal_ms = 0;
    if (generation->is_renewal) {
        settle_renewal(master, why);
    } else if (why == NULL) {
        if (open_log(master, master->current->settings, &error) < 0)
            kt_log_warning("%s", error.text);
        set_state(master, KT_MASTER_RUNNING);
        log_ready(master);
        sd_notifyf(0, "READY=1\nSTATUS=%u workers, generation %u\nMAINPID=%d",
                   master->current->count, master->current->number, (int)getpid());
    } else if (is_first_start) {
        master->status = EXIT_FAILURE;
        kt_master_stop(master, "the first start failed");
    } else {
        kt_log_error("the reload failed, everything stays as it was: %s", why);
        sd_notify(0, "READY=1\nSTATUS=the last reload failed, see the log");
    }
    if (is_first_start && master->report_fd >= 0) {
        kt_daemon_report(master->report_fd, why);
        master->report_fd = -1;
    }
    /* else another generation follows, and what becomes of that is the answer */
    if (!master->is_reload_wanted && (why != NULL || !kt_master_is_stale(master)))
        kt_master_control_settled(master->control, why);
    if (master->is_reload_wanted && master->state == KT_MASTER_RUNNING) {
        master->is_reload_wanted = false;
        if (kt_master_reload(master, &error) < 0)
            kt_master_control_settled(master->control, error.text);
    }
}

/** Read and check the configuration. @return 0 or a negative errno with the first problem */
static int read_configuration(TALLOC_CTX *context, const char *path, struct kt_config **ret_config,
                              struct kt_settings **ret_settings, struct kt_error *error)
{
    struct kt_problems *problems = kt_problems_new(context);
    int result = problems != NULL ? kt_config_read(context, path, problems, ret_config) : -ENOMEM;
    if (result != -ENOMEM)
        result = kt_settings_check(context, *ret_config, problems, ret_settings);
    if (result == 0 && kt_problems_count(problems) > 0)
        result = -EINVAL;
    if (result == 0)
        return 0;
    const char *text = problems != NULL ? kt_problems_text(problems, 0) : NULL;
    if (problems != NULL)
        kt_problems_log(problems, KT_LOG_ERROR);
    return kt_error_set(error, result, "%s", text != NULL ? text : "out of memory");
}

static void warn_of_lasting(const struct kt_master *master, const struct kt_settings *settings)
{
    if (!master->has_private_dir && (strcmp(settings->run_dir, master->run_dir) != 0 ||
                                     strcmp(settings->pid_file, master->pid_file) != 0))
        kt_log_warning("run_dir and pid_file change only when kontord is started anew");
}

int kt_master_reload(struct kt_master *master, struct kt_error *error)
{
    struct kt_config *config;
    struct kt_settings *settings;
    if (master->state == KT_MASTER_STOPPING)
        return kt_error_set(error, -ESHUTDOWN, "kontord is stopping");
    if (master->incoming != NULL || master->is_handing_over) {
        master->is_reload_wanted = true;
        if (master->incoming != NULL && master->incoming->is_renewal)
            kt_generation_abort(master, "a reload was asked for"); /* and this comes back */
        return 0;
    }
    kt_log_notice("reloading %s", master->config_path);
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)kt_master_now_ms() * 1000);
    TALLOC_CTX *context = talloc_new(NULL);
    int result = read_configuration(context, master->config_path, &config, &settings, error);
    if (result == 0) {
        warn_of_lasting(master, settings);
        result = kt_generation_start(master, config, settings, error);
    }
    if (result == 0)
        kt_master_release(master, NULL, error); /* perhaps what crashed was replaced */
    if (result < 0) {
        kt_log_error("the reload failed, everything stays as it was");
        sd_notify(0, "READY=1\nSTATUS=the last reload failed, see the log");
    }
    talloc_free(context);
    return result;
}

void kt_master_stop(struct kt_master *master, const char *why)
{
    bool is_second_time = master->state == KT_MASTER_STOPPING;
    if (!is_second_time) {
        kt_log_notice("stopping: %s", why);
        set_state(master, KT_MASTER_STOPPING);
        sd_notify(0, "STOPPING=1\nSTATUS=finishing what is running");
        if (master->incoming != NULL)
            kt_generation_abort(master, why);
        /* those who would connect now learn it at once; systemd keeps its own sockets open */
        if (master->current != NULL) {
            kt_listeners_close(master->current->listeners, NULL);
            master->current->listeners->count = 0;
        }
    } else {
        kt_log_notice("stopping at once: %s", why);
    }
    for (struct kt_generation *generation = master->generations; generation;
         generation = generation->next) {
        kt_generation_retire(generation, false);
        for (uint32_t i = 0; is_second_time && i < generation->count; i++)
            kt_slot_kill(&generation->slots[i]);
    }
}

/* ---------------------------------------------------------------- the loop */

static void handle_signals(struct kt_master *master)
{
    struct signalfd_siginfo signals[SIGNALS_AT_ONCE];
    struct kt_error error;
    bool has_children = false;
    ssize_t size;
    while ((size = read(master->signal_fd, signals, sizeof(signals))) > 0) {
        for (size_t i = 0; i < (size_t)size / sizeof(signals[0]); i++) {
            switch (signals[i].ssi_signo) {
            case SIGTERM:
                kt_master_stop(master, "SIGTERM");
                break;
            case SIGINT:
                kt_master_stop(master, "SIGINT");
                break;
            case SIGHUP:
                kt_master_reload(master, &error);
                break;
            case SIGCHLD:
                has_children = true;
                break;
            default:
                break;
            }
        }
    }
    if (has_children) {
        kt_generations_reap(master);
        if (kt_registry_place_reap(master->registry, master->state != KT_MASTER_STOPPING))
            master->renewal_ms = 0; /* all workers are stale: see isolate.c */
    }
}

static int open_signals(struct kt_master *master)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCHLD);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL); /* an inherited SIG_IGN would take the dead from us */
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -errno;
    master->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return master->signal_fd < 0 ? -errno : 0;
}

static int poll_timeout(const struct kt_master *master, size_t clients)
{
    int64_t deadline = kt_generations_deadline(master);
    int64_t isolate_deadline = kt_master_isolate_deadline(master);
    int64_t now = kt_master_now_ms();
    if (isolate_deadline < deadline)
        deadline = isolate_deadline;
    if (master->registry->restart_ms > 0 && master->registry->restart_ms < deadline)
        deadline = master->registry->restart_ms;
    if (master->registry->state == KT_PLACE_ENDING && master->registry->deadline_ms < deadline)
        deadline = master->registry->deadline_ms;
    if (master->watchdog_ms > 0 && master->watchdog_next_ms < deadline)
        deadline = master->watchdog_next_ms;
    if (clients > 0 && now + CONTROL_TICK_MS < deadline)
        deadline = now + CONTROL_TICK_MS;
    if (deadline == INT64_MAX)
        return -1;
    int64_t timeout = deadline > now ? deadline - now : 0;
    return timeout > INT_MAX ? INT_MAX : (int)timeout;
}

/** Wait until something happens. */
static int wait_for_events(const struct kt_master *master, struct pollfd **fds)
{
    size_t size = FIXED_FDS, count = 0;
    for (const struct kt_generation *generation = master->generations; generation;
         generation = generation->next)
        size += generation->count;
    struct pollfd *more = talloc_realloc_size(NULL, *fds, size * sizeof(**fds));
    if (more == NULL)
        return -ENOMEM;
    *fds = more;
    more[count++] = (struct pollfd){.fd = master->signal_fd, .events = POLLIN};
    more[count++] = (struct pollfd){.fd = master->registry->fd, .events = POLLIN};
    size_t control = kt_master_control_poll(master->control, more + count);
    count += control;
    for (const struct kt_generation *generation = master->generations; generation;
         generation = generation->next)
        for (uint32_t i = 0; i < generation->count; i++)
            if (generation->slots[i].fd >= 0)
                more[count++] = (struct pollfd){.fd = generation->slots[i].fd, .events = POLLIN};
    return poll(more, count, poll_timeout(master, control - 1)) < 0 && errno != EINTR ? -errno : 0;
}

static void beat(struct kt_master *master, int64_t now)
{
    if (master->watchdog_ms == 0 || now < master->watchdog_next_ms)
        return;
    sd_notify(0, "WATCHDOG=1");
    master->watchdog_next_ms = now + master->watchdog_ms;
}

static bool is_over(const struct kt_master *master)
{
    return master->state == KT_MASTER_STOPPING && master->generations == NULL &&
           master->registry->state == KT_PLACE_EMPTY;
}

static const struct kt_settings *present_settings(const struct kt_master *master)
{
    return master->current != NULL ? master->current->settings : master->incoming->settings;
}

/** Start the registry again when it is time; end it when no worker is left. */
static void tend_registry(struct kt_master *master)
{
    struct kt_error error;
    int64_t now = kt_master_now_ms();
    struct kt_registry_place *place = master->registry;
    if (master->state == KT_MASTER_STOPPING) {
        if (master->generations == NULL)
            kt_registry_place_stop(place, now);
        return;
    }
    if (place->state != KT_PLACE_EMPTY || place->restart_ms == 0 || now < place->restart_ms)
        return;
    if (kt_registry_place_start(place, present_settings(master), kt_generations_close_inherited,
                                master, &error) < 0) {
        kt_log_error("%s", error.text);
        place->restart_ms = now + KT_RESTART_PAUSE_FIRST_MS;
    }
}

static void loop(struct kt_master *master)
{
    struct pollfd *fds = NULL;
    int result = 0;
    while (!is_over(master) && result == 0) {
        result = wait_for_events(master, &fds);
        handle_signals(master);
        kt_generations_read(master);
        kt_registry_place_read(master->registry);
        kt_generations_tick(master, kt_master_now_ms());
        kt_master_isolate(master, kt_master_now_ms());
        kt_generation_advance(master);
        kt_master_control_serve(master->control);
        kt_generations_sweep(master);
        tend_registry(master);
        beat(master, kt_master_now_ms());
    }
    if (result < 0) {
        kt_log_error("the master cannot go on: %s", strerror(-result));
        master->status = EXIT_FAILURE;
    }
    talloc_free(fds);
}

/* ---------------------------------------------------------------- before and after */

/**
 * Take run_dir. Web servers start as many of us as they like, as their own user: who can't have the
 * one of the configuration gets one of its own.
 */
static int lock_run_dir(struct kt_master *master, struct kt_error *error)
{
    master->lock_fd = kt_daemon_lock(master->run_dir, master->pid_file, error);
    if (master->lock_fd >= 0 || !kt_listeners_are_inherited())
        return master->lock_fd;
    char *reason = talloc_strdup(master->memory, error->text);
    int result = kt_daemon_private_dir(master->memory, &master->run_dir, error);
    if (result < 0)
        return result;
    master->has_private_dir = true;
    master->pid_file = talloc_asprintf(master->memory, "%s/kontord.pid", master->run_dir);
    if (reason == NULL || master->pid_file == NULL)
        return kt_error_set(error, -ENOMEM, "out of memory");
    kt_log_info("using run_dir %s of its own, since %s", master->run_dir, reason);
    master->lock_fd = kt_daemon_lock(master->run_dir, master->pid_file, error);
    return master->lock_fd;
}

static int open_master(struct kt_master *master, struct kt_error *error)
{
    uint64_t watchdog_us = 0;
    int result = lock_run_dir(master, error);
    if (result < 0)
        return result;
    result = open_signals(master);
    if (result < 0)
        return kt_error_set(error, result, "no signals: %s", strerror(-result));
    kt_daemon_clean(master->run_dir);
    result = kt_daemon_write_pid(master->pid_file, error);
    if (result == 0)
        result = kt_master_control_open(master, error);
    if (result == 0 && sd_watchdog_enabled(0, &watchdog_us) > 0) {
        master->watchdog_ms = (int64_t)(watchdog_us / 1000 / 2);
        master->watchdog_next_ms = kt_master_now_ms();
    }
    return result;
}

static void close_master(struct kt_master *master)
{
    kt_registry_place_close(master->registry);
    kt_master_control_close(master->control);
    if (master->lock_fd >= 0) {
        unlink(master->pid_file);
        close(master->lock_fd);
    }
    if (master->has_private_dir)
        rmdir(master->run_dir);
    if (master->signal_fd >= 0)
        close(master->signal_fd);
}

/** The memory files alone may need more than the usual 1024; our children inherit the limit. */
static void take_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int kt_master_run(TALLOC_CTX *memory, struct kt_config *config, struct kt_settings *settings,
                  bool is_foreground, int report_fd)
{
    struct kt_error error = {0};
    struct kt_master master = {
        .state = KT_MASTER_STARTING,
        .memory = memory,
        .config_path = talloc_strdup(memory, config->path),
        .run_dir = talloc_strdup(memory, settings->run_dir),
        .pid_file = talloc_strdup(memory, settings->pid_file),
        .owner = geteuid(),
        .registry = kt_registry_place_new(memory, settings),
        .quarantine = kt_quarantine_new(memory),
        .started_ms = kt_master_now_ms(),
        .is_foreground = is_foreground,
        .signal_fd = -1,
        .lock_fd = -1,
        .report_fd = report_fd,
    };
    kt_log_role("master");
    take_descriptors();
    int result = master.quarantine != NULL && master.registry != NULL
                     ? open_log(&master, settings, &error)
                     : kt_error_set(&error, -ENOMEM, "out of memory");
    if (result == 0)
        result = open_master(&master, &error);
    if (result == 0) {
        if (kt_listeners_come_from_systemd() && strstr(settings->listen, "systemd") == NULL)
            kt_log_warning("systemd passes sockets, but listen in [kontor] does not say 'systemd'");
        result = kt_registry_place_start(master.registry, settings, kt_generations_close_inherited,
                                         &master, &error);
    }
    if (result == 0) {
        result = kt_generation_start(&master, config, settings, &error);
    }
    if (result < 0) {
        kt_log_error("%s", error.text);
        master.status = EXIT_FAILURE;
    } else {
        loop(&master);
        kt_log_notice("stopped");
    }
    close_master(&master);
    if (result < 0 && master.report_fd >= 0)
        kt_daemon_report(master.report_fd, error.text);
    return master.status;
}
