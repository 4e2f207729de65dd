/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A slow service somewhere else: an HTTP/1.1 server that answers every request with a constant
 * after the same delay, for thousands of connections at once. All systems that scripts/bench
 * measures at "slow" ask this one. One thread on epoll; since every delay is equal, answers leave
 * in the order in which requests came, and a queue is all it takes. Requests without a body only.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/** The longest head of a request; proxies send some hundred bytes. */
#define HEAD_MAX 4096u
#define EVENTS_MAX 256
/** As long as the kernel allows by default (net.core.somaxconn). */
#define BACKLOG 4096

/** A client that is connected. While `due_ns` is not 0 it waits in the queue for its answer. */
struct connection {
    int fd;
    int is_closed; /**< gone while it waited: freed when its turn comes */
    int64_t due_ns;
    struct connection *next;
    size_t filled;
    char head[HEAD_MAX];
};

static const char answer[] =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    "Content-Length: 35\r\n\r\n{\"service\":\"upstream\",\"slow\":\"yes\"}";

static int64_t delay_ns;
static struct connection *first, **last = &first;
static int timer;

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/** Let the timer expire when the first in the queue is due. */
static void timer_set(void)
{
    struct itimerspec when = {0};
    if (first != NULL) {
        when.it_value.tv_sec = first->due_ns / 1000000000;
        when.it_value.tv_nsec = first->due_ns % 1000000000;
    }
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
}

/** The client went, or sent what we don't understand. */
static void connection_close(struct connection *connection)
{
    close(connection->fd);
    if (connection->due_ns != 0)
        connection->is_closed = 1;
    else
        free(connection);
}

/** Put the connection into the queue if its request is complete. */
static void enqueue_if_complete(struct connection *connection)
{
    if (connection->due_ns != 0 || connection->filled < 4 ||
        memmem(connection->head, connection->filled, "\r\n\r\n", 4) == NULL)
        return;
    connection->filled = 0;
    connection->due_ns = now_ns() + delay_ns;
    connection->next = NULL;
    int was_empty = first == NULL;
    *last = connection;
    last = &connection->next;
    if (was_empty)
        timer_set();
}

static void connection_read(struct connection *connection)
{
    ssize_t got = recv(connection->fd, connection->head + connection->filled,
                       HEAD_MAX - connection->filled, MSG_DONTWAIT);
    if (got > 0) {
        connection->filled += (size_t)got;
        enqueue_if_complete(connection);
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        /* Also when the head is full: then there was no room to read into. */
        connection_close(connection);
    }
}

/** Answer all whose time has come. */
static void answer_due(void)
{
    uint64_t expirations;
    if (read(timer, &expirations, sizeof(expirations)) < 0 && errno != EAGAIN)
        return;
    int64_t now = now_ns();
    while (first != NULL && first->due_ns <= now) {
        struct connection *connection = first;
        first = connection->next;
        if (first == NULL)
            last = &first;
        connection->due_ns = 0;
        if (connection->is_closed)
            free(connection);
        else if (send(connection->fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
            /* Its end will be read next. */
            shutdown(connection->fd, SHUT_RDWR);
    }
    timer_set();
}

static void connection_accept(int epoll, int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    struct connection *connection = calloc(1, sizeof(*connection));
    if (connection == NULL) {
        close(fd);
        return;
    }
    int yes = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    connection->fd = fd;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static void loop(int listener)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    event.data.ptr = &timer;
    epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &event);
    struct epoll_event events[EVENTS_MAX];
    for (;;) {
        int count = epoll_wait(epoll, events, EVENTS_MAX, -1);
        int is_due = 0;
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == NULL)
                connection_accept(epoll, listener);
            else if (events[i].data.ptr == &timer)
                is_due = 1;
            else
                connection_read(events[i].data.ptr);
        }
        /* Last, so that no event of this turn points to a connection that is freed here. */
        if (is_due)
            answer_due();
    }
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "Usage: upstream PORT MILLISECONDS\n");
        return 2;
    }
    delay_ns = strtol(argv[2], NULL, 10) * INT64_C(1000000);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)strtol(argv[1], NULL, 10)),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int yes = 1;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(listener, BACKLOG) != 0) {
        perror("upstream");
        return 1;
    }
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    loop(listener);
}
