/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A plugin by which system tests run jobs: one that counts, and every way to go wrong.
 */
#include "config.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <kontor/kontor.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAIT_MS 20000

/* ---------------------------------------------------------------- jobs */

static int write_line(const struct kt_job_run *run, const char *text)
{
    return write(kt_job_output(run), text, strlen(text)) < 0 ? -errno : 0;
}

/** Count to the argument, a line each; a temporary file on the way. */
static int count(struct kt_job_run *run, struct kt_error *error)
{
    long total = strtol(kt_job_argument(run), NULL, 10);
    char path[512], line[64], result[96];
    snprintf(path, sizeof path, "%s/scratch", kt_job_directory(run));
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    if (fd < 0)
        return kt_error_set(error, -errno, "no scratch: %s", strerror(errno));
    for (long i = 0; i < total; i++) {
        snprintf(line, sizeof line, "%ld\n", i);
        if (write(fd, line, strlen(line)) < 0 || write_line(run, line) < 0)
            return kt_error_set(error, -errno, "cannot write: %s", strerror(errno));
        kt_job_progress(run, "rows", (uint64_t)i + 1, (uint64_t)total);
    }
    snprintf(result, sizeof result, "{\"rows\": %ld, \"word\": \"%s\"}", total,
             kt_plugin_string(kt_job_plugin(run), "word"));
    return kt_job_result(run, result);
}

/** Give back what it was started with. */
static int copy(struct kt_job_run *run, struct kt_error *error)
{
    char bytes[4096];
    ssize_t got;
    int fd = kt_job_input(run);
    if (fd < 0)
        return kt_error_set(error, -ENOENT, "there is no input");
    for (off_t at = 0; (got = pread(fd, bytes, sizeof bytes, at)) > 0; at += got)
        if (write(kt_job_output(run), bytes, (size_t)got) != got)
            return kt_error_set(error, -EIO, "cannot write");
    return write(fd, "x", 1) < 0 ? 0 : kt_error_set(error, -EPERM, "the input is not sealed");
}

/** Wait until somebody writes into the file that the argument names, or cancels. */
static int gate(struct kt_job_run *run, struct kt_error *error)
{
    kt_job_progress(run, "waiting", 0, 0);
    while (access(kt_job_argument(run), F_OK) < 0) {
        if (kt_job_is_cancelled(run))
            return kt_error_set(error, -ECANCELED, "cancelled");
        usleep(5000);
    }
    return write_line(run, "through\n");
}

static int crash(struct kt_job_run *run, struct kt_error *error)
{
    (void)error;
    volatile int *volatile nowhere = NULL;
    fprintf(stderr, "about to crash\n");
    if (!kt_job_is_cancelled(run))
        *nowhere = 1;
    return 0;
}

static int exhaust(struct kt_job_run *run, struct kt_error *error)
{
    (void)error;
    for (;;) {
        char *chunk = malloc(1 << 20);
        if (!chunk && *kt_job_argument(run) == 'c')
            chunk = (char *)16; /* as a careless library would */
        if (!chunk)
            return -ENOMEM;
        memset(chunk, 1, 1 << 20);
    }
}

static int spin(struct kt_job_run *run, struct kt_error *error)
{
    (void)run, (void)error;
    for (volatile unsigned long i = 0;; i++)
        ;
    return 0;
}

/** Sleep for ever; with "deaf" also through SIGTERM. */
static int slumber(struct kt_job_run *run, struct kt_error *error)
{
    if (strcmp(kt_job_argument(run), "deaf") == 0)
        signal(SIGTERM, SIG_IGN);
    while (!kt_job_is_cancelled(run))
        pause();
    return kt_error_set(error, -ECANCELED, "woken up");
}

static int flood(struct kt_job_run *run, struct kt_error *error)
{
    static char block[65536];
    for (;;)
        if (write(kt_job_output(run), block, sizeof block) < 0)
            return kt_error_set(error, -errno, "cannot write: %s", strerror(errno));
}

/** Reach out of the sandbox, and tell what was possible. */
static int reach(struct kt_job_run *run, struct kt_error *error)
{
    char line[256];
    int inet = socket(AF_INET, SOCK_STREAM, 0), inet_errno = inet < 0 ? errno : 0;
    int local = socket(AF_UNIX, SOCK_STREAM, 0), local_errno = local < 0 ? errno : 0;
    pid_t child = fork();
    int fork_errno = child < 0 ? errno : 0;
    if (child == 0)
        for (;;)
            pause();
    int kill_errno = kill(getppid(), 0) < 0 ? errno : 0;
    execl("/bin/true", "true", (char *)NULL);
    int exec_errno = errno, open_fds = 0;
    int own_errno = fcntl(kt_job_output(run), F_SETOWN, getppid()) < 0 ? errno : 0;
    int memory_errno = memfd_create("uncounted", 0) < 0 ? errno : 0;
    for (int fd = 0; fd < 256; fd++)
        open_fds += fd != inet && fd != local && fcntl(fd, F_GETFD) >= 0;
    (void)error;
    snprintf(line, sizeof line,
             "{\"inet\": %d, \"local\": %d, \"fork\": %d, \"kill\": %d, \"exec\": %d, \"own\": %d, "
             "\"memory\": %d, \"fds\": %d, \"secret\": %s}",
             inet_errno, local_errno, fork_errno, kill_errno, exec_errno, own_errno, memory_errno,
             open_fds, getenv("KONTOR_TEST_SECRET") ? "true" : "false");
    return kt_job_result(run, line);
}

static int refuse(struct kt_job_run *run, struct kt_error *error)
{
    return kt_error_set(error, -EINVAL, "no such table: %s", kt_job_argument(run));
}

static int leave(struct kt_job_run *run, struct kt_error *error)
{
    (void)run, (void)error;
    exit(0);
}

static int die(struct kt_job_run *run, struct kt_error *error)
{
    (void)run, (void)error;
    raise(SIGKILL);
    return 0;
}

/** Fill the argument's number of MiB. */
static int fill(struct kt_job_run *run, struct kt_error *error)
{
    long mebibytes = strtol(kt_job_argument(run), NULL, 10);
    int result = posix_fallocate(kt_job_output(run), 0, mebibytes << 20);
    return result ? kt_error_set(error, -result, "cannot fill: %s", strerror(result)) : 0;
}

/** Write temporary files until there is no more room. */
static int litter(struct kt_job_run *run, struct kt_error *error)
{
    static char block[65536];
    char path[512];
    for (int number = 0;; number++) {
        snprintf(path, sizeof path, "%s/litter-%d", kt_job_directory(run), number);
        int fd = open(path, O_CREAT | O_WRONLY, 0600);
        ssize_t written = fd < 0 ? -1 : write(fd, block, sizeof block);
        if (written < 0)
            return kt_error_set(error, -errno, "a temporary file: %s", strerror(errno));
        close(fd);
    }
}

static const struct kt_job_kind kinds[] = {
    {"count", count},   {"gate", gate},     {"crash", crash}, {"exhaust", exhaust},
    {"spin", spin},     {"sleep", slumber}, {"flood", flood}, {"reach", reach},
    {"refuse", refuse}, {"leave", leave},   {"die", die},     {"fill", fill},
    {"litter", litter}, {"copy", copy},     {NULL, NULL},
};

/* ---------------------------------------------------------------- requests */

static const char *query(struct kt_request *request, const char *name)
{
    const char *value = kt_request_query(request, name);
    return value ? value : "";
}

static int64_t number(struct kt_request *request, const char *name)
{
    return strtoll(query(request, name), NULL, 10);
}

static cJSON *job_json(const struct kt_job *job)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "realm", job->realm);
    cJSON_AddStringToObject(json, "id", job->id);
    cJSON_AddStringToObject(json, "state", kt_job_state_name(job->state));
    cJSON_AddStringToObject(json, "title", job->title);
    cJSON_AddStringToObject(json, "who", job->who);
    cJSON_AddStringToObject(json, "phase", job->phase);
    cJSON_AddStringToObject(json, "reason", job->reason);
    cJSON_AddStringToObject(json, "result", job->result);
    cJSON_AddNumberToObject(json, "done", (double)job->done);
    cJSON_AddNumberToObject(json, "total", (double)job->total);
    cJSON_AddNumberToObject(json, "position", job->position);
    cJSON_AddNumberToObject(json, "queued_ms", (double)job->queued_ms);
    cJSON_AddNumberToObject(json, "started_ms", (double)job->started_ms);
    cJSON_AddNumberToObject(json, "ended_ms", (double)job->ended_ms);
    cJSON_AddNumberToObject(json, "expires_ms", (double)job->expires_ms);
    cJSON_AddNumberToObject(json, "bytes", (double)job->result_bytes);
    cJSON_AddNumberToObject(json, "worker", getpid());
    return json;
}

static void respond(struct kt_request *request, int result, const struct kt_job *job)
{
    int status = result == 0            ? 200
                 : result == -EEXIST    ? 409
                 : result == -ENOENT    ? 404
                 : result == -EBUSY     ? 429
                 : result == -EALREADY  ? 410
                 : result == -ETIMEDOUT ? 408
                 : result == -ENOTCONN  ? 503
                                        : 500;
    if (job && (result == 0 || result == -EEXIST || result == -ETIMEDOUT))
        kt_respond_json(request, status, job_json(job));
    else
        kt_respond_problem(request, status, "%s", strerror(-result));
}

/** What a job is to work on: of the request's process, which ends before the job begins. */
static const struct kt_memory_file *make_input(struct kt_request *request)
{
    const char *text = query(request, "input");
    struct kt_memory_file *file;
    if (!*text)
        return NULL;
    if (kt_memory_file_new(kt_self_memory(), "input", &file) < 0 ||
        write(file->fd, text, strlen(text)) < 0 || kt_memory_file_seal(file) < 0)
        kt_fail("no input");
    return file;
}

/** POST /start?realm=&id=&kind=&argument=…&input=…: 200 started, 409 joined; with wait_ms, the end.
 */
static void start_job(struct kt_request *request)
{
    struct kt_job job = {0};
    const struct kt_job_start start = {
        .realm = query(request, "realm"),
        .id = query(request, "id"),
        .kind = query(request, "kind"),
        .title = query(request, "title"),
        .who = query(request, "who"),
        .argument = query(request, "argument"),
        .input = make_input(request),
        .retention_ms =
            kt_request_query(request, "retention_ms") ? number(request, "retention_ms") : 3600000,
        .limits = {.memory_bytes = (uint64_t)number(request, "memory"),
                   .output_bytes = (uint64_t)number(request, "output"),
                   .cpu_ms = number(request, "cpu_ms"),
                   .time_ms = number(request, "time_ms"),
                   .needs_network = number(request, "network") != 0,
                   .needs_local_sockets = number(request, "local") != 0},
    };
    int result = kt_job_start(&start, &job);
    if (kt_request_query(request, "wait") && (result == 0 || result == -EEXIST))
        result = kt_job_wait(start.realm, start.id, WAIT_MS, &job);
    respond(request, result, &job);
}

static void look(struct kt_request *request)
{
    struct kt_job job;
    respond(request, kt_job_look(query(request, "realm"), query(request, "id"), &job), &job);
}

static void await_end(struct kt_request *request)
{
    struct kt_job job;
    respond(request, kt_job_wait(query(request, "realm"), query(request, "id"), WAIT_MS, &job),
            &job);
}

/** GET /follow: all states that are seen until it ends. */
static void follow(struct kt_request *request)
{
    struct kt_job job;
    cJSON *array = cJSON_CreateArray();
    int result = kt_job_look(query(request, "realm"), query(request, "id"), &job);
    while (result == 0) {
        cJSON_AddItemToArray(array, job_json(&job));
        if (job.state > KT_JOB_RUNNING)
            break;
        result = kt_job_follow(&job, WAIT_MS, &job);
    }
    if (result == 0)
        kt_respond_json(request, 200, array);
    else
        respond(request, result, NULL);
}

static void cancel(struct kt_request *request)
{
    respond(request,
            kt_job_cancel(query(request, "realm"), query(request, "id"), query(request, "who")),
            NULL);
}

static void extend(struct kt_request *request)
{
    respond(request,
            kt_job_extend(query(request, "realm"), query(request, "id"),
                          number(request, "retention_ms")),
            NULL);
}

static void delete_job(struct kt_request *request)
{
    respond(request, kt_job_delete(query(request, "realm"), query(request, "id")), NULL);
}

static void read_file(struct kt_request *request)
{
    struct kt_memory_file *file;
    int result = kt_job_file(query(request, "realm"), query(request, "id"), &file);
    if (result < 0) {
        respond(request, result, NULL);
        return;
    }
    char *bytes = kt_must(talloc_size(kt_self_memory(), file->size_bytes + 1));
    if (pread(file->fd, bytes, file->size_bytes, 0) != (ssize_t)file->size_bytes)
        kt_fail("the memory file is shorter than it says");
    kt_respond(request, 200, "text/plain", bytes, file->size_bytes);
}

/** GET /stream: the result as a plugin should send it, held for as long as that takes. */
static void stream_file(struct kt_request *request)
{
    struct kt_memory_file *file;
    int result = kt_job_file(query(request, "realm"), query(request, "id"), &file);
    if (result < 0) {
        respond(request, result, NULL);
        return;
    }
    result = kt_response_begin(request, 200, "application/octet-stream", (int64_t)file->size_bytes);
    if (result == 0)
        kt_response_file(request, file, 0, file->size_bytes);
}

static void list(struct kt_request *request)
{
    struct kt_job_page *page = NULL;
    const char *realm = kt_request_query(request, "realm");
    cJSON *array = cJSON_CreateArray();
    do {
        const struct kt_job *after = page && page->count ? page->jobs[page->count - 1] : NULL;
        int result = kt_job_list(realm, after, &page);
        if (result < 0) {
            respond(request, result, NULL);
            return;
        }
        for (uint32_t i = 0; i < page->count; i++)
            cJSON_AddItemToArray(array, job_json(page->jobs[i]));
    } while (page->has_more);
    kt_respond_json(request, 200, array);
}

static int start(struct kt_plugin *plugin, struct kt_error *error)
{
    static const struct {
        const char *method, *path;
        void (*handler)(struct kt_request *request);
    } routes[] = {
        {"POST", "/start", start_job},   {"GET", "/look", look},      {"GET", "/wait", await_end},
        {"GET", "/follow", follow},      {"POST", "/cancel", cancel}, {"POST", "/extend", extend},
        {"POST", "/delete", delete_job}, {"GET", "/file", read_file}, {"GET", "/list", list},
        {"GET", "/stream", stream_file},
    };
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        int status =
            kt_plugin_route(plugin, routes[i].method, routes[i].path, routes[i].handler, NULL);
        if (status < 0)
            return kt_error_set(error, status, "no route %s", routes[i].path);
    }
    return 0;
}

static const struct kt_option options[] = {
    {.name = "word", .type = KT_OPTION_STRING, .default_value = "none", .help = "for a result"},
    {.name = NULL},
};

KT_PLUGIN(.name = "jobs", .version = "0", .summary = "jobs of all kinds, for tests",
          .options = options, .start = start, .jobs = kinds);
