/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One accepted connection: its socket, its queue of output, its watch in the loop, its end. Writes
 * at once and watches for writability only when the socket is full; reads into the worker's one
 * read buffer, so that an idle connection holds no memory but its own struct.
 *
 * A peer that shuts down its side counts as gone, and its requests as aborted: web servers that
 * give up on a request close the connection, which over TCP looks the same, and no client of
 * FastCGI sends half a connection's end before it has all its answers (cgi-fcgi does so
 * afterwards).
 */
#include "fastcgi/connection.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/** How many buffers one write hands to the kernel. */
#define WRITE_BUFFERS_MAX 16
/** How many reads a connection gets before the others have their turn. */
#define READS_PER_TURN 4

/* ---------------------------------------------------------------- opening and closing */

int kt_connection_open(struct kt_engine *engine, int fd)
{
    struct kt_connection *connection = talloc_zero(engine, struct kt_connection);
    if (!connection) {
        close(fd);
        return -ENOMEM;
    }
    connection->engine = engine;
    connection->fd = fd;
    connection->opened_ms = connection->given_ms = connection->taken_ms = kt_now_ms();
    connection->linger_left = KT_CONNECTION_LINGER_MAX;
    connection->next = engine->connections;
    if (engine->connections)
        engine->connections->previous = connection;
    engine->connections = connection;
    engine->counts.connections++;
    kt_engine_connections_changed(engine);
    engine->holders++;
    kt_engine_settle_later(engine, connection);
    /* The request is usually there already: web servers connect when they have one. */
    kt_connection_read(connection);
    return 0;
}

static void connection_free(struct kt_connection *connection)
{
    struct kt_engine *engine = connection->engine;
    talloc_free(connection);
    kt_engine_unhold(engine);
}

void kt_connection_settle(struct kt_connection *connection)
{
    if (connection->state == KT_CONNECTION_CLOSED) {
        connection_free(connection);
        return;
    }
    connection->is_settled = true;
    kt_connection_update(connection);
}

/** Watch these events, instead of others. @return 0 or a negative errno */
static int watch(struct kt_connection *connection, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = connection};
    int operation = connection->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    connection->watched = events;
    return epoll_ctl(connection->engine->epoll_fd, operation, connection->fd, &event) < 0 ? -errno
                                                                                          : 0;
}

/** Also when another has a copy of the descriptor, which its end alone would not tell of. */
static void unwatch(struct kt_connection *connection)
{
    if (connection->watched)
        epoll_ctl(connection->engine->epoll_fd, EPOLL_CTL_DEL, connection->fd, NULL);
    connection->watched = 0;
}

void kt_connection_close(struct kt_connection *connection)
{
    struct kt_engine *engine = connection->engine;
    if (connection->state == KT_CONNECTION_CLOSED)
        return;
    connection->state = KT_CONNECTION_CLOSED;
    if (connection->is_settled)
        kt_engine_settle_later(engine, connection);
    unwatch(connection);
    close(connection->fd);
    connection->fd = -1;
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        engine->connections = connection->next;
    if (connection->next)
        connection->next->previous = connection->previous;
    engine->counts.connections--;
    kt_buffer_give_all(&engine->buffers, connection->output_first);
    connection->output_first = connection->output_last = NULL;
    connection->output_bytes = 0;
    kt_buffer_give(&engine->buffers, connection->values);
    connection->values = NULL;
    while (connection->requests)
        kt_fastcgi_request_lose(connection->requests);
    kt_map_clear(&connection->ids);
    kt_engine_connections_changed(engine);
}

/* ---------------------------------------------------------------- writing */

void kt_connection_queue(struct kt_connection *connection, struct kt_buffer *buffer)
{
    if (connection->state != KT_CONNECTION_OPEN) {
        kt_buffer_give(&connection->engine->buffers, buffer);
        return;
    }
    if (!connection->output_first)
        connection->taken_ms = kt_now_ms();
    buffer->next = NULL;
    if (connection->output_last)
        connection->output_last->next = buffer;
    else
        connection->output_first = buffer;
    connection->output_last = buffer;
    connection->output_bytes += kt_buffer_left(buffer);
}

void kt_connection_queue_bytes(struct kt_connection *connection, const void *data, size_t size)
{
    const unsigned char *from = data;
    while (size > 0 && connection->state == KT_CONNECTION_OPEN) {
        struct kt_buffer *last = connection->output_last;
        if (!last || last->file || last->end == sizeof(last->data)) {
            last = kt_buffer_take(&connection->engine->buffers);
            if (!last) {
                connection->is_broken = true;
                return;
            }
            kt_connection_queue(connection, last);
        }
        size_t room = sizeof(last->data) - last->end;
        size_t part = size < room ? size : room;
        memcpy(last->data + last->end, from, part);
        last->end += (uint32_t)part;
        connection->output_bytes += part;
        from += part;
        size -= part;
    }
}

/** Take written bytes off the queue. */
static void output_written(struct kt_connection *connection, size_t size)
{
    struct kt_engine *engine = connection->engine;
    engine->counts.bytes_out_total += size;
    connection->output_bytes -= size;
    connection->taken_ms = kt_now_ms();
    while (size > 0) {
        struct kt_buffer *buffer = connection->output_first;
        size_t left = kt_buffer_left(buffer), data_left = buffer->end - buffer->start;
        if (size < left) {
            size_t of_data = size < data_left ? size : data_left;
            buffer->start += (uint32_t)of_data;
            buffer->file_offset += (int64_t)(size - of_data);
            buffer->file_left -= size - of_data;
            return;
        }
        size -= left;
        connection->output_first = buffer->next;
        kt_buffer_give(&engine->buffers, buffer);
    }
    if (!connection->output_first)
        connection->output_last = NULL;
}

/** One write of data, up to the first part of a file. @return as write_once */
static ssize_t write_data(const struct kt_connection *connection)
{
    const struct kt_buffer *buffer = connection->output_first;
    ssize_t written;
    do {
        if (!buffer->next || buffer->file) {
            written = send(connection->fd, buffer->data + buffer->start,
                           buffer->end - buffer->start, MSG_NOSIGNAL);
            continue;
        }
        struct iovec parts[WRITE_BUFFERS_MAX];
        struct msghdr message = {.msg_iov = parts};
        while (buffer && message.msg_iovlen < WRITE_BUFFERS_MAX) {
            parts[message.msg_iovlen++] = (struct iovec){
                (void *)(uintptr_t)(buffer->data + buffer->start), buffer->end - buffer->start};
            buffer = buffer->file ? NULL : buffer->next;
        }
        written = sendmsg(connection->fd, &message, MSG_NOSIGNAL);
        buffer = connection->output_first;
    } while (written < 0 && errno == EINTR);
    return written < 0 ? -errno : written;
}

/** One write of a part of a file: its pages go to the peer without being copied here. */
static ssize_t write_file(const struct kt_connection *connection)
{
    const struct kt_buffer *buffer = connection->output_first;
    ssize_t written;
    do {
        off_t offset = buffer->file_offset;
        written = sendfile(connection->fd, buffer->file->fd, &offset, buffer->file_left);
    } while (written < 0 && errno == EINTR);
    if (written == 0)
        return -EIO; /* it is shorter than it was */
    return written < 0 ? -errno : written;
}

/** One write of what is queued. @return bytes, or a negative errno */
static ssize_t write_once(const struct kt_connection *connection)
{
    const struct kt_buffer *buffer = connection->output_first;
    return buffer->start < buffer->end ? write_data(connection) : write_file(connection);
}

void kt_connection_flush(struct kt_connection *connection)
{
    if (connection->state != KT_CONNECTION_OPEN || !connection->output_first)
        return;
    while (connection->output_first) {
        ssize_t written = write_once(connection);
        if (written == -EAGAIN || written == -EWOULDBLOCK)
            break;
        if (written < 0) {
            kt_connection_close(connection);
            return;
        }
        output_written(connection, (size_t)written);
    }
    if (connection->output_bytes <= KT_CONNECTION_LOW_WATER)
        kt_fastcgi_streams_wake(connection);
}

/* ---------------------------------------------------------------- watching */

/** Whether as much waits of the bodies as may: nothing is read until handlers have read some. */
static bool is_full(const struct kt_connection *connection)
{
    return connection->input_waiting >=
           (connection->is_shared ? KT_CONNECTION_INPUT_MAX : KT_REQUEST_INPUT_WINDOW);
}

/** Whether the peer may be read from: its input and the answers it owes to take are bounded. */
static bool wants_input(const struct kt_connection *connection)
{
    return connection->state == KT_CONNECTION_LINGERING ||
           (!is_full(connection) && connection->output_bytes < KT_CONNECTION_OUTPUT_MAX);
}

/** All is answered and sent: close, or let the peer finish what it is still sending. */
static void finish(struct kt_connection *connection)
{
    bool is_clean = connection->unread_count == 0 && kt_record_is_between(&connection->parser);
    if (is_clean || shutdown(connection->fd, SHUT_WR) < 0) {
        kt_connection_close(connection);
        return;
    }
    connection->state = KT_CONNECTION_LINGERING;
    connection->given_ms = kt_now_ms();
}

/** While the engine drains: whether an idle connection should go now. */
static bool is_drained(const struct kt_connection *connection)
{
    const struct kt_engine *engine = connection->engine;
    if (!engine->is_draining || !kt_record_is_between(&connection->parser))
        return false;
    int64_t now_ms = kt_now_ms();
    int64_t idle_since_ms =
        connection->given_ms > connection->taken_ms ? connection->given_ms : connection->taken_ms;
    return now_ms - engine->drain_ms >= KT_CONNECTION_DRAIN_MS ||
           (!engine->give && connection->has_served &&
            now_ms - idle_since_ms >= KT_CONNECTION_QUIET_MS);
}

static bool is_idle(const struct kt_connection *connection)
{
    return !connection->requests && !connection->output_first;
}

bool kt_connection_is_to_be_given(const struct kt_connection *connection)
{
    const struct kt_engine *engine = connection->engine;
    bool is_whole = connection->unread_count == 0 && !connection->closes_when_done &&
                    kt_record_is_between(&connection->parser);
    return engine->is_draining && engine->give && connection->state == KT_CONNECTION_OPEN &&
           is_whole && is_idle(connection);
}

/**
 * While the engine drains: give an idle connection away, so that its peer notices nothing. What
 * is in the socket goes along; of what we have read, nothing may be left.
 * @return whether it belongs to somebody else now, and only our end is to be closed
 */
static bool give(struct kt_connection *connection)
{
    struct kt_engine *engine = connection->engine;
    return kt_connection_is_to_be_given(connection) && engine->gives_left > 0 &&
           engine->give(engine->drain_argument, connection->fd) && engine->gives_left-- > 0;
}

void kt_connection_update(struct kt_connection *connection)
{
    if (connection->state == KT_CONNECTION_CLOSED || connection->is_reading)
        return;
    if (connection->is_broken) {
        kt_connection_close(connection);
        return;
    }
    if (give(connection)) {
        kt_connection_close(connection);
        return;
    }
    if (connection->state == KT_CONNECTION_OPEN && is_idle(connection) &&
        (connection->closes_when_done || is_drained(connection))) {
        finish(connection);
        if (connection->state == KT_CONNECTION_CLOSED)
            return;
    }
    if (!is_full(connection))
        connection->stalled_ms = 0;
    else if (connection->stalled_ms == 0)
        connection->stalled_ms = kt_now_ms();
    /* Also when nothing is read, it must be seen that the peer has gone. */
    uint32_t events = (wants_input(connection) ? EPOLLIN : EPOLLRDHUP) |
                      (connection->output_first ? EPOLLOUT : 0u);
    if (events == connection->watched || !connection->is_settled)
        return;
    if (events & ~connection->watched & EPOLLIN)
        connection->given_ms = kt_now_ms(); /* that nothing came was our wish */
    if (watch(connection, events) < 0)
        kt_connection_close(connection);
}

/* ---------------------------------------------------------------- reading */

/** Serve the records in these bytes. @return false if the connection is to be or was closed */
static bool parse(struct kt_connection *connection, const unsigned char *data, size_t size)
{
    const unsigned char *cursor = data, *end = data + size;
    struct kt_record_part part;
    while (connection->state == KT_CONNECTION_OPEN) {
        switch (kt_record_next(&connection->parser, &cursor, end, &part)) {
        case KT_RECORD_MORE:
            return true;
        case KT_RECORD_PART:
            kt_protocol_part(connection, &part);
            break;
        case KT_RECORD_BAD_VERSION:
            return false;
        }
    }
    return connection->state != KT_CONNECTION_CLOSED;
}

/** Use what one read brought. @return as parse */
static bool take_input(struct kt_connection *connection, size_t size)
{
    struct kt_engine *engine = connection->engine;
    engine->counts.bytes_in_total += size;
    connection->given_ms = kt_now_ms();
    if (connection->state == KT_CONNECTION_OPEN)
        return parse(connection, engine->read_buffer, size);
    if (size >= connection->linger_left)
        return false;
    connection->linger_left -= size;
    return true;
}

/** Read within a fair share. @return false if the connection is to be or was closed */
static bool read_share(struct kt_connection *connection)
{
    for (int turn = 0; turn < READS_PER_TURN && wants_input(connection); turn++) {
        ssize_t size;
        do
            size = recv(connection->fd, connection->engine->read_buffer, KT_ENGINE_READ_SIZE, 0);
        while (size < 0 && errno == EINTR);
        if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return true;
        if (size <= 0 || !take_input(connection, (size_t)size))
            return false;
        if ((size_t)size < KT_ENGINE_READ_SIZE)
            return true;
    }
    return true;
}

void kt_connection_read(struct kt_connection *connection)
{
    connection->is_reading = true;
    bool is_alive = read_share(connection);
    connection->is_reading = false;
    if (!is_alive) {
        kt_connection_close(connection);
        return;
    }
    kt_connection_flush(connection);
    kt_connection_update(connection);
}

void kt_connection_serve(struct kt_connection *connection, uint32_t events)
{
    if (connection->state == KT_CONNECTION_CLOSED)
        return; /* by what came before in the same turn */
    /* What was sent before the peer hung up is still to be read. */
    bool is_readable = events & (EPOLLIN | EPOLLHUP) && connection->watched & EPOLLIN;
    if (events & (EPOLLERR | EPOLLRDHUP) || (events & EPOLLHUP && !is_readable)) {
        kt_connection_close(connection);
        return;
    }
    if (events & EPOLLOUT)
        kt_connection_flush(connection);
    if (connection->state != KT_CONNECTION_CLOSED && is_readable)
        kt_connection_read(connection);
    kt_connection_update(connection);
}

/* ---------------------------------------------------------------- time */

/** Whether we wait for bytes of the peer: to finish a record, its parameters or a body. */
static bool is_waiting_for_input(const struct kt_connection *connection)
{
    if (connection->state == KT_CONNECTION_LINGERING)
        return true;
    if (!wants_input(connection))
        return false;
    if (!kt_record_is_between(&connection->parser))
        return true;
    for (const struct kt_fastcgi_request *request = connection->requests; request;
         request = request->next_sibling)
        if (request->state == KT_FASTCGI_PARAMS || request->reader.is_waiting)
            return true;
    return false;
}

/** A shared connection has stood still for too long: the largest body that waits has to go. */
static void relieve(struct kt_connection *connection)
{
    struct kt_fastcgi_request *largest = connection->requests;
    for (struct kt_fastcgi_request *request = largest; request; request = request->next_sibling)
        if (request->body.waiting + request->data.waiting >
            largest->body.waiting + largest->data.waiting)
            largest = request;
    kt_fastcgi_request_drop_input(largest, -ENOBUFS);
    kt_connection_update(connection);
}

void kt_connection_sweep(struct kt_connection *connection, int64_t now_ms)
{
    if (connection->is_shared && connection->stalled_ms > 0 &&
        now_ms - connection->stalled_ms >= KT_CONNECTION_STALL_MS)
        relieve(connection);
    int64_t past_ms = now_ms - connection->engine->options.transfer_timeout_ms;
    bool takes_nothing = connection->output_first && connection->taken_ms <= past_ms;
    bool gives_nothing = connection->given_ms <= past_ms && is_waiting_for_input(connection);
    if (takes_nothing || gives_nothing)
        kt_connection_close(connection);
    else if (connection->engine->is_draining && connection->state == KT_CONNECTION_OPEN)
        kt_connection_read(connection); /* a last look before it may be closed */
}
