/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory files for plugins: memfds with an owner. */
#include "registry/client.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define LABEL_MAX 200u

static int close_file(struct kt_memory_file *file)
{
    close(file->fd);
    return 0;
}

struct kt_memory_file *kt_memory_file_wrap(TALLOC_CTX *context, int fd, uint64_t size_bytes)
{
    struct kt_memory_file *file = talloc(context, struct kt_memory_file);
    if (!file) {
        close(fd);
        return NULL;
    }
    *file = (struct kt_memory_file){fd, size_bytes};
    talloc_set_destructor(file, close_file);
    return file;
}

int kt_memory_file_new(TALLOC_CTX *context, const char *label, struct kt_memory_file **ret_file)
{
    size_t length = strlen(label);
    if (length == 0 || length > LABEL_MAX)
        return -EINVAL;
    int fd = memfd_create(label, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -errno;
    *ret_file = kt_memory_file_wrap(context, fd, 0);
    return *ret_file ? 0 : -ENOMEM;
}

int kt_memory_file_seal(struct kt_memory_file *file)
{
    struct stat status;
    if (fcntl(file->fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) <
            0 ||
        fstat(file->fd, &status) < 0)
        return -errno;
    file->size_bytes = (uint64_t)status.st_size;
    return 0;
}
