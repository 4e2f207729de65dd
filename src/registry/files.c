/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers are given from the lowest; a number is used again when its file has gone. */
#include "registry/files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)

void kt_files_open(struct kt_files *files, uint64_t bytes_max,
                   void (*changed)(uint32_t number, int fd, void *argument), void *argument)
{
    *files = (struct kt_files){.bytes_max = bytes_max, .changed = changed, .argument = argument};
    for (uint32_t i = 0; i < KT_FILES_MAX; i++) {
        files->fds[i] = -1;
        files->free[files->free_count++] = KT_FILES_MAX - 1 - i;
    }
}

void kt_files_close(struct kt_files *files)
{
    for (uint32_t i = 0; i < KT_FILES_MAX; i++)
        if (files->fds[i] >= 0)
            close(files->fds[i]);
    *files = (struct kt_files){0};
}

int kt_files_check(int fd, uint64_t *ret_bytes)
{
    struct stat status;
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &status) < 0)
        return -EPERM;
    *ret_bytes = (uint64_t)status.st_size;
    return 0;
}

static void put(struct kt_files *files, uint32_t number, int fd, uint64_t bytes)
{
    files->fds[number] = fd;
    files->bytes[number] = bytes;
    files->bytes_total += bytes;
    if (files->changed)
        files->changed(number, fd, files->argument);
}

static bool has_room(const struct kt_files *files, uint64_t bytes)
{
    return bytes <= files->bytes_max && files->bytes_total <= files->bytes_max - bytes;
}

int kt_files_add(struct kt_files *files, int fd, uint64_t bytes, uint32_t *ret_number)
{
    if (files->free_count == 0)
        return -EMFILE;
    if (!has_room(files, bytes))
        return -ENOSPC;
    *ret_number = files->free[--files->free_count];
    put(files, *ret_number, fd, bytes);
    return 0;
}

int kt_files_restore(struct kt_files *files, uint32_t number, int fd, uint64_t bytes)
{
    uint32_t place = 0;
    while (place < files->free_count && files->free[place] != number)
        place++;
    if (place == files->free_count)
        return -EEXIST;
    if (!has_room(files, bytes))
        return -ENOSPC;
    for (files->free_count--; place < files->free_count; place++)
        files->free[place] = files->free[place + 1];
    put(files, number, fd, bytes);
    return 0;
}

void kt_files_remove(struct kt_files *files, uint32_t number)
{
    close(files->fds[number]);
    files->fds[number] = -1;
    files->bytes_total -= files->bytes[number];
    files->free[files->free_count++] = number;
    if (files->changed)
        files->changed(number, -1, files->argument);
}
