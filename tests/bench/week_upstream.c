/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Google's calendar API as far as a benchmark needs it: an HTTP/1.1 server that answers each
 * request, after the same delay, with the file whose word is in the request's first line. It is
 * cheap, so that little of the machine goes to it; tests/system/google.py is the faithful one. One
 * thread on epoll; since every delay is equal, answers become due in the order in which requests
 * came. Requests without a body only.
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

/** The longest head of a request; ours name their fields, which takes some hundred bytes. */
#define HEAD_MAX 8192u
#define EVENTS_MAX 256
/** As long as the kernel allows by default (net.core.somaxconn). */
#define BACKLOG 4096
#define ANSWERS_MAX 16
#define ANSWER_MAX ((size_t)16 << 20)

/** What a request gets if its first line has the word. */
struct answer {
    const char *word;
    char *text; /**< head and body */
    size_t size;
};

/** A client that is connected: it sends a head, waits in the queue, and is sent the answer. */
struct connection {
    int fd;
    int is_closed;  /**< gone while it waited: freed when its turn comes */
    int64_t due_ns; /**< 0: not in the queue */
    struct connection *next;
    const struct answer *answer; /**< NULL: none is being waited for or sent */
    size_t sent;
    size_t filled;
    char head[HEAD_MAX + 1];
};

static struct answer answers[ANSWERS_MAX];
static size_t answers_count;
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

static void connection_close(struct connection *connection)
{
    close(connection->fd);
    if (connection->due_ns != 0)
        connection->is_closed = 1;
    else
        free(connection);
}

/* ---------------------------------------------------------------- requests */

/** The answer for a head, by its first line. */
static const struct answer *find_answer(char *head)
{
    char *end = strchr(head, '\r');
    if (end != NULL)
        *end = '\0';
    for (size_t i = 0; i < answers_count; i++)
        if (strstr(head, answers[i].word) != NULL)
            return &answers[i];
    return NULL;
}

static void enqueue(struct connection *connection)
{
    int was_empty = first == NULL;
    connection->due_ns = now_ns() + delay_ns;
    connection->next = NULL;
    *last = connection;
    last = &connection->next;
    if (was_empty)
        timer_set();
}

static void connection_read(struct connection *connection)
{
    ssize_t got = recv(connection->fd, connection->head + connection->filled,
                       HEAD_MAX - connection->filled, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0 || connection->answer != NULL) {
        /* It went, its head is too long, or it asks before it has its answer. */
        connection_close(connection);
        return;
    }
    connection->filled += (size_t)got;
    connection->head[connection->filled] = '\0';
    if (strstr(connection->head, "\r\n\r\n") == NULL)
        return;
    connection->filled = 0;
    connection->answer = find_answer(connection->head);
    if (connection->answer == NULL) {
        fprintf(stderr, "week_upstream: nothing for %s\n", connection->head);
        connection_close(connection);
        return;
    }
    enqueue(connection);
}

/* ---------------------------------------------------------------- answers */

/** Send what the socket takes; epoll says when it takes more. */
static void connection_write(struct connection *connection)
{
    const struct answer *answer = connection->answer;
    ssize_t sent = send(connection->fd, answer->text + connection->sent,
                        answer->size - connection->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN && errno != EINTR)
        shutdown(connection->fd, SHUT_RDWR); /* its end will be read next */
    if (sent > 0)
        connection->sent += (size_t)sent;
    if (connection->sent == answer->size) {
        connection->answer = NULL;
        connection->sent = 0;
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
        else
            connection_write(connection);
    }
    timer_set();
}

/* ---------------------------------------------------------------- the loop */

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
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = connection};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static void on_event(struct connection *connection, uint32_t events)
{
    if (events & EPOLLOUT && connection->answer != NULL && connection->due_ns == 0)
        connection_write(connection);
    if (events & ~(uint32_t)EPOLLOUT)
        connection_read(connection);
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
                on_event(events[i].data.ptr, events[i].events);
        }
        /* Last, so that no event of this turn points to a connection that is freed here. */
        if (is_due)
            answer_due();
    }
}

/* ---------------------------------------------------------------- the start */

/** Read WORD=FILE. @return whether it could be */
static int answer_read(struct answer *answer, char *argument)
{
    char *path = strchr(argument, '=');
    FILE *file = path != NULL ? fopen(path + 1, "rb") : NULL;
    char *body = malloc(ANSWER_MAX);
    if (file == NULL || body == NULL)
        return 0;
    *path = '\0';
    size_t size = fread(body, 1, ANSWER_MAX, file);
    fclose(file);
    answer->word = argument;
    answer->text = malloc(size + 256);
    if (answer->text == NULL)
        return 0;
    int head = snprintf(answer->text, 256,
                        "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=UTF-8\r\n"
                        "Content-Length: %zu\r\n\r\n",
                        size);
    memcpy(answer->text + head, body, size);
    answer->size = (size_t)head + size;
    free(body);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc < 4 || argc > 3 + ANSWERS_MAX) {
        fprintf(stderr, "Usage: week_upstream PORT MILLISECONDS WORD=FILE …\n");
        return 2;
    }
    for (; answers_count + 3 < (size_t)argc; answers_count++) {
        if (!answer_read(&answers[answers_count], argv[answers_count + 3])) {
            perror(argv[answers_count + 3]);
            return 1;
        }
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
        perror("week_upstream");
        return 1;
    }
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    loop(listener);
}
