/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every length that a worker states is checked against the frame it came in; a frame that lies
 * ends the connection, since nothing behind it can be understood.
 */
#include "registry/questions.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* ---------------------------------------------------------------- reading frames */

/** The process that a frame speaks for must be one of that worker's. */
static bool is_its_own(const struct kt_connection_to_worker *worker, kt_pid pid)
{
    return pid != KT_PID_NONE && kt_pid_node(pid) == worker->node;
}

/** @return whether the frame is one key, or a prefix, which may be empty */
static bool read_key(const struct kt_frame *frame, bool is_prefix, const char **ret_key,
                     size_t *ret_bytes)
{
    const struct kt_frame_key *body = kt_frame_body(frame);
    if (kt_frame_body_bytes(frame) < sizeof *body || body->key_bytes > KT_REGISTRY_KEY_MAX ||
        (body->key_bytes == 0 && !is_prefix) ||
        kt_frame_body_bytes(frame) - sizeof *body < body->key_bytes)
        return false;
    *ret_key = (const char *)(body + 1);
    *ret_bytes = body->key_bytes;
    return true;
}

static bool read_entry(const struct kt_frame *frame, struct kt_book_request *ret_request)
{
    const struct kt_frame_entry *body = kt_frame_body(frame);
    if (kt_frame_body_bytes(frame) < sizeof *body || body->key_bytes == 0 ||
        body->key_bytes > KT_REGISTRY_KEY_MAX || body->value_bytes > KT_REGISTRY_VALUE_MAX ||
        kt_frame_body_bytes(frame) - sizeof *body < (size_t)body->key_bytes + body->value_bytes)
        return false;
    const char *text = (const char *)(body + 1);
    *ret_request = (struct kt_book_request){
        .key = text,
        .key_bytes = body->key_bytes,
        .value = text + body->key_bytes,
        .value_bytes = body->value_bytes,
        .keep_until_ms = body->keep_until_ms,
        .fd = -1,
    };
    return memchr(text, '\0', body->key_bytes) == NULL;
}

/* ---------------------------------------------------------------- answers */

static void *add_answer(struct kt_connection_to_worker *worker, const struct kt_frame *question,
                        int result, size_t body_bytes, int fd)
{
    const struct kt_frame head = {
        .kind = KT_FRAME_ANSWER,
        .result = result,
        .pid = question->pid,
        .reference = question->reference,
        .size = (uint32_t)body_bytes,
    };
    return kt_registry_add(worker, &head, body_bytes, fd);
}

static size_t entry_bytes(const struct kt_cell *cell)
{
    return sizeof(struct kt_frame_entry) + cell->key_bytes + cell->value_bytes;
}

/** Write an entry behind what was written before. @return where it ends */
static char *write_entry(char *at, const struct kt_cell *cell)
{
    const struct kt_frame_entry entry = {
        .keep_until_ms = cell->keep_until_ms,
        .registered_ms = cell->registered_ms,
        .version = cell->version,
        .owner = cell->owner,
        .file_bytes = cell->file_bytes,
        .has_file = cell->file != 0,
        .key_bytes = cell->key_bytes,
        .value_bytes = cell->value_bytes,
    };
    memcpy(at, &entry, sizeof entry);
    memcpy(at + sizeof entry, cell->text, (size_t)cell->key_bytes + cell->value_bytes);
    return at + entry_bytes(cell);
}

static void answer_entry(struct kt_connection_to_worker *worker, const struct kt_frame *question,
                         int result, const struct kt_cell *cell)
{
    char *at = add_answer(worker, question, result, entry_bytes(cell), -1);
    if (at)
        write_entry(at, cell);
}

/* ---------------------------------------------------------------- changes */

/** One change on its way to those who want to hear of it. */
struct news {
    struct kt_registry_process *registry;
    enum kt_registry_event event;
    const struct kt_cell *cell;
};

static void tell_worker(uint32_t node, void *argument)
{
    const struct news *news = argument;
    struct kt_registry_process *registry = news->registry;
    struct kt_connection_to_worker *worker = registry->workers[node];
    const struct kt_cell *cell = news->cell;
    if (!worker || worker->is_broken || worker->last_change == registry->changes)
        return;
    worker->last_change = registry->changes;
    if (worker->has_lost || kt_wire_waiting(worker->wire) > KT_CHANGES_WAITING_MAX) {
        worker->has_lost = true;
        return;
    }
    const struct kt_frame head = {.kind = KT_FRAME_CHANGE};
    const struct kt_frame_change change = {
        .version = cell->version,
        .owner = cell->owner,
        .event = (uint16_t)news->event,
        .key_bytes = cell->key_bytes,
    };
    char *at = kt_registry_add(worker, &head, sizeof change + cell->key_bytes, -1);
    if (!at)
        return;
    memcpy(at, &change, sizeof change);
    memcpy(at + sizeof change, cell->text, cell->key_bytes);
}

void kt_question_changed(enum kt_registry_event event, const struct kt_cell *cell, void *argument)
{
    struct news news = {argument, event, cell};
    news.registry->changes++;
    kt_subscriptions_match(&news.registry->subscriptions, cell->text, cell->key_bytes, tell_worker,
                           &news);
}

void kt_question_tell_lost(struct kt_connection_to_worker *worker)
{
    if (!worker->has_lost || kt_wire_waiting(worker->wire) > 0)
        return;
    const struct kt_frame head = {.kind = KT_FRAME_CHANGE};
    const struct kt_frame_change change = {.event = KT_REGISTRY_LOST};
    void *at = kt_registry_add(worker, &head, sizeof change, -1);
    if (at)
        memcpy(at, &change, sizeof change);
    worker->has_lost = false;
}

/* ---------------------------------------------------------------- selecting */

struct selection {
    const struct kt_directory *directory;
    struct kt_cell *cells[KT_REGISTRY_PAGE_MAX + 1];
    uint32_t count, limit;
    size_t bytes;
};

/** Collect one more than wanted, to know whether there are more. */
static bool collect(uint32_t number, void *argument)
{
    struct selection *selection = argument;
    struct kt_cell *cell = kt_directory_cell(selection->directory, number);
    selection->cells[selection->count++] = cell;
    if (selection->count > selection->limit)
        return false;
    selection->bytes += entry_bytes(cell);
    return true;
}

static int answer_select(struct kt_registry_process *registry,
                         struct kt_connection_to_worker *worker, const struct kt_frame *frame)
{
    const struct kt_frame_select *body = kt_frame_body(frame);
    if (kt_frame_body_bytes(frame) < sizeof *body || body->prefix_bytes > KT_REGISTRY_KEY_MAX ||
        body->after_bytes > KT_REGISTRY_KEY_MAX || body->limit == 0 ||
        body->limit > KT_REGISTRY_PAGE_MAX ||
        kt_frame_body_bytes(frame) - sizeof *body < (size_t)body->prefix_bytes + body->after_bytes)
        return -EPROTO;
    const char *prefix = (const char *)(body + 1), *after = prefix + body->prefix_bytes;
    struct selection selection = {.directory = &registry->book.directory, .limit = body->limit};
    kt_order_select(&registry->book.order, prefix, body->prefix_bytes,
                    body->has_after ? after : NULL, body->after_bytes, collect, &selection);
    bool has_more = selection.count > selection.limit;
    uint32_t count = has_more ? selection.limit : selection.count;
    char *at = add_answer(worker, frame, has_more ? 1 : 0, selection.bytes, -1);
    for (uint32_t i = 0; at && i < count; i++)
        at = write_entry(at, selection.cells[i]);
    return 0;
}

/* ---------------------------------------------------------------- each question */

static int answer_register(struct kt_registry_process *registry,
                           struct kt_connection_to_worker *worker, const struct kt_frame *frame,
                           int fd)
{
    struct kt_book_request request;
    const struct kt_cell *cell;
    if (!read_entry(frame, &request) || !is_its_own(worker, frame->pid)) {
        if (fd >= 0)
            close(fd);
        return -EPROTO;
    }
    request.fd = fd;
    int result = kt_book_register(&registry->book, frame->pid, &request, registry->now_ms, &cell);
    if (result == 0 || result == -EEXIST)
        answer_entry(worker, frame, result, cell);
    else
        add_answer(worker, frame, result, 0, -1);
    return 0;
}

static int answer_update(struct kt_registry_process *registry,
                         struct kt_connection_to_worker *worker, const struct kt_frame *frame,
                         int fd)
{
    struct kt_book_request request;
    if (!read_entry(frame, &request) || !is_its_own(worker, frame->pid)) {
        if (fd >= 0)
            close(fd);
        return -EPROTO;
    }
    request.fd = fd;
    int result = kt_book_update(&registry->book, frame->pid, &request, registry->now_ms);
    add_answer(worker, frame, result, 0, -1);
    return 0;
}

static int answer_file(struct kt_registry_process *registry, struct kt_connection_to_worker *worker,
                       const struct kt_frame *frame)
{
    const char *key;
    size_t key_bytes;
    if (!read_key(frame, false, &key, &key_bytes))
        return -EPROTO;
    const struct kt_cell *cell = kt_book_find(&registry->book, key, key_bytes);
    int result = cell && cell->file != 0 ? 0 : -ENOENT, fd = -1;
    if (result == 0) {
        fd = fcntl(registry->book.files.fds[cell->file - 1], F_DUPFD_CLOEXEC, 0);
        if (fd < 0)
            result = -errno;
    }
    char *at = add_answer(worker, frame, result, result == 0 ? entry_bytes(cell) : 0, fd);
    if (at && result == 0)
        write_entry(at, cell);
    return 0;
}

int kt_question_answer(struct kt_registry_process *registry, struct kt_connection_to_worker *worker,
                       const struct kt_frame *frame, int fd)
{
    const char *key;
    size_t key_bytes;
    int result;
    bool takes_fd = frame->kind == KT_FRAME_REGISTER || frame->kind == KT_FRAME_UPDATE;
    if (takes_fd && fd < -1) {
        add_answer(worker, frame, fd, 0, -1);
        return 0;
    }
    if (frame->kind == KT_FRAME_REGISTER)
        return answer_register(registry, worker, frame, fd);
    if (frame->kind == KT_FRAME_UPDATE)
        return answer_update(registry, worker, frame, fd);
    if (fd != -1) {
        if (fd >= 0)
            close(fd);
        return -EPROTO;
    }
    switch (frame->kind) {
    case KT_FRAME_UNREGISTER:
        if (!read_key(frame, false, &key, &key_bytes) || !is_its_own(worker, frame->pid))
            return -EPROTO;
        result = kt_book_unregister(&registry->book, frame->pid, key, key_bytes);
        add_answer(worker, frame, result, 0, -1);
        return 0;
    case KT_FRAME_FILE:
        return answer_file(registry, worker, frame);
    case KT_FRAME_SELECT:
        return answer_select(registry, worker, frame);
    case KT_FRAME_SUBSCRIBE:
        if (!read_key(frame, true, &key, &key_bytes))
            return -EPROTO;
        result = kt_subscriptions_add(&registry->subscriptions, worker->node, key, key_bytes);
        add_answer(worker, frame, result, 0, -1);
        return 0;
    case KT_FRAME_UNSUBSCRIBE:
        if (!read_key(frame, true, &key, &key_bytes))
            return -EPROTO;
        kt_subscriptions_remove(&registry->subscriptions, worker->node, key, key_bytes);
        return 0;
    case KT_FRAME_ENDED:
        if (!is_its_own(worker, frame->pid))
            return -EPROTO;
        kt_book_process_ended(&registry->book, frame->pid, registry->now_ms);
        return 0;
    default:
        return -EPROTO;
    }
}
