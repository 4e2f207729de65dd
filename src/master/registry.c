/* SPDX-License-Identifier: BSD-2-Clause */
/* The registry's place: fork, connect workers, keep copies, bury. */
#include "config.h"

#include "master/registry.h"

#include "base/log.h"
#include "base/packet.h"
#include "master/slot.h"
#include "process/runtime.h"
#include "registry/directory.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

/** It only has to give back memory; this is long. */
#define END_TIMEOUT_MS 5000
#define STORED_DIRECTORY KT_STORED_PREFIX "directory"
#define STORED_FILE KT_STORED_PREFIX "file-"

static const char *const state_names[] = {
    [KT_PLACE_EMPTY] = "empty",
    [KT_PLACE_STARTING] = "starting",
    [KT_PLACE_SERVING] = "serving",
    [KT_PLACE_ENDING] = "ending",
};

const char *kt_place_state_name(enum kt_place_state state)
{
    return state_names[state];
}

static void set_state(struct kt_registry_place *place, enum kt_place_state state)
{
    kt_log_debug("registry: %s → %s", state_names[place->state], state_names[state]);
    place->state = state;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* ---------------------------------------------------------------- what systemd keeps */

static void store(const char *name, int fd)
{
    char text[128];
    snprintf(text, sizeof text, "FDSTORE=1\nFDNAME=%s", name);
    sd_pid_notify_with_fds(0, 0, text, &fd, 1);
}

static void unstore(const char *name)
{
    sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=%s", name);
}

/** The number behind a prefix. @return whether the name is one */
static bool read_number(const char *name, const char *prefix, unsigned long limit,
                        unsigned long *ret_number)
{
    size_t length = strlen(prefix);
    char *end;
    if (strncmp(name, prefix, length) != 0 || name[length] < '0' || name[length] > '9')
        return false;
    *ret_number = strtoul(name + length, &end, 10);
    return *end == '\0' && *ret_number < limit;
}

/** Take back what systemd has kept; a name that comes twice is kept once. */
static void take_stored(struct kt_registry_place *place)
{
    char **names = NULL;
    unsigned long number;
    int count = sd_listen_fds_with_names(0, &names);
    for (int i = 0; i < count; i++) {
        int fd = SD_LISTEN_FDS_START + i;
        if (strcmp(names[i], STORED_DIRECTORY) == 0) {
            close_fd(&place->old_directory_fd);
            place->old_directory_fd = fd;
        } else if (read_number(names[i], STORED_FILE, KT_FILES_MAX, &number)) {
            close_fd(&place->file_fds[number]);
            place->file_fds[number] = fd;
        }
        free(names[i]);
    }
    free(names);
}

struct kt_registry_place *kt_registry_place_new(TALLOC_CTX *context,
                                                const struct kt_settings *settings)
{
    struct kt_registry_place *place = talloc_zero(context, struct kt_registry_place);
    if (place == NULL)
        return NULL;
    place->restarts =
        kt_restarts_new(place, settings->restart_intensity, settings->restart_period_ms);
    place->fd = place->directory_fd = place->read_only_fd = place->old_directory_fd = -1;
    for (size_t i = 0; i < KT_FILES_MAX; i++)
        place->file_fds[i] = -1;
    take_stored(place);
    return place->restarts != NULL ? place : NULL;
}

/* ---------------------------------------------------------------- starting */

static int be_registry(struct kt_registry_place *place, const struct kt_settings *settings, int fd)
{
    close_fd(&place->fd);
    close_fd(&place->read_only_fd);
    if (kt_child_begin("kontord-registry", settings) < 0)
        return EX_NOPERM;
    const struct kt_registry_start start = {
        .master_fd = fd,
        .directory_fd = place->directory_fd,
        .old_directory_fd = place->old_directory_fd,
        .file_fds = place->file_fds,
        .files_bytes_max = settings->registry_files_bytes,
    };
    return kt_registry_run(&start);
}

int kt_registry_place_start(struct kt_registry_place *place, const struct kt_settings *settings,
                            void (*close_inherited)(void *argument), void *argument,
                            struct kt_error *error)
{
    int fds[2];
    place->restart_ms = 0;
    place->directory_fd = kt_directory_make(settings->registry_bytes);
    if (place->directory_fd < 0)
        return kt_error_set(error, place->directory_fd, "no memory for the registry: %s",
                            strerror(-place->directory_fd));
    place->read_only_fd = kt_directory_reopen_read_only(place->directory_fd);
    if (place->read_only_fd < 0 ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0) {
        int result = place->read_only_fd < 0 ? place->read_only_fd : -errno;
        close_fd(&place->directory_fd);
        close_fd(&place->read_only_fd);
        return kt_error_set(error, result, "no socket for the registry: %s", strerror(-result));
    }
    pid_t pid = fork();
    if (pid == 0) {
        close(fds[0]);
        close_inherited(argument);
        exit(be_registry(place, settings, fds[1]));
    }
    int fork_errno = errno;
    close(fds[1]);
    if (pid < 0) {
        close(fds[0]);
        close_fd(&place->directory_fd);
        close_fd(&place->read_only_fd);
        return kt_error_set(error, -fork_errno, "cannot fork the registry: %s",
                            strerror(fork_errno));
    }
    place->pid = pid;
    place->fd = fds[0];
    place->life++;
    place->started_ms = kt_master_now_ms();
    place->said[0] = '\0';
    set_state(place, KT_PLACE_STARTING);
    return 0;
}

bool kt_registry_place_is_open(const struct kt_registry_place *place)
{
    return place->fd >= 0 &&
           (place->state == KT_PLACE_STARTING || place->state == KT_PLACE_SERVING);
}

int kt_registry_place_connect(struct kt_registry_place *place,
                              bool (*is_taken)(void *argument, uint32_t node), void *argument,
                              uint32_t *ret_node, struct kt_error *error)
{
    int fds[2];
    char text[sizeof(KT_REGISTRY_WORKER) + 16];
    /* in turn, so that the number of a worker that has died is not used again for long */
    uint32_t node = place->last_node;
    do
        node = node % KT_NODE_MAX + 1;
    while (is_taken(argument, node) && node != place->last_node);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
        return kt_error_set(error, -errno, "no socket to the registry: %s", strerror(errno));
    snprintf(text, sizeof text, KT_REGISTRY_WORKER "%u", node);
    int result = kt_packet_send(place->fd, text, fds[1]);
    close(fds[1]);
    if (result < 0) {
        close(fds[0]);
        return kt_error_set(error, result, "the registry takes no worker: %s", strerror(-result));
    }
    *ret_node = place->last_node = node;
    return fds[0];
}

void kt_registry_place_close_inherited(const struct kt_registry_place *place)
{
    const int fds[] = {place->fd, place->directory_fd, place->old_directory_fd};
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    for (size_t i = 0; i < KT_FILES_MAX; i++)
        if (place->file_fds[i] >= 0)
            close(place->file_fds[i]);
}

/* ---------------------------------------------------------------- hearing it */

static void keep_file(struct kt_registry_place *place, unsigned long number, int fd)
{
    char name[sizeof(STORED_FILE) + 16];
    snprintf(name, sizeof name, STORED_FILE "%lu", number);
    if (place->file_fds[number] >= 0)
        unstore(name);
    close_fd(&place->file_fds[number]);
    place->file_fds[number] = fd;
    if (fd >= 0)
        store(name, fd);
}

static void become_ready(struct kt_registry_place *place)
{
    set_state(place, KT_PLACE_SERVING);
    close_fd(&place->old_directory_fd);
    unstore(STORED_DIRECTORY);
    store(STORED_DIRECTORY, place->directory_fd);
    kt_log_info("the registry (process %d) is ready", (int)place->pid);
}

void kt_registry_place_read(struct kt_registry_place *place)
{
    char packet[KT_REGISTRY_PACKET_MAX + 1];
    const size_t failed = strlen(KT_REGISTRY_FAILED);
    unsigned long number;
    while (place->fd >= 0) {
        int fd = -1;
        ssize_t size = kt_packet_receive(place->fd, packet, sizeof packet, &fd);
        if (size == -EAGAIN)
            return;
        if (size <= 0) { /* SIGCHLD tells the rest */
            if (place->state != KT_PLACE_ENDING)
                kill(place->pid, SIGKILL);
            close_fd(&place->fd);
            return;
        }
        if (strcmp(packet, KT_REGISTRY_READY) == 0) {
            become_ready(place);
        } else if (strncmp(packet, KT_REGISTRY_FAILED, failed) == 0) {
            snprintf(place->said, sizeof place->said, "%.*s", KT_ERROR_TEXT_MAX - 1,
                     packet + failed);
        } else if (read_number(packet, KT_REGISTRY_FILE, KT_FILES_MAX, &number) && fd >= 0) {
            keep_file(place, number, fd);
            fd = -1;
        } else if (read_number(packet, KT_REGISTRY_FILE_GONE, KT_FILES_MAX, &number)) {
            keep_file(place, number, -1);
        }
        if (fd >= 0)
            close(fd);
    }
}

/* ---------------------------------------------------------------- ending */

/** What it has left is for the next one, unless that is what it died of. */
static void inherit(struct kt_registry_place *place)
{
    close_fd(&place->read_only_fd);
    if (place->state == KT_PLACE_STARTING) {
        if (place->old_directory_fd >= 0)
            kt_log_error("what the registry before has left is given up");
        close_fd(&place->old_directory_fd);
        close_fd(&place->directory_fd);
        return;
    }
    close_fd(&place->old_directory_fd);
    place->old_directory_fd = place->directory_fd;
    place->directory_fd = -1;
}

static void describe_end(struct kt_registry_place *place, int status)
{
    if (place->said[0] != '\0')
        snprintf(place->failure, sizeof place->failure, "%s", place->said);
    else if (WIFSIGNALED(status))
        snprintf(place->failure, sizeof place->failure, "ended by signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else
        snprintf(place->failure, sizeof place->failure, "ended with status %d",
                 WEXITSTATUS(status));
}

bool kt_registry_place_reap(struct kt_registry_place *place, bool is_wanted)
{
    int status;
    bool is_first;
    if (place->pid == 0 || waitpid(place->pid, &status, WNOHANG) != place->pid)
        return false;
    kt_registry_place_read(place); /* its last words, and files */
    int64_t now = kt_master_now_ms();
    pid_t pid = place->pid;
    close_fd(&place->fd);
    place->pid = 0;
    if (place->state == KT_PLACE_ENDING || !is_wanted) {
        set_state(place, KT_PLACE_EMPTY);
        return false;
    }
    describe_end(place, status);
    place->failure_unix_ms = kt_unix_ms();
    place->restart_count++;
    place->restart_ms =
        now + kt_restarts_pause(place->restarts, now, now - place->started_ms, &is_first);
    inherit(place);
    kt_log_error("the registry (process %d) died: %s; another one is started, and all workers are "
                 "replaced",
                 (int)pid, place->failure);
    set_state(place, KT_PLACE_EMPTY);
    return true;
}

void kt_registry_place_stop(struct kt_registry_place *place, int64_t now_ms)
{
    if (kt_registry_place_is_open(place)) {
        set_state(place, KT_PLACE_ENDING);
        place->deadline_ms = now_ms + END_TIMEOUT_MS;
        close_fd(&place->fd);
    } else if (place->state == KT_PLACE_ENDING && now_ms >= place->deadline_ms) {
        kill(place->pid, SIGKILL);
        place->deadline_ms = INT64_MAX;
    }
    place->restart_ms = 0;
}

void kt_registry_place_close(struct kt_registry_place *place)
{
    if (place == NULL)
        return;
    kt_registry_place_close_inherited(place);
    close_fd(&place->read_only_fd);
    if (place->pid != 0)
        waitpid(place->pid, NULL, 0); /* its socket is closed: it ends */
}
