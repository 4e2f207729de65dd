/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The smallest FastCGI responder on epoll: no parameters are read, no request is routed, the answer
 * is a constant or the body as it came. It shows what the web server and FastCGI leave to reach,
 * and stands beside kontor in scripts/bench. Small requests from a friendly web server only.
 */
#include "config.h"

#include <errno.h>
#include <fastcgi.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/** Two full records fit; a benchmark's request has some hundred bytes. */
#define INPUT_MAX (2u * 65536u)
/** The longest body that is echoed; a benchmark sends some hundred bytes. */
#define BODY_MAX 8192u
#define EVENTS_MAX 256
/** As long as the kernel allows by default (net.core.somaxconn). */
#define BACKLOG 4096

struct connection {
    int fd;
    uint8_t input[INPUT_MAX];
    size_t filled;
    uint8_t body[BODY_MAX];
    size_t body_size;
    uint8_t id_high, id_low;
    int keep;
};

static const char constant[] = "{\"now\":\"a constant\"}";

static size_t record_begin(uint8_t *at, uint8_t type, const struct connection *connection,
                           size_t length)
{
    FCGI_Header header = {
        .version = FCGI_VERSION_1,
        .type = type,
        .requestIdB1 = connection->id_high,
        .requestIdB0 = connection->id_low,
        .contentLengthB1 = (unsigned char)(length >> 8),
        .contentLengthB0 = (unsigned char)length,
    };
    memcpy(at, &header, sizeof(header));
    return sizeof(header);
}

/** Answer the request that is complete. @return 0, or -1 when the connection is of no more use */
static int answer(struct connection *connection)
{
    uint8_t out[BODY_MAX + 512];
    const uint8_t *body = connection->body;
    size_t body_size = connection->body_size;
    if (body_size == 0) {
        body = (const uint8_t *)constant;
        body_size = sizeof(constant) - 1;
    }
    char head[128];
    int head_size =
        snprintf(head, sizeof(head),
                 "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n", body_size);
    size_t size = record_begin(out, FCGI_STDOUT, connection, (size_t)head_size + body_size);
    memcpy(out + size, head, (size_t)head_size);
    size += (size_t)head_size;
    memcpy(out + size, body, body_size);
    size += body_size;
    size += record_begin(out + size, FCGI_STDOUT, connection, 0);
    size += record_begin(out + size, FCGI_END_REQUEST, connection, sizeof(FCGI_EndRequestBody));
    memset(out + size, 0, sizeof(FCGI_EndRequestBody));
    size += sizeof(FCGI_EndRequestBody);
    connection->body_size = 0;
    ssize_t sent = send(connection->fd, out, size, MSG_NOSIGNAL);
    return sent == (ssize_t)size && connection->keep ? 0 : -1;
}

/** Take one record. @return 0, or -1 when the connection is of no more use */
static int take(struct connection *connection, const FCGI_Header *header, const uint8_t *content,
                size_t length)
{
    switch (header->type) {
    case FCGI_BEGIN_REQUEST:
        connection->id_high = header->requestIdB1;
        connection->id_low = header->requestIdB0;
        connection->keep = content[2] & FCGI_KEEP_CONN;
        return 0;
    case FCGI_STDIN:
        if (length == 0) {
            return answer(connection);
        }
        if (length > BODY_MAX - connection->body_size) {
            return -1;
        }
        memcpy(connection->body + connection->body_size, content, length);
        connection->body_size += length;
        return 0;
    default:
        return 0;
    }
}

/** Read what is there and answer it. @return 0, or -1 when the connection is of no more use */
static int serve(struct connection *connection)
{
    ssize_t got = recv(connection->fd, connection->input + connection->filled,
                       INPUT_MAX - connection->filled, MSG_DONTWAIT);
    if (got <= 0) {
        return got < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
    }
    connection->filled += (size_t)got;
    size_t done = 0;
    FCGI_Header header;
    while (connection->filled - done >= sizeof(header)) {
        memcpy(&header, connection->input + done, sizeof(header));
        size_t length = ((size_t)header.contentLengthB1 << 8) | header.contentLengthB0;
        size_t whole = sizeof(header) + length + header.paddingLength;
        if (connection->filled - done < whole) {
            break;
        }
        if (take(connection, &header, connection->input + done + sizeof(header), length) != 0) {
            return -1;
        }
        done += whole;
    }
    connection->filled -= done;
    memmove(connection->input, connection->input + done, connection->filled);
    return 0;
}

static void connection_accept(int epoll, int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) {
        return;
    }
    struct connection *connection = malloc(sizeof(*connection));
    if (connection == NULL) {
        close(fd);
        return;
    }
    /* Buffers stay untouched until used, so that idle connections are small. */
    connection->fd = fd;
    connection->filled = connection->body_size = 0;
    connection->keep = 0;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static void loop(int listener)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.ptr = NULL};
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    struct epoll_event events[EVENTS_MAX];
    for (;;) {
        int count = epoll_wait(epoll, events, EVENTS_MAX, -1);
        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;
            if (connection == NULL) {
                connection_accept(epoll, listener);
            } else if (serve(connection) != 0) {
                close(connection->fd);
                free(connection);
            }
        }
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (argc != 3 || strlen(argv[1]) >= sizeof(address.sun_path)) {
        fprintf(stderr, "Usage: peer_epoll SOCKET PROCESSES\n");
        return 2;
    }
    memcpy(address.sun_path, argv[1], strlen(argv[1]));
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(listener, BACKLOG) != 0) {
        perror(argv[1]);
        return 1;
    }
    for (long left = strtol(argv[2], NULL, 10); left > 1; left--) {
        pid_t child = fork();
        if (child < 0) {
            perror("fork");
            return 1;
        }
        if (child == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            break;
        }
    }
    loop(listener);
}
