/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * By a read lock on a file description of the reader's own: the kernel counts the readers, and
 * takes the locks of the dead away. Nobody ever locks for writing, so nobody ever waits.
 */
#include "config.h"

#include "job/hold.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/** Descriptors that are handed around share a description, and so its locks: make another. */
static int open_anew(const struct kt_memory_file *file)
{
    char path[sizeof "/proc/self/fd/-2147483648"];
    snprintf(path, sizeof path, "/proc/self/fd/%d", file->fd);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int kt_job_hold(struct kt_memory_file *file)
{
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    int fd = open_anew(file);
    if (fd < 0)
        return fd;
    int result = fcntl(fd, F_OFD_SETLK, &lock) < 0 ? -errno : 0;
    if (result == 0 && dup3(fd, file->fd, O_CLOEXEC) < 0)
        result = -errno;
    close(fd);
    return result;
}

bool kt_job_is_held(const struct kt_memory_file *file)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET}; /* asked about, not taken */
    int fd = open_anew(file);
    if (fd < 0)
        return false;
    bool is_held = fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    close(fd);
    return is_held;
}
