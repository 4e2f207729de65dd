/* SPDX-License-Identifier: BSD-2-Clause */
/* One connection with Redis, on the loop. Nothing here runs a process: they are only woken. */
#include "store/redis_wire.h"

#include "base/decimal.h"
#include "store/redis_tls.h"

#include <assert.h>
#include <errno.h>
#include <hiredis/hiredis.h>
#include <hiredis/sds.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/** Calls that are sent and unanswered at most; a power of two. */
#define UNDER_WAY_MAX 4096u
/** So much waits to be written at most, and one command: a server that reads nothing fills this
 * and no more. */
#define WAITING_BYTES_MAX ((size_t)64 * 1024)
/** So much leaves before the turn of the loop is over: Redis works while we do. */
#define FLUSH_BYTES ((size_t)16 * 1024)
/** Reads of 16 KiB in one turn of the loop. */
#define READS_AT_ONCE 8
/** The longest head of a command or a word: '*' or '$', digits, CR, LF. */
#define HEAD_MAX (1 + KT_DECIMAL_MAX + 2)

struct kt_redis_wire {
    uv_poll_t poll;
    redisContext *context; /**< NULL: lost */
    struct kt_redis_tls *tls;
    const struct kt_redis_listener *listener;
    struct kt_redis_intake intake;
    int64_t heard_ms; /**< when something came, or was sent when nothing was owed */
    uint64_t replies; /**< that have come */
    bool is_connected, waits_to_write;
    uint32_t first, next;                       /**< places of the calls under way */
    struct kt_redis_call *calls[UNDER_WAY_MAX]; /**< NULL: nobody waits any more */
};

/* ---------------------------------------------------------------- calls */

static struct kt_redis_call **place_of(struct kt_redis_wire *wire, uint32_t place)
{
    return &wire->calls[place % UNDER_WAY_MAX];
}

void kt_redis_call_withdraw(struct kt_redis_call *call)
{
    struct kt_redis_queue *queue = call->queue;
    if (queue) {
        *(call->previous ? &call->previous->next : &queue->first) = call->next;
        *(call->next ? &call->next->previous : &queue->last) = call->previous;
        queue->count--;
    }
    if (call->wire)
        *place_of(call->wire, call->place) = NULL;
    call->queue = NULL;
    call->wire = NULL;
}

static int on_free(struct kt_redis_call *call)
{
    kt_redis_call_withdraw(call);
    return 0;
}

struct kt_redis_call *kt_redis_call_new(void)
{
    struct kt_redis_call *call = talloc(kt_self_memory(), struct kt_redis_call);
    if (!call)
        return NULL;
    call->queue = NULL;
    call->wire = NULL;
    call->reply = NULL;
    call->ticket = (struct kt_ticket){KT_PID_NONE, 0};
    call->is_over = call->is_repeatable = false;
    call->count = 0;
    talloc_set_destructor(call, on_free);
    return call;
}

void kt_redis_call_add(struct kt_redis_call *call, const void *bytes, size_t size)
{
    assert(call->count < KT_REDIS_WORDS_MAX);
    call->words[call->count].bytes = bytes;
    call->words[call->count++].size = size;
}

void kt_redis_call_add_text(struct kt_redis_call *call, const char *text)
{
    kt_redis_call_add(call, text, strlen(text));
}

void kt_redis_call_queue(struct kt_redis_call *call, struct kt_redis_queue *queue)
{
    call->queue = queue;
    call->next = NULL;
    call->previous = queue->last;
    *(queue->last ? &queue->last->next : &queue->first) = call;
    queue->last = call;
    queue->count++;
}

void kt_redis_call_end(struct kt_redis_call *call, int result)
{
    call->result = result;
    call->is_over = true;
    kt_unpark(call->ticket, 0);
}

int kt_redis_call_wait(struct kt_redis_call *call, int64_t deadline_ms)
{
    while (!call->is_over) {
        int64_t left_ms = deadline_ms - kt_now_ms();
        if (left_ms <= 0)
            return -ETIMEDOUT;
        call->ticket = kt_park_ticket();
        kt_wait_reason(KT_REASON_STORE);
        int result = kt_park(left_ms);
        call->ticket.pid = KT_PID_NONE;
        if (result < 0 && !call->is_over)
            return result;
    }
    return call->result;
}

/* ---------------------------------------------------------------- the end */

static void on_closed(uv_handle_t *handle)
{
    talloc_free(handle->data);
}

static void end_wire(struct kt_redis_wire *wire, int result)
{
    uv_close((uv_handle_t *)&wire->poll, on_closed);
    redisFree(wire->context);
    wire->context = NULL;
    for (; wire->first != wire->next; wire->first++) {
        struct kt_redis_call *call = *place_of(wire, wire->first);
        if (!call)
            continue;
        call->wire = NULL;
        wire->listener->on_unanswered(wire->listener->argument, call, result);
    }
}

void kt_redis_wire_close(struct kt_redis_wire *wire)
{
    end_wire(wire, -ENOTCONN);
}

static void lose(struct kt_redis_wire *wire, int result, const char *why)
{
    char words[KT_ERROR_TEXT_MAX]; /* why may lie in what is freed now */
    snprintf(words, sizeof words, "%s", why);
    const struct kt_redis_listener *listener = wire->listener;
    end_wire(wire, result);
    listener->on_lost(listener->argument, words);
}

/** What an error of hiredis' means. */
static void lose_by_hiredis(struct kt_redis_wire *wire, int error, const char *text)
{
    char words[KT_ERROR_TEXT_MAX];
    switch (error) {
    case REDIS_ERR_EOF:
        lose(wire, -ENOTCONN, "the server has closed the connection");
        break;
    case REDIS_ERR_PROTOCOL:
    case REDIS_ERR_OOM:
        snprintf(words, sizeof words, "what answers there does not speak as Redis does: %s",
                 error == REDIS_ERR_OOM ? "a reply beyond all bounds" : text);
        lose(wire, -EIO, words);
        break;
    default:
        lose(wire, -ENOTCONN, kt_redis_tls_words(wire->tls, text));
    }
}

/* ---------------------------------------------------------------- hearing */

/** A reply has come. @return false: the wire is lost by it */
static bool take_reply(struct kt_redis_wire *wire, struct kt_redis_reply *reply)
{
    if (wire->first == wire->next) {
        bool is_error = reply->kind == KT_REDIS_ERROR;
        lose(wire, is_error ? -ENOTCONN : -EIO,
             is_error ? reply->text : "the server answers what nobody has asked");
        return false;
    }
    struct kt_redis_call *call = *place_of(wire, wire->first++);
    wire->replies++;
    if (!call) {
        talloc_free(reply);
        return true;
    }
    call->wire = NULL;
    call->reply = talloc_steal(call, reply);
    kt_redis_call_end(call, 0);
    return true;
}

/** Take the replies that are whole. @return false: the wire is lost */
static bool take_replies(struct kt_redis_wire *wire)
{
    redisReader *reader = wire->context->reader;
    for (;;) {
        void *reply = NULL;
        if (redisReaderGetReply(reader, &reply) != REDIS_OK) {
            lose_by_hiredis(wire, reader->err, reader->errstr);
            return false;
        }
        if (!reply)
            break;
        wire->intake.bytes = 0;
        if (!take_reply(wire, reply))
            return false;
    }
    if (reader->len - reader->pos <= KT_REDIS_REPLY_BYTES_MAX)
        return true;
    lose_by_hiredis(wire, REDIS_ERR_OOM, "");
    return false;
}

/** Read once. @return whether something came; the wire may be lost */
static bool read_once(struct kt_redis_wire *wire)
{
    redisReader *reader = wire->context->reader;
    size_t before = reader->len;
    if (redisBufferRead(wire->context) != REDIS_OK) {
        lose_by_hiredis(wire, wire->context->err, wire->context->errstr);
        return false;
    }
    if (reader->len == before)
        return false;
    wire->heard_ms = kt_now_ms();
    return take_replies(wire);
}

void kt_redis_wire_read(struct kt_redis_wire *wire)
{
    for (int i = 0; i < READS_AT_ONCE && wire->is_connected; i++)
        if (!read_once(wire))
            break;
}

int64_t kt_redis_wire_silence_ms(const struct kt_redis_wire *wire)
{
    return wire->first == wire->next ? 0 : kt_now_ms() - wire->heard_ms;
}

/* ---------------------------------------------------------------- sending */

static void on_poll(uv_poll_t *poll, int status, int events);

static void watch(struct kt_redis_wire *wire, bool waits_to_write)
{
    if (wire->waits_to_write == waits_to_write)
        return;
    wire->waits_to_write = waits_to_write;
    uv_poll_start(&wire->poll, UV_READABLE | (waits_to_write ? UV_WRITABLE : 0), on_poll);
}

static size_t waiting_bytes(const struct kt_redis_wire *wire)
{
    return sdslen(wire->context->obuf);
}

void kt_redis_wire_flush(struct kt_redis_wire *wire)
{
    if (!wire->is_connected || waiting_bytes(wire) == 0)
        return;
    size_t before = waiting_bytes(wire);
    int is_done = 0;
    if (redisBufferWrite(wire->context, &is_done) != REDIS_OK) {
        /* replies that have come are true all the same; then the reason shows by reading, too */
        char why[KT_ERROR_TEXT_MAX];
        snprintf(why, sizeof why, "%s", kt_redis_tls_words(wire->tls, wire->context->errstr));
        wire->context->err = 0;
        while (read_once(wire))
            ;
        if (wire->context)
            lose(wire, -ENOTCONN, why);
        return;
    }
    /* with TLS it may be an answer that has to come before there is room */
    watch(wire, !is_done && (!wire->tls || waiting_bytes(wire) < before));
}

bool kt_redis_wire_has_room(const struct kt_redis_wire *wire)
{
    return wire->next - wire->first < UNDER_WAY_MAX && waiting_bytes(wire) < WAITING_BYTES_MAX;
}

uint64_t kt_redis_wire_replies(const struct kt_redis_wire *wire)
{
    return wire->replies;
}

bool kt_redis_wire_is_idle(const struct kt_redis_wire *wire)
{
    return wire->next == wire->first;
}

/** Write the head of a command or a word. @return behind it */
static char *put_head(char *at, char kind, size_t number)
{
    *at++ = kind;
    at = kt_decimal_put(at, (int64_t)number);
    return mempcpy(at, "\r\n", 2);
}

int kt_redis_wire_send(struct kt_redis_wire *wire, struct kt_redis_call *call)
{
    size_t size = HEAD_MAX;
    if (!wire->context)
        return -ENOTCONN;
    assert(wire->next - wire->first < UNDER_WAY_MAX);
    for (unsigned i = 0; i < call->count; i++)
        size += HEAD_MAX + call->words[i].size + 2;
    char *bytes = sdsMakeRoomFor(wire->context->obuf, size);
    if (!bytes)
        return -ENOMEM;
    char *end = bytes + sdslen(bytes);
    char *at = put_head(end, '*', call->count);
    for (unsigned i = 0; i < call->count; i++) {
        at = put_head(at, '$', call->words[i].size);
        at = mempcpy(at, call->words[i].bytes, call->words[i].size);
        at = mempcpy(at, "\r\n", 2);
    }
    sdsIncrLen(bytes, (int)(at - end)); /* of a few megabytes at most */
    wire->context->obuf = bytes;
    if (wire->first == wire->next)
        wire->heard_ms = kt_now_ms();
    call->wire = wire;
    call->place = wire->next;
    *place_of(wire, wire->next++) = call;
    if (waiting_bytes(wire) >= FLUSH_BYTES && !wire->waits_to_write)
        kt_redis_wire_flush(wire);
    return 0;
}

/* ---------------------------------------------------------------- the loop */

/** The socket is connected, or failed to. @return 0 or the reason, a negative errno */
static int take_connection(struct kt_redis_wire *wire)
{
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(wire->context->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
        return -errno;
    if (error == 0 && wire->tls)
        error = -kt_redis_tls_start(wire->tls, wire->context);
    wire->is_connected = error == 0;
    return -error;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct kt_redis_wire *wire = poll->data;
    if (!wire->is_connected) {
        int result = take_connection(wire);
        if (result < 0) {
            lose(wire, -ENOTCONN, wire->context->err ? wire->context->errstr : strerror(-result));
            return;
        }
    }
    if (status < 0 || (events & UV_READABLE) != 0)
        kt_redis_wire_read(wire);
    if (!wire->context)
        return;
    if (status < 0) /* the loop has stopped to look: what there was to read has been read */
        lose(wire, -ENOTCONN, strerror(-status));
    else if ((events & UV_WRITABLE) != 0 || wire->tls)
        kt_redis_wire_flush(wire);
}

int kt_redis_wire_open(int fd, struct kt_redis_tls *tls, const struct kt_redis_listener *listener,
                       struct kt_redis_wire **ret_wire)
{
    struct kt_redis_wire *wire = talloc_zero(NULL, struct kt_redis_wire);
    if (!wire) {
        close(fd);
        return -ENOMEM;
    }
    wire->context = redisConnectFd(fd);
    if (!wire->context) {
        close(fd);
        talloc_free(wire);
        return -ENOMEM;
    }
    wire->context->flags &= ~REDIS_BLOCK;
    wire->context->reader->fn = &kt_redis_reply_functions;
    wire->context->reader->privdata = &wire->intake;
    wire->intake.memory = wire;
    wire->tls = tls;
    wire->listener = listener;
    wire->poll.data = wire;
    int result = uv_poll_init(kt_runtime_loop(), &wire->poll, fd);
    if (result < 0) {
        redisFree(wire->context);
        talloc_free(wire);
        return result;
    }
    watch(wire, true);
    *ret_wire = wire;
    return 0;
}
