/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A descriptor travels with the first byte of its frame, so frames before it are sent without and
 * it begins a new sendmsg(2). The kernel never merges what came with descriptors with what comes
 * behind, so they arrive in the order of their frames.
 */
#include "registry/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER_MIN ((size_t)128 * 1024)
/** A buffer that has grown beyond this is made small again when it is empty. */
#define BUFFER_KEEP ((size_t)1 << 20)
/** Descriptors taken from one recvmsg(2): one frame's, but who breaks that rule is to be heard. */
#define FDS_AT_ONCE 16

struct kt_wire *kt_wire_new(int fd)
{
    struct kt_wire *wire = calloc(1, sizeof *wire);
    if (!wire)
        return NULL;
    wire->fd = fd;
    wire->in_size = wire->out_size = BUFFER_MIN;
    wire->in = malloc(wire->in_size);
    wire->out = malloc(wire->out_size);
    if (!wire->in || !wire->out) {
        wire->fd = -1;
        kt_wire_free(wire);
        return NULL;
    }
    return wire;
}

void kt_wire_free(struct kt_wire *wire)
{
    if (!wire)
        return;
    for (uint32_t i = 0; i < wire->out_fd_count; i++)
        close(wire->out_fds[(wire->out_fd_first + i) % KT_WIRE_FDS_MAX].fd);
    for (uint32_t i = 0; i < wire->in_fd_count; i++)
        if (wire->in_fds[(wire->in_fd_first + i) % KT_WIRE_FDS_MAX] >= 0)
            close(wire->in_fds[(wire->in_fd_first + i) % KT_WIRE_FDS_MAX]);
    if (wire->fd >= 0)
        close(wire->fd);
    free(wire->in);
    free(wire->out);
    free(wire);
}

/** Make room for so many bytes behind end; what is before begin goes. */
static bool make_room(char **buffer, size_t *begin, size_t *end, size_t *size, size_t bytes)
{
    if (*begin == *end)
        *begin = *end = 0;
    if (*size - *end >= bytes)
        return true;
    if (*begin > 0) {
        memmove(*buffer, *buffer + *begin, *end - *begin);
        *end -= *begin;
        *begin = 0;
    }
    size_t larger = *size;
    while (larger - *end < bytes)
        larger *= 2;
    if (larger == *size)
        return true;
    char *grown = realloc(*buffer, larger);
    if (!grown)
        return false;
    *buffer = grown;
    *size = larger;
    return true;
}

static void shrink(char **buffer, size_t *begin, size_t *end, size_t *size)
{
    if (*begin != *end || *size <= BUFFER_KEEP)
        return;
    char *smaller = realloc(*buffer, BUFFER_MIN);
    if (!smaller)
        return;
    *buffer = smaller;
    *size = BUFFER_MIN;
    *begin = *end = 0;
}

/* ---------------------------------------------------------------- sending */

void *kt_wire_add(struct kt_wire *wire, const struct kt_frame *head, size_t body_bytes, int fd)
{
    size_t padded = (body_bytes + 7) & ~(size_t)7, bytes = sizeof *head + padded;
    if (bytes > KT_WIRE_FRAME_MAX || (fd >= 0 && wire->out_fd_count == KT_WIRE_FDS_MAX) ||
        !make_room(&wire->out, &wire->out_begin, &wire->out_end, &wire->out_size, bytes)) {
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    if (fd >= 0) {
        uint32_t place = (wire->out_fd_first + wire->out_fd_count++) % KT_WIRE_FDS_MAX;
        wire->out_fds[place] = (struct kt_wire_fd){wire->out_base + kt_wire_waiting(wire), fd};
    }
    struct kt_frame *frame = (struct kt_frame *)(void *)(wire->out + wire->out_end);
    *frame = *head;
    frame->bytes = (uint32_t)bytes;
    frame->has_fd = fd >= 0 ? KT_FRAME_FD_COMES : KT_FRAME_FD_NONE;
    char *body = (char *)(frame + 1);
    if (padded > body_bytes)
        memset(body + padded - 8, 0, 8);
    wire->out_end += bytes;
    return body;
}

/** Whether what is sent next begins with a frame that has a descriptor. */
static bool is_fd_next(const struct kt_wire *wire)
{
    return wire->out_fd_count > 0 && wire->out_fds[wire->out_fd_first].at == wire->out_base;
}

static void close_first_fd(struct kt_wire *wire)
{
    close(wire->out_fds[wire->out_fd_first].fd);
    wire->out_fd_first = (wire->out_fd_first + 1) % KT_WIRE_FDS_MAX;
    wire->out_fd_count--;
}

/** Let a frame go without its descriptor: only the one who waits for it is to suffer. */
static void lose_fd(struct kt_wire *wire)
{
    struct kt_frame *frame = (struct kt_frame *)(void *)(wire->out + wire->out_begin);
    frame->has_fd = KT_FRAME_FD_LOST;
    close_first_fd(wire);
}

/** Send up to the next descriptor, or the descriptor with what follows up to the one after it. */
static ssize_t send_some(struct kt_wire *wire)
{
    union {
        struct cmsghdr header;
        char data[CMSG_SPACE(sizeof(int))];
    } rights = {.data = {0}};
    size_t bytes = kt_wire_waiting(wire);
    bool with_fd = is_fd_next(wire);
    uint32_t next = with_fd ? 1 : 0;
    if (wire->out_fd_count > next) {
        size_t at = wire->out_fds[(wire->out_fd_first + next) % KT_WIRE_FDS_MAX].at;
        bytes = at - wire->out_base;
    }
    struct iovec part = {wire->out + wire->out_begin, bytes};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (with_fd) {
        message.msg_control = rights.data;
        message.msg_controllen = sizeof rights.data;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(header), &wire->out_fds[wire->out_fd_first].fd, sizeof(int));
    }
    ssize_t sent;
    do
        sent = sendmsg(wire->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    if (sent > 0 && with_fd)
        close_first_fd(wire);
    return sent;
}

int kt_wire_flush(struct kt_wire *wire)
{
    while (kt_wire_waiting(wire) > 0) {
        ssize_t sent = send_some(wire);
        if (sent < 0 && errno == ETOOMANYREFS && is_fd_next(wire)) {
            lose_fd(wire);
            continue;
        }
        if (sent < 0)
            return errno == EWOULDBLOCK ? -EAGAIN : -errno;
        wire->out_begin += (size_t)sent;
        wire->out_base += (size_t)sent;
    }
    shrink(&wire->out, &wire->out_begin, &wire->out_end, &wire->out_size);
    return 0;
}

/* ---------------------------------------------------------------- reading */

/** Keep a descriptor, or the place of one, for its frame. @return whether there is room */
static bool keep_fd(struct kt_wire *wire, int fd)
{
    if (wire->in_fd_count == KT_WIRE_FDS_MAX) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    wire->in_fds[(wire->in_fd_first + wire->in_fd_count++) % KT_WIRE_FDS_MAX] = fd;
    return true;
}

/** Take the descriptors of a message. @return false when there are more than there may be */
static bool take_fds(struct kt_wire *wire, struct msghdr *message)
{
    bool is_fine = true;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header;
         header = CMSG_NXTHDR(message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
            is_fine = keep_fd(wire, fd) && is_fine;
        }
    }
    /* they are sent one by one, so what is missing is one, and the last */
    if ((message->msg_flags & MSG_CTRUNC) != 0)
        is_fine = keep_fd(wire, -EMFILE) && is_fine;
    return is_fine;
}

int kt_wire_fill(struct kt_wire *wire)
{
    union {
        struct cmsghdr header;
        char data[CMSG_SPACE(FDS_AT_ONCE * sizeof(int))];
    } rights;
    size_t have = wire->in_end - wire->in_begin, want = BUFFER_MIN / 2;
    if (have >= sizeof(struct kt_frame)) {
        const struct kt_frame *frame = (const struct kt_frame *)(void *)(wire->in + wire->in_begin);
        if (frame->bytes > have && frame->bytes - have > want)
            want = frame->bytes - have;
    } else if (have == 0) {
        shrink(&wire->in, &wire->in_begin, &wire->in_end, &wire->in_size);
    }
    if (!make_room(&wire->in, &wire->in_begin, &wire->in_end, &wire->in_size, want))
        return -ENOMEM;
    struct iovec part = {wire->in + wire->in_end, wire->in_size - wire->in_end};
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = rights.data,
        .msg_controllen = sizeof rights.data,
    };
    ssize_t size;
    do
        size = recvmsg(wire->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (size < 0 && errno == EINTR);
    if (size < 0)
        return errno == EWOULDBLOCK ? -EAGAIN : -errno;
    if (!take_fds(wire, &message))
        return -EPROTO;
    if (size == 0)
        return -EPIPE;
    wire->in_end += (size_t)size;
    return 0;
}

int kt_wire_next(struct kt_wire *wire, const struct kt_frame **ret_frame, int *ret_fd)
{
    size_t have = wire->in_end - wire->in_begin;
    if (have < sizeof(struct kt_frame))
        return 0;
    const struct kt_frame *frame = (const struct kt_frame *)(void *)(wire->in + wire->in_begin);
    if (frame->bytes < sizeof *frame || frame->bytes > KT_WIRE_FRAME_MAX || frame->bytes % 8 != 0 ||
        frame->size > kt_frame_body_bytes(frame))
        return -EPROTO;
    if (have < frame->bytes)
        return 0;
    *ret_fd = frame->has_fd == KT_FRAME_FD_LOST ? -ENOBUFS : -1;
    if (frame->has_fd == KT_FRAME_FD_COMES) {
        if (wire->in_fd_count == 0)
            return -EPROTO;
        *ret_fd = wire->in_fds[wire->in_fd_first];
        wire->in_fd_first = (wire->in_fd_first + 1) % KT_WIRE_FDS_MAX;
        wire->in_fd_count--;
    }
    wire->in_begin += frame->bytes;
    *ret_frame = frame;
    return 1;
}
