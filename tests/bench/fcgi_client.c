/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests out, answers in, on one connection. Answers are read record by record as they come, and
 * of each its status and body are judged; nothing but the headers of an answer is kept.
 */
#include "config.h"

#include "fcgi_client.h"

#include <errno.h>
#include <fastcgi.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/** One read; all clients share the buffer, since nothing of it is kept. */
#define READ_MAX (256u * 1024u)

struct client {
    const struct script *script;
    struct tally *tally;
    int fd;       /**< -1: not connected */
    bool is_used; /**< something was sent: it is connected indeed */
    bool is_over; /**< connections are not kept, and the request of this one has been answered */
    unsigned pending;

    uint8_t *output; /**< room for a request of each stream */
    size_t output_from, output_to;

    /* the record that is coming in */
    FCGI_Header header;
    size_t header_bytes, content_left, padding_left;
    FCGI_EndRequestBody end;
    size_t end_bytes;

    struct stream streams[]; /**< script->streams of them; the id of the first is 1 */
};

/* ---------------------------------------------------------------- counting */

uint64_t tally_errors(const struct tally *tally)
{
    uint64_t sum = 0;
    for (int i = 0; i < FAILURES; i++)
        sum += tally->failures[i];
    return sum;
}

uint64_t tally_pending(const struct tally *tally)
{
    return tally->started - tally->histogram.count -
           (tally_errors(tally) - tally->failures[FAILURE_CONNECT]);
}

/* ---------------------------------------------------------------- beginning and end */

struct client *client_new(const struct script *script, struct tally *tally)
{
    struct client *client = calloc(1, sizeof *client + script->streams * sizeof client->streams[0]);
    if (client == NULL)
        return NULL;
    client->script = script;
    client->tally = tally;
    client->fd = -1;
    client->output = malloc(script->streams * script->request_bytes);
    if (client->output == NULL) {
        free(client);
        return NULL;
    }
    return client;
}

/** Close the connection; each request that is under way failed like this. One that ends before it
 * was of any use was none. */
static void client_close(struct client *client, enum failure failure)
{
    /* unless there was nothing to send any more */
    if (!client->is_used && client->tally->started < client->tally->started_max)
        client->tally->failures[FAILURE_CONNECT]++;
    client->tally->failures[failure] += client->pending;
    for (unsigned i = 0; i < client->script->streams; i++)
        client->streams[i].began_ns = 0;
    client->pending = 0;
    client->is_used = client->is_over = false;
    client->output_from = client->output_to = 0;
    client->header_bytes = client->content_left = client->padding_left = client->end_bytes = 0;
    close(client->fd);
    client->fd = -1;
}

void client_free(struct client *client)
{
    if (client->fd >= 0)
        close(client->fd);
    for (unsigned i = 0; i < client->script->streams; i++)
        free(client->streams[i].head);
    free(client->output);
    free(client);
}

int client_fd(const struct client *client)
{
    return client->fd;
}

bool client_has_output(const struct client *client)
{
    return client->output_from < client->output_to;
}

int client_connect(struct client *client, const struct sockaddr *address, socklen_t size)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && (connect(fd, address, size) == 0 || errno == EINPROGRESS)) {
        client->fd = fd;
        return 0;
    }
    int error = errno;
    if (fd >= 0)
        close(fd);
    /* a Unix socket whose queue is full */
    if (error != EAGAIN)
        client->tally->failures[FAILURE_CONNECT]++;
    return -error;
}

void client_expire(struct client *client, uint64_t before_ns)
{
    for (unsigned i = 0; i < client->script->streams && client->fd >= 0; i++) {
        const struct stream *stream = &client->streams[i];
        if (stream->began_ns != 0 && stream->began_ns < before_ns)
            client_close(client, FAILURE_TIMEOUT);
    }
}

/* ---------------------------------------------------------------- requests */

/** Put a request into the output, which has room. */
static void stream_start(struct client *client, unsigned index, uint64_t now_ns)
{
    const struct script *script = client->script;
    struct stream *stream = &client->streams[index];
    uint8_t *at = client->output + client->output_to;
    unsigned id = index + 1;
    memcpy(at, script->request, script->request_bytes);
    for (size_t i = 0; i < script->ids_count; i++) {
        FCGI_Header header;
        memcpy(&header, at + script->ids[i], sizeof header);
        header.requestIdB1 = (unsigned char)(id >> 8);
        header.requestIdB0 = (unsigned char)id;
        memcpy(at + script->ids[i], &header, sizeof header);
    }
    client->output_to += script->request_bytes;
    char *head = stream->head;
    *stream = (struct stream){.began_ns = now_ns, .status = 200, .head = head};
    client->pending++;
    client->tally->started++;
}

/** Start requests on idle streams while there is room: an answer may come before its request is
 * sent, so an idle stream does not mean that there is. */
static void streams_start(struct client *client, uint64_t now_ns)
{
    const struct script *script = client->script;
    size_t room = script->streams * script->request_bytes;
    if (client->is_over)
        return;
    if (client->output_from > 0) {
        client->output_to -= client->output_from;
        memmove(client->output, client->output + client->output_from, client->output_to);
        client->output_from = 0;
    }
    for (unsigned i = 0; i < script->streams && client->pending < script->streams; i++) {
        if (room - client->output_to < script->request_bytes ||
            client->tally->started >= client->tally->started_max)
            return;
        if (client->streams[i].began_ns == 0)
            stream_start(client, i, now_ns);
    }
}

void client_send(struct client *client, uint64_t now_ns)
{
    streams_start(client, now_ns);
    while (client_has_output(client)) {
        ssize_t sent = send(client->fd, client->output + client->output_from,
                            client->output_to - client->output_from, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno != EAGAIN && errno != EINTR)
                client_close(client, FAILURE_CLOSED);
            return;
        }
        client->output_from += (size_t)sent;
        if (!client->is_used)
            client->tally->connections++;
        client->is_used = true;
    }
    client->output_from = client->output_to = 0;
}

/* ---------------------------------------------------------------- answers */

/** How long the head at the beginning of a text is, with the empty line; 0: it goes on. */
static size_t head_bytes(const char *text, size_t size)
{
    const char *line = text, *end = text + size, *newline;
    while ((newline = memchr(line, '\n', (size_t)(end - line))) != NULL) {
        if (newline == line || (newline == line + 1 && *line == '\r'))
            return (size_t)(newline + 1 - text);
        line = newline + 1;
    }
    return 0;
}

/** What is said of the answer in its whole head, which ends with NUL. */
static void read_head(struct stream *stream, const char *head)
{
    stream->has_head = true;
    for (const char *line = head, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        if (strncasecmp(line, "Status:", 7) == 0) {
            stream->status = (int)strtol(line + 7, NULL, 10);
        } else if (strncasecmp(line, "Content-Length:", 15) == 0) {
            stream->has_length = true;
            stream->length = strtoull(line + 15, NULL, 10);
        }
    }
}

static void take_body(const struct script *script, struct stream *stream, const char *data,
                      size_t size)
{
    if (script->body != NULL && (stream->received + size > script->body_bytes ||
                                 memcmp(script->body + stream->received, data, size) != 0))
        stream->is_wrong_body = true;
    stream->received += size;
}

/** Take a piece of an answer. @return whether it makes sense */
static bool take_stdout(const struct script *script, struct stream *stream, const char *data,
                        size_t size)
{
    if (stream->has_head) {
        take_body(script, stream, data, size);
        return true;
    }
    size_t before = stream->head_bytes;
    size_t room = CLIENT_HEAD_MAX - before;
    size_t taken = size < room ? size : room;
    char whole[CLIENT_HEAD_MAX + 1], *head = whole;
    if (before > 0 || head_bytes(data, taken) == 0) {
        if (stream->head == NULL && (stream->head = malloc(CLIENT_HEAD_MAX + 1)) == NULL)
            return false;
        head = stream->head;
    }
    memcpy(head + before, data, taken);
    stream->head_bytes += taken;
    size_t bytes = head_bytes(head, stream->head_bytes);
    if (bytes == 0)
        return taken == size;
    head[bytes] = '\0';
    read_head(stream, head);
    take_body(script, stream, data + (bytes - before), size - (bytes - before));
    return true;
}

/** The answer is complete: was it what it should be? */
static void judge(struct client *client, struct stream *stream, uint64_t now_ns)
{
    const struct script *script = client->script;
    struct tally *tally = client->tally;
    bool is_short = (script->body != NULL && stream->received != script->body_bytes) ||
                    (stream->has_length && stream->received != stream->length);
    if (client->end.protocolStatus != FCGI_REQUEST_COMPLETE || !stream->has_head)
        tally->failures[FAILURE_PROTOCOL]++;
    else if (stream->status != script->status)
        tally->failures[FAILURE_STATUS]++;
    else if (stream->is_wrong_body || is_short)
        tally->failures[FAILURE_BODY]++;
    else
        histogram_add(&tally->histogram, now_ns - stream->began_ns);
    stream->began_ns = 0;
    client->pending--;
    client->is_over = !script->is_kept;
}

/** @return the stream that the record belongs to, or NULL if it has none that waits */
static struct stream *stream_of(struct client *client)
{
    unsigned id = (unsigned)client->header.requestIdB1 << 8 | client->header.requestIdB0;
    if (id == 0 || id > client->script->streams || client->streams[id - 1].began_ns == 0)
        return NULL;
    return &client->streams[id - 1];
}

/** A header has come. @return whether it makes sense */
static bool begin_record(struct client *client)
{
    const FCGI_Header *header = &client->header;
    client->content_left = (size_t)header->contentLengthB1 << 8 | header->contentLengthB0;
    client->padding_left = header->paddingLength;
    client->end_bytes = 0;
    if (header->version != FCGI_VERSION_1)
        return false;
    switch (header->type) {
    case FCGI_STDOUT:
    case FCGI_STDERR:
        return stream_of(client) != NULL;
    case FCGI_END_REQUEST:
        return stream_of(client) != NULL && client->content_left == sizeof client->end;
    default:
        return false;
    }
}

/** Take a piece of a record's content. @return whether it makes sense */
static bool take_content(struct client *client, const uint8_t *data, size_t size, uint64_t now_ns)
{
    switch (client->header.type) {
    case FCGI_STDOUT:
        return take_stdout(client->script, stream_of(client), (const char *)data, size);
    case FCGI_END_REQUEST:
        memcpy((uint8_t *)&client->end + client->end_bytes, data, size);
        client->end_bytes += size;
        if (client->end_bytes == sizeof client->end)
            judge(client, stream_of(client), now_ns);
        return true;
    default:
        return true;
    }
}

/** Take what has come, whatever part of a record it is. @return whether it makes sense */
static bool take(struct client *client, const uint8_t *data, size_t size, uint64_t now_ns)
{
    while (size > 0) {
        size_t piece;
        if (client->header_bytes < sizeof client->header) {
            piece = sizeof client->header - client->header_bytes;
            piece = piece < size ? piece : size;
            memcpy((uint8_t *)&client->header + client->header_bytes, data, piece);
            client->header_bytes += piece;
            if (client->header_bytes == sizeof client->header && !begin_record(client))
                return false;
        } else if (client->content_left > 0) {
            piece = client->content_left < size ? client->content_left : size;
            client->content_left -= piece;
            if (!take_content(client, data, piece, now_ns))
                return false;
        } else {
            piece = client->padding_left < size ? client->padding_left : size;
            client->padding_left -= piece;
        }
        data += piece;
        size -= piece;
        if (client->header_bytes == sizeof client->header && client->content_left == 0 &&
            client->padding_left == 0)
            client->header_bytes = 0;
    }
    return true;
}

void client_receive(struct client *client, uint64_t now_ns)
{
    static uint8_t buffer[READ_MAX];
    ssize_t got = recv(client->fd, buffer, sizeof buffer, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        client_close(client, FAILURE_CLOSED);
        return;
    }
    client->tally->bytes += (uint64_t)got;
    if (!take(client, buffer, (size_t)got, now_ns))
        client_close(client, FAILURE_PROTOCOL);
}
