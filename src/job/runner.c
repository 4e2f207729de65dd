/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A runner has two lives: that of the job's process, which may end at any moment, and that of the
 * OS process with its descriptors and its directory. So what is watched belongs to this room, and
 * the job's process holds only a handle on it.
 */
#include "config.h"

#include "job/runner.h"

#include "job/directory.h"
#include "job/jobs.h"
#include "job/order.h"
#include "process/runtime.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <kontor/log.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/** What a job may write to the log; the rest is dropped. */
#define LOG_BYTES_MAX 65536u
#define LOG_LINE_MAX 512u
/** More than a socket or a pipe holds: so all is taken, but not of one that writes on and on. */
#define REPORTS_AT_ONCE 1000
#define LOG_READS_AT_ONCE 20
/** How often the end of the last cleaning is looked for when nothing else is done any more. */
#define CLEAN_POLL_US 1000u
/** The first descriptor that is none of the runner's. */
#define FIRST_OTHER_FD (KT_RUNNER_INPUT_FD + 1)

/** All of it; freed when nobody holds it, its OS process is buried, and its handles are closed. */
struct watch {
    struct watch *next, **place; /**< among all */
    struct kt_runner *handle;    /**< NULL: the job's process has ended */
    kt_pid job;
    bool is_told; /**< and has not looked yet */
    bool is_buried, is_cleaning;
    atomic_bool is_clean;  /**< set by the pool's thread */
    struct kt_runner seen; /**< what is copied when the job looks */
    char label[2 * KT_JOB_NAME_MAX + 2];
    struct kt_job_directory directory;
    pid_t pid;
    int exit_fd, report_fd, log_fd; /**< -1: closed */
    uv_poll_t exit_poll, report_poll, log_poll;
    int handles; /**< of the loop that are not closed */
    uv_work_t cleaning;
    char line[LOG_LINE_MAX];
    size_t line_used, logged;
};

/** What a job's process owns: the copy, and its destructor. */
struct handle {
    struct kt_runner runner; /**< first, since the public pointer is to it */
    struct watch *watch;
};

static struct watch *watches;

/* ---------------------------------------------------------------- the end */

static void free_when_over(struct watch *watch)
{
    if (watch->handle || !watch->is_buried || watch->is_cleaning || watch->handles > 0)
        return;
    *watch->place = watch->next;
    if (watch->next)
        watch->next->place = watch->place;
    free(watch);
}

static void on_poll_closed(uv_handle_t *poll)
{
    struct watch *watch = poll->data;
    watch->handles--;
    free_when_over(watch);
}

static void close_poll(struct watch *watch, uv_poll_t *poll, int *fd)
{
    if (*fd < 0)
        return;
    uv_poll_stop(poll);
    uv_close((uv_handle_t *)poll, on_poll_closed);
    close(*fd);
    *fd = -1;
    (void)watch;
}

static void clean(uv_work_t *work)
{
    struct watch *watch = work->data;
    kt_job_directory_remove(&watch->directory);
    atomic_store(&watch->is_clean, true);
}

static void on_cleaned(uv_work_t *work, int status)
{
    struct watch *watch = work->data;
    if (status < 0)
        kt_job_directory_remove(&watch->directory);
    watch->is_cleaning = false;
    free_when_over(watch);
}

/** Remove the directory on the pool, since it may be large. */
static void begin_cleaning(struct watch *watch)
{
    watch->is_cleaning = true;
    watch->cleaning.data = watch;
    if (uv_queue_work(kt_runtime_loop(), &watch->cleaning, clean, on_cleaned) < 0)
        on_cleaned(&watch->cleaning, -ECANCELED);
}

/* ---------------------------------------------------------------- news */

static void tell_job(struct watch *watch)
{
    if (watch->handle && !watch->is_told)
        watch->is_told = kt_send(watch->job, KT_JOBS_WAKE, NULL, 0) == 0;
}

/** It becomes a part of the entry as it is, so what a broken runner says is looked at again. */
static void take_result(struct kt_runner *seen, const char *text)
{
    cJSON *json = cJSON_ParseWithOpts(text, NULL, true);
    if (json)
        memcpy(seen->result, text, strlen(text) + 1);
    cJSON_Delete(json);
}

static void take_report(struct watch *watch, const struct kt_report *report)
{
    struct kt_runner *seen = &watch->seen;
    switch ((enum kt_report_kind)report->kind) {
    case KT_REPORT_PROGRESS:
        kt_job_text(seen->phase, sizeof seen->phase, report->text);
        seen->done = report->done;
        seen->total = report->total;
        break;
    case KT_REPORT_RESULT:
        take_result(seen, report->text);
        break;
    case KT_REPORT_FAILED:
        kt_job_text(seen->reason, sizeof seen->reason, report->text);
        break;
    case KT_REPORT_NO_MEMORY:
        seen->is_out_of_memory = true;
        break;
    case KT_REPORT_FINISHED:
        seen->is_finished = true;
        break;
    }
}

/** Take the reports that are there. @return false when no more will come */
static bool read_reports(struct watch *watch)
{
    struct kt_report report;
    for (int i = 0; i < REPORTS_AT_ONCE; i++) {
        ssize_t size = recv(watch->report_fd, &report, sizeof report, MSG_DONTWAIT);
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0 && errno == EAGAIN)
            return true;
        if (size != (ssize_t)sizeof report)
            return size > 0; /* what a broken runner sends is none */
        report.text[sizeof report.text - 1] = '\0';
        take_report(watch, &report);
    }
    return true;
}

static void on_report(uv_poll_t *poll, int status, int events)
{
    struct watch *watch = poll->data;
    (void)events;
    if (status < 0 || !read_reports(watch))
        close_poll(watch, &watch->report_poll, &watch->report_fd);
    tell_job(watch);
}

static void log_line(struct watch *watch)
{
    watch->line[watch->line_used] = '\0';
    if (watch->line_used > 0)
        kt_log_info("job %s: %s", watch->label, watch->line);
    watch->line_used = 0;
}

static void log_bytes(struct watch *watch, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size && watch->logged < LOG_BYTES_MAX; i++, watch->logged++) {
        if (bytes[i] != '\n')
            watch->line[watch->line_used++] = bytes[i];
        if (bytes[i] == '\n' || watch->line_used == LOG_LINE_MAX - 1)
            log_line(watch);
        if (watch->logged == LOG_BYTES_MAX - 1)
            kt_log_warning("job %s writes too much to the log: the rest is dropped", watch->label);
    }
}

/** @return false when no more will come, or be taken: then the job's writes fail */
static bool read_log(struct watch *watch)
{
    char bytes[4096];
    ssize_t size = 1;
    for (int i = 0; i < LOG_READS_AT_ONCE && watch->logged < LOG_BYTES_MAX && size > 0; i++) {
        size = read(watch->log_fd, bytes, sizeof bytes);
        if (size > 0)
            log_bytes(watch, bytes, (size_t)size);
    }
    return watch->logged < LOG_BYTES_MAX &&
           (size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR)));
}

static void on_log(uv_poll_t *poll, int status, int events)
{
    struct watch *watch = poll->data;
    (void)events;
    if (status < 0 || !read_log(watch))
        close_poll(watch, &watch->log_poll, &watch->log_fd);
}

/** Take note of the end; everything that it said before is there by now. */
static void bury(struct watch *watch, int status, const struct rusage *usage)
{
    struct kt_runner *seen = &watch->seen;
    if (watch->report_fd >= 0)
        read_reports(watch);
    if (watch->log_fd >= 0)
        read_log(watch);
    log_line(watch);
    watch->is_buried = true;
    seen->has_ended = true;
    seen->status = status;
    seen->cpu_ms = (usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000 +
                   (usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1000;
    close_poll(watch, &watch->exit_poll, &watch->exit_fd);
    close_poll(watch, &watch->report_poll, &watch->report_fd);
    close_poll(watch, &watch->log_poll, &watch->log_fd);
}

static void on_exit_ready(uv_poll_t *poll, int poll_status, int events)
{
    struct watch *watch = poll->data;
    struct rusage usage = {0};
    int status = 0;
    (void)poll_status;
    (void)events;
    pid_t pid = wait4(watch->pid, &status, WNOHANG, &usage);
    if (pid == 0 || (pid < 0 && errno == EINTR))
        return;
    bury(watch, status, &usage);
    begin_cleaning(watch);
    tell_job(watch);
}

/* ---------------------------------------------------------------- the start */

/** The few things of the environment that a job gets: none is a secret of anybody's. */
static void make_environment(char *environment[6])
{
    static const char *const names[] = {"PATH=", "LANG=", "LC_ALL=", "TZ=", "LD_LIBRARY_PATH="};
    size_t count = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (char **entry = environ; *entry; entry++)
            if (strncmp(*entry, names[i], strlen(names[i])) == 0) {
                environment[count++] = *entry;
                break;
            }
    environment[count] = NULL;
}

/** Spawn without a copy of the worker's memory. @return 0 or a negative errno */
static int spawn(struct watch *watch, const int fds[FIRST_OTHER_FD])
{
    static char name[] = "kontor-job"; /* posix_spawn wants it writable, and leaves it */
    char *environment[6], *arguments[] = {name, watch->label, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    make_environment(environment);
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                              POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    int count = fds[KT_RUNNER_INPUT_FD] >= 0 ? FIRST_OTHER_FD : KT_RUNNER_INPUT_FD;
    for (int i = 0; i < count; i++)
        posix_spawn_file_actions_adddup2(&actions, fds[i], i);
    posix_spawn_file_actions_addclosefrom_np(&actions, count);
    int result = -posix_spawn(&watch->pid, kt_jobs_options.runner, &actions, &attributes, arguments,
                              environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return result;
}

static int open_poll(struct watch *watch, uv_poll_t *poll, int fd, uv_poll_cb callback)
{
    int result = uv_poll_init(kt_runtime_loop(), poll, fd);
    if (result < 0)
        return result;
    poll->data = watch;
    watch->handles++;
    return uv_poll_start(poll, UV_READABLE | UV_DISCONNECT, callback);
}

/** A descriptor so high that none of the runner's own is overwritten by another. */
static int move_up(int *fd)
{
    int high = fcntl(*fd, F_DUPFD_CLOEXEC, FIRST_OTHER_FD);
    int result = high < 0 ? -errno : 0;
    close(*fd);
    *fd = high;
    return result;
}

/** Make what connects the two, and start it. @return 0 or a negative errno */
static int launch(struct watch *watch, const struct kt_runner_order *order)
{
    int report[2] = {-1, -1}, log[2] = {-1, -1}, ordered = -1, output = -1, input = -1;
    int result = kt_job_order_write(order, watch->directory.path, &ordered);
    output = fcntl(order->output->fd, F_DUPFD_CLOEXEC, FIRST_OTHER_FD);
    if (order->input)
        input = fcntl(order->input->fd, F_DUPFD_CLOEXEC, FIRST_OTHER_FD);
    if (result == 0 &&
        (output < 0 || (order->input && input < 0) || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, report) < 0 ||
         pipe2(log, O_CLOEXEC) < 0 || fcntl(log[0], F_SETFL, O_NONBLOCK) < 0))
        result = -errno;
    if (result == 0)
        result = move_up(&ordered);
    if (result == 0)
        result = move_up(&report[1]);
    if (result == 0)
        result = move_up(&log[1]);
    if (result == 0)
        result = spawn(watch, (const int[]){ordered, log[1], log[1], output, report[1], input});
    for (size_t i = 0; i < 5; i++) {
        int fd = (int[]){ordered, output, report[1], log[1], input}[i];
        if (fd >= 0)
            close(fd);
    }
    watch->report_fd = report[0];
    watch->log_fd = log[0];
    return result;
}

/** Watch what was started. @return 0; else it has been killed and buried */
static int watch_it(struct watch *watch)
{
    watch->exit_fd = (int)syscall(SYS_pidfd_open, watch->pid, 0);
    int result = watch->exit_fd < 0 ? -errno : 0;
    if (result == 0)
        result = open_poll(watch, &watch->exit_poll, watch->exit_fd, on_exit_ready);
    if (result == 0)
        result = open_poll(watch, &watch->report_poll, watch->report_fd, on_report);
    if (result == 0)
        result = open_poll(watch, &watch->log_poll, watch->log_fd, on_log);
    return result;
}

/** Of something that was not fully started: what is polled is closed by its poll. */
static void give_up(struct watch *watch)
{
    if (watch->pid > 0) {
        kill(watch->pid, SIGKILL);
        waitpid(watch->pid, NULL, 0);
    }
    struct {
        uv_poll_t *poll;
        int *fd;
    } all[] = {{&watch->exit_poll, &watch->exit_fd},
               {&watch->report_poll, &watch->report_fd},
               {&watch->log_poll, &watch->log_fd}};
    for (size_t i = 0; i < 3; i++) {
        if (all[i].poll->data)
            close_poll(watch, all[i].poll, all[i].fd);
        else if (*all[i].fd >= 0)
            close(*all[i].fd);
    }
    kt_job_directory_remove(&watch->directory);
    watch->is_buried = true;
    free_when_over(watch);
}

/** The job's process ends, or has no use for it any more. */
static int let_go(struct handle *handle)
{
    struct watch *watch = handle->watch;
    if (!watch->is_buried)
        kill(watch->pid, SIGKILL);
    watch->handle = NULL;
    free_when_over(watch);
    return 0;
}

int kt_runner_start(const struct kt_runner_order *order, struct kt_runner **ret_runner,
                    struct kt_error *error)
{
    struct handle *handle = talloc_zero(kt_self_memory(), struct handle);
    struct watch *watch = calloc(1, sizeof *watch);
    if (!handle || !watch) {
        talloc_free(handle);
        free(watch);
        return kt_error_set(error, -ENOMEM, "out of memory");
    }
    watch->exit_fd = watch->report_fd = watch->log_fd = -1;
    watch->job = kt_self();
    watch->next = watches;
    watch->place = &watches;
    if (watches)
        watches->place = &watch->next;
    watches = watch;
    snprintf(watch->label, sizeof watch->label, "%s", order->label);
    int result = kt_job_directory_make(&watch->directory, kt_jobs_options.directory);
    if (result < 0) {
        kt_error_set(error, result, "no directory in %s: %s", kt_jobs_options.directory,
                     strerror(-result));
    } else {
        result = launch(watch, order);
        if (result == 0)
            result = watch_it(watch);
        if (result < 0)
            kt_error_set(error, result, "%s did not start: %s", kt_jobs_options.runner,
                         strerror(-result));
    }
    if (result < 0) {
        give_up(watch);
        talloc_free(handle);
        return result;
    }
    handle->watch = watch;
    watch->handle = &handle->runner;
    talloc_set_destructor(handle, let_go);
    *ret_runner = &handle->runner;
    return 0;
}

void kt_runner_look(struct kt_runner *runner)
{
    struct watch *watch = ((struct handle *)runner)->watch;
    watch->is_told = false;
    *runner = watch->seen;
}

void kt_runner_signal(struct kt_runner *runner, int number)
{
    const struct watch *watch = ((struct handle *)runner)->watch;
    if (!watch->is_buried)
        kill(watch->pid, number);
}

void kt_runners_sweep(const char *directory)
{
    kt_job_directories_sweep(directory);
}

void kt_runners_close(void)
{
    for (struct watch *watch = watches, *next; watch; watch = next) {
        struct rusage usage = {0};
        int status = 0;
        next = watch->next;
        if (watch->is_cleaning && uv_cancel((uv_req_t *)&watch->cleaning) == 0)
            kt_job_directory_remove(&watch->directory);
        else if (watch->is_cleaning)
            while (!atomic_load(&watch->is_clean))
                usleep(CLEAN_POLL_US);
        if (watch->is_buried)
            continue;
        kill(watch->pid, SIGKILL);
        while (wait4(watch->pid, &status, 0, &usage) < 0 && errno == EINTR)
            ;
        bury(watch, status, &usage);
        kt_job_directory_remove(&watch->directory);
    }
}
