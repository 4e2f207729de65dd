/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading a log of SQLite (sqlite.org/fileformat2.html, section 4). The sum of each frame goes on
 * from that of the frame before. One that does not fit is
 *  - the end, when what follows is of an earlier use of the file (other salts),
 *  - the end, when one transaction follows: it was not synced when the power went, or is what a
 *    failed sync has left behind,
 *  - damage, when two follow: the second was begun when the first had been synced.
 */
#include "store/sqlite_log.h"

#include "store/sqlite_pages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** Bytes of the header of a log, and of that of a frame. */
#define HEAD_BYTES 32
#define FRAME_HEAD_BYTES 24
#define FRAME_BYTES (FRAME_HEAD_BYTES + KT_SQLITE_PAGE_BYTES)
/** The first word of a log, but for its last bit, which tells the order of bytes of its sums. */
#define MAGIC UINT32_C(0x377f0682)
/** Frames that are read at once. */
#define BATCH 64

struct sums {
    uint32_t first, second;
};

struct log {
    bool is_big_endian; /**< its sums */
    unsigned char salts[8];
    struct sums sums;    /**< as they stand in the last frame */
    size_t frames;       /**< so far */
    bool is_broken;      /**< a frame did not fit; then: */
    size_t broken_frame; /**< the first one that did not */
    unsigned commits;    /**< that fit, without a break, behind one that did not */
    bool is_damaged;
};

static uint32_t word_at(const unsigned char *at, bool is_big_endian)
{
    return is_big_endian
               ? (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3]
               : (uint32_t)at[3] << 24 | (uint32_t)at[2] << 16 | (uint32_t)at[1] << 8 | at[0];
}

static struct sums sums_at(const unsigned char *at)
{
    return (struct sums){word_at(at, true), word_at(at + 4, true)};
}

static bool is_equal(struct sums left, struct sums right)
{
    return left.first == right.first && left.second == right.second;
}

static struct sums sum_up(const struct log *log, struct sums sums, const unsigned char *at,
                          size_t bytes)
{
    for (size_t i = 0; i < bytes; i += 8) {
        sums.first += word_at(at + i, log->is_big_endian) + sums.second;
        sums.second += word_at(at + i + 4, log->is_big_endian) + sums.first;
    }
    return sums;
}

/** @return whether this can be the header of a log that has frames */
static bool take_head(struct log *log, const unsigned char *head)
{
    uint32_t magic = word_at(head, true);
    log->is_big_endian = magic & 1;
    if ((magic & ~UINT32_C(1)) != MAGIC || word_at(head + 8, true) != KT_SQLITE_PAGE_BYTES)
        return false;
    memcpy(log->salts, head + 16, sizeof log->salts);
    log->sums = sum_up(log, (struct sums){0, 0}, head, 24);
    return is_equal(log->sums, sums_at(head + 24));
}

static void take_frame(struct log *log, const unsigned char *frame)
{
    bool is_commit = word_at(frame + 4, true) != 0;
    struct sums sums = sum_up(log, log->sums, frame, 8);
    sums = sum_up(log, sums, frame + FRAME_HEAD_BYTES, KT_SQLITE_PAGE_BYTES);
    log->sums = sums_at(frame + 16);
    bool fits = memcmp(frame + 8, log->salts, sizeof log->salts) == 0 && is_equal(sums, log->sums);
    if (!fits) {
        if (!log->is_broken)
            log->broken_frame = log->frames;
        log->is_broken = true;
        log->commits = 0;
    } else if (log->is_broken && is_commit && ++log->commits == 2) {
        log->is_damaged = true;
    }
    log->frames++;
}

/** @return 0 or a negative errno */
static int take_frames(struct log *log, int fd)
{
    unsigned char *frames = malloc((size_t)BATCH * FRAME_BYTES);
    ssize_t size = 0;
    if (!frames)
        return -ENOMEM;
    while (!log->is_damaged) {
        off_t offset = HEAD_BYTES + (off_t)log->frames * FRAME_BYTES;
        size = pread(fd, frames, (size_t)BATCH * FRAME_BYTES, offset);
        if (size < FRAME_BYTES)
            break;
        for (ssize_t at = 0; at + FRAME_BYTES <= size; at += FRAME_BYTES)
            take_frame(log, frames + at);
    }
    int result = size < 0 ? -errno : 0;
    free(frames);
    return result;
}

static int check(const char *path, int fd, struct kt_error *error)
{
    static const unsigned char nothing[HEAD_BYTES];
    unsigned char head[HEAD_BYTES];
    struct log log = {0};
    /* Before the first commit the header is synced: without one there is nothing to lose. */
    ssize_t size = pread(fd, head, sizeof head, 0);
    if (size >= 0 && (size < HEAD_BYTES || memcmp(head, nothing, sizeof head) == 0))
        return 0;
    if (size > 0 && !take_head(&log, head))
        return kt_error_set(error, -EIO,
                            "%s is damaged at its beginning; all that is only in there would be "
                            "forgotten without it",
                            path);
    int result = size < 0 ? -errno : take_frames(&log, fd);
    if (result < 0)
        return kt_error_set(error, result == -ENOMEM ? result : -EIO, "%s: %s", path,
                            strerror(-result));
    if (!log.is_damaged)
        return 0;
    long long place = HEAD_BYTES + (long long)log.broken_frame * FRAME_BYTES;
    return kt_error_set(error, -EIO,
                        "%s is damaged at byte %lld; SQLite would forget what was written behind "
                        "that. Bring it back, or to do without, cut it there",
                        path, place);
}

int kt_sqlite_log_check(const char *path, struct kt_error *error)
{
    char name[4096];
    snprintf(name, sizeof name, "%s-wal", path);
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? 0
                               : kt_error_set(error, -ENOTCONN, "%s: %s", name, strerror(errno));
    int result = check(name, fd, error);
    close(fd);
    return result;
}
