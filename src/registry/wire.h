/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames over a Unix stream socket, with descriptors: how workers and the registry talk. Frames
 * are gathered and leave many at a time; reading gives them back one by one. Knows sockets and
 * memory, nothing of what the frames mean.
 */
#ifndef KT_WIRE_H
#define KT_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The largest frame, its head included: a message of 1 MiB with a key. */
#define KT_WIRE_FRAME_MAX ((1u << 20) + 4096u)
/** Descriptors that may be on their way at once, in either direction. */
#define KT_WIRE_FDS_MAX 1024u

/** Whether a descriptor comes with a frame. */
enum kt_frame_fd {
    KT_FRAME_FD_NONE,
    KT_FRAME_FD_COMES,
    KT_FRAME_FD_LOST, /**< one was to come, but could not be sent */
};

/** What every frame begins with. */
struct kt_frame {
    uint32_t bytes;     /**< of the frame, this head included; a multiple of 8 */
    uint16_t kind;      /**< see protocol.h */
    uint16_t has_fd;    /**< enum kt_frame_fd */
    int32_t result;     /**< of an answer: 0 or a negative errno */
    uint32_t size;      /**< bytes that belong to it behind what its kind begins with */
    uint64_t pid;       /**< the process that it is from or for */
    uint64_t reference; /**< which call it answers */
};

struct kt_wire_fd {
    size_t at; /**< out: the offset of its frame since the beginning of time */
    int fd;
};

/** One end. */
struct kt_wire {
    int fd;
    char *in, *out;
    size_t in_begin, in_end, in_size;
    size_t out_begin, out_end, out_size;
    size_t out_base; /**< what has been sent ever: the offset of out_begin */
    struct kt_wire_fd out_fds[KT_WIRE_FDS_MAX];
    int in_fds[KT_WIRE_FDS_MAX]; /**< -EMFILE: in place of one that could not be taken */
    uint32_t out_fd_first, out_fd_count, in_fd_first, in_fd_count;
};

/** @param fd  becomes the wire's. @return owned by the caller: kt_wire_free; NULL: no memory */
struct kt_wire *kt_wire_new(int fd);

/** Close the socket and all descriptors that are on their way. NULL does nothing. */
void kt_wire_free(struct kt_wire *wire);

/**
 * Add a frame to what is to be sent.
 * @param head  its bytes are filled in
 * @param body  as many bytes of room behind the head, zeroed to the next multiple of 8
 * @param fd    a descriptor to go with it, which becomes the wire's; -1: none
 * @return the room, valid until the next call; NULL: no memory, or too many descriptors: the
 *         descriptor is closed
 */
void *kt_wire_add(struct kt_wire *wire, const struct kt_frame *head, size_t body_bytes, int fd);

/** How much waits to be sent, in bytes. */
static inline size_t kt_wire_waiting(const struct kt_wire *wire)
{
    return wire->out_end - wire->out_begin;
}

/** How many descriptors wait to be sent. */
static inline uint32_t kt_wire_waiting_fds(const struct kt_wire *wire)
{
    return wire->out_fd_count;
}

/**
 * Send what can be sent now. A descriptor that the system does not let go, since too many are on
 * their way, is lost; its frame arrives without.
 * @return 0 (all), -EAGAIN (more waits), or what broke the wire
 */
int kt_wire_flush(struct kt_wire *wire);

/** Read what is there. @return 0, -EAGAIN (nothing), -EPIPE (the other end is gone), … */
int kt_wire_fill(struct kt_wire *wire);

/**
 * The next whole frame that was read.
 * @param ret_frame  valid until kt_wire_fill
 * @param ret_fd     what came with it, the caller's from now on; -1: none was to come; less: why it
 *                   did not, -EMFILE (this OS process may not have more) or -ENOBUFS (too many were
 *                   on their way)
 * @return 1, 0 (none yet), -EPROTO (what came is no frame)
 */
int kt_wire_next(struct kt_wire *wire, const struct kt_frame **ret_frame, int *ret_fd);

/** The body of a frame, and its bytes. */
static inline const void *kt_frame_body(const struct kt_frame *frame)
{
    return frame + 1;
}

static inline size_t kt_frame_body_bytes(const struct kt_frame *frame)
{
    return frame->bytes - sizeof *frame;
}

#endif
