/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A plain SMTP load: threads that block, each with a connection that is kept, send the same mail of
 * so many bytes until all are sent, each command after the answer to the one before, as postfix'
 * smtp-source does. What the mailer is measured beside.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 1024
#define LINE_BYTES 78
#define ANSWER_MAX 512

static struct sockaddr_in address = {.sin_family = AF_INET};
static char *mail;
static size_t mail_size;
static atomic_long left;

static void fail(const char *what)
{
    fprintf(stderr, "smtp_load: %s: %s\n", what, strerror(errno));
    exit(1);
}

/** Wait for an answer, and fail unless it begins so. An answer is one segment of the sink's. */
static void expect(int fd, char first)
{
    char answer[ANSWER_MAX];
    size_t filled = 0;

    do {
        ssize_t got = recv(fd, answer + filled, sizeof(answer) - filled, 0);

        if (got <= 0)
            fail("no answer");
        filled += (size_t)got;
    } while (answer[filled - 1] != '\n' && filled < sizeof(answer));
    if (answer[0] != first)
        fail("refused");
}

static void say(int fd, const char *bytes, size_t size, char first)
{
    while (size > 0) {
        ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);

        if (sent <= 0)
            fail("send");
        bytes += sent;
        size -= (size_t)sent;
    }
    expect(fd, first);
}

static void say_line(int fd, const char *line, char first)
{
    say(fd, line, strlen(line), first);
}

static void *run(void *argument)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;

    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        fail("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    expect(fd, '2');
    say_line(fd, "EHLO load\r\n", '2');
    while (atomic_fetch_sub(&left, 1) > 0) {
        say_line(fd, "MAIL FROM:<load@example.org>\r\n", '2');
        say_line(fd, "RCPT TO:<sink@example.org>\r\n", '2');
        say_line(fd, "DATA\r\n", '3');
        say(fd, mail, mail_size, '2');
    }
    say_line(fd, "QUIT\r\n", '2');
    close(fd);
    return argument;
}

/** Lines of x, so many bytes with the final dot. */
static void make_mail(size_t size)
{
    mail_size = size < 5 ? 5 : size;
    mail = malloc(mail_size);
    if (!mail)
        fail("mail");
    memset(mail, 'x', mail_size);
    for (size_t at = LINE_BYTES; at + 7 < mail_size; at += LINE_BYTES)
        memcpy(mail + at - 2, "\r\n", 2);
    memcpy(mail + mail_size - 5, "\r\n.\r\n", 5);
}

int main(int argc, char **argv)
{
    pthread_t threads[CONNECTIONS_MAX];
    long count = argc == 5 ? strtol(argv[2], NULL, 10) : 0;

    if (count < 1 || count > CONNECTIONS_MAX) {
        fprintf(stderr, "Usage: smtp_load PORT CONNECTIONS MAILS BYTES\n");
        return 2;
    }
    address.sin_port = htons((uint16_t)strtol(argv[1], NULL, 10));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    atomic_store(&left, strtol(argv[3], NULL, 10));
    make_mail((size_t)strtol(argv[4], NULL, 10));
    for (long i = 0; i < count; i++) {
        if (pthread_create(&threads[i], NULL, run, NULL) != 0)
            fail("thread");
    }
    for (long i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    free(mail);
    return 0;
}
