/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table that microservers counts down, by SQLite alone: one thread that wakes up when rows are
 * due, makes one transaction of them, and sleeps. The same table, grid, sync and checkpoints as
 * kontor's store has, but no processes, no supervision, no other thread. It shows what SQLite and
 * the disk leave to reach, and stands beside kontor in scripts/bench.
 * Prints one JSON object for its second pass; the first one warms up.
 */
#include "config.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROWS 20000
#define AT_ONCE 10000
#define VALUE 3
#define INTERVAL_MS 1000
#define STEP_MS 5
#define PAUSE_MS 2000
#define PASSES 2
/** So many updates share a transaction at most. */
#define GROUP 1024
/** Frames in the log after which they are moved to the database. */
#define CHECKPOINT_FRAMES 1000

static sqlite3 *db;
static sqlite3_stmt *begin, *commit, *subtract;
static int frames, checkpoint_frames;
static uint32_t durations_us[ROWS * VALUE];
static size_t update_count;

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "peer_sqlite: %s: %s\n", what, sqlite3_errmsg(db));
    exit(1);
}

static void run(const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail(sql);
}

static sqlite3_stmt *prepare(const char *sql)
{
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) != SQLITE_OK)
        fail(sql);
    return statement;
}

static void step(sqlite3_stmt *statement)
{
    if (sqlite3_step(statement) != SQLITE_DONE || sqlite3_reset(statement) != SQLITE_OK)
        fail(sqlite3_sql(statement));
}

static int on_commit(void *argument, sqlite3 *database, const char *name, int count)
{
    (void)argument, (void)database, (void)name;
    frames = count;
    return SQLITE_OK;
}

static void open_database(const char *path)
{
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK)
        fail(path);
    run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;"
        "CREATE TABLE counters (name_space TEXT NOT NULL, key TEXT NOT NULL,"
        " value INTEGER NOT NULL, PRIMARY KEY (name_space, key)) WITHOUT ROWID");
    sqlite3_wal_hook(db, on_commit, NULL);
    begin = prepare("BEGIN IMMEDIATE");
    commit = prepare("COMMIT");
    subtract = prepare("UPDATE counters SET value = value - 1 WHERE name_space = ? AND key = ?");
}

static void bind_row(sqlite3_stmt *statement, int row)
{
    char key[16];
    int bytes = snprintf(key, sizeof key, "row/%07d", row);
    if (sqlite3_bind_text(statement, 1, "microservers", -1, SQLITE_STATIC) != SQLITE_OK ||
        sqlite3_bind_text(statement, 2, key, bytes, SQLITE_TRANSIENT) != SQLITE_OK)
        fail("a row");
}

static void fill(void)
{
    sqlite3_stmt *insert =
        prepare("INSERT OR REPLACE INTO counters (name_space, key, value) VALUES (?, ?, ?)");
    step(begin);
    for (int row = 0; row < ROWS; row++) {
        bind_row(insert, row);
        sqlite3_bind_int(insert, 3, VALUE);
        step(insert);
    }
    step(commit);
    sqlite3_finalize(insert);
}

/** Microseconds of a clock. */
static int64_t time_us(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/** Processor time of this OS process so far. */
static int64_t cpu_us(void)
{
    return time_us(CLOCK_PROCESS_CPUTIME_ID);
}

static void sleep_until(int64_t due_us)
{
    const struct timespec due = {due_us / 1000000, due_us % 1000000 * 1000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR)
        ;
}

static void move_log(void)
{
    if (frames < checkpoint_frames)
        checkpoint_frames = 0; /* the log has begun anew */
    if (frames - checkpoint_frames < CHECKPOINT_FRAMES)
        return;
    checkpoint_frames = frames;
    if (sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) != SQLITE_OK)
        fail("checkpoint");
}

/** Update rows that are due, GROUP at a time. */
static void update(int first, int count, int64_t due_us)
{
    for (int end, last = first + count; first < last; first = end) {
        end = last - first < GROUP ? last : first + GROUP;
        step(begin);
        for (int row = first; row < end; row++) {
            bind_row(subtract, row);
            step(subtract);
        }
        step(commit);
        uint32_t duration_us = (uint32_t)(time_us(CLOCK_MONOTONIC) - due_us);
        for (int row = first; row < end; row++)
            durations_us[update_count++] = duration_us;
        move_log();
    }
}

static int compare(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static void print(int64_t taken_us, int64_t used_us)
{
    uint64_t sum = 0;
    qsort(durations_us, update_count, sizeof *durations_us, compare);
    for (size_t i = 0; i < update_count; i++)
        sum += durations_us[i];
    printf("{\"duration_ms\": %lld, \"mean_us\": %llu, \"p99_us\": %u, \"cpu_percent\": %.2f}\n",
           (long long)taken_us / 1000, (unsigned long long)sum / update_count,
           durations_us[update_count * 99 / 100], 100.0 * (double)used_us / (double)taken_us);
}

static void do_pass(bool is_spread, bool is_printed)
{
    /* rows of one step; all of them when they tick together */
    const int step_ms = is_spread ? STEP_MS : INTERVAL_MS;
    const int count = AT_ONCE * step_ms / INTERVAL_MS;
    fill();
    update_count = 0;
    int64_t cpu_before_us = cpu_us(), epoch_us = time_us(CLOCK_MONOTONIC), due_us = epoch_us;
    for (int rows = 0; rows < ROWS; rows += AT_ONCE)
        for (int value = VALUE; value > 0; value--)
            for (int row = rows; row < rows + AT_ONCE; row += count) {
                due_us += step_ms * 1000;
                sleep_until(due_us);
                update(row, count, due_us);
            }
    if (is_printed)
        print(time_us(CLOCK_MONOTONIC) - epoch_us, cpu_us() - cpu_before_us);
}

int main(int argc, char **argv)
{
    if (argc != 3 || (strcmp(argv[2], "together") != 0 && strcmp(argv[2], "spread") != 0)) {
        fputs("usage: peer_sqlite FILE together|spread\n", stderr);
        return 2;
    }
    open_database(argv[1]);
    for (int pass = 1; pass <= PASSES; pass++) {
        do_pass(strcmp(argv[2], "spread") == 0, pass == PASSES);
        if (pass < PASSES)
            sleep_until(time_us(CLOCK_MONOTONIC) + PAUSE_MS * 1000);
    }
    return 0;
}
