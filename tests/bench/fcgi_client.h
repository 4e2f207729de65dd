/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One connection of the load generator: sends the same request again and again, several at once if
 * it is told to, and judges every answer. Knows FastCGI; knows neither the clock nor the event
 * loop, which hand in the time and call when the socket is ready.
 */
#pragma once

#include "histogram.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

/** Request ids are 16 bits, 0 is the management's; a thousand at once on one connection is more
 * than anybody does. */
#define CLIENT_STREAMS_MAX 1024u
/** The headers of an answer, which are kept until they are complete. */
#define CLIENT_HEAD_MAX 8192u

/** Why a request was no success. */
enum failure {
    FAILURE_CONNECT,  /**< nobody accepts, or only to close at once; no request was started */
    FAILURE_CLOSED,   /**< the connection ended before the answer did */
    FAILURE_PROTOCOL, /**< records that make no sense, or a request that was turned down */
    FAILURE_STATUS,   /**< another status than expected */
    FAILURE_BODY,     /**< shorter or longer than announced, or not what is expected */
    FAILURE_TIMEOUT,
    FAILURES,
};

/** What is sent, and what should come: the same for all connections, read-only. */
struct script {
    const uint8_t *request; /**< one whole request; ids are filled in */
    size_t request_bytes;
    const size_t *ids; /**< where in it the ids are: offsets of the records' headers */
    size_t ids_count;
    const char *body; /**< expected; NULL: any */
    size_t body_bytes;
    int status;
    unsigned streams; /**< requests at once on a connection */
    bool is_kept;     /**< whether connections are kept */
};

/** What all connections count together. started == histogram.count + the failures but
 * FAILURE_CONNECT + those that are still under way. */
struct tally {
    uint64_t started;
    uint64_t started_max; /**< no more than these are started; lowered to stop */
    uint64_t failures[FAILURES];
    uint64_t connections; /**< that were opened */
    uint64_t bytes;       /**< that were received, with the records' headers */
    struct histogram histogram;
};

/** How many requests were no success, with the connections that never were. */
uint64_t tally_errors(const struct tally *tally);

/** How many requests are under way. */
uint64_t tally_pending(const struct tally *tally);

/** One request that is under way, or a place for one. */
struct stream {
    uint64_t began_ns; /**< 0: idle */
    int status;
    bool has_head, is_wrong_body;
    bool has_length;
    uint64_t length, received;
    size_t head_bytes;
    char *head; /**< CLIENT_HEAD_MAX + 1 bytes, allocated when an answer's head comes in pieces */
};

struct client;

/** @return a client that is not connected, or NULL without memory; client_free() ends it */
struct client *client_new(const struct script *script, struct tally *tally);
void client_free(struct client *client);

/** The socket, or -1 if it is not connected. */
int client_fd(const struct client *client);

/**
 * Connect, without waiting for it.
 * @return 0; -EAGAIN if the server's queue is full: try again later; another negative errno, which
 *         is counted
 */
int client_connect(struct client *client, const struct sockaddr *address, socklen_t size);

/** Start as many requests as there is place for, and send what can be sent. On failure the client
 * is closed, and what was under way is counted. */
void client_send(struct client *client, uint64_t now_ns);

/** Take what has come. As client_send() for the rest. */
void client_receive(struct client *client, uint64_t now_ns);

/** Whether something is still to be sent. */
bool client_has_output(const struct client *client);

/** Close a client of which a request began before this time; what was under way is counted. */
void client_expire(struct client *client, uint64_t before_ns);
