/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Being a daemon.
 */
#include "config.h"

#include "master/daemon.h"

#include "control/protocol.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/** The first byte of a report. */
#define REPORT_READY '+'
#define REPORT_FAILED '-'

/** In the one who called: pass on how the start went. */
static _Noreturn void await_report(int fd)
{
    char report[KT_ERROR_TEXT_MAX + 2];
    size_t used = 0;
    ssize_t size;
    while ((size = read(fd, report + used, sizeof(report) - 1 - used)) != 0) {
        if (size > 0)
            used += (size_t)size;
        else if (errno != EINTR)
            break;
    }
    report[used] = '\0';
    if (report[0] == REPORT_READY)
        _exit(EXIT_SUCCESS);
    fprintf(stderr, "kontord: did not start%s%s\n", used > 1 ? ": " : "",
            used > 1 ? report + 1 : ", see the log");
    fflush(stderr);
    _exit(EXIT_FAILURE);
}

int kt_daemon_start(void)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0)
        return -errno;
    if (pid > 0) {
        close(fds[1]);
        await_report(fds[0]);
    }
    close(fds[0]);
    /* a session of its own, and not its leader: no terminal can become its */
    if (setsid() < 0)
        return -errno;
    pid = fork();
    if (pid < 0)
        return -errno;
    if (pid > 0)
        _exit(EXIT_SUCCESS);
    if (chdir("/") < 0)
        return -errno;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0)
        return -errno;
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    close(null);
    return fds[1];
}

void kt_daemon_report(int fd, const char *why)
{
    char report[KT_ERROR_TEXT_MAX + 1];
    int size = snprintf(report, sizeof(report), "%c%s", why == NULL ? REPORT_READY : REPORT_FAILED,
                        why == NULL ? "" : why);
    if (size >= (int)sizeof(report))
        size = (int)sizeof(report) - 1;
    if (write(fd, report, (size_t)size) < 0) {
        /* whoever waited has gone; the log has it all the same */
    }
    close(fd);
}

static long read_pid(const char *pid_file)
{
    char text[32] = "";
    int fd = open(pid_file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return 0;
    ssize_t size = read(fd, text, sizeof(text) - 1);
    close(fd);
    return size > 0 ? strtol(text, NULL, 10) : 0;
}

int kt_daemon_lock(const char *run_dir, const char *pid_file, struct kt_error *error)
{
    struct stat status;
    if (mkdir(run_dir, 0755) < 0 && errno != EEXIST)
        return kt_error_set(error, -errno, "run_dir %s cannot be made: %s", run_dir,
                            strerror(errno));
    int fd = open(run_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) < 0)
        return kt_error_set(error, -errno, "run_dir %s: %s", run_dir, strerror(errno));
    int result = 0;
    if ((status.st_uid != geteuid() && status.st_uid != 0) || (status.st_mode & S_IWOTH) != 0)
        result = kt_error_set(error, -EPERM,
                              "run_dir %s must belong to root or to the user who runs kontord, and "
                              "not be writable for all",
                              run_dir);
    else if (access(run_dir, W_OK) < 0)
        result = kt_error_set(error, -errno, "run_dir %s: %s", run_dir, strerror(errno));
    else if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        result = kt_error_set(error, -errno,
                              "another kontord (process %ld) already runs with run_dir %s",
                              read_pid(pid_file), run_dir);
    if (result < 0) {
        close(fd);
        return result;
    }
    return fd;
}

int kt_daemon_private_dir(TALLOC_CTX *context, const char **ret_path, struct kt_error *error)
{
    const char *parent = getenv("TMPDIR");
    char *path =
        talloc_asprintf(context, "%s/kontor-XXXXXX", parent && parent[0] == '/' ? parent : "/tmp");
    if (path == NULL)
        return kt_error_set(error, -ENOMEM, "out of memory");
    if (mkdtemp(path) == NULL)
        return kt_error_set(error, -errno, "%s: %s", path, strerror(errno));
    *ret_path = path;
    return 0;
}

void kt_daemon_clean(const char *run_dir)
{
    DIR *directory = opendir(run_dir);
    if (directory == NULL)
        return;
    const struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) {
        unsigned worker, generation;
        int end = 0;
        sscanf(entry->d_name, KT_CONTROL_WORKER_PREFIX "%u-%u" KT_CONTROL_SUFFIX "%n", &worker,
               &generation, &end);
        if (end > 0 && entry->d_name[end] == '\0')
            unlinkat(dirfd(directory), entry->d_name, 0);
    }
    closedir(directory);
}

int kt_daemon_write_pid(const char *pid_file, struct kt_error *error)
{
    int fd = open(pid_file, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0 || dprintf(fd, "%d\n", (int)getpid()) < 0) {
        int result = -errno;
        if (fd >= 0)
            close(fd);
        return kt_error_set(error, result, "pid_file %s: %s", pid_file, strerror(-result));
    }
    close(fd);
    return 0;
}
