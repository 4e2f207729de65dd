/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One FastCGI request: from BEGIN_REQUEST over its parameters and streams to END_REQUEST. On top
 * of it sits a real FCGX_Request, whose streams fill and empty through this engine.
 */
#ifndef KT_FASTCGI_REQUEST_H
#define KT_FASTCGI_REQUEST_H

#include "fastcgi/buffer.h"
#include "process/runtime.h"

#include <kontor/fcgx.h>
#include <stdbool.h>

struct kt_engine;
struct kt_connection;

/** The pool a request, its parameters and its process's small things are allocated from. */
#define KT_REQUEST_POOL_SIZE 6144u
/** How many parameters one request may have; web servers send 20 to 60. */
#define KT_REQUEST_PAIRS_MAX 512u
/**
 * How much of a body waits in the engine until a handler reads it; then the peer has to wait. More
 * on connections that requests share: see KT_CONNECTION_INPUT_MAX.
 */
#define KT_REQUEST_INPUT_WINDOW 65536u

enum kt_fastcgi_state {
    KT_FASTCGI_PARAMS,  /**< parameters are coming in */
    KT_FASTCGI_RUNNING, /**< given to on_request, not ended */
    KT_FASTCGI_ENDED,   /**< END_REQUEST is queued, or the connection is gone */
};

/** A process that is parked in a stream call. */
struct kt_stream_waiter {
    struct kt_ticket ticket;
    bool is_waiting;
};

/** A stream of the peer, STDIN or DATA, as far as it has come. */
struct kt_input {
    struct kt_buffer *first, *last; /**< not yet given to the FCGX stream */
    size_t waiting;                 /**< bytes in them */
    uint64_t total;                 /**< bytes received */
    /** 0, or why the rest is dropped: -EMSGSIZE over the bound, -ENOMEM, -EPROTO out of order,
     * -ENOBUFS not read in time while others waited. */
    int error;
    bool has_ended; /**< its empty record came, or it is a stream that this role doesn't have */
};

/**
 * A request. Invariant: connection is NULL if and only if the state is ENDED; then the streams are
 * closed and hold no buffers.
 */
struct kt_fastcgi_request {
    TALLOC_CTX *memory; /**< the pool that holds this struct and all that belongs to it */
    struct kt_engine *engine;
    struct kt_connection *connection;
    struct kt_fastcgi_request *previous, *next;                 /**< of the engine */
    struct kt_fastcgi_request *previous_sibling, *next_sibling; /**< of the connection */
    enum kt_fastcgi_state state;
    uint16_t id;
    uint16_t role;         /**< FCGI_RESPONDER, FCGI_AUTHORIZER or FCGI_FILTER */
    bool keeps_connection; /**< FCGI_KEEP_CONN */
    bool is_gone;          /**< on_gone was called */
    bool is_late;          /**< on_deadline was called */
    int64_t begun_ms;      /**< when BEGIN_REQUEST came; in kt_now_ms() time, as the next */
    int64_t deadline_ms;   /**< INT64_MAX: none */

    unsigned char *params; /**< raw until the end of the stream, then the strings of envp */
    size_t params_size, params_capacity;
    int params_error; /**< 0, or why the parameters are no good: -E2BIG, -EBADMSG, -EILSEQ */

    FCGX_Request fcgx; /**< in, out and err point to the streams below */
    FCGX_Stream in, out, err;

    struct kt_input body, data;      /**< STDIN; for filters DATA */
    struct kt_input *reading;        /**< what the FCGX stream gets: first the body, then data */
    struct kt_buffer *input_current; /**< what the stream reads from */

    struct kt_buffer *out_buffer, *err_buffer;
    uint64_t out_total;    /**< bytes of STDOUT in records that were queued */
    char out_start[16];    /**< how STDOUT began, NUL-terminated: "Status: 404" fits */
    uint32_t out_burst;    /**< bytes since the process last waited */
    uint32_t discard_from; /**< with discards_body: where in out_buffer the body begins */
    bool discards_body;    /**< what is written from now on is dropped (HEAD) */
    bool has_err;          /**< STDERR records were queued */
    struct kt_stream_waiter reader, writer;
    struct kt_fastcgi_request *previous_writer, *next_writer; /**< in line for room */
    bool is_in_line;
    uint32_t critical_owed; /**< sections entered by failed stream calls, not yet left */

    kt_pid pid;    /**< the process that serves it; the owner sets it */
    void *context; /**< the owner's */
};

/** Make a request for a BEGIN_REQUEST record and link it. @return NULL when memory is out */
struct kt_fastcgi_request *kt_fastcgi_request_new(struct kt_connection *connection, uint16_t id,
                                                  uint16_t role, bool keeps_connection);

/** The active request with this id, or NULL. */
struct kt_fastcgi_request *kt_fastcgi_request_find(const struct kt_connection *connection,
                                                   uint16_t id);

/** A piece of PARAMS arrived. Too many bytes set params_error. */
void kt_fastcgi_request_params(struct kt_fastcgi_request *request, const unsigned char *data,
                               size_t size, size_t record_length);

/** All of PARAMS arrived: make envp and hand the request upward, which may free it. */
void kt_fastcgi_request_begin(struct kt_fastcgi_request *request);

/** A piece of STDIN arrived; size 0 is its end. */
void kt_fastcgi_request_body(struct kt_fastcgi_request *request, const unsigned char *data,
                             size_t size);

/** A piece of DATA arrived; size 0 is its end. Ignored unless the request is a filter's. */
void kt_fastcgi_request_data(struct kt_fastcgi_request *request, const unsigned char *data,
                             size_t size);

/** Drop what waits of its body or data, and what of that is still to come, with this error. */
void kt_fastcgi_request_drop_input(struct kt_fastcgi_request *request, int error);

/**
 * Complete the answer: what is in the streams, their ends and END_REQUEST go out, in one write
 * where they fit. Does nothing on an ended request. Does not park.
 */
void kt_fastcgi_request_end(struct kt_fastcgi_request *request, int application_status);

/**
 * Break the answer off so that the web server can't take it for a whole one: what was sent is
 * followed by bytes that are no FastCGI, and the connection is closed.
 */
void kt_fastcgi_request_cut(struct kt_fastcgi_request *request);

/** The peer asked for an end by ABORT_REQUEST, and sends no more of this request's streams. */
void kt_fastcgi_request_abort(struct kt_fastcgi_request *request);

/** The peer or its connection is gone: streams fail, a request not yet begun is freed. */
void kt_fastcgi_request_lose(struct kt_fastcgi_request *request);

/** The engine forgets an ended request; its memory may be freed then. */
void kt_fastcgi_request_release(struct kt_fastcgi_request *request);

/** Set the deadline, in milliseconds from now; negative: none. */
void kt_fastcgi_request_deadline(struct kt_fastcgi_request *request, int64_t timeout_ms);

/* ---------------------------------------------------------------- its streams (stream.c) */

/** Set up the three streams and the FCGX request. */
void kt_fastcgi_streams_open(struct kt_fastcgi_request *request);

/** Close the streams with an error, give back their buffers and wake whoever waits in them. */
void kt_fastcgi_streams_shut(struct kt_fastcgi_request *request, int error);

/** Wake the processes that wait for room in a connection's queue, who waits longest first. */
void kt_fastcgi_streams_wake(struct kt_connection *connection);

/** Queue what is in the streams and the records that end them and the request. */
void kt_fastcgi_streams_finish(struct kt_fastcgi_request *request, int application_status);

/**
 * Write a part of a file to STDOUT, without copying it; parks as the stream does. A request whose
 * body is discarded writes nothing.
 * @param fd  a regular or memory file, which does not shrink; need not stay open afterwards
 * @return 0, or a negative errno; then the stream is closed
 */
int kt_fastcgi_out_file(struct kt_fastcgi_request *request, int fd, uint64_t offset,
                        uint64_t count);

/** Bytes of STDOUT written so far, whether sent or not. */
uint64_t kt_fastcgi_out_written(const struct kt_fastcgi_request *request);

/** Take back what was written to STDOUT. @return false if a part has already been sent */
bool kt_fastcgi_out_reset(struct kt_fastcgi_request *request);

/** Drop whatever is written to STDOUT from now on. */
void kt_fastcgi_out_discard(struct kt_fastcgi_request *request);

/**
 * Leave the critical sections that failed stream calls had to stay in. If the process was asked to
 * end meanwhile, it ends here. Call it from the process, outside of any stream call.
 */
void kt_fastcgi_settle(struct kt_fastcgi_request *request);

#endif
