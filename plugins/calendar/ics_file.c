/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading, parsing and expanding run on the thread pool. A parsed file is immutable and shared by
 * the requests that hold a lease on it; leases are taken and returned on the worker's thread only,
 * so a plain counter does. A file is taken for unchanged when inode, size and times are, and when
 * its last change was long enough before it was read that a second one would have moved the clock.
 */
#include "ics_file.h"
#include "work_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <kontor/process.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/** A file changed less than this before it was read may change again unnoticed. */
#define SETTLE_NANOSECONDS INT64_C(2000000000)
/** How often a file that changes while it is read is read again. */
#define READ_TRIES 3
#define NANOSECONDS INT64_C(1000000000)

/** What tells a file's contents from others. */
struct identity {
    dev_t device;
    ino_t inode;
    off_t size;
    int64_t modified_ns, changed_ns;
};

/** A parsed file: a talloc root of its own. */
struct snapshot {
    struct identity identity;
    bool is_settled; /* the identity can be relied on */
    bool is_current; /* the source will lease it to others */
    size_t leases;
    struct kt_calendar calendar;
};

struct ics_file {
    struct kt_source source;
    struct kt_ics_file_options options;
    struct snapshot *current;
};

/** A request's hold on a snapshot. */
struct lease {
    struct snapshot *snapshot;
};

/** One reading, on the thread pool. */
struct job {
    const struct kt_ics_file_options *options;
    const struct kt_window *window;
    const struct snapshot *known; /* may be NULL */
    TALLOC_CTX *tree;             /* of this job alone */
    struct snapshot *fresh;       /* when the file was parsed anew; in tree */
    struct kt_events events;
    struct kt_warnings warnings;
    struct kt_error error;
    int result;
};

/* ---------------------------------------------------------------- leases */

static void release(struct snapshot *snapshot)
{
    if (snapshot->leases == 0 && !snapshot->is_current)
        talloc_free(snapshot);
}

static int lease_destroy(struct lease *lease)
{
    lease->snapshot->leases--;
    release(lease->snapshot);
    return 0;
}

static int take_lease(TALLOC_CTX *context, struct snapshot *snapshot)
{
    struct lease *lease = talloc(context, struct lease);

    if (!lease)
        return -ENOMEM;
    lease->snapshot = snapshot;
    snapshot->leases++;
    talloc_set_destructor(lease, lease_destroy);
    return 0;
}

static void replace_current(struct ics_file *file, struct snapshot *fresh)
{
    struct snapshot *old = file->current;

    talloc_steal(NULL, fresh);
    fresh->is_current = true;
    file->current = fresh;
    if (old) {
        old->is_current = false;
        release(old);
    }
}

/* ---------------------------------------------------------------- on the thread pool */

static struct identity identity_of(const struct stat *status)
{
    return (struct identity){
        .device = status->st_dev,
        .inode = status->st_ino,
        .size = status->st_size,
        .modified_ns = status->st_mtim.tv_sec * NANOSECONDS + status->st_mtim.tv_nsec,
        .changed_ns = status->st_ctim.tv_sec * NANOSECONDS + status->st_ctim.tv_nsec,
    };
}

static bool is_same(const struct identity *a, const struct identity *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->modified_ns == b->modified_ns && a->changed_ns == b->changed_ns;
}

static bool is_settled(const struct identity *identity, int64_t now_ns)
{
    int64_t last =
        identity->modified_ns > identity->changed_ns ? identity->modified_ns : identity->changed_ns;

    return now_ns - last > SETTLE_NANOSECONDS;
}

static int64_t wall_clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * NANOSECONDS + now.tv_nsec;
}

static int check_file(int fd, size_t size_max, struct identity *ret_identity,
                      struct kt_error *error)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return kt_error_set(error, -errno, "it cannot be examined (%s)", strerror(errno));
    if (!S_ISREG(status.st_mode))
        return kt_error_set(error, -EINVAL, "it is not a regular file");
    if ((uint64_t)status.st_size > size_max)
        return kt_error_set(error, -EFBIG, "it has %lld bytes, more than the %zu that are allowed",
                            (long long)status.st_size, size_max);
    *ret_identity = identity_of(&status);
    return 0;
}

/** Read as many bytes as the file has. @return bytes read or a negative errno */
static ssize_t read_all(int fd, char *buffer, size_t size)
{
    size_t done = 0;

    while (done < size) {
        ssize_t count = pread(fd, buffer + done, size - done, (off_t)done);

        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return -errno;
        if (count == 0)
            break;
        done += (size_t)count;
    }
    return (ssize_t)done;
}

/** Read and parse until the file has stayed the same meanwhile. */
static int parse_file(struct job *job, int fd, struct identity identity)
{
    for (int attempt = 0; attempt < READ_TRIES; attempt++) {
        char *text = talloc_array(job->tree, char, (unsigned)identity.size + 1);
        struct identity after;
        int64_t now_ns = wall_clock_ns();
        ssize_t count;
        int result;

        job->fresh = talloc_zero(job->tree, struct snapshot);
        if (!text || !job->fresh)
            return kt_error_set(&job->error, -ENOMEM, "there is not enough memory");
        count = read_all(fd, text, (size_t)identity.size);
        if (count < 0)
            return kt_error_set(&job->error, (int)count, "it cannot be read (%s)",
                                strerror((int)-count));
        result = check_file(fd, job->options->size_max, &after, &job->error);
        if (result < 0)
            return result;
        if (is_same(&identity, &after)) {
            job->fresh->identity = identity;
            job->fresh->is_settled = is_settled(&identity, now_ns);
            result = kt_ics_read(job->fresh, text, (size_t)count, &job->options->ics,
                                 &job->fresh->calendar, &job->error);
            talloc_free(text);
            return result;
        }
        identity = after;
        talloc_free(text);
        TALLOC_FREE(job->fresh);
    }
    return kt_error_set(&job->error, -EAGAIN, "it is being written at this moment");
}

/** Find the calendar: the known one if the file is unchanged, else a fresh one. */
static int load(struct job *job, const struct kt_calendar **ret_calendar)
{
    int fd = open(job->options->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct identity identity;
    int result;

    if (fd < 0)
        return kt_error_set(&job->error, -errno, "it cannot be opened (%s)", strerror(errno));
    result = check_file(fd, job->options->size_max, &identity, &job->error);
    if (result == 0 && job->known && job->known->is_settled &&
        is_same(&job->known->identity, &identity)) {
        *ret_calendar = &job->known->calendar;
    } else if (result == 0) {
        result = parse_file(job, fd, identity);
        if (result == 0)
            *ret_calendar = &job->fresh->calendar;
    }
    close(fd);
    return result;
}

static void run(void *argument)
{
    struct job *job = argument;
    const struct kt_calendar *calendar = NULL;

    job->result = load(job, &calendar);
    if (job->result < 0)
        return;
    job->warnings = calendar->warnings;
    job->result = kt_calendar_events(job->tree, calendar, job->window, &job->options->limits,
                                     &job->events, &job->warnings);
    if (job->result < 0)
        kt_error_set(&job->error, job->result, "there is not enough memory");
}

/* ---------------------------------------------------------------- on the worker's thread */

/** What an error of the file is to the person. */
static int tell(int code, const char *text, struct kt_source_error *error)
{
    enum kt_trouble trouble = KT_TROUBLE_UNREADABLE;

    if (code == -EFBIG || code == -E2BIG)
        trouble = KT_TROUBLE_TOO_LARGE;
    else if (code == -ENOMEM || code == -EAGAIN)
        trouble = KT_TROUBLE_OVERLOADED;
    kt_source_fail(error, trouble, "%s", text);
    return code;
}

static int ics_file_read(struct kt_source *source, TALLOC_CTX *context,
                         const struct kt_source_question *question,
                         struct kt_source_answer *ret_answer, struct kt_source_error *error)
{
    struct ics_file *file = (struct ics_file *)source;
    struct kt_warnings *warnings = &ret_answer->warnings;
    TALLOC_CTX *tree = kt_work_tree(context);
    struct job *job = tree ? talloc_zero(tree, struct job) : NULL;
    int result;

    if (!job || (file->current && take_lease(context, file->current) < 0))
        return tell(-ENOMEM, "there is not enough memory", error);
    job->options = &file->options;
    job->window = question->window;
    job->known = file->current;
    job->tree = tree;
    result = kt_work(run, job);
    if (result < 0)
        return tell(-EAGAIN, "the server is too busy to read it", error);
    if (job->result < 0)
        return tell(job->result, job->error.text, error);
    if (job->fresh) {
        if (take_lease(context, job->fresh) < 0)
            return tell(-ENOMEM, "there is not enough memory", error);
        replace_current(file, job->fresh);
    }
    for (size_t index = 0; index < job->warnings.count; index++)
        kt_warnings_add(context, warnings, "%s", job->warnings.texts[index]);
    warnings->dropped += job->warnings.dropped;
    ret_answer->events = job->events;
    return 0;
}

static int ics_file_destroy(struct ics_file *file)
{
    if (file->current) {
        file->current->is_current = false;
        release(file->current);
    }
    return 0;
}

struct kt_source *kt_ics_file_new(TALLOC_CTX *context, const struct kt_ics_file_options *options)
{
    struct ics_file *file = talloc_zero(context, struct ics_file);

    if (!file)
        return NULL;
    file->source = (struct kt_source){
        .name = "file", .label = "The calendar file", .read = ics_file_read};
    file->options = *options;
    talloc_set_destructor(file, ics_file_destroy);
    return &file->source;
}
