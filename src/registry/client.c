/* SPDX-License-Identifier: BSD-2-Clause */
/* The wire to the registry, on the loop of the worker. */
#include "registry/client_private.h"

#include <errno.h>
#include <kontor/log.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** So much leaves before the turn of the loop is over: the registry works while we do. */
#define FLUSH_BYTES ((size_t)16 * 1024)
/** Reads in one turn of the loop. */
#define READS_AT_ONCE 8

struct kt_registry_client kt_registry_client;
#define client kt_registry_client

static struct {
    uv_poll_t poll;
    uv_prepare_t prepare;
    bool waits_to_write;
    void (*on_lost)(void *argument);
    void *argument;
} wiring;

/* ---------------------------------------------------------------- losing it */

static void close_wire(void)
{
    uv_close((uv_handle_t *)&wiring.poll, NULL);
    uv_close((uv_handle_t *)&wiring.prepare, NULL);
    kt_wire_free(client.wire);
    client.wire = NULL;
}

/** Whoever owns an entry relies on being the only one: not any more, there will be another. */
static void end_owners(void)
{
    for (size_t i = 0; i < client.owners.capacity; i++)
        if (client.owners.slots[i].key != 0)
            kt_signal(client.owners.slots[i].key, KT_EXIT_KILL, "the registry is gone");
}

static void lose(int reason)
{
    kt_log_error("the connection to the registry is lost: %s", strerror(-reason));
    close_wire();
    end_owners();
    kt_call_fail_all(-ENOTCONN);
    if (wiring.on_lost)
        wiring.on_lost(wiring.argument);
}

/* ---------------------------------------------------------------- sending */

static void on_poll(uv_poll_t *poll, int status, int events);

static void watch(bool waits_to_write)
{
    if (wiring.waits_to_write == waits_to_write)
        return;
    wiring.waits_to_write = waits_to_write;
    uv_poll_start(&wiring.poll, UV_READABLE | UV_DISCONNECT | (waits_to_write ? UV_WRITABLE : 0),
                  on_poll);
}

void *kt_client_add(const struct kt_frame *head, size_t body_bytes, int fd)
{
    if (!client.wire) {
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    /* what is there is whole; should it break now, the loop will notice */
    if (kt_wire_waiting(client.wire) >= FLUSH_BYTES && !wiring.waits_to_write)
        watch(kt_wire_flush(client.wire) < 0);
    return kt_wire_add(client.wire, head, body_bytes, fd);
}

static void on_prepare(uv_prepare_t *prepare)
{
    (void)prepare;
    kt_client_retry_lost();
    if (kt_wire_waiting(client.wire) > 0 && !wiring.waits_to_write)
        watch(kt_wire_flush(client.wire) < 0);
}

/* ---------------------------------------------------------------- hearing */

/** Take the frames that have come. @return 0 or -EPROTO */
static int take_frames(void)
{
    const struct kt_frame *frame;
    int fd, result;
    while ((result = kt_wire_next(client.wire, &frame, &fd)) > 0) {
        switch (frame->kind) {
        case KT_FRAME_ANSWER:
            kt_client_take_answer(frame, fd);
            break;
        case KT_FRAME_CHANGE:
            kt_client_take_change(frame);
            break;
        default:
            kt_client_take_post(frame);
        }
    }
    return result;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    (void)poll;
    int result = status < 0 ? -EPIPE : 0; /* the loop says EBADF of an end that has gone */
    if (result == 0 && (events & UV_WRITABLE) != 0) {
        result = kt_wire_flush(client.wire);
        if (result == 0)
            watch(false);
        else if (result == -EAGAIN)
            result = 0;
    }
    for (int i = 0; i < READS_AT_ONCE && result == 0; i++) {
        result = kt_wire_fill(client.wire);
        if (result == 0)
            result = take_frames();
    }
    if (result < 0 && result != -EAGAIN)
        lose(result);
}

/* ---------------------------------------------------------------- attaching */

int kt_registry_attach(int fd, int directory_fd, void (*on_lost)(void *argument), void *argument)
{
    uv_loop_t *loop = kt_runtime_loop();
    int result = kt_directory_map_reader(directory_fd, &client.directory);
    if (result < 0)
        return result;
    client.wire = kt_wire_new(fd);
    if (!client.wire) {
        kt_directory_unmap(&client.directory);
        return -ENOMEM;
    }
    wiring.on_lost = on_lost;
    wiring.argument = argument;
    wiring.waits_to_write = true; /* so that watch sets what we want */
    result = uv_poll_init(loop, &wiring.poll, fd);
    if (result < 0) {
        kt_wire_free(client.wire);
        client.wire = NULL;
        kt_directory_unmap(&client.directory);
        return result;
    }
    watch(false);
    uv_prepare_init(loop, &wiring.prepare);
    uv_prepare_start(&wiring.prepare, on_prepare);
    return 0;
}

void kt_registry_detach(void)
{
    if (client.wire) {
        kt_wire_flush(client.wire);
        close_wire();
    }
    kt_directory_unmap(&client.directory);
    kt_map_clear(&client.owners);
    kt_map_clear(&client.calls);
}

size_t kt_client_key_bytes(const char *key)
{
    size_t bytes = key ? strnlen(key, KT_REGISTRY_KEY_MAX + 1) : 0;
    return bytes <= KT_REGISTRY_KEY_MAX ? bytes : 0;
}
