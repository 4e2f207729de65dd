/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store in SQLite, on the loop's side: what a process asks becomes an operation, which goes to
 * a thread, comes back, and wakes the process if that still waits.
 */
#include "config.h"

#include "store/address.h"
#include "store/sqlite_thread.h"
#include "store/sqlite_turn.h"
#include "store/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/** Operations under way at once, and the bytes to be written that they hold; more are refused. */
#define OPERATIONS_MAX 16384u
#define BYTES_MAX ((size_t)64 << 20)
/** Given to kt_park: the operation is done, and the process's; the store was closed, and the
 * operation is gone. */
#define DONE 1
#define CLOSED 2

struct sqlite_store {
    struct kt_store_backend base;
    struct kt_sqlite_desk desk;
    TALLOC_CTX *operations; /**< survives the store: an operation that is done is its process's */
    uv_async_t *wake;       /**< operations are done; freed when the loop has closed it */
    uv_prepare_t *before_poll;     /**< the loop has had its turn; freed likewise */
    struct kt_sqlite_queue writes; /**< asked in this turn of the loop, not yet with the threads */
    size_t count, bytes;           /**< under way */
};

static struct sqlite_store *store_of(struct kt_store_backend *backend)
{
    return (struct sqlite_store *)backend;
}

/* ---------------------------------------------------------------- answers */

static void tell(void *argument)
{
    uv_async_send(argument);
}

static int free_results(struct kt_sqlite_operation *operation)
{
    talloc_free(operation->memory);
    return 0;
}

/** Free an operation that its process does not take, and tell that if it still thinks of it. */
static void drop(struct kt_sqlite_operation *operation)
{
    if (operation->ret_is_gone)
        *operation->ret_is_gone = true;
    talloc_free(operation);
}

static void on_done(uv_async_t *wake)
{
    struct sqlite_store *store = wake->data;
    struct kt_sqlite_operation *next, *operation = kt_sqlite_desk_take(&store->desk);
    for (; operation; operation = next) {
        next = operation->next;
        store->count--;
        store->bytes -= operation->value_bytes;
        if (atomic_load(&operation->is_abandoned) || !kt_unpark(operation->ticket, DONE))
            drop(operation);
    }
}

/* ---------------------------------------------------------------- questions */

/** What is asked: a call of the backend fills in what it has. */
struct question {
    enum kt_sqlite_kind kind;
    const struct kt_store_name *name;
    const char *after;
    const void *value;
    size_t value_bytes;
};

/** Put a text, with a NUL, at the end of what an operation was asked. @return where it begins */
static const char *append_text(char **end, const char *text, size_t bytes)
{
    char *begin = *end;
    memcpy(begin, text, bytes);
    begin[bytes] = '\0';
    *end += bytes + 1;
    return begin;
}

/** @return owned by the caller; NULL with the errno in ret_result */
static struct kt_sqlite_operation *make(struct sqlite_store *store, const struct question *question,
                                        int *ret_result)
{
    const struct kt_store_name *name = question->name;
    size_t after_bytes = question->after ? strlen(question->after) : 0;
    size_t bytes = name->name_space_bytes + name->key_bytes + after_bytes + 3;
    if (store->count >= OPERATIONS_MAX || store->bytes + question->value_bytes > BYTES_MAX) {
        *ret_result = -EBUSY;
        return NULL;
    }
    struct kt_sqlite_operation *operation =
        talloc_size(store->operations, sizeof *operation + bytes + question->value_bytes);
    *ret_result = -ENOMEM;
    if (!operation)
        return NULL;
    talloc_set_name_const(operation, "struct kt_sqlite_operation");
    memset(operation, 0, sizeof *operation);
    talloc_set_destructor(operation, free_results);
    char *end = operation->asked;
    operation->kind = question->kind;
    operation->name_space_bytes = name->name_space_bytes;
    operation->name_space = append_text(&end, name->name_space, name->name_space_bytes);
    operation->key_bytes = name->key_bytes;
    operation->key = append_text(&end, name->key, name->key_bytes);
    operation->after_bytes = after_bytes;
    if (question->after)
        operation->after = append_text(&end, question->after, after_bytes);
    operation->value_to_put = end;
    operation->value_bytes = question->value_bytes;
    if (question->value_bytes > 0)
        memcpy(end, question->value, question->value_bytes);
    return operation;
}

/** What is left of an operation. */
struct answer {
    void *memory;
    uint64_t number;
    int64_t value;
};

/** The writer gets what a turn of the loop has asked all at once: taken one by one, the first would
 * have a sync of the disk for itself, and the others wait for it. */
static void on_before_poll(uv_prepare_t *before_poll)
{
    struct sqlite_store *store = before_poll->data;
    kt_sqlite_desk_put_writes(&store->desk, &store->writes);
}

static void hand_over(struct sqlite_store *store, struct kt_sqlite_operation *operation)
{
    if (kt_sqlite_is_read(operation->kind))
        kt_sqlite_desk_put_read(&store->desk, operation);
    else
        kt_sqlite_queue_append(&store->writes, operation);
}

/** Hand it over, and wait until it is done. @return DONE, or a negative errno: it is gone */
static int pass(struct sqlite_store *store, struct kt_sqlite_operation *operation)
{
    if (kt_sqlite_desk_start(&store->desk) < 0) {
        talloc_free(operation);
        return -ENOMEM;
    }
    operation->deadline_ms = kt_sqlite_now_ms() + store->base.timeout_ms;
    bool is_gone = false;
    operation->ret_is_gone = &is_gone;
    operation->ticket = kt_park_ticket();
    store->count++;
    store->bytes += operation->value_bytes;
    hand_over(store, operation);
    kt_wait_reason(KT_REASON_STORE);
    int result = kt_park(store->base.timeout_ms);
    if (result != DONE && !is_gone) {
        operation->ret_is_gone = NULL;
        atomic_store(&operation->is_abandoned, true);
    }
    return result == CLOSED ? -ENOTCONN : result;
}

/**
 * Have an operation done, and take its answer. Who gets an exit signal meanwhile ends at
 * kt_critical_leave, when nothing of the operation is left to this process.
 */
static int ask(struct sqlite_store *store, struct kt_sqlite_operation *operation,
               struct answer *ret_answer)
{
    kt_critical_enter();
    int result = pass(store, operation);
    if (result == DONE) {
        result = operation->status;
        ret_answer->memory = talloc_steal(kt_self_memory(), operation->memory);
        ret_answer->number = operation->number;
        ret_answer->value = operation->value;
        operation->memory = NULL;
        talloc_free(operation);
    }
    kt_critical_leave();
    return result;
}

/* ---------------------------------------------------------------- the functions */

static int get(struct kt_store_backend *backend, const struct kt_store_name *name,
               struct kt_store_document **ret_document)
{
    int result;
    struct answer answer;
    struct kt_sqlite_operation *operation = make(
        store_of(backend), &(struct question){.kind = KT_SQLITE_OP_GET, .name = name}, &result);
    if (operation)
        result = ask(store_of(backend), operation, &answer);
    if (result == 0)
        *ret_document = answer.memory;
    return result;
}

static int put(struct kt_store_backend *backend, const struct kt_store_name *name,
               const void *value, size_t value_bytes, uint64_t revision, uint64_t *ret_revision)
{
    int result;
    struct answer answer;
    struct kt_sqlite_operation *operation = make(
        store_of(backend),
        &(struct question){
            .kind = KT_SQLITE_OP_PUT, .name = name, .value = value, .value_bytes = value_bytes},
        &result);
    if (operation) {
        operation->revision = revision;
        result = ask(store_of(backend), operation, &answer);
    }
    if (result == 0)
        *ret_revision = answer.number;
    return result;
}

static int delete (struct kt_store_backend *backend, const struct kt_store_name *name,
                   uint64_t revision)
{
    int result;
    struct answer answer;
    struct kt_sqlite_operation *operation = make(
        store_of(backend), &(struct question){.kind = KT_SQLITE_OP_DELETE, .name = name}, &result);
    if (operation) {
        operation->revision = revision;
        result = ask(store_of(backend), operation, &answer);
    }
    return result;
}

static int scan(struct kt_store_backend *backend, const struct kt_store_name *name,
                const char *after, uint32_t limit, struct kt_store_page **ret_page)
{
    int result;
    struct answer answer;
    struct kt_sqlite_operation *operation =
        make(store_of(backend),
             &(struct question){.kind = KT_SQLITE_OP_SCAN, .name = name, .after = after}, &result);
    if (operation) {
        operation->limit = limit;
        result = ask(store_of(backend), operation, &answer);
    }
    if (result == 0)
        *ret_page = answer.memory;
    return result;
}

static int add(struct kt_store_backend *backend, const struct kt_store_name *name, int64_t delta,
               int64_t *ret_value)
{
    int result;
    struct answer answer;
    struct kt_sqlite_operation *operation =
        make(store_of(backend),
             &(struct question){.kind = delta == 0 ? KT_SQLITE_OP_COUNTER : KT_SQLITE_OP_ADD,
                                .name = name},
             &result);
    if (operation) {
        operation->delta = delta;
        result = ask(store_of(backend), operation, &answer);
    }
    if (result == 0)
        *ret_value = answer.value;
    return result;
}

/** What leases have in common. */
static int ask_lease(struct kt_store_backend *backend, enum kt_sqlite_kind kind,
                     const struct kt_store_name *name, const char *token, int64_t ttl_ms,
                     uint64_t *ret_fence)
{
    int result;
    struct answer answer;
    struct kt_sqlite_operation *operation =
        make(store_of(backend), &(struct question){.kind = kind, .name = name}, &result);
    if (operation) {
        operation->ttl_ms = ttl_ms;
        memcpy(operation->token, token, sizeof operation->token);
        result = ask(store_of(backend), operation, &answer);
    }
    if (result == 0 && ret_fence)
        *ret_fence = answer.number;
    return result;
}

static int claim(struct kt_store_backend *backend, const struct kt_store_name *name,
                 const char *token, int64_t ttl_ms, uint64_t *ret_fence)
{
    return ask_lease(backend, KT_SQLITE_OP_CLAIM, name, token, ttl_ms, ret_fence);
}

static int renew(struct kt_store_backend *backend, const struct kt_store_name *name,
                 const char *token, int64_t ttl_ms)
{
    return ask_lease(backend, KT_SQLITE_OP_RENEW, name, token, ttl_ms, NULL);
}

static int release(struct kt_store_backend *backend, const struct kt_store_name *name,
                   const char *token)
{
    return ask_lease(backend, KT_SQLITE_OP_RELEASE, name, token, 0, NULL);
}

static int next(struct kt_store_backend *backend, bool is_counter,
                const struct kt_store_name *after, struct kt_store_entry *ret_entry)
{
    int result;
    struct answer answer;
    struct kt_sqlite_operation *operation = make(
        store_of(backend),
        &(struct question){.kind = is_counter ? KT_SQLITE_OP_NEXT_COUNTER : KT_SQLITE_OP_NEXT_SPACE,
                           .name = after},
        &result);
    if (operation)
        result = ask(store_of(backend), operation, &answer);
    if (result == 0) {
        *ret_entry = *(struct kt_store_entry *)answer.memory;
        talloc_free(answer.memory);
    }
    return result;
}

static int check(struct kt_store_backend *backend)
{
    int result;
    struct answer answer;
    const struct kt_store_name nothing = {.name_space = "", .key = ""};
    struct kt_sqlite_operation *operation =
        make(store_of(backend), &(struct question){.kind = KT_SQLITE_OP_CHECK, .name = &nothing},
             &result);
    return operation ? ask(store_of(backend), operation, &answer) : result;
}

/* ---------------------------------------------------------------- life */

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

static void close_store(struct kt_store_backend *backend)
{
    struct sqlite_store *store = store_of(backend);
    kt_sqlite_desk_put_writes(&store->desk, &store->writes);
    struct kt_sqlite_operation *next, *operation = kt_sqlite_desk_close(&store->desk);
    for (; operation; operation = next) {
        next = operation->next;
        kt_unpark(operation->ticket, CLOSED);
        drop(operation);
    }
    uv_close((uv_handle_t *)store->wake, on_closed);
    uv_close((uv_handle_t *)store->before_poll, on_closed);
    talloc_free(store);
}

int kt_store_sqlite_new(const struct kt_store_address *address, int64_t timeout_ms,
                        struct kt_store_backend **ret_backend, struct kt_error *error)
{
    static const struct kt_store_functions functions = {
        .get = get,
        .put = put,
        .delete = delete,
        .scan = scan,
        .add = add,
        .claim = claim,
        .renew = renew,
        .release = release,
        .next = next,
        .check = check,
        .close = close_store,
    };
    struct sqlite_store *store = talloc_zero(kt_self_memory(), struct sqlite_store);
    if (!store)
        return kt_error_set(error, -ENOMEM, "out of memory");
    store->base = (struct kt_store_backend){.functions = &functions, .timeout_ms = timeout_ms};
    store->operations = talloc_new(kt_self_memory());
    store->wake = calloc(1, sizeof *store->wake);
    store->before_poll = calloc(1, sizeof *store->before_poll);
    const char *path = talloc_strdup(store, address->path);
    int result = store->operations && store->wake && store->before_poll && path
                     ? uv_async_init(kt_runtime_loop(), store->wake, on_done)
                     : -ENOMEM;
    if (result < 0) {
        free(store->wake);
        free(store->before_poll);
        talloc_free(store->operations);
        talloc_free(store);
        return kt_error_set(error, result, "%s", uv_strerror(result));
    }
    store->wake->data = store->before_poll->data = store;
    uv_prepare_init(kt_runtime_loop(), store->before_poll);
    uv_prepare_start(store->before_poll, on_before_poll);
    kt_sqlite_queue_init(&store->writes);
    kt_sqlite_desk_init(&store->desk, path, tell, store->wake);
    *ret_backend = &store->base;
    return 0;
}
