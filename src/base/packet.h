/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A word on a SOCK_SEQPACKET socket, with or without a descriptor: how the master talks with workers
 * and the registry.
 * Knows sockets only.
 */
#ifndef KT_PACKET_H
#define KT_PACKET_H

#include <kontor/error.h>
#include <sys/types.h>

/**
 * Send a packet without waiting.
 * @param fd  a descriptor to send along, which stays the caller's; -1: none
 * @return 0, or a negative errno: -EAGAIN when the other side is behind
 */
KT_PUBLIC int kt_packet_send(int socket, const char *text, int fd);

/**
 * Take the next packet without waiting.
 * @param text    gets it with a NUL behind; what does not fit is cut
 * @param ret_fd  the descriptor that came along, the caller's from now on; -1: none
 * @return its length, 0 when the other side is gone, or a negative errno: -EAGAIN when there is
 * none
 */
KT_PUBLIC ssize_t kt_packet_receive(int socket, char *text, size_t size, int *ret_fd);

#endif
