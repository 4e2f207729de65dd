/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One accepted connection: reads records from its socket, keeps a queue of records to write, and
 * watches both. Knows which requests are running on it; what records mean is protocol.c's.
 */
#ifndef KT_CONNECTION_H
#define KT_CONNECTION_H

#include "fastcgi/engine.h"
#include "fastcgi/record.h"
#include "base/map.h"

/** Above this many bytes in the queue a writing process parks … */
#define KT_CONNECTION_HIGH_WATER 262144u
/** … until no more than this are left. */
#define KT_CONNECTION_LOW_WATER 65536u
/** With so much in the queue the peer is not read from: it asks and asks and takes no answers. */
#define KT_CONNECTION_OUTPUT_MAX (4u * KT_CONNECTION_HIGH_WATER)
/**
 * How many requests may run at once on one connection. A peer that multiplexes is told so, and
 * opens another connection for more, which another worker may take.
 */
#define KT_CONNECTION_REQUESTS_MAX 256u
/**
 * A connection that is shared by requests is read on until so much of their bodies waits; one that
 * is not, until KT_REQUEST_INPUT_WINDOW.
 */
#define KT_CONNECTION_INPUT_MAX (4u * KT_REQUEST_INPUT_WINDOW)
/**
 * FastCGI can't hold back the body of one request alone. When a shared connection could not be read
 * from for so long because bodies wait, the largest of them is dropped: its handler gets an error
 * when it reads on, and the other requests go on.
 */
#define KT_CONNECTION_STALL_MS 5000
/** What a peer may still send after the last answer before it is cut off. */
#define KT_CONNECTION_LINGER_MAX (64u * 1024u * 1024u)
/**
 * While the engine drains, a kept connection is closed when it was quiet for so long: a web server
 * that is about to send its next request on it can't be told, so this makes a collision unlikely …
 */
#define KT_CONNECTION_QUIET_MS 200
/** … and one that is never quiet, or never brings a request, after so long. */
#define KT_CONNECTION_DRAIN_MS 2000
/** The largest content of a GET_VALUES record that is looked at. */
#define KT_CONNECTION_VALUES_MAX 1024u

enum kt_connection_state {
    KT_CONNECTION_OPEN,
    KT_CONNECTION_LINGERING, /**< the last answer is out, our side is shut; drains the peer's */
    KT_CONNECTION_CLOSED,    /**< the socket is closed; freed when it is settled */
};

/** A connection. Small on purpose: thousands of them are idle. */
struct kt_connection {
    struct kt_engine *engine;
    struct kt_connection *previous, *next;
    struct kt_connection *next_unsettled;
    struct kt_fastcgi_request *requests; /**< active ids, newest first */
    struct kt_map ids;                   /**< them by id, unless it is only one */
    struct kt_fastcgi_request *writers_first, *writers_last; /**< wait for room, in their order */
    struct kt_buffer *output_first, *output_last;
    struct kt_buffer *values; /**< a GET_VALUES record that came in pieces */
    size_t output_bytes;
    size_t input_waiting; /**< STDIN and DATA held for all its requests */
    size_t linger_left;
    int64_t opened_ms;  /**< when it was accepted, or another worker gave it */
    int64_t given_ms;   /**< when the peer last gave bytes, or was last asked to */
    int64_t taken_ms;   /**< when it last took bytes, or the queue began */
    int64_t stalled_ms; /**< since when bodies that nobody reads keep us from reading; 0: no */
    int fd;
    uint32_t watched; /**< the events of epoll(7) being watched; 0: none */
    uint32_t request_count;
    uint32_t requests_total; /**< that began on it so far */
    uint32_t unread_count;   /**< streams of the peer that didn't end before their request did */
    enum kt_connection_state state;
    struct kt_record_parser parser;
    unsigned char begin[sizeof(FCGI_BeginRequestBody)]; /**< of a BEGIN_REQUEST, as it arrives */
    uint8_t begin_size;
    bool is_settled;       /**< it lived longer than one turn of the loop, and may be watched */
    bool has_served;       /**< it has carried a request */
    bool is_shared;        /**< the peer multiplexes: it asked whether it may, or has done it */
    bool closes_when_done; /**< a request without KEEP_CONN came, or an answer was cut */
    bool is_reading;       /**< inside kt_connection_read, which updates at its end */
    bool is_broken;        /**< memory ran out for its records: it can only be closed */
};

/** Take over an accepted socket; closes it on an error. @return 0 or a negative errno */
int kt_connection_open(struct kt_engine *engine, int fd);

/**
 * Watch a fresh connection from now on, or free one that was closed: one that is answered and
 * closed within a turn of the loop never costs a watch.
 */
void kt_connection_settle(struct kt_connection *connection);

/** Something has happened on its socket. @param events  of epoll(7) */
void kt_connection_serve(struct kt_connection *connection, uint32_t events);

/** Append a buffer to the queue; it becomes the connection's. */
void kt_connection_queue(struct kt_connection *connection, struct kt_buffer *buffer);

/** Append bytes to the queue. On lack of memory the connection is marked broken. */
void kt_connection_queue_bytes(struct kt_connection *connection, const void *data, size_t size);

/** Write what can be written now. May close the connection. */
void kt_connection_flush(struct kt_connection *connection);

/** After any change: watch what has to be watched, close when all is done. */
void kt_connection_update(struct kt_connection *connection);

/** Close at once; requests on it are lost. */
void kt_connection_close(struct kt_connection *connection);

/** Read and serve what is there, within a fair share. May close the connection. */
void kt_connection_read(struct kt_connection *connection);

/** Whether it is idle while the engine drains, and another engine should have its next request. */
bool kt_connection_is_to_be_given(const struct kt_connection *connection);

/** Close a connection whose peer neither gives nor takes anything (called now and then). */
void kt_connection_sweep(struct kt_connection *connection, int64_t now_ms);

/** Act on a part of a record (protocol.c). May close the connection. */
void kt_protocol_part(struct kt_connection *connection, const struct kt_record_part *part);

#endif
