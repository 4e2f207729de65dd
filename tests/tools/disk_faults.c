/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A disk that fails on demand, for LD_PRELOAD: as long as there is a file "fails" in the folder
 * DISK_FAULTS, every sync of a file fails with EIO; what was written stays in the cache, as after a
 * real failure. As long as there is a file "hangs", every sync waits.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/** Between two looks whether it still hangs. */
#define PAUSE_US 5000

/** Whether the disk does this now. */
static bool does(const char *what)
{
    char path[4096];
    int before = errno;
    const char *folder = getenv("DISK_FAULTS");
    if (!folder)
        return false;
    snprintf(path, sizeof path, "%s/%s", folder, what);
    bool is_there = access(path, F_OK) == 0;
    errno = before;
    return is_there;
}

static int sync_or_fail(const char *name, int fd)
{
    while (does("hangs"))
        usleep(PAUSE_US);
    if (does("fails")) {
        errno = EIO;
        return -1;
    }
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    return real(fd);
}

int fsync(int fd)
{
    return sync_or_fail("fsync", fd);
}

int fdatasync(int fd)
{
    return sync_or_fail("fdatasync", fd);
}
