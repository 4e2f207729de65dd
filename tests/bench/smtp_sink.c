/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A mail server that forgets what it takes: SMTP (RFC 5321 with PIPELINING) on epoll, one thread,
 * for hundreds of connections. scripts/bench sends to it from the mailer and from a plain load.
 * It may take a while for each mail, as servers do that write it to a disk. XCOUNT is our own: how
 * many mails came since the last XRESET, in how many connections, their bytes, and the time from
 * the first mail to the last.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/** What is read at once; a line of commands is far shorter. */
#define INPUT_MAX 65536u
#define OUTPUT_MAX 1024u
#define EVENTS_MAX 256
#define BACKLOG 4096
#define END_OF_MAIL "\r\n.\r\n"

/** A client. While `due_ns` is not 0 it waits in the queue for the answer to its mail. */
struct connection {
    int fd;
    bool is_in_data, is_closed; /**< closed while it waited: freed when its turn comes */
    size_t matched;             /**< bytes of END_OF_MAIL that the mail so far ends with */
    int64_t due_ns;
    struct connection *next;
    size_t filled, answered;
    char input[INPUT_MAX];
    char output[OUTPUT_MAX];
};

static struct {
    uint64_t mails, bytes, connections;
    int64_t first_ns, last_ns;
} counts;

static int64_t delay_ns;
static struct connection *first, **last = &first;
static int timer;

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* ---------------------------------------------------------------- answers */

static void answer(struct connection *connection, const char *text)
{
    size_t size = strlen(text);

    if (connection->answered + size <= OUTPUT_MAX) {
        memcpy(connection->output + connection->answered, text, size);
        connection->answered += size;
    }
}

static void flush(struct connection *connection)
{
    if (connection->answered > 0 && send(connection->fd, connection->output, connection->answered,
                                         MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        shutdown(connection->fd, SHUT_RDWR); /* its end will be read next */
    connection->answered = 0;
}

static void tell_counts(struct connection *connection)
{
    char text[160];

    snprintf(text, sizeof(text),
             "250 %" PRIu64 " mails %" PRIu64 " connections %" PRIu64 " bytes %" PRId64 " ns\r\n",
             counts.mails, counts.connections, counts.bytes, counts.last_ns - counts.first_ns);
    answer(connection, text);
}

static bool is_verb(const char *line, const char *verb)
{
    return strncasecmp(line, verb, 4) == 0;
}

/** @param line  without its end; ended by NUL */
static void obey(struct connection *connection, const char *line)
{
    if (is_verb(line, "EHLO")) {
        answer(connection, "250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n");
    } else if (is_verb(line, "DATA")) {
        connection->is_in_data = true;
        connection->matched = 2; /* the line of DATA has ended a line */
        answer(connection, "354 go on\r\n");
    } else if (is_verb(line, "QUIT")) {
        answer(connection, "221 bye\r\n");
        flush(connection);
        shutdown(connection->fd, SHUT_RDWR);
    } else if (is_verb(line, "XCOU")) {
        tell_counts(connection);
    } else if (is_verb(line, "XRES")) {
        memset(&counts, 0, sizeof(counts));
        answer(connection, "250 forgotten\r\n");
    } else {
        answer(connection, "250 good\r\n");
    }
}

/* ---------------------------------------------------------------- mails */

/** Let the timer expire when the first in the queue is due. */
static void timer_set(void)
{
    struct itimerspec when = {0};

    if (first) {
        when.it_value.tv_sec = first->due_ns / 1000000000;
        when.it_value.tv_nsec = first->due_ns % 1000000000;
    }
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
}

/** The final dot has come: answer, now or when the delay is over. */
static void take_mail(struct connection *connection)
{
    bool was_empty = first == NULL;

    connection->is_in_data = false;
    counts.mails++;
    counts.last_ns = now_ns();
    if (counts.first_ns == 0)
        counts.first_ns = counts.last_ns;
    if (delay_ns == 0) {
        answer(connection, "250 taken\r\n");
        return;
    }
    connection->due_ns = counts.last_ns + delay_ns;
    connection->next = NULL;
    *last = connection;
    last = &connection->next;
    if (was_empty)
        timer_set();
}

/** Find the end of the mail. @return bytes of it that were read */
static size_t read_mail(struct connection *connection, const char *bytes, size_t size)
{
    static const char end[] = END_OF_MAIL;

    for (size_t at = 0; at < size; at++) {
        if (connection->matched == 0) { /* most bytes: go on to the next line's end */
            const char *line = memchr(bytes + at, '\r', size - at);

            if (!line)
                return size;
            at = (size_t)(line - bytes);
        }
        if (bytes[at] == end[connection->matched])
            connection->matched++;
        else
            connection->matched = bytes[at] == '\r';
        if (end[connection->matched] == 0)
            return at + 1;
    }
    return size;
}

/** Obey all that is complete. @return bytes that were of use */
static size_t digest(struct connection *connection)
{
    size_t at = 0;

    while (at < connection->filled && connection->due_ns == 0) {
        char *bytes = connection->input + at;
        size_t rest = connection->filled - at;

        if (connection->is_in_data) {
            size_t used = read_mail(connection, bytes, rest);

            at += used;
            counts.bytes += used;
            if (connection->matched == strlen(END_OF_MAIL))
                take_mail(connection);
        } else {
            char *line_end = memchr(bytes, '\n', rest);

            if (!line_end)
                break;
            *line_end = 0;
            at += (size_t)(line_end - bytes) + 1;
            obey(connection, bytes);
        }
    }
    return at;
}

static void work(struct connection *connection)
{
    size_t used = digest(connection);

    connection->filled -= used;
    memmove(connection->input, connection->input + used, connection->filled);
    flush(connection);
}

/* ---------------------------------------------------------------- connections */

static void connection_close(struct connection *connection)
{
    close(connection->fd);
    if (connection->due_ns != 0)
        connection->is_closed = true;
    else
        free(connection);
}

static void connection_read(struct connection *connection)
{
    ssize_t got = recv(connection->fd, connection->input + connection->filled,
                       INPUT_MAX - connection->filled, MSG_DONTWAIT);

    if (got > 0) {
        connection->filled += (size_t)got;
        work(connection);
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        connection_close(connection); /* also when there is no room to read into */
    }
}

/** Answer all whose time has come. */
static void answer_due(void)
{
    uint64_t expirations;
    int64_t now = now_ns();

    if (read(timer, &expirations, sizeof(expirations)) < 0 && errno != EAGAIN)
        return;
    while (first && first->due_ns <= now) {
        struct connection *connection = first;

        first = connection->next;
        if (!first)
            last = &first;
        connection->due_ns = 0;
        if (connection->is_closed) {
            free(connection);
            continue;
        }
        answer(connection, "250 taken\r\n");
        work(connection);
    }
    timer_set();
}

static void connection_accept(int epoll, int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK), yes = 1;
    struct connection *connection = fd < 0 ? NULL : calloc(1, sizeof(*connection));
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};

    if (!connection) {
        if (fd >= 0)
            close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    connection->fd = fd;
    counts.connections++;
    answer(connection, "220 sink ESMTP\r\n");
    flush(connection);
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static void loop(int listener)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, events[EVENTS_MAX];

    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    event.data.ptr = &timer;
    epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &event);
    for (;;) {
        int count = epoll_wait(epoll, events, EVENTS_MAX, -1);
        bool is_due = false;

        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == NULL)
                connection_accept(epoll, listener);
            else if (events[i].data.ptr == &timer)
                is_due = true;
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
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), yes = 1;

    if (argc != 3) {
        fprintf(stderr, "Usage: smtp_sink PORT MILLISECONDS\n");
        return 2;
    }
    address.sin_port = htons((uint16_t)strtol(argv[1], NULL, 10));
    delay_ns = strtol(argv[2], NULL, 10) * INT64_C(1000000);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(listener, BACKLOG) != 0) {
        perror("smtp_sink");
        return 1;
    }
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    loop(listener);
}
