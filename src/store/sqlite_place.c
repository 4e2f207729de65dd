/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread's connection with the file: opened, given up, tried again with pauses, and what the log
 * is told of it. All threads share the pauses, since they share the file.
 */
#include "store/sqlite_place.h"

#include "store/sqlite_turn.h"
#include "store/sum.h"

#include <errno.h>
#include <kontor/log.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/** The first and the longest pause between tries to open a store. */
#define PAUSE_MIN_MS 100
#define PAUSE_MAX_MS 5000
/** The same complaint is told so often, and any so often. */
#define COMPLAIN_SAME_MS 60000
#define COMPLAIN_MS 1000

/* ---------------------------------------------------------------- trouble */

/** Tell the log what went wrong, the same thing not again and again. */
static void complain(struct kt_sqlite_desk *desk, const char *text)
{
    uint64_t sum = kt_sum(0, text, strlen(text));
    int64_t now = kt_sqlite_now_ms();
    pthread_mutex_lock(&desk->lock);
    int64_t age = desk->complained_ms ? now - desk->complained_ms : INT64_MAX;
    bool is_told = age >= (sum == desk->complaint ? COMPLAIN_SAME_MS : COMPLAIN_MS);
    if (is_told) {
        desk->complaint = sum;
        desk->complained_ms = now;
    }
    pthread_mutex_unlock(&desk->lock);
    if (is_told)
        kt_log_error("store: %s", text);
}

void kt_sqlite_complain(struct kt_sqlite_desk *desk, int status, const char *text)
{
    char line[KT_ERROR_TEXT_MAX];
    if (status == SQLITE_IOERR_DATA || (status & 0xff) == SQLITE_CORRUPT)
        text = "a part of it is damaged, or was written to by another program than kontor; what "
               "is there can't be read";
    snprintf(line, sizeof line, "%s: %s (%d)", desk->path, text, status);
    complain(desk, line);
}

/** Whether it may be tried to open the store now. */
static bool may_open(struct kt_sqlite_desk *desk, int *ret_code)
{
    pthread_mutex_lock(&desk->lock);
    bool may = !desk->is_lost || kt_sqlite_now_ms() >= desk->retry_ms;
    *ret_code = desk->lost_code;
    pthread_mutex_unlock(&desk->lock);
    return may;
}

static void note_lost(struct kt_sqlite_desk *desk, const struct kt_error *error)
{
    pthread_mutex_lock(&desk->lock);
    bool is_news = !desk->is_lost;
    desk->pause_ms = is_news ? PAUSE_MIN_MS : 2 * desk->pause_ms;
    if (desk->pause_ms > PAUSE_MAX_MS)
        desk->pause_ms = PAUSE_MAX_MS;
    desk->retry_ms = kt_sqlite_now_ms() + desk->pause_ms;
    desk->lost_code = error->code;
    desk->is_lost = true;
    pthread_mutex_unlock(&desk->lock);
    if (is_news)
        kt_log_error("the store can't be opened: %s", error->text);
}

static void note_found(struct kt_sqlite_desk *desk)
{
    pthread_mutex_lock(&desk->lock);
    bool is_news = desk->is_lost;
    desk->is_lost = false;
    pthread_mutex_unlock(&desk->lock);
    if (is_news)
        kt_log_notice("the store is back: %s", desk->path);
}

/* ---------------------------------------------------------------- connections */

/** Whether this connection is with the file that was looked at. */
static bool is_counted(const struct kt_sqlite_desk *desk, const struct kt_sqlite_file *file)
{
    return desk->open_count > 0 && desk->open_device == file->device &&
           desk->open_inode == file->inode;
}

static void note_open(struct kt_sqlite_desk *desk, const struct kt_sqlite_file *file)
{
    pthread_mutex_lock(&desk->open_lock);
    if (!is_counted(desk, file)) {
        desk->open_device = file->device;
        desk->open_inode = file->inode;
        desk->open_count = 0;
    }
    desk->open_count++;
    pthread_mutex_unlock(&desk->open_lock);
}

/** Whether the file that is there now has been looked at, and is open. */
static bool is_open(struct kt_sqlite_desk *desk)
{
    pthread_mutex_lock(&desk->open_lock);
    const struct kt_sqlite_file known = {.device = desk->open_device, .inode = desk->open_inode};
    bool is = desk->open_count > 0 && kt_sqlite_is_same(&known, desk->path);
    pthread_mutex_unlock(&desk->open_lock);
    return is;
}

void kt_sqlite_leave(struct kt_sqlite_place *place)
{
    /* one after the other, so that the last one sees that it is: it empties the log */
    pthread_mutex_lock(&place->desk->open_lock);
    if (place->file && is_counted(place->desk, place->file))
        place->desk->open_count--;
    kt_sqlite_close(place->file);
    pthread_mutex_unlock(&place->desk->open_lock);
    place->file = NULL;
    if (place->turn_fd >= 0)
        close(place->turn_fd);
    place->turn_fd = -1;
}

/** @return 0 or a negative errno with the words */
static int open_place(struct kt_sqlite_place *place, int64_t deadline_ms, struct kt_error *error)
{
    struct kt_sqlite_desk *desk = place->desk;
    int result = place->turn_fd = kt_sqlite_turn_open(desk->path);
    /* without the lock it can be read */
    if (result < 0 && result != -EROFS && result != -EACCES)
        return kt_error_set(error, -ENOTCONN, "%s" KT_SQLITE_TURN_SUFFIX ": %s", desk->path,
                            strerror(-result));
    if (is_open(desk))
        return kt_sqlite_open_another(desk->path, deadline_ms, &desk->is_closing, &place->file,
                                      error);
    return kt_sqlite_open(desk->path, place->turn_fd, deadline_ms, &desk->is_closing, &place->file,
                          error);
}

static int enter_now(struct kt_sqlite_place *place, int64_t deadline_ms)
{
    struct kt_error error = {0};
    int result = open_place(place, deadline_ms, &error);
    if (result < 0) {
        kt_sqlite_leave(place);
        /* that others are slow to write says nothing of the store */
        if (result != -ETIMEDOUT && !atomic_load(&place->desk->is_closing))
            note_lost(place->desk, &error);
        return result;
    }
    place->checkpoint_frames = 0;
    note_open(place->desk, place->file);
    note_found(place->desk);
    return 0;
}

int kt_sqlite_enter(struct kt_sqlite_place *place, int64_t deadline_ms)
{
    int code;
    if (place->file && !kt_sqlite_is_same(place->file, place->desk->path))
        kt_sqlite_leave(place);
    if (!place->file && !may_open(place->desk, &code))
        return code;
    int result = place->file ? 0 : enter_now(place, deadline_ms);
    if (result == 0)
        place->file->deadline_ms = deadline_ms;
    return result;
}
