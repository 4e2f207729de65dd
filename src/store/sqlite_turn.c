/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two locks of a file make one that is fair: who waits for the turn stands in the door meanwhile,
 * and who has just given it away finds the door taken. They are asked for again and again instead
 * of slept in, so that a deadline, and the end of the worker, hold.
 */
#include "store/sqlite_turn.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/** The longest path, with a NUL; address.c allows less. */
#define NAME_BYTES 4096

/** Where in the file the two locks are. */
enum place { TURN, DOOR };

/** How long until it is asked again: as long as another worker's sync of the disk, about. What is
 * asked to be written meanwhile shares the next one; sooner, there would be a sync for each. */
#define PAUSE_NS 2000000

int64_t kt_sqlite_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/** Make the file; root makes it for whoever has the store, or the directory that it will be in. */
static int make_file(const char *path, const char *name)
{
    char copy[NAME_BYTES];
    struct stat store;
    snprintf(copy, sizeof copy, "%s", name);
    int fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    if (geteuid() == 0 && (stat(path, &store) == 0 || stat(dirname(copy), &store) == 0) &&
        fchown(fd, store.st_uid, store.st_gid) < 0) {
        int code = -errno;
        close(fd);
        return code;
    }
    return fd;
}

int kt_sqlite_turn_open(const char *path)
{
    char name[NAME_BYTES];
    int length = snprintf(name, sizeof name, "%s" KT_SQLITE_TURN_SUFFIX, path);
    if (length < 0 || (size_t)length >= sizeof name)
        return -ENAMETOOLONG;
    int fd = open(name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0 || errno != ENOENT)
        return fd >= 0 ? fd : -errno;
    fd = make_file(path, name);
    if (fd != -EEXIST)
        return fd;
    fd = open(name, O_RDWR | O_CLOEXEC | O_NOFOLLOW); /* another was faster */
    return fd >= 0 ? fd : -errno;
}

/** @return 0, -EAGAIN (another has it), another negative errno */
static int lock(int fd, enum place place, short type)
{
    struct flock range = {.l_type = type, .l_whence = SEEK_SET, .l_start = place, .l_len = 1};
    int result = fcntl(fd, F_OFD_SETLK, &range) < 0 ? -errno : 0;
    return result == -EACCES ? -EAGAIN : result;
}

static int wait_for(int fd, enum place place, int64_t deadline_ms, const atomic_bool *is_closing)
{
    int result;
    while ((result = lock(fd, place, F_WRLCK)) == -EAGAIN) {
        if (atomic_load(is_closing))
            return -ENOTCONN;
        if (kt_sqlite_now_ms() >= deadline_ms)
            return -ETIMEDOUT;
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
    }
    return result;
}

int kt_sqlite_turn_take(int fd, int64_t deadline_ms, const atomic_bool *is_closing)
{
    int result = wait_for(fd, DOOR, deadline_ms, is_closing);
    if (result < 0)
        return result;
    result = wait_for(fd, TURN, deadline_ms, is_closing);
    lock(fd, DOOR, F_UNLCK);
    return result;
}

void kt_sqlite_turn_give(int fd)
{
    lock(fd, TURN, F_UNLCK);
}
