/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The FCGX streams of a request: what libfcgi calls when a reader's buffer is empty or a writer's
 * is full. Bodies go through without being copied here: a writer's buffer becomes a record in
 * place, a reader's is what the connection filled. Waiting means that the process parks.
 *
 * libfcgi's side of the contract: for a reader wrNext == stop always, and a fill either moves stop
 * or sets isClosed; for a writer rdNext == stop always, and an empty either makes room or sets
 * isClosed with stop == wrNext, else its loops would never end.
 */
#include "fastcgi/connection.h"

#include <errno.h>
#include <string.h>

/** A process that has written so much without waiting lets the others run. */
#define BURST_BYTES (512u * 1024u)

/** Content of a record with a part of a file: whole pages, as many as fit. */
#define FILE_RECORD_BYTES ((size_t)15 * 4096)

/* ---------------------------------------------------------------- state of a stream */

static void reader_close(FCGX_Stream *stream, int error)
{
    if (error && stream->FCGI_errno == 0)
        stream->FCGI_errno = error;
    stream->isClosed = 1;
    stream->rdNext = stream->wrNext = stream->stop = stream->stopUnget = NULL;
}

static void writer_close(FCGX_Stream *stream, int error)
{
    if (error && stream->FCGI_errno == 0)
        stream->FCGI_errno = error;
    stream->isClosed = 1;
    stream->rdNext = stream->wrNext = stream->stop = NULL;
}

/** A writer without a buffer: its next byte calls empty. */
static void writer_unset(FCGX_Stream *stream)
{
    stream->rdNext = stream->wrNext = stream->stop = NULL;
}

static void writer_set(FCGX_Stream *stream, struct kt_buffer *buffer)
{
    stream->wrNext = buffer->data + KT_BUFFER_FRONT;
    stream->rdNext = stream->stop = buffer->data + KT_BUFFER_FRONT + KT_BUFFER_ROOM;
}

/* ---------------------------------------------------------------- waiting */

/**
 * Park in a stream call. When it fails, the process stays in the critical section, so that the
 * stream call returns its error whatever wants to end the process; kt_fastcgi_settle leaves it.
 */
static int stream_wait(struct kt_fastcgi_request *request, struct kt_stream_waiter *waiter)
{
    kt_critical_enter();
    waiter->ticket = kt_park_ticket();
    waiter->is_waiting = true;
    kt_wait_reason(KT_REASON_CLIENT);
    int result = kt_park(-1);
    waiter->is_waiting = false;
    request->out_burst = 0;
    if (result == 0)
        kt_critical_leave();
    else
        request->critical_owed++;
    return result;
}

/** Let other processes run after a burst of output. */
static void stream_yield(struct kt_fastcgi_request *request)
{
    request->out_burst = 0;
    kt_critical_enter();
    kt_yield();
    if (request->state == KT_FASTCGI_ENDED)
        request->critical_owed++;
    else
        kt_critical_leave();
}

static void waiter_wake(struct kt_stream_waiter *waiter, int result)
{
    if (waiter->is_waiting) {
        waiter->is_waiting = false;
        kt_unpark(waiter->ticket, result);
    }
}

/* Those who wait for room stand in a line, so that each of them gets its turn. */

static void line_join(struct kt_connection *connection, struct kt_fastcgi_request *request)
{
    request->next_writer = NULL;
    request->previous_writer = connection->writers_last;
    if (connection->writers_last)
        connection->writers_last->next_writer = request;
    else
        connection->writers_first = request;
    connection->writers_last = request;
    request->is_in_line = true;
}

static void line_leave(struct kt_connection *connection, struct kt_fastcgi_request *request)
{
    if (!request->is_in_line)
        return;
    if (request->previous_writer)
        request->previous_writer->next_writer = request->next_writer;
    else
        connection->writers_first = request->next_writer;
    if (request->next_writer)
        request->next_writer->previous_writer = request->previous_writer;
    else
        connection->writers_last = request->previous_writer;
    request->previous_writer = request->next_writer = NULL;
    request->is_in_line = false;
}

void kt_fastcgi_streams_wake(struct kt_connection *connection)
{
    struct kt_fastcgi_request *request;
    while ((request = connection->writers_first)) {
        line_leave(connection, request);
        waiter_wake(&request->writer, 0);
    }
}

/** Wait for room in the connection's queue. @return as stream_wait */
static int room_wait(struct kt_fastcgi_request *request)
{
    line_join(request->connection, request);
    int result = stream_wait(request, &request->writer);
    line_leave(request->connection, request); /* when it was not room that woke it */
    return result;
}

void kt_fastcgi_settle(struct kt_fastcgi_request *request)
{
    while (request->critical_owed > 0) {
        request->critical_owed--;
        kt_critical_leave();
    }
}

/* ---------------------------------------------------------------- in */

/** Give back what the stream has read and let the connection go on. */
static void input_done(struct kt_fastcgi_request *request)
{
    kt_buffer_give(&request->engine->buffers, request->input_current);
    request->input_current = NULL;
}

static void fill(FCGX_Stream *stream)
{
    struct kt_fastcgi_request *request = stream->data;
    struct kt_input *input = request->reading;
    input_done(request);
    while (request->state != KT_FASTCGI_ENDED && !input->first) {
        if (input->error) {
            reader_close(stream, -input->error);
            return;
        }
        if (input->has_ended) {
            reader_close(stream, 0);
            return;
        }
        if (kt_self() == KT_PID_NONE) {
            reader_close(stream, EWOULDBLOCK);
            return;
        }
        int result = stream_wait(request, &request->reader);
        if (result < 0) {
            reader_close(stream, -result);
            return;
        }
    }
    if (request->state == KT_FASTCGI_ENDED) {
        reader_close(stream, ECONNRESET);
        return;
    }
    struct kt_buffer *buffer = input->first;
    input->first = buffer->next;
    if (!input->first)
        input->last = NULL;
    request->input_current = buffer;
    size_t size = buffer->end - buffer->start;
    stream->rdNext = buffer->data + buffer->start;
    stream->stopUnget = stream->rdNext;
    stream->wrNext = stream->stop = buffer->data + buffer->end;
    input->waiting -= size;
    request->connection->input_waiting -= size;
    kt_connection_update(request->connection);
}

int kt_fcgx_start_filter_data(FCGX_Stream *stream)
{
    struct kt_fastcgi_request *request = stream->data;
    /* At the end of the body may also mean: all of it was read, but not yet its end. */
    if (!stream->isClosed && stream->fillBuffProc == fill && stream->rdNext == stream->stop)
        fill(stream);
    if (stream->fillBuffProc != fill || request->role != FCGI_FILTER ||
        request->reading != &request->body || !stream->isClosed) {
        reader_close(stream, FCGX_CALL_SEQ_ERROR);
        return -1;
    }
    if (stream->FCGI_errno != 0)
        return -1;
    request->reading = &request->data;
    stream->isClosed = 0;
    return 0;
}

/* ---------------------------------------------------------------- out and err */

static bool is_out(const struct kt_fastcgi_request *request, const FCGX_Stream *stream)
{
    return stream == &request->out;
}

static struct kt_buffer **buffer_of(struct kt_fastcgi_request *request, const FCGX_Stream *stream)
{
    return is_out(request, stream) ? &request->out_buffer : &request->err_buffer;
}

/** Bytes of content in a writer's buffer that will be sent. */
static size_t content_size(const struct kt_fastcgi_request *request, const FCGX_Stream *stream)
{
    const struct kt_buffer *buffer =
        is_out(request, stream) ? request->out_buffer : request->err_buffer;
    if (!buffer)
        return 0;
    size_t end = (size_t)(stream->wrNext - buffer->data);
    if (is_out(request, stream) && request->discards_body && end > request->discard_from)
        end = request->discard_from;
    return end - KT_BUFFER_FRONT;
}

/** Make a record of a writer's buffer, in place. @return the buffer, NULL if it was empty */
static struct kt_buffer *writer_take(struct kt_fastcgi_request *request, FCGX_Stream *stream)
{
    struct kt_buffer **place = buffer_of(request, stream);
    struct kt_buffer *buffer = *place;
    size_t size = content_size(request, stream);
    *place = NULL;
    writer_unset(stream);
    if (!buffer)
        return NULL;
    if (size == 0) {
        kt_buffer_give(&request->engine->buffers, buffer);
        return NULL;
    }
    uint8_t type = is_out(request, stream) ? FCGI_STDOUT : FCGI_STDERR;
    kt_record_header(buffer->data, type, request->id, size);
    buffer->start = 0;
    buffer->end = (uint32_t)(FCGI_HEADER_LEN + size);
    if (is_out(request, stream)) {
        if (request->out_total == 0) {
            size_t room = sizeof(request->out_start) - 1;
            memcpy(request->out_start, buffer->data + KT_BUFFER_FRONT, size < room ? size : room);
        }
        request->out_total += size;
        request->out_burst += (uint32_t)size;
        request->discard_from = KT_BUFFER_FRONT;
    } else {
        request->has_err = true;
    }
    return buffer;
}

/** With HEAD: forget the part of the buffer that is body. @return whether that made room */
static bool discard_body(struct kt_fastcgi_request *request, FCGX_Stream *stream)
{
    struct kt_buffer *buffer = request->out_buffer;
    if (!is_out(request, stream) || !request->discards_body || !buffer)
        return false;
    unsigned char *body = buffer->data + request->discard_from;
    if (stream->wrNext > body)
        stream->wrNext = body;
    return stream->wrNext != stream->stop;
}

/** After how many bytes a writer lets others run; on a shared connection all take equal turns. */
static uint32_t burst_max(const struct kt_fastcgi_request *request)
{
    return request->connection->request_count > 1 ? KT_BUFFER_ROOM : BURST_BYTES;
}

/**
 * Wait for room in the connection's queue, and let others run after a burst.
 * @return 0, also when the request has ended meanwhile; a negative errno
 */
static int take_turns(struct kt_fastcgi_request *request, bool closes)
{
    while (request->state != KT_FASTCGI_ENDED) {
        if (!closes && request->connection->output_bytes > KT_CONNECTION_HIGH_WATER) {
            int result = room_wait(request);
            if (result < 0)
                return result;
        } else if (request->out_burst >= burst_max(request)) {
            stream_yield(request);
        } else {
            break;
        }
    }
    return 0;
}

static void empty(FCGX_Stream *stream, int closes)
{
    struct kt_fastcgi_request *request = stream->data;
    if (request->state == KT_FASTCGI_ENDED) {
        writer_close(stream, EPIPE);
        return;
    }
    bool wants_room = !closes && stream->wrNext == stream->stop;
    if (wants_room && discard_body(request, stream))
        return;
    struct kt_buffer *buffer = writer_take(request, stream);
    if (buffer) {
        kt_connection_queue(request->connection, buffer);
        kt_connection_flush(request->connection);
        if (request->state != KT_FASTCGI_ENDED)
            kt_connection_update(request->connection);
    }
    int result = kt_self() == KT_PID_NONE ? 0 : take_turns(request, closes);
    if (result < 0) {
        writer_close(stream, -result);
        return;
    }
    if (request->state == KT_FASTCGI_ENDED) {
        writer_close(stream, EPIPE);
        return;
    }
    if (!wants_room)
        return;
    buffer = kt_buffer_take(&request->engine->buffers);
    if (!buffer) {
        writer_close(stream, ENOMEM);
        return;
    }
    *buffer_of(request, stream) = buffer;
    writer_set(stream, buffer);
}

/* ---------------------------------------------------------------- files */

/** Queue a record of STDOUT with a part of a file. @return 0, -ENOMEM */
static int queue_file(struct kt_fastcgi_request *request, struct kt_buffer_file *file,
                      uint64_t offset, size_t size)
{
    struct kt_buffer *buffer = kt_buffer_take(&request->engine->buffers);
    if (!buffer)
        return -ENOMEM;
    kt_record_header(buffer->data, FCGI_STDOUT, request->id, size);
    buffer->start = 0;
    buffer->end = FCGI_HEADER_LEN;
    buffer->file = file;
    buffer->file_offset = (int64_t)offset;
    buffer->file_left = size;
    file->uses++;
    request->out_total += size;
    request->out_burst += (uint32_t)size;
    kt_connection_queue(request->connection, buffer);
    kt_connection_flush(request->connection);
    if (request->state != KT_FASTCGI_ENDED)
        kt_connection_update(request->connection);
    return 0;
}

int kt_fastcgi_out_file(struct kt_fastcgi_request *request, int fd, uint64_t offset, uint64_t count)
{
    struct kt_buffer_file *file;
    FCGX_FFlush(&request->out); /* what was written before comes before */
    if (request->out.isClosed)
        return -EPIPE;
    int result = kt_buffer_file_open(fd, &file);
    if (result < 0) {
        writer_close(&request->out, -result);
        return result;
    }
    while (result == 0 && count > 0 && !request->discards_body) {
        size_t size = count < FILE_RECORD_BYTES ? (size_t)count : FILE_RECORD_BYTES;
        result = queue_file(request, file, offset, size);
        if (result == 0)
            result = take_turns(request, false);
        if (request->state == KT_FASTCGI_ENDED)
            result = -EPIPE;
        offset += size;
        count -= size;
    }
    kt_buffer_file_drop(file);
    if (result < 0)
        writer_close(&request->out, -result);
    return result;
}

/* ---------------------------------------------------------------- the request's three */

void kt_fastcgi_streams_open(struct kt_fastcgi_request *request)
{
    request->in = (FCGX_Stream){.isReader = 1, .fillBuffProc = fill, .data = request};
    request->out = (FCGX_Stream){.emptyBuffProc = empty, .data = request};
    request->err = (FCGX_Stream){.emptyBuffProc = empty, .data = request};
    request->fcgx.requestId = request->id;
    request->fcgx.role = request->role;
    request->fcgx.in = &request->in;
    request->fcgx.out = &request->out;
    request->fcgx.err = &request->err;
    request->fcgx.ipcFd = -1;
    request->fcgx.listen_sock = -1;
    request->fcgx.isBeginProcessed = 1;
    request->fcgx.keepConnection = request->keeps_connection;
    request->fcgx.nWriters = 2;
}

/** Give back what waits of a stream. */
static void shut_input(struct kt_fastcgi_request *request, struct kt_input *input)
{
    kt_buffer_give_all(&request->engine->buffers, input->first);
    input->first = input->last = NULL;
    request->connection->input_waiting -= input->waiting;
    input->waiting = 0;
}

void kt_fastcgi_streams_shut(struct kt_fastcgi_request *request, int error)
{
    struct kt_buffer_pool *pool = &request->engine->buffers;
    shut_input(request, &request->body);
    shut_input(request, &request->data);
    input_done(request);
    kt_buffer_give(pool, request->out_buffer);
    kt_buffer_give(pool, request->err_buffer);
    request->out_buffer = request->err_buffer = NULL;
    reader_close(&request->in, error);
    writer_close(&request->out, error);
    writer_close(&request->err, error);
    waiter_wake(&request->reader, -error);
    line_leave(request->connection, request);
    waiter_wake(&request->writer, -error);
}

/** Append bytes to a buffer's tail room, which every full buffer has left. */
static void append(struct kt_buffer *buffer, const unsigned char *data, size_t size)
{
    memcpy(buffer->data + buffer->end, data, size);
    buffer->end += (uint32_t)size;
}

void kt_fastcgi_streams_finish(struct kt_fastcgi_request *request, int application_status)
{
    struct kt_connection *connection = request->connection;
    unsigned char record[KT_RECORD_END_SIZE];
    struct kt_buffer *buffer = writer_take(request, &request->err);
    if (buffer)
        kt_connection_queue(connection, buffer);
    if (request->has_err) {
        kt_record_header(record, FCGI_STDERR, request->id, 0);
        kt_connection_queue_bytes(connection, record, FCGI_HEADER_LEN);
    }
    buffer = writer_take(request, &request->out);
    if (!buffer) {
        buffer = kt_buffer_take(&request->engine->buffers);
        if (!buffer) {
            connection->is_broken = true;
            return;
        }
        buffer->end = buffer->start;
    }
    kt_record_header(record, FCGI_STDOUT, request->id, 0);
    append(buffer, record, FCGI_HEADER_LEN);
    append(buffer, record,
           kt_record_end(record, request->id, (uint32_t)application_status, FCGI_REQUEST_COMPLETE));
    kt_connection_queue(connection, buffer);
}

uint64_t kt_fastcgi_out_written(const struct kt_fastcgi_request *request)
{
    uint64_t size = request->out_total;
    if (request->out_buffer)
        size += (uint64_t)(request->out.wrNext - request->out_buffer->data) - KT_BUFFER_FRONT;
    return size;
}

bool kt_fastcgi_out_reset(struct kt_fastcgi_request *request)
{
    if (request->out_total > 0)
        return false;
    kt_buffer_give(&request->engine->buffers, request->out_buffer);
    request->out_buffer = NULL;
    request->discards_body = false;
    if (request->state != KT_FASTCGI_ENDED && !request->out.wasFCloseCalled) {
        writer_unset(&request->out);
        request->out.isClosed = 0;
    }
    return true;
}

void kt_fastcgi_out_discard(struct kt_fastcgi_request *request)
{
    request->discards_body = true;
    request->discard_from = request->out_buffer
                                ? (uint32_t)(request->out.wrNext - request->out_buffer->data)
                                : KT_BUFFER_FRONT;
}
