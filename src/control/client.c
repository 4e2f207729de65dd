/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asking the master or a worker.
 */
#include "config.h"

#include "control/client.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define CHUNK_BYTES 65536u

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int open_socket(const char *run_dir, const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int length = snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", run_dir, name);
    if (length < 0 || (size_t)length >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        int result = -errno;
        close(fd);
        return result == -EAGAIN ? -ETIMEDOUT : result; /* the queue of a stuck one is full */
    }
    return fd;
}

static int send_question(int fd, const char *question)
{
    char line[64];
    int size = snprintf(line, sizeof(line), "%s\n", question);
    return send(fd, line, (size_t)size, MSG_NOSIGNAL) == size ? 0 : -EPROTO;
}

/** Wait until there is something to read. @return 0, -ETIMEDOUT or another error */
static int await(int fd, int64_t deadline_ms)
{
    struct pollfd stream = {.fd = fd, .events = POLLIN};
    for (;;) {
        int64_t left = deadline_ms < 0 ? -1 : deadline_ms - now_ms();
        if (deadline_ms >= 0 && left <= 0)
            return -ETIMEDOUT;
        int count = poll(&stream, 1, (int)left);
        if (count > 0)
            return 0;
        if (count < 0 && errno != EINTR)
            return -errno;
    }
}

/** Read up to the end. @return 0 with a text by malloc, or a negative errno */
static int read_answer(int fd, int64_t deadline_ms, char **ret_text)
{
    char *text = NULL;
    size_t size = 0, used = 0;
    int result = 0;
    for (;;) {
        if (used + CHUNK_BYTES > size) {
            char *more = size < KT_ANSWER_MAX ? realloc(text, size * 2 + CHUNK_BYTES) : NULL;
            if (more == NULL) {
                result = -ENOMEM;
                break;
            }
            text = more;
            size = size * 2 + CHUNK_BYTES;
        }
        result = await(fd, deadline_ms);
        if (result < 0)
            break;
        ssize_t got = read(fd, text + used, size - used - 1);
        if (got > 0) {
            used += (size_t)got;
        } else if (got == 0) {
            text[used] = '\0';
            *ret_text = text;
            return 0;
        } else if (errno != EINTR && errno != EAGAIN) {
            result = -errno;
            break;
        }
    }
    free(text);
    return result;
}

int kt_client_ask(const char *run_dir, const char *socket_name, const char *question,
                  int timeout_ms, cJSON **ret_answer)
{
    char *text = NULL;
    *ret_answer = NULL;
    int64_t deadline = timeout_ms < 0 ? -1 : now_ms() + timeout_ms;
    int fd = open_socket(run_dir, socket_name);
    if (fd < 0)
        return fd;
    int result = send_question(fd, question);
    if (result == 0)
        result = read_answer(fd, deadline, &text);
    close(fd);
    if (result < 0)
        return result;
    *ret_answer = cJSON_Parse(text);
    free(text);
    return *ret_answer != NULL ? 0 : -EPROTO;
}
