/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store in Redis: each function of the store is one command, or one script. Knows what commands
 * mean; of connections it knows that there are two lanes: one for what is quick, and one for what
 * is large, so that a page of megabytes keeps no short answer waiting.
 */
#include "store/backend.h"

#include "base/decimal.h"
#include "store/redis_lane.h"
#include "store/redis_tls.h"
#include "store/redis_walk.h"
#include "store/store.h"

#include <errno.h>
#include <kontor/log.h>
#include <string.h>

/** "kontor:{", the namespace, "}:d:", the key. */
#define NAME_MAX_BYTES (8 + KT_STORE_NAMESPACE_MAX + 4 + KT_STORE_KEY_MAX)
/** Values from this size on take the lane of what is large. */
#define LARGE_BYTES ((size_t)16 * 1024)
/** One line in the log for the same error within this time. */
#define QUIET_MS 10000

struct redis {
    struct kt_store_backend head;
    struct kt_redis_server server;
    struct kt_redis_lane quick, large;
    uv_prepare_t prepare;
    struct kt_redis_names *counters, *spaces; /**< while somebody walks through them */
    int64_t told_ms;                          /**< when an error was last in the log */
    int told;                                 /**< which */
};

static struct redis *redis_of(struct kt_store_backend *backend)
{
    return (struct redis *)backend;
}

/* ---------------------------------------------------------------- names */

/** A name within Redis. */
struct name {
    size_t bytes;
    char text[NAME_MAX_BYTES + 1];
};

/** @param kind  'd', 'i', …  @param key  its bytes, 0 of them when the namespace has just one */
static struct name name_of(const struct kt_store_name *what, char kind, const char *key,
                           size_t key_bytes)
{
    struct name name;
    char *at = name.text;
    memcpy(at, "kontor:{", 8);
    at += 8;
    memcpy(at, what->name_space, what->name_space_bytes);
    at += what->name_space_bytes;
    *at++ = '}';
    *at++ = ':';
    *at++ = kind;
    if (key) {
        *at++ = ':';
        memcpy(at, key, key_bytes);
        at += key_bytes;
    }
    name.bytes = (size_t)(at - name.text);
    *at = '\0';
    return name;
}

static struct name name_of_one(const struct kt_store_name *what, char kind)
{
    return name_of(what, kind, what->key, what->key_bytes);
}

static struct name name_of_all(const struct kt_store_name *what, char kind)
{
    return name_of(what, kind, NULL, 0);
}

static void add_name(struct kt_redis_call *call, const struct name *name)
{
    kt_redis_call_add(call, name->text, name->bytes);
}

/* ---------------------------------------------------------------- numbers */

/** A number's digits. */
struct decimal {
    size_t bytes;
    char text[KT_DECIMAL_MAX];
};

static struct decimal decimal_of(int64_t number)
{
    struct decimal decimal;
    decimal.bytes = (size_t)(kt_decimal_put(decimal.text, number) - decimal.text);
    return decimal;
}

/** A revision as scripts want it: its digits, or "*". */
static struct decimal wanted_revision(uint64_t revision)
{
    return revision == KT_STORE_ANY ? (struct decimal){1, "*"} : decimal_of((int64_t)revision);
}

static void add_decimal(struct kt_redis_call *call, const struct decimal *decimal)
{
    kt_redis_call_add(call, decimal->text, decimal->bytes);
}

/* ---------------------------------------------------------------- errors */

/** Tell why a call failed that a person should look at. The server's words, but nothing that it
 * repeats of what it was given. */
static void tell(struct redis *redis, const struct kt_store_name *what, int result,
                 const char *words)
{
    int64_t now_ms = kt_now_ms();
    if (redis->told == result && now_ms - redis->told_ms < QUIET_MS)
        return;
    redis->told = result;
    redis->told_ms = now_ms;
    const char *end = strstr(words, ", with args");
    kt_log_error("store: %s, %.*s/%.*s: %.*s", redis->server.address.shown,
                 (int)what->name_space_bytes, what->name_space, (int)what->key_bytes, what->key,
                 end ? (int)(end - words) : (int)strlen(words), words);
}

static int make_no_sense(struct redis *redis, const struct kt_store_name *what)
{
    tell(redis, what, -EIO, "what is stored there makes no sense");
    return -EIO;
}

/* ---------------------------------------------------------------- asking */

static int ask(struct redis *redis, bool is_large, const struct kt_store_name *what,
               struct kt_redis_call *call)
{
    struct kt_redis_lane *lane = is_large ? &redis->large : &redis->quick;
    int result = kt_redis_lane_ask(lane, call);
    if (result < 0)
        return result;
    result = kt_redis_reply_result(call->reply);
    if (result == -EROFS)
        kt_redis_lane_renew(lane);
    if (result < 0 && result != -ENOEXEC && result != -ERANGE)
        tell(redis, what, result, call->reply->text);
    return result == -EACCES ? -EIO : result;
}

/** Begin a call of a script; then come its names and arguments. */
static struct kt_redis_call *begin_script(const struct redis *redis, enum kt_redis_script script,
                                          const char *name_count)
{
    struct kt_redis_call *call = kt_redis_call_new();
    if (!call)
        return NULL;
    const char *sha = redis->server.sha[script];
    kt_redis_call_add_text(call, *sha ? "EVALSHA" : "EVAL");
    kt_redis_call_add_text(call, *sha ? sha : kt_redis_scripts[script]);
    kt_redis_call_add_text(call, name_count);
    return call;
}

/** Run a script; when Redis has forgotten it (then nothing has happened) send its text. */
static int run_script(struct redis *redis, bool is_large, const struct kt_store_name *what,
                      struct kt_redis_call *call, enum kt_redis_script script)
{
    int result = ask(redis, is_large, what, call);
    if (result != -ENOEXEC)
        return result;
    TALLOC_FREE(call->reply);
    call->is_over = false;
    call->words[0].bytes = "EVAL";
    call->words[0].size = strlen("EVAL");
    call->words[1].bytes = kt_redis_scripts[script];
    call->words[1].size = strlen(kt_redis_scripts[script]);
    result = ask(redis, is_large, what, call);
    return result == -ENOEXEC ? -EIO : result;
}

/** As run_script, with a number for a reply. */
static int run_for_number(struct redis *redis, bool is_large, const struct kt_store_name *what,
                          struct kt_redis_call *call, enum kt_redis_script script,
                          int64_t *ret_number)
{
    int result = run_script(redis, is_large, what, call, script);
    if (result == 0 && call->reply->kind != KT_REDIS_INTEGER)
        result = make_no_sense(redis, what);
    if (result == 0)
        *ret_number = call->reply->integer;
    talloc_free(call);
    return result;
}

/* ---------------------------------------------------------------- documents */

/** Make a document of a reply, which it then owns. @return 0, -ENOENT, -EIO, -ENOMEM */
static int make_document(TALLOC_CTX *context, struct kt_redis_reply *reply, const char *key,
                         size_t key_bytes, struct kt_store_document **ret_document)
{
    struct kt_store_document found;
    int result = kt_redis_reply_document(reply, &found.revision, &found.value, &found.value_bytes);
    if (result < 0)
        return result;
    struct kt_store_document *document = talloc_size(context, sizeof *document + key_bytes + 1);
    if (!document)
        return -ENOMEM;
    talloc_set_name_const(document, "struct kt_store_document");
    char *copy = (char *)(document + 1);
    memcpy(copy, key, key_bytes);
    copy[key_bytes] = '\0';
    *document = found;
    document->key = copy;
    talloc_steal(document, reply);
    *ret_document = document;
    return 0;
}

static int get_document(struct kt_store_backend *backend, const struct kt_store_name *what,
                        struct kt_store_document **ret_document)
{
    struct redis *redis = redis_of(backend);
    struct name name = name_of_one(what, 'd');
    struct kt_redis_call *call = kt_redis_call_new();
    if (!call)
        return -ENOMEM;
    call->is_repeatable = true;
    kt_redis_call_add(call, "GET", 3);
    add_name(call, &name);
    int result = ask(redis, false, what, call);
    if (result == 0)
        result =
            make_document(kt_self_memory(), call->reply, what->key, what->key_bytes, ret_document);
    if (result == -EIO && call->reply && call->reply->kind == KT_REDIS_TEXT)
        make_no_sense(redis, what);
    talloc_free(call);
    return result;
}

static int put_document(struct kt_store_backend *backend, const struct kt_store_name *what,
                        const void *value, size_t value_bytes, uint64_t revision,
                        uint64_t *ret_revision)
{
    struct redis *redis = redis_of(backend);
    struct name document = name_of_one(what, 'd'), index = name_of_all(what, 'i'),
                last = name_of_all(what, 'r');
    const struct decimal wanted = wanted_revision(revision);
    int64_t number = 0;
    struct kt_redis_call *call = begin_script(redis, KT_REDIS_PUT, "3");
    if (!call)
        return -ENOMEM;
    add_name(call, &document);
    add_name(call, &index);
    add_name(call, &last);
    kt_redis_call_add(call, what->key, what->key_bytes);
    kt_redis_call_add(call, value, value_bytes);
    add_decimal(call, &wanted);
    int result =
        run_for_number(redis, value_bytes >= LARGE_BYTES, what, call, KT_REDIS_PUT, &number);
    if (result < 0)
        return result;
    if (number == KT_REDIS_STALE)
        return -ESTALE;
    if (number <= 0)
        return make_no_sense(redis, what);
    *ret_revision = (uint64_t)number;
    return 0;
}

static int delete_document(struct kt_store_backend *backend, const struct kt_store_name *what,
                           uint64_t revision)
{
    struct redis *redis = redis_of(backend);
    struct name document = name_of_one(what, 'd'), index = name_of_all(what, 'i');
    const struct decimal wanted = wanted_revision(revision);
    int64_t number = 0;
    struct kt_redis_call *call = begin_script(redis, KT_REDIS_DELETE, "2");
    if (!call)
        return -ENOMEM;
    add_name(call, &document);
    add_name(call, &index);
    kt_redis_call_add(call, what->key, what->key_bytes);
    add_decimal(call, &wanted);
    int result = run_for_number(redis, false, what, call, KT_REDIS_DELETE, &number);
    if (result < 0)
        return result;
    return number == KT_REDIS_STALE ? -ESTALE : number == KT_REDIS_ABSENT ? -ENOENT : 0;
}

/* ---------------------------------------------------------------- pages */

/** The bounds of a range of keys, as ZRANGEBYLEX takes them. */
struct range {
    size_t least_bytes, greatest_bytes;
    char least[KT_STORE_KEY_MAX + 1], greatest[KT_STORE_KEY_MAX + 2];
};

static struct range range_of(const struct kt_store_name *what, const char *after)
{
    struct range range = {.least = "[", .greatest = "("};
    const char *from = what->key;
    size_t from_bytes = what->key_bytes;
    if (after && strcmp(after, what->key) >= 0) {
        range.least[0] = '(';
        from = after;
        from_bytes = strlen(after);
    }
    memcpy(range.least + 1, from, from_bytes);
    range.least_bytes = from_bytes + 1;
    memcpy(range.greatest + 1, what->key, what->key_bytes);
    range.greatest[what->key_bytes + 1] = '\xff'; /* in no UTF-8 */
    range.greatest_bytes = what->key_bytes + 2;
    return range;
}

/** Make a page of the reply of a scan. @return 0, -EIO, -ENOMEM */
static int make_page(struct redis *redis, const struct kt_store_name *what,
                     const struct kt_redis_reply *reply, struct kt_store_page **ret_page)
{
    bool is_page = reply->kind == KT_REDIS_ARRAY && reply->count % 2 == 1 &&
                   reply->elements[0]->kind == KT_REDIS_INTEGER;
    if (!is_page)
        return make_no_sense(redis, what);
    uint32_t count = reply->count / 2;
    struct kt_store_page *page = talloc_zero_size(
        kt_self_memory(), sizeof *page + count * sizeof(struct kt_store_document *));
    if (!page)
        return -ENOMEM;
    talloc_set_name_const(page, "struct kt_store_page");
    page->has_more = reply->elements[0]->integer != 0;
    for (; page->count < count; page->count++) {
        const struct kt_redis_reply *key = reply->elements[2 * page->count + 1];
        int result = make_document(page, reply->elements[2 * page->count + 2], key->text,
                                   key->bytes, &page->documents[page->count]);
        if (result < 0) {
            struct kt_store_name found = *what;
            found.key = key->text;
            found.key_bytes = key->bytes;
            if (result != -ENOMEM)
                result = make_no_sense(redis, &found);
            talloc_free(page);
            return result;
        }
    }
    *ret_page = page;
    return 0;
}

static int scan_documents(struct kt_store_backend *backend, const struct kt_store_name *what,
                          const char *after, uint32_t limit, struct kt_store_page **ret_page)
{
    struct redis *redis = redis_of(backend);
    struct name index = name_of_all(what, 'i'), documents = name_of(what, 'd', "", 0);
    struct range range = range_of(what, after);
    const struct decimal documents_max = decimal_of(limit);
    const struct decimal bytes_max = decimal_of(KT_STORE_PAGE_BYTES_MAX);
    struct kt_redis_call *call = begin_script(redis, KT_REDIS_SCAN, "1");
    if (!call)
        return -ENOMEM;
    call->is_repeatable = true;
    add_name(call, &index);
    add_name(call, &documents);
    kt_redis_call_add(call, range.least, range.least_bytes);
    kt_redis_call_add(call, range.greatest, range.greatest_bytes);
    add_decimal(call, &documents_max);
    add_decimal(call, &bytes_max);
    int result = run_script(redis, true, what, call, KT_REDIS_SCAN);
    if (result == 0)
        result = make_page(redis, what, call->reply, ret_page);
    talloc_free(call);
    return result;
}

/* ---------------------------------------------------------------- counters */

static int add_to_counter(struct kt_store_backend *backend, const struct kt_store_name *what,
                          int64_t delta, int64_t *ret_value)
{
    struct redis *redis = redis_of(backend);
    struct name name = name_of_one(what, 'c');
    const struct decimal digits = decimal_of(delta);
    struct kt_redis_call *call = kt_redis_call_new();
    if (!call)
        return -ENOMEM;
    /* Redis checks the range itself, and to read is no write: a replica can do it */
    call->is_repeatable = delta == 0;
    kt_redis_call_add_text(call, delta == 0 ? "GET" : "INCRBY");
    add_name(call, &name);
    if (delta != 0)
        add_decimal(call, &digits);
    int result = ask(redis, false, what, call);
    if (result == 0) {
        result = kt_redis_reply_number(call->reply, ret_value);
        if (result == -EIO)
            make_no_sense(redis, what);
        if (result == -ENOENT) {
            *ret_value = 0;
            result = 0;
        }
    }
    talloc_free(call);
    return result;
}

/* ---------------------------------------------------------------- leases */

static int claim_lease(struct kt_store_backend *backend, const struct kt_store_name *what,
                       const char *token, int64_t ttl_ms, uint64_t *ret_fence)
{
    struct redis *redis = redis_of(backend);
    struct name lease = name_of_one(what, 'l'), fence = name_of_all(what, 'f');
    int64_t number = 0;
    const struct decimal ttl = decimal_of(ttl_ms);
    struct kt_redis_call *call = begin_script(redis, KT_REDIS_CLAIM, "2");
    if (!call)
        return -ENOMEM;
    add_name(call, &lease);
    add_name(call, &fence);
    kt_redis_call_add_text(call, token);
    add_decimal(call, &ttl);
    int result = run_for_number(redis, false, what, call, KT_REDIS_CLAIM, &number);
    if (result < 0)
        return result;
    if (number == KT_REDIS_ABSENT)
        return -EEXIST;
    if (number < 0)
        return make_no_sense(redis, what);
    *ret_fence = (uint64_t)number;
    return 0;
}

/** Renew or release: what holds only for the holder. @param ttl_ms  0: none */
static int hold_lease(struct redis *redis, const struct kt_store_name *what,
                      enum kt_redis_script script, const char *token, int64_t ttl_ms)
{
    struct name lease = name_of_one(what, 'l');
    int64_t number = 0;
    const struct decimal ttl = decimal_of(ttl_ms);
    struct kt_redis_call *call = begin_script(redis, script, "1");
    if (!call)
        return -ENOMEM;
    add_name(call, &lease);
    kt_redis_call_add_text(call, token);
    if (ttl_ms > 0)
        add_decimal(call, &ttl);
    int result = run_for_number(redis, false, what, call, script, &number);
    return result < 0 ? result : number == 1 ? 0 : -ESTALE;
}

static int renew_lease(struct kt_store_backend *backend, const struct kt_store_name *what,
                       const char *token, int64_t ttl_ms)
{
    return hold_lease(redis_of(backend), what, KT_REDIS_RENEW, token, ttl_ms);
}

static int release_lease(struct kt_store_backend *backend, const struct kt_store_name *what,
                         const char *token)
{
    return hold_lease(redis_of(backend), what, KT_REDIS_RELEASE, token, 0);
}

/* ---------------------------------------------------------------- all of it */

/** Begin, or begin again, to walk through all names of a kind. */
static int begin_walk(struct redis *redis, bool is_counter, const struct kt_store_name *what)
{
    struct kt_redis_names **names = is_counter ? &redis->counters : &redis->spaces;
    if (*names && what->name_space_bytes > 0)
        return 0;
    TALLOC_FREE(*names);
    int result = kt_redis_names_collect(redis, &redis->large,
                                        is_counter ? "kontor:{*}:c:*" : "kontor:{*}:i", names);
    return result == -EACCES ? -EIO : result;
}

/** The value of a counter that is walked by. @return 0, -ENOENT (it has gone meanwhile), … */
static int read_counter(struct redis *redis, struct kt_store_entry *entry)
{
    const struct kt_store_name what = {entry->name_space, entry->key, strlen(entry->name_space),
                                       strlen(entry->key)};
    struct name name = name_of_one(&what, 'c');
    struct kt_redis_call *call = kt_redis_call_new();
    if (!call)
        return -ENOMEM;
    call->is_repeatable = true;
    kt_redis_call_add_text(call, "GET");
    add_name(call, &name);
    int result = ask(redis, true, &what, call);
    if (result == 0)
        result = kt_redis_reply_number(call->reply, &entry->value);
    if (result == -EIO)
        make_no_sense(redis, &what);
    talloc_free(call);
    return result;
}

static int go_on(struct kt_store_backend *backend, bool is_counter,
                 const struct kt_store_name *after, struct kt_store_entry *ret_entry)
{
    struct redis *redis = redis_of(backend);
    struct name name = is_counter ? name_of_one(after, 'c') : name_of_all(after, 'i');
    const char *at = after->name_space_bytes > 0 ? name.text : "";
    int result = begin_walk(redis, is_counter, after);
    if (result < 0)
        return result;
    do {
        at = kt_redis_names_next(is_counter ? redis->counters : redis->spaces, at);
        if (!at)
            return -ENOENT;
        if (!kt_redis_name_read(at, is_counter ? 'c' : 'i', ret_entry->name_space, ret_entry->key))
            result = -ENOENT; /* none of ours */
        else
            result = is_counter ? read_counter(redis, ret_entry) : 0;
    } while (result == -ENOENT);
    return result;
}

/* ---------------------------------------------------------------- life */

static void on_prepare(uv_prepare_t *prepare)
{
    struct redis *redis = prepare->data;
    kt_redis_lane_flush(&redis->quick);
    kt_redis_lane_flush(&redis->large);
}

static void on_closed(uv_handle_t *prepare)
{
    talloc_free(prepare->data);
}

static void close_resolver(struct redis *redis)
{
    if (!redis->server.resolver)
        return;
    TALLOC_FREE(redis->server.resolver);
    kt_resolvers_close();
}

static void close_redis(struct kt_store_backend *backend)
{
    struct redis *redis = redis_of(backend);
    kt_redis_lane_close(&redis->quick);
    kt_redis_lane_close(&redis->large);
    close_resolver(redis);
    uv_close((uv_handle_t *)&redis->prepare, on_closed);
}

static const struct kt_store_functions functions = {
    .get = get_document,
    .put = put_document,
    .delete = delete_document,
    .scan = scan_documents,
    .add = add_to_counter,
    .claim = claim_lease,
    .renew = renew_lease,
    .release = release_lease,
    .next = go_on,
    .close = close_redis,
};

/** @return false: no memory */
static bool copy_address(TALLOC_CTX *context, const struct kt_store_address *from,
                         struct kt_store_address *to)
{
    *to = *from;
    to->path = talloc_strdup(context, from->path);
    to->host = talloc_strdup(context, from->host);
    to->user = talloc_strdup(context, from->user);
    to->password = talloc_strdup(context, from->password);
    to->shown = talloc_strdup(context, from->shown);
    return !from->path == !to->path && !from->host == !to->host && !from->user == !to->user &&
           !from->password == !to->password && to->shown;
}

static int open_resolver(struct redis *redis)
{
    int result = kt_resolvers_start();
    if (result < 0)
        return result;
    redis->server.resolver = kt_resolver_new(redis);
    if (redis->server.resolver)
        return 0;
    kt_resolvers_close();
    return -ENOMEM;
}

static int open_lanes(struct redis *redis)
{
    int result = kt_redis_lane_open(&redis->server, &redis->quick);
    if (result < 0)
        return result;
    result = kt_redis_lane_open(&redis->server, &redis->large);
    if (result < 0)
        kt_redis_lane_close(&redis->quick);
    return result;
}

int kt_store_redis_new(const struct kt_store_address *address, int64_t timeout_ms,
                       struct kt_store_backend **ret_backend, struct kt_error *error)
{
    struct redis *redis = talloc_zero(NULL, struct redis);
    if (!redis)
        return kt_error_set(error, -ENOMEM, "out of memory");
    redis->head = (struct kt_store_backend){.functions = &functions, .timeout_ms = timeout_ms};
    redis->server.timeout_ms = timeout_ms;
    int result = -ENOMEM;
    if (!copy_address(redis, address, &redis->server.address))
        goto fail;
    if (address->with_tls) {
        result = kt_redis_tls_new(redis, address->host, &redis->server.tls, error);
        if (result < 0)
            goto fail_with_words;
    }
    result = address->host ? open_resolver(redis) : 0;
    if (result < 0)
        goto fail;
    result = open_lanes(redis);
    if (result < 0) {
        close_resolver(redis);
        goto fail;
    }
    uv_prepare_init(kt_runtime_loop(), &redis->prepare);
    redis->prepare.data = redis;
    uv_prepare_start(&redis->prepare, on_prepare);
    *ret_backend = &redis->head;
    return 0;

fail:
    kt_error_set(error, result, "%s", strerror(-result));
fail_with_words:
    talloc_free(redis);
    return result;
}
