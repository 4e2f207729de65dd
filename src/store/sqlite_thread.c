/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The threads of a store in SQLite: taking what waits, doing it at once, giving it back.
 */
#include "store/sqlite_thread.h"

#include "store/sqlite_group.h"
#include "store/sqlite_place.h"
#include "store/sqlite_turn.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <time.h>

/** What a reader takes at once: little enough that the others have something to do. */
#define READ_BATCH_MAX 64u
/** What the writer commits at once: a transaction of more would take longer than its sync. */
#define WRITE_BATCH_MAX 1024u
#define WRITE_BATCH_BYTES_MAX ((size_t)8 << 20)
/** Frames in the log (pages of 4 KiB) after which they are moved to the database, ... */
#define CHECKPOINT_FRAMES 1000
/** ... and after which writers and readers wait until the log begins anew: 64 MiB. */
#define RESTART_FRAMES 16384
/** How long that may wait for readers. */
#define RESTART_MS 200
/** A connection without work for so long gives the pages that it remembers back, ... */
#define IDLE_S 5
/** ... if they are worth it. */
#define IDLE_BYTES_MAX (1 << 20)
/** Stack of a thread: SQLite and a page. */
#define THREAD_STACK ((size_t)256 * 1024)

/* ---------------------------------------------------------------- queues */

void kt_sqlite_queue_init(struct kt_sqlite_queue *queue)
{
    queue->first = NULL;
    queue->last = &queue->first;
}

void kt_sqlite_queue_append(struct kt_sqlite_queue *queue, struct kt_sqlite_operation *operation)
{
    operation->next = NULL;
    *queue->last = operation;
    queue->last = &operation->next;
}

static struct kt_sqlite_operation *queue_take(struct kt_sqlite_queue *queue)
{
    struct kt_sqlite_operation *operation = queue->first;
    if (operation && !(queue->first = operation->next))
        queue->last = &queue->first;
    return operation;
}

/** Take the first ones. @return how many */
static size_t take_some(struct kt_sqlite_queue *queue, struct kt_sqlite_operation **operations,
                        size_t count_max, size_t bytes_max)
{
    size_t count = 0, bytes = 0;
    while (queue->first && count < count_max && (count == 0 || bytes < bytes_max)) {
        operations[count] = queue_take(queue);
        bytes += operations[count++]->value_bytes;
    }
    return count;
}

static void give_back(struct kt_sqlite_desk *desk, struct kt_sqlite_operation **operations,
                      size_t count)
{
    if (count == 0)
        return;
    pthread_mutex_lock(&desk->lock);
    bool was_empty = desk->done.first == NULL;
    for (size_t i = 0; i < count; i++)
        kt_sqlite_queue_append(&desk->done, operations[i]);
    pthread_mutex_unlock(&desk->lock);
    if (was_empty)
        desk->tell(desk->argument);
}

/* ---------------------------------------------------------------- waiting */

/** Give back what the connection remembers of the database. */
static void forget_pages(const struct kt_sqlite_file *file)
{
    int used = 0, most;
    sqlite3_db_status(file->db, SQLITE_DBSTATUS_CACHE_USED, &used, &most, 0);
    if (used <= IDLE_BYTES_MAX)
        return;
    sqlite3_db_release_memory(file->db);
    malloc_trim(0);
}

static bool is_awaited(const struct kt_sqlite_desk *desk, const struct kt_sqlite_queue *queue)
{
    return !queue->first && !atomic_load(&desk->is_closing);
}

/** Wait for something in a queue, or the end; the desk is locked. */
static void await(struct kt_sqlite_place *place, const struct kt_sqlite_queue *queue,
                  pthread_cond_t *bell)
{
    struct kt_sqlite_desk *desk = place->desk;
    struct timespec until;
    int status = 0;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += IDLE_S;
    while (is_awaited(desk, queue) && status != ETIMEDOUT)
        status = pthread_cond_timedwait(bell, &desk->lock, &until);
    if (is_awaited(desk, queue) && place->file) {
        pthread_mutex_unlock(&desk->lock);
        forget_pages(place->file);
        pthread_mutex_lock(&desk->lock);
    }
    while (is_awaited(desk, queue))
        pthread_cond_wait(bell, &desk->lock);
}

/* ---------------------------------------------------------------- batches */

/** Drop those that nobody waits for. @return how many are left; they come first */
static size_t sort_out(struct kt_sqlite_operation **operations, size_t count, int64_t *ret_deadline)
{
    size_t left = 0;
    *ret_deadline = 0;
    for (size_t i = 0; i < count; i++) {
        struct kt_sqlite_operation *operation = operations[i];
        operation->status = -ECANCELED;
        if (atomic_load(&operation->is_abandoned))
            continue;
        if (operation->deadline_ms > *ret_deadline)
            *ret_deadline = operation->deadline_ms;
        operations[i] = operations[left];
        operations[left++] = operation;
    }
    return left;
}

static void fail_all(struct kt_sqlite_operation **operations, size_t count, int status)
{
    for (size_t i = 0; i < count; i++)
        operations[i]->status = status;
}

/* ---------------------------------------------------------------- reading */

/** @return whether the connection can still be used */
static bool read_one(struct kt_sqlite_place *place, struct kt_sqlite_operation *operation)
{
    int status = kt_sqlite_read(place->file, operation);
    if (status == SQLITE_OK)
        return true;
    operation->status = kt_sqlite_errno(place->file, status);
    if (operation->status == -EIO)
        kt_sqlite_complain(place->desk, status, sqlite3_errmsg(place->file->db));
    return (status & 0xff) != SQLITE_IOERR || status == SQLITE_IOERR_DATA;
}

/** One look at the store as it is now for all of them. */
static void read_all(struct kt_sqlite_place *place, struct kt_sqlite_operation **operations,
                     size_t count)
{
    int64_t deadline;
    size_t left = sort_out(operations, count, &deadline);
    int result = left > 0 ? kt_sqlite_enter(place, deadline) : 0;
    if (left == 0 || result < 0) {
        fail_all(operations, left, result);
        return;
    }
    int status = kt_sqlite_run(place->file, KT_SQLITE_BEGIN_READ);
    bool is_usable = status == SQLITE_OK;
    fail_all(operations, left, is_usable ? -EIO : kt_sqlite_errno(place->file, status));
    for (size_t i = 0; i < left && is_usable; i++)
        is_usable = read_one(place, operations[i]);
    if (is_usable)
        is_usable = kt_sqlite_run(place->file, KT_SQLITE_COMMIT) == SQLITE_OK;
    if (!is_usable)
        kt_sqlite_leave(place);
}

static void *reader_main(void *argument)
{
    struct kt_sqlite_desk *desk = argument;
    struct kt_sqlite_place place = {.desk = desk, .turn_fd = -1};
    struct kt_sqlite_operation *operations[READ_BATCH_MAX];
    pthread_mutex_lock(&desk->lock);
    for (;;) {
        desk->idle_readers++;
        await(&place, &desk->reads, &desk->has_reads);
        desk->idle_readers--;
        if (atomic_load(&desk->is_closing))
            break;
        size_t count = take_some(&desk->reads, operations, READ_BATCH_MAX, SIZE_MAX);
        pthread_mutex_unlock(&desk->lock);
        read_all(&place, operations, count);
        give_back(desk, operations, count);
        pthread_mutex_lock(&desk->lock);
    }
    pthread_mutex_unlock(&desk->lock);
    kt_sqlite_leave(&place);
    return NULL;
}

/* ---------------------------------------------------------------- writing */

/** Move the log to the database now and then, when nobody waits for it. */
static void checkpoint(struct kt_sqlite_place *place)
{
    struct kt_sqlite_file *file = place->file;
    if (file->frames < place->checkpoint_frames)
        place->checkpoint_frames = 0; /* the log has begun anew */
    if (file->frames - place->checkpoint_frames < CHECKPOINT_FRAMES)
        return;
    bool restarts = file->frames >= RESTART_FRAMES;
    int64_t deadline = kt_sqlite_now_ms() + RESTART_MS;
    restarts =
        restarts && kt_sqlite_turn_take(place->turn_fd, deadline, &place->desk->is_closing) == 0;
    file->deadline_ms = restarts ? deadline : 0;
    int frames = file->frames;
    int status = sqlite3_wal_checkpoint_v2(
        file->db, "main", restarts ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE, NULL,
        NULL);
    if (restarts)
        kt_sqlite_turn_give(place->turn_fd);
    place->checkpoint_frames = frames;
    if (status == SQLITE_OK || (status & 0xff) == SQLITE_BUSY || (status & 0xff) == SQLITE_LOCKED)
        return;
    kt_sqlite_complain(place->desk, status, sqlite3_errmsg(file->db));
    if ((status & 0xff) == SQLITE_IOERR)
        kt_sqlite_leave(place);
}

/** Have a connection, and the turn. @return 0 or a negative errno */
static int begin_writing(struct kt_sqlite_place *place, int64_t deadline)
{
    int result = kt_sqlite_enter(place, deadline);
    if (result < 0)
        return result;
    if (place->turn_fd < 0 || sqlite3_db_readonly(place->file->db, "main") == 1) {
        kt_sqlite_leave(place); /* somebody may change that */
        return -EROFS;
    }
    return kt_sqlite_turn_take(place->turn_fd, deadline, &place->desk->is_closing);
}

/** Take what has come while the turn was waited for. @return how many there are then */
static size_t top_up(struct kt_sqlite_desk *desk, struct kt_sqlite_operation **operations,
                     size_t count)
{
    pthread_mutex_lock(&desk->lock);
    count += take_some(&desk->writes, operations + count, WRITE_BATCH_MAX - count,
                       WRITE_BATCH_BYTES_MAX);
    pthread_mutex_unlock(&desk->lock);
    return count;
}

/**
 * Do these, and those that come until it is this worker's turn, as one.
 * @param operations  room for WRITE_BATCH_MAX
 * @return how many were done
 */
static size_t write_all(struct kt_sqlite_place *place, struct kt_sqlite_operation **operations,
                        size_t count)
{
    int64_t deadline;
    struct kt_sqlite_outcome outcome = {.status = SQLITE_OK};
    size_t left = sort_out(operations, count, &deadline);
    int result = left > 0 ? begin_writing(place, deadline) : 0;
    if (left == 0 || result < 0) {
        fail_all(operations, left, result);
        return count;
    }
    count = top_up(place->desk, operations, count);
    left = sort_out(operations, count, &deadline); /* the turn may have taken its time */
    if (left > 0)
        kt_sqlite_commit(place->file, operations, left, &outcome);
    kt_sqlite_turn_give(place->turn_fd);
    if (outcome.status != SQLITE_OK && (outcome.status & 0xff) != SQLITE_BUSY)
        kt_sqlite_complain(place->desk, outcome.status, outcome.text);
    if (outcome.is_broken)
        kt_sqlite_leave(place);
    return count;
}

static void *writer_main(void *argument)
{
    struct kt_sqlite_desk *desk = argument;
    struct kt_sqlite_place place = {.desk = desk, .turn_fd = -1};
    struct kt_sqlite_operation *operations[WRITE_BATCH_MAX];
    pthread_mutex_lock(&desk->lock);
    for (;;) {
        desk->is_writer_idle = true;
        await(&place, &desk->writes, &desk->has_writes);
        desk->is_writer_idle = false;
        if (atomic_load(&desk->is_closing))
            break;
        size_t count = take_some(&desk->writes, operations, WRITE_BATCH_MAX, WRITE_BATCH_BYTES_MAX);
        pthread_mutex_unlock(&desk->lock);
        count = write_all(&place, operations, count);
        give_back(desk, operations, count);
        if (place.file)
            checkpoint(&place);
        pthread_mutex_lock(&desk->lock);
    }
    pthread_mutex_unlock(&desk->lock);
    kt_sqlite_leave(&place);
    return NULL;
}

/* ---------------------------------------------------------------- the desk */

void kt_sqlite_desk_init(struct kt_sqlite_desk *desk, const char *path,
                         void (*tell)(void *argument), void *argument)
{
    pthread_condattr_t monotonic;
    memset(desk, 0, sizeof *desk);
    desk->path = path;
    desk->tell = tell;
    desk->argument = argument;
    pthread_mutex_init(&desk->lock, NULL);
    pthread_mutex_init(&desk->open_lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&desk->has_reads, &monotonic);
    pthread_cond_init(&desk->has_writes, &monotonic);
    pthread_condattr_destroy(&monotonic);
    kt_sqlite_queue_init(&desk->reads);
    kt_sqlite_queue_init(&desk->writes);
    kt_sqlite_queue_init(&desk->done);
    atomic_init(&desk->is_closing, false);
}

int kt_sqlite_desk_start(struct kt_sqlite_desk *desk)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    int status = 0;
    if (desk->thread_count == KT_SQLITE_READERS + 1)
        return 0;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, THREAD_STACK);
    /* signals are the loop's */
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    while (status == 0 && desk->thread_count <= KT_SQLITE_READERS) {
        status = pthread_create(&desk->threads[desk->thread_count], &attributes,
                                desk->thread_count == 0 ? writer_main : reader_main, desk);
        if (status == 0)
            desk->thread_count++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return -status;
}

void kt_sqlite_desk_put_read(struct kt_sqlite_desk *desk, struct kt_sqlite_operation *operation)
{
    pthread_mutex_lock(&desk->lock);
    kt_sqlite_queue_append(&desk->reads, operation);
    bool wakes = desk->idle_readers > 0;
    pthread_mutex_unlock(&desk->lock);
    if (wakes)
        pthread_cond_signal(&desk->has_reads);
}

void kt_sqlite_desk_put_writes(struct kt_sqlite_desk *desk, struct kt_sqlite_queue *writes)
{
    if (!writes->first)
        return;
    pthread_mutex_lock(&desk->lock);
    *desk->writes.last = writes->first;
    desk->writes.last = writes->last;
    bool wakes = desk->is_writer_idle;
    pthread_mutex_unlock(&desk->lock);
    kt_sqlite_queue_init(writes);
    if (wakes)
        pthread_cond_signal(&desk->has_writes);
}

struct kt_sqlite_operation *kt_sqlite_desk_take(struct kt_sqlite_desk *desk)
{
    pthread_mutex_lock(&desk->lock);
    struct kt_sqlite_operation *first = desk->done.first;
    kt_sqlite_queue_init(&desk->done);
    pthread_mutex_unlock(&desk->lock);
    return first;
}

struct kt_sqlite_operation *kt_sqlite_desk_close(struct kt_sqlite_desk *desk)
{
    pthread_mutex_lock(&desk->lock);
    atomic_store(&desk->is_closing, true);
    pthread_cond_broadcast(&desk->has_reads);
    pthread_cond_broadcast(&desk->has_writes);
    pthread_mutex_unlock(&desk->lock);
    for (unsigned i = 0; i < desk->thread_count; i++)
        pthread_join(desk->threads[i], NULL);
    struct kt_sqlite_operation *operation;
    while ((operation = queue_take(&desk->reads)) || (operation = queue_take(&desk->writes)))
        kt_sqlite_queue_append(&desk->done, operation);
    pthread_cond_destroy(&desk->has_reads);
    pthread_cond_destroy(&desk->has_writes);
    pthread_mutex_destroy(&desk->lock);
    pthread_mutex_destroy(&desk->open_lock);
    return desk->done.first;
}
