/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A VFS of SQLite that sums up pages. Only the database file itself is wrapped: the log beside it
 * has checksums of its own, and its pages pass through here when they are moved to the database.
 */
#include "store/sqlite_pages.h"

#include "store/sum.h"

#include <endian.h>
#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/** Where a sum stands in a page. */
#define SUMMED_BYTES (KT_SQLITE_PAGE_BYTES - KT_SQLITE_RESERVED_BYTES)

/** An open file; that of the layer below follows behind it. */
struct file {
    sqlite3_file base;
    _Alignas(8) unsigned char below[]; /* SQLite aligns its memory to 8 bytes */
};

static sqlite3_vfs *vfs_below;

static sqlite3_file *below(sqlite3_file *file)
{
    return (sqlite3_file *)(void *)((struct file *)file)->below;
}

/** The sum of a page knows its place, so that a page written to another place shows as well. */
static uint64_t sum_page(const unsigned char *page, sqlite3_int64 offset)
{
    return htole64(kt_sum((uint64_t)offset, page, SUMMED_BYTES));
}

static bool is_page(int size, sqlite3_int64 offset)
{
    return size == KT_SQLITE_PAGE_BYTES && offset % KT_SQLITE_PAGE_BYTES == 0;
}

static int file_read(sqlite3_file *file, void *buffer, int size, sqlite3_int64 offset)
{
    uint64_t sum;
    int status = below(file)->pMethods->xRead(below(file), buffer, size, offset);
    if (!is_page(size, offset))
        return status;
    /* SQLite takes what is missing for zeros; only a file that is being made may be empty. */
    if (status == SQLITE_IOERR_SHORT_READ && offset > 0)
        return SQLITE_IOERR_DATA;
    if (status != SQLITE_OK)
        return status;
    memcpy(&sum, (unsigned char *)buffer + SUMMED_BYTES, sizeof sum);
    return sum == sum_page(buffer, offset) ? SQLITE_OK : SQLITE_IOERR_DATA;
}

static int file_write(sqlite3_file *file, const void *data, int size, sqlite3_int64 offset)
{
    unsigned char page[KT_SQLITE_PAGE_BYTES];
    if (is_page(size, offset)) {
        memcpy(page, data, SUMMED_BYTES);
        uint64_t sum = sum_page(page, offset);
        memcpy(page + SUMMED_BYTES, &sum, sizeof sum);
        data = page;
    }
    return below(file)->pMethods->xWrite(below(file), data, size, offset);
}

/* ---------------------------------------------------------------- passed on as it is */

static int file_close(sqlite3_file *file)
{
    return below(file)->pMethods->xClose(below(file));
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return below(file)->pMethods->xTruncate(below(file), size);
}

static int file_sync(sqlite3_file *file, int flags)
{
    return below(file)->pMethods->xSync(below(file), flags);
}

static int file_size(sqlite3_file *file, sqlite3_int64 *ret_size)
{
    return below(file)->pMethods->xFileSize(below(file), ret_size);
}

static int file_lock(sqlite3_file *file, int lock)
{
    return below(file)->pMethods->xLock(below(file), lock);
}

static int file_unlock(sqlite3_file *file, int lock)
{
    return below(file)->pMethods->xUnlock(below(file), lock);
}

static int file_check_lock(sqlite3_file *file, int *ret_is_locked)
{
    return below(file)->pMethods->xCheckReservedLock(below(file), ret_is_locked);
}

static int file_control(sqlite3_file *file, int operation, void *argument)
{
    return below(file)->pMethods->xFileControl(below(file), operation, argument);
}

static int file_sector_size(sqlite3_file *file)
{
    return below(file)->pMethods->xSectorSize(below(file));
}

static int file_characteristics(sqlite3_file *file)
{
    return below(file)->pMethods->xDeviceCharacteristics(below(file));
}

static int file_shm_map(sqlite3_file *file, int region, int size, int extends,
                        void volatile **ret_memory)
{
    return below(file)->pMethods->xShmMap(below(file), region, size, extends, ret_memory);
}

static int file_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    return below(file)->pMethods->xShmLock(below(file), offset, count, flags);
}

static void file_shm_barrier(sqlite3_file *file)
{
    below(file)->pMethods->xShmBarrier(below(file));
}

static int file_shm_unmap(sqlite3_file *file, int deletes)
{
    return below(file)->pMethods->xShmUnmap(below(file), deletes);
}

/* Version 2: without xFetch, by which SQLite would read pages from mapped memory past us. */
static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_lock,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_characteristics,
    .xShmMap = file_shm_map,
    .xShmLock = file_shm_lock,
    .xShmBarrier = file_shm_barrier,
    .xShmUnmap = file_shm_unmap,
};

/* ---------------------------------------------------------------- the layer */

static int vfs_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags,
                    int *ret_flags)
{
    (void)vfs;
    if (!(flags & SQLITE_OPEN_MAIN_DB))
        return vfs_below->xOpen(vfs_below, name, file, flags, ret_flags);
    file->pMethods = NULL;
    memset(below(file), 0, (size_t)vfs_below->szOsFile);
    int status = vfs_below->xOpen(vfs_below, name, below(file), flags, ret_flags);
    if (status == SQLITE_OK)
        file->pMethods = &methods;
    return status;
}

static sqlite3_vfs vfs_pages;
static int register_status = SQLITE_ERROR;

/** The first that SQLite hears of us. The functions of a VFS that know no files are those of the
 * one below, which take it for themselves: a copy has all that they look at. */
static void register_once(void)
{
    /* Nobody asks how much memory it has; counting takes a lock for each piece. Refused when
     * somebody has used SQLite before us, which then goes on counting. */
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    vfs_below = sqlite3_vfs_find(NULL);
    if (!vfs_below || vfs_below->iVersion < 2)
        return;
    vfs_pages = *vfs_below;
    vfs_pages.pNext = NULL;
    vfs_pages.zName = KT_SQLITE_PAGES;
    vfs_pages.szOsFile = vfs_below->szOsFile + (int)sizeof(struct file);
    vfs_pages.xOpen = vfs_open;
    register_status = sqlite3_vfs_register(&vfs_pages, 0);
}

int kt_sqlite_pages_register(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, register_once);
    return register_status == SQLITE_OK ? 0 : -ENOSYS;
}
