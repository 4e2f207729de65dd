/* SPDX-License-Identifier: BSD-2-Clause */
/* Made with a name that nobody can foresee, removed without following a link. */
#include "job/directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "kontor-job-"
/** Deeper trees are no job's; what is below stays, and with it the directory. */
#define DEPTH_MAX 32
/** A sweep may come between making and locking: then it is made once more. */
#define ATTEMPTS_MAX 10

static void remove_content(int fd, int depth);

/** Remove one entry of a directory, with all that is in it. */
static void remove_entry(int parent, const char *name, int depth)
{
    if (unlinkat(parent, name, 0) == 0 || depth == DEPTH_MAX)
        return;
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == EACCES && fchmodat(parent, name, 0700, 0) == 0)
        fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return;
    remove_content(fd, depth + 1);
    unlinkat(parent, name, AT_REMOVEDIR);
}

/** Remove what is in a directory, and close its descriptor. */
static void remove_content(int fd, int depth)
{
    DIR *stream = fdopendir(fd);
    if (!stream) {
        close(fd);
        return;
    }
    fchmod(fd, 0700);
    for (struct dirent *entry; (entry = readdir(stream));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            remove_entry(fd, entry->d_name, depth);
    closedir(stream);
}

/** Lock what was just made. @return 0, -EAGAIN when it was swept away meanwhile, -errno */
static int lock(struct kt_job_directory *directory)
{
    struct stat status;
    directory->lock_fd = open(directory->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory->lock_fd < 0)
        return errno == ENOENT ? -EAGAIN : -errno;
    if (flock(directory->lock_fd, LOCK_EX | LOCK_NB) == 0 &&
        fstat(directory->lock_fd, &status) == 0 && status.st_nlink > 0)
        return 0;
    close(directory->lock_fd);
    return -EAGAIN;
}

int kt_job_directory_make(struct kt_job_directory *directory, const char *parent)
{
    int result = -EAGAIN;
    for (int attempt = 0; attempt < ATTEMPTS_MAX && result == -EAGAIN; attempt++) {
        if ((size_t)snprintf(directory->path, sizeof directory->path, "%s/" NAME "XXXXXX",
                             parent) >= sizeof directory->path)
            result = -ENAMETOOLONG;
        else
            result = mkdtemp(directory->path) ? lock(directory) : -errno;
    }
    if (result < 0)
        directory->path[0] = '\0';
    return result;
}

void kt_job_directory_remove(struct kt_job_directory *directory)
{
    if (!directory->path[0])
        return;
    remove_entry(AT_FDCWD, directory->path, 0);
    close(directory->lock_fd);
    directory->path[0] = '\0';
}

static void sweep_one(int parent, const char *name)
{
    struct stat status;
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return;
    bool is_left =
        fstat(fd, &status) == 0 && status.st_uid == geteuid() && flock(fd, LOCK_EX | LOCK_NB) == 0;
    if (is_left)
        remove_entry(parent, name, 0);
    close(fd);
}

void kt_job_directories_sweep(const char *parent)
{
    DIR *stream = opendir(parent);
    if (!stream)
        return;
    for (struct dirent *entry; (entry = readdir(stream));)
        if (strncmp(entry->d_name, NAME, strlen(NAME)) == 0)
            sweep_one(dirfd(stream), entry->d_name);
    closedir(stream);
}
