/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One connection with Redis: calls go out in their order, pipelined, and replies come back in that
 * order. Has hiredis read the protocol and do the I/O on its plain context, which doesn't block;
 * its asynchronous one stops the program by an assertion when a server answers what nobody has
 * asked. Knows nothing of addresses, of what the commands mean, and of connecting anew.
 */
#ifndef KT_STORE_REDIS_WIRE_H
#define KT_STORE_REDIS_WIRE_H

#include "process/runtime.h"
#include "store/redis_reply.h"

/** The most words of a command. */
#define KT_REDIS_WORDS_MAX 12u

struct kt_redis_wire;
struct kt_redis_tls;

/**
 * A command, and its reply. Owned by the process that waits for it, with which it may go at any
 * time; a reply that comes later is dropped.
 */
struct kt_redis_call {
    struct kt_redis_call *next, *previous; /**< in the queue */
    struct kt_redis_queue *queue;          /**< where it waits to be sent; NULL: nowhere */
    struct kt_redis_wire *wire;            /**< that has sent it; NULL: none (any more) */
    uint32_t place;                        /**< in the wire */
    struct kt_ticket ticket;               /**< while its process is parked */
    int32_t result; /**< when it is over: 0 and the reply, or a negative errno */
    bool is_over;
    bool is_repeatable; /**< it changes nothing, and may be sent once more */
    uint8_t count;      /**< of the words */
    struct {
        const void *bytes; /**< borrowed until it is over */
        size_t size;
    } words[KT_REDIS_WORDS_MAX];
    struct kt_redis_reply *reply; /**< hangs on the call */
};

/** Calls that wait to be sent, the oldest first. */
struct kt_redis_queue {
    struct kt_redis_call *first, *last;
    uint32_t count;
};

/** @return a call without words, owned by the calling process; NULL: no memory */
struct kt_redis_call *kt_redis_call_new(void);

/** Add a word; it must stay as it is until the call is over. */
void kt_redis_call_add(struct kt_redis_call *call, const void *bytes, size_t size);
void kt_redis_call_add_text(struct kt_redis_call *call, const char *text);

/** Put a call at the end of a queue. */
void kt_redis_call_queue(struct kt_redis_call *call, struct kt_redis_queue *queue);

/** Take a call out of where it is: nobody waits for it any more, or it is to be sent again. */
void kt_redis_call_withdraw(struct kt_redis_call *call);

/** End a call that is nowhere any more, and wake its process. */
void kt_redis_call_end(struct kt_redis_call *call, int result);

/** Wait until a call is over, or a time of the monotonic clock. @return its result; -ETIMEDOUT and
 * -ECANCELED (see kt_park): it is not over. Parks. */
int kt_redis_call_wait(struct kt_redis_call *call, int64_t deadline_ms);

/** What a wire tells the one who has opened it. */
struct kt_redis_listener {
    /** The connection is lost and the wire gone. @param why  words, borrowed */
    void (*on_lost)(void *argument, const char *why);
    /** This call was sent, and there will be no reply. @param result  -ENOTCONN, or -EIO when the
     * server's answers make no sense. The listener ends it or sends it again later. */
    void (*on_unanswered)(void *argument, struct kt_redis_call *call, int result);
    void *argument;
};

/**
 * Open a wire on a socket that is connected or about to be.
 * @param fd        non-blocking; becomes the wire's, also with an error
 * @param tls       NULL: none; borrowed
 * @param listener  borrowed until the wire is lost or closed
 * @return 0 or a negative errno
 */
int kt_redis_wire_open(int fd, struct kt_redis_tls *tls, const struct kt_redis_listener *listener,
                       struct kt_redis_wire **ret_wire);

/** Whether one more call may be sent now: what is under way is bounded, in number and bytes. */
bool kt_redis_wire_has_room(const struct kt_redis_wire *wire);

/** How many replies have come; also told within on_lost. */
uint64_t kt_redis_wire_replies(const struct kt_redis_wire *wire);

/** Whether the server owes no answer. */
bool kt_redis_wire_is_idle(const struct kt_redis_wire *wire);

/** Send a call; it leaves at kt_redis_wire_flush, or before. @return 0, -ENOMEM, -ENOTCONN (lost in
 * this turn of the loop) */
int kt_redis_wire_send(struct kt_redis_wire *wire, struct kt_redis_call *call);

/** Write what waits. The wire may be lost by it. */
void kt_redis_wire_flush(struct kt_redis_wire *wire);

/** Read what is there already, without waiting for the loop. The wire may be lost by it. */
void kt_redis_wire_read(struct kt_redis_wire *wire);

/** For how long the server has owed an answer and sent nothing; 0: it owes none. */
int64_t kt_redis_wire_silence_ms(const struct kt_redis_wire *wire);

/** Close it; calls that are unanswered get on_unanswered with -ENOTCONN, on_lost does not come. */
void kt_redis_wire_close(struct kt_redis_wire *wire);

#endif
