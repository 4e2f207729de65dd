/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host names to addresses. The loop owns the names and who waits for them; a thread owns one job,
 * which comes back through a list under a lock. A process that waits is known by its ticket only,
 * so nothing is to be undone when it ends.
 */
#include "fetch/resolver.h"

#include "process/runtime.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/** How long what was found is used; getaddrinfo tells no time to live. As libcurl's default. */
#define FOUND_MS 60000
/** How long a failure is taken for granted: one page that asks ten times asks once. */
#define FAILED_MS 1000
/** Names remembered or under way in one resolver; beyond, the oldest known one is forgotten. */
#define NAMES_MAX 256u
/** Threads of one resolver at once. */
#define THREADS_MAX 16u
/** Stack of a thread: modules of nsswitch.conf keep their buffers on it. */
#define THREAD_STACK ((size_t)512 * 1024)

enum state { QUEUED, RUNNING, KNOWN };

/** A name, in the list of its resolver, the latest first. */
struct name {
    struct name *next;
    struct kt_resolver *resolver;
    enum state state;
    int status;                /**< of a known one: 0 or a negative errno */
    int64_t known_until;       /**< of a known one */
    struct kt_ticket *waiting; /**< who waits, of the others */
    unsigned waiting_count;
    struct kt_addresses addresses;
    char host[KT_HOST_MAX];
};

struct kt_resolver {
    struct name *names;
    unsigned count, running;
};

/** What a thread works on. It belongs to the thread until it is in the list of those done. */
struct job {
    struct job *next;
    struct name *name; /**< only for the loop, while the resolvers are open */
    int status;
    struct kt_addresses addresses;
    char host[KT_HOST_MAX];
};

/** What threads and loop share, for all resolvers of this OS process. */
static struct {
    unsigned users; /**< known to the loop only */
    pthread_mutex_t lock;
    bool is_open;
    struct job *done;
    uv_async_t wake;
} shared = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---------------------------------------------------------------- the thread */

static int look_up(const char *host, struct kt_addresses *addresses)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    addresses->count = 0;
    int status = getaddrinfo(host, NULL, &hints, &list);
    if (status != 0)
        return status == EAI_NONAME || status == EAI_NODATA || status == EAI_ADDRFAMILY
                   ? -ENOENT
                   : -EHOSTUNREACH;
    for (const struct addrinfo *found = list; found; found = found->ai_next)
        if (addresses->count < KT_ADDRESSES_MAX &&
            kt_address_take(found->ai_addr, found->ai_addrlen, &addresses->list[addresses->count]))
            addresses->count++;
    freeaddrinfo(list);
    return addresses->count > 0 ? 0 : -ENOENT;
}

static void *thread_main(void *argument)
{
    struct job *job = argument;
    job->status = look_up(job->host, &job->addresses);
    pthread_mutex_lock(&shared.lock);
    if (shared.is_open) {
        job->next = shared.done;
        shared.done = job;
        job = NULL;
        uv_async_send(&shared.wake);
    }
    pthread_mutex_unlock(&shared.lock);
    free(job);
    return NULL;
}

/** Signals are the loop's: the thread is born with all of them blocked. */
static int start_thread(struct job *job)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, THREAD_STACK);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int status = pthread_create(&thread, &attributes, thread_main, job);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return -status;
}

/* ---------------------------------------------------------------- names */

static void set_known(struct name *name, int status)
{
    name->state = KNOWN;
    name->status = status;
    name->known_until = kt_now_ms() + (status == 0 ? FOUND_MS : FAILED_MS);
    for (unsigned i = 0; i < name->waiting_count; i++)
        kt_unpark(name->waiting[i], 0);
    TALLOC_FREE(name->waiting);
    name->waiting_count = 0;
}

static void start_job(struct name *name)
{
    struct job *job = calloc(1, sizeof *job);
    if (job) {
        job->name = name;
        memcpy(job->host, name->host, sizeof job->host);
    }
    if (!job || start_thread(job) < 0) {
        free(job);
        set_known(name, -EAGAIN);
        return;
    }
    name->state = RUNNING;
    name->resolver->running++;
}

/** Give the free threads to those who have waited longest, who are last in the list. */
static void start_queued(struct kt_resolver *resolver)
{
    while (resolver->running < THREADS_MAX) {
        struct name *oldest = NULL;
        for (struct name *name = resolver->names; name; name = name->next)
            if (name->state == QUEUED)
                oldest = name;
        if (!oldest)
            break;
        start_job(oldest);
    }
}

static void on_done(uv_async_t *handle)
{
    (void)handle;
    pthread_mutex_lock(&shared.lock);
    struct job *job = shared.done;
    shared.done = NULL;
    pthread_mutex_unlock(&shared.lock);
    while (job) {
        struct job *next = job->next;
        struct kt_resolver *resolver = job->name->resolver;
        resolver->running--;
        job->name->addresses = job->addresses;
        set_known(job->name, job->status);
        start_queued(resolver);
        free(job);
        job = next;
    }
}

static void forget(struct name **link)
{
    struct name *name = *link;
    *link = name->next;
    name->resolver->count--;
    talloc_free(name);
}

/** The name of this host if it is known or under way; what is out of date is forgotten. */
static struct name *find(struct kt_resolver *resolver, const char *host)
{
    for (struct name **link = &resolver->names; *link; link = &(*link)->next) {
        if (strcmp((*link)->host, host) != 0)
            continue;
        if ((*link)->state != KNOWN || (*link)->known_until > kt_now_ms())
            return *link;
        forget(link);
        return NULL;
    }
    return NULL;
}

/** @return whether there is room for one more name */
static bool make_room(struct kt_resolver *resolver)
{
    struct name **oldest = NULL;
    if (resolver->count < NAMES_MAX)
        return true;
    for (struct name **link = &resolver->names; *link; link = &(*link)->next)
        if ((*link)->state == KNOWN)
            oldest = link;
    if (oldest)
        forget(oldest);
    return oldest != NULL;
}

static int add(struct kt_resolver *resolver, const char *host, struct name **ret_name)
{
    if (!make_room(resolver))
        return -EAGAIN;
    struct name *name = talloc_zero(resolver, struct name);
    if (!name)
        return -ENOMEM;
    strncpy(name->host, host, sizeof name->host - 1);
    name->resolver = resolver;
    name->next = resolver->names;
    resolver->names = name;
    resolver->count++;
    start_queued(resolver);
    *ret_name = name;
    return 0;
}

/** Put the calling process among those who wait; the array doubles as it fills. */
static int wait_for(struct name *name, int64_t timeout_ms)
{
    unsigned count = name->waiting_count;
    if ((count & (count - 1)) == 0) {
        struct kt_ticket *waiting =
            talloc_realloc(name, name->waiting, struct kt_ticket, count ? 2 * count : 1);
        if (!waiting)
            return -ENOMEM;
        name->waiting = waiting;
    }
    name->waiting[name->waiting_count++] = kt_park_ticket();
    kt_wait_reason(KT_REASON_FETCH);
    return kt_park(timeout_ms);
}

int kt_resolve(struct kt_resolver *resolver, const char *host, int64_t timeout_ms,
               struct kt_addresses *ret_addresses)
{
    int64_t deadline_ms = kt_now_ms() + timeout_ms;
    for (;;) {
        struct name *name = find(resolver, host);
        int status = name ? 0 : add(resolver, host, &name);
        if (status < 0)
            return status;
        if (name->state == KNOWN) {
            *ret_addresses = name->addresses;
            return name->status;
        }
        int64_t left_ms = deadline_ms - kt_now_ms();
        status = left_ms > 0 ? wait_for(name, left_ms) : -ETIMEDOUT;
        if (status < 0)
            return status;
    }
}

/* ---------------------------------------------------------------- life */

struct kt_resolver *kt_resolver_new(TALLOC_CTX *context)
{
    return talloc_zero(context, struct kt_resolver);
}

int kt_resolvers_start(void)
{
    if (shared.users > 0) {
        shared.users++;
        return 0;
    }
    int status = uv_async_init(kt_runtime_loop(), &shared.wake, on_done);
    if (status < 0)
        return status;
    shared.users = 1;
    uv_unref((uv_handle_t *)&shared.wake);
    pthread_mutex_lock(&shared.lock);
    shared.is_open = true;
    pthread_mutex_unlock(&shared.lock);
    return 0;
}

void kt_resolvers_close(void)
{
    if (--shared.users > 0)
        return;
    pthread_mutex_lock(&shared.lock);
    shared.is_open = false;
    struct job *job = shared.done;
    shared.done = NULL;
    pthread_mutex_unlock(&shared.lock);
    while (job) {
        struct job *next = job->next;
        free(job);
        job = next;
    }
    uv_close((uv_handle_t *)&shared.wake, NULL);
}
