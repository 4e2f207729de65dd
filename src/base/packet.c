/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors travel as SCM_RIGHTS, at most one a packet; the receiver's copies are close-on-exec.
 */
#include "config.h"

#include "base/packet.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

/** Room for one descriptor, aligned as the kernel wants it. */
union rights {
    struct cmsghdr header;
    char data[CMSG_SPACE(sizeof(int))];
};

int kt_packet_send(int socket, const char *text, int fd)
{
    union rights rights = {.data = {0}};
    struct iovec part = {.iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text)};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd >= 0) {
        message.msg_control = rights.data;
        message.msg_controllen = sizeof(rights.data);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(fd));
        memcpy(CMSG_DATA(header), &fd, sizeof(fd));
    }
    ssize_t sent;
    do
        sent = sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 0;
}

ssize_t kt_packet_receive(int socket, char *text, size_t size, int *ret_fd)
{
    union rights rights;
    struct iovec part = {.iov_base = text, .iov_len = size - 1};
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = rights.data,
        .msg_controllen = sizeof(rights.data),
    };
    *ret_fd = -1;
    ssize_t length;
    do
        length = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (length < 0 && errno == EINTR);
    if (length < 0)
        return -errno;
    text[length] = '\0';
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
        header->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(ret_fd, CMSG_DATA(header), sizeof(int));
    return length;
}
