/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the store in SQLite costs: one JSON object a line, {"figure", "value", "unit"}, for all
 * figures or those named on the command line. With --sqlite first the same is done by bare SQLite
 * in one thread, one transaction a write: that is as often as the disk can sync. The file is in
 * TMPDIR, or /var/tmp, which should be on a disk.
 */
#include <errno.h>
#include <kontor/kontor.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process/runtime.h"
#include "store/store.h"

#define KEYS 10000u
#define VALUE_BYTES 200u
#define SECONDS 2.0
/** Processes that ask at once, in all workers together. */
#define PROCESSES 1000u

static char folder[256], path[300];

static double seconds(void)
{
    return (double)uv_hrtime() / 1e9;
}

static void print(const char *figure, double value, const char *unit)
{
    printf("{\"figure\": \"%s\", \"value\": %.4g, \"unit\": \"%s\"}\n", figure, value, unit);
    fflush(stdout);
}

static _Noreturn void die(const char *what, int result)
{
    fprintf(stderr, "bench_store: %s: %s\n", what, strerror(-result));
    exit(1);
}

static void make_key(char key[32], uint32_t number)
{
    snprintf(key, 32, "key-%06u", number);
}

/* ---------------------------------------------------------------- a worker */

struct work {
    bool writes;
    uint32_t first, count; /**< keys, and processes */
    uint32_t running;
    uint64_t done;
    double begin, end;
};

static struct work work;
static char value[VALUE_BYTES];

/** Read or write one key after the other until the time is over. */
static void ask(void *argument)
{
    uint32_t number = (uint32_t)(uintptr_t)argument;
    char key[32];
    while (seconds() < work.end) {
        struct kt_store_document *document = NULL;
        number = (number + 7919) % KEYS;
        make_key(key, number);
        int result = work.writes
                         ? kt_store_put("bench", key, value, sizeof value, KT_STORE_ANY, NULL)
                         : kt_store_get("bench", key, &document);
        if (result < 0)
            die(key, result);
        talloc_free(document);
        work.done++;
    }
    if (--work.running == 0)
        kt_runtime_stop();
}

/** Write each key once. */
static void fill(void *argument)
{
    char key[32];
    for (uint32_t i = (uint32_t)(uintptr_t)argument; i < KEYS; i += PROCESSES) {
        make_key(key, i);
        int result = kt_store_put("bench", key, value, sizeof value, KT_STORE_ANY, NULL);
        if (result < 0)
            die(key, result);
    }
    if (--work.running == 0)
        kt_runtime_stop();
}

static void run_processes(void (*function)(void *argument), uint32_t count)
{
    const struct kt_store_address address = {.kind = KT_STORE_SQLITE, .path = path, .shown = path};
    const struct kt_store_options options = {.address = &address, .timeout_ms = 30000};
    struct kt_error error = {0};
    if (kt_runtime_start(NULL, &error) < 0 || kt_store_start(&options, &error) < 0)
        die(error.text, error.code);
    work.running = count;
    for (uint32_t i = 0; i < count; i++)
        if (kt_spawn(NULL, function, (void *)(uintptr_t)i, NULL) < 0)
            die("spawn", -EAGAIN);
    kt_runtime_run();
    kt_store_close();
    kt_runtime_close();
}

/** Measure several workers, each an OS process. @return operations a second */
static double measure_workers(bool writes, unsigned workers, uint32_t processes)
{
    int fds[2];
    uint64_t sum = 0, done;
    double begin = seconds();
    if (pipe(fds) < 0)
        die("pipe", -errno);
    work = (struct work){.writes = writes, .begin = begin, .end = begin + SECONDS};
    for (unsigned i = 0; i < workers; i++) {
        pid_t pid = fork();
        if (pid < 0)
            die("fork", -errno);
        if (pid > 0)
            continue;
        run_processes(ask, processes / workers);
        if (write(fds[1], &work.done, sizeof work.done) < 0)
            die("write", -errno);
        _exit(0);
    }
    close(fds[1]);
    while (read(fds[0], &done, sizeof done) == sizeof done)
        sum += done;
    close(fds[0]);
    while (wait(NULL) > 0)
        ;
    return (double)sum / (seconds() - begin);
}

static void fill_store(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        run_processes(fill, PROCESSES);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
}

/* ---------------------------------------------------------------- bare SQLite */

static double measure_bare(const char *figure, bool writes)
{
    sqlite3 *db;
    sqlite3_stmt *statement;
    char name[320], key[32];
    uint64_t done = 0;
    snprintf(name, sizeof name, "%s/%s.db", folder, figure);
    if (sqlite3_open(name, &db) != SQLITE_OK ||
        sqlite3_exec(db,
                     "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                     "CREATE TABLE documents (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;"
                     "BEGIN",
                     NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db, "INSERT OR REPLACE INTO documents VALUES (?, ?)", -1, &statement,
                           NULL) != SQLITE_OK)
        die(sqlite3_errmsg(db), -EIO);
    for (uint32_t i = 0; i < KEYS; i++) {
        make_key(key, i);
        sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC);
        sqlite3_bind_blob(statement, 2, value, sizeof value, SQLITE_STATIC);
        sqlite3_step(statement);
        sqlite3_reset(statement);
    }
    sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    if (!writes) {
        sqlite3_finalize(statement);
        sqlite3_prepare_v2(db, "SELECT value FROM documents WHERE key = ?", -1, &statement, NULL);
    }
    double begin = seconds();
    for (uint32_t number = 0; seconds() < begin + SECONDS; done++) {
        number = (number + 7919) % KEYS;
        make_key(key, number);
        sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC);
        int status = sqlite3_step(statement);
        sqlite3_reset(statement);
        if (status != (writes ? SQLITE_DONE : SQLITE_ROW))
            die(sqlite3_errmsg(db), -EIO);
    }
    double rate = (double)done / (seconds() - begin);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return rate;
}

/* ---------------------------------------------------------------- which figures */

static const struct {
    const char *name;
    bool writes;
    unsigned workers;
    uint32_t processes;
} figures[] = {
    {"store_reads", false, 1, PROCESSES},
    {"store_reads_2_workers", false, 2, PROCESSES},
    {"store_write_alone", true, 1, 1},
    {"store_writes", true, 1, PROCESSES},
    {"store_writes_2_workers", true, 2, PROCESSES},
};

int main(int argc, char **argv)
{
    const char *place = getenv("TMPDIR");
    char command[320];
    bool is_bare = argc > 1 && strcmp(argv[1], "--sqlite") == 0;
    char **wanted = argv + 1 + is_bare;
    memset(value, 'x', sizeof value);
    snprintf(folder, sizeof folder, "%s/kontor-bench-XXXXXX", place ? place : "/var/tmp");
    if (!mkdtemp(folder))
        die(folder, -errno);
    snprintf(path, sizeof path, "%s/store.db", folder);
    if (!is_bare)
        fill_store();
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        bool is_wanted = !*wanted;
        for (char **one = wanted; *one; one++)
            is_wanted |= strcmp(*one, figures[i].name) == 0;
        if (is_wanted)
            print(figures[i].name,
                  is_bare ? measure_bare(figures[i].name, figures[i].writes)
                          : measure_workers(figures[i].writes, figures[i].workers,
                                            figures[i].processes),
                  "1/s");
    }
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command) == 0 ? 0 : 1;
}
