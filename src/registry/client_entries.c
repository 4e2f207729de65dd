/* SPDX-License-Identifier: BSD-2-Clause */
/* Registering, changing, looking up: questions to the registry, and reads of its directory. */
#include "registry/client_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

/** A registry that does not answer for so long is not well; it answers within microseconds. */
#define PATIENCE_MS 10000

#define client kt_registry_client

/** Types of the replies by which answers reach their process. */
enum { REPLY_FINE, REPLY_EXISTS, REPLY_MORE, REPLY_FILE };

/* ---------------------------------------------------------------- questions */

/** Begin a question. @return the room of its body, or NULL: no registry, or no memory */
static void *begin(enum kt_frame_kind kind, size_t body_bytes, int fd, struct kt_from *ret_from)
{
    *ret_from = kt_call_begin();
    const struct kt_frame head = {
        .kind = (uint16_t)kind,
        .pid = ret_from->pid,
        .reference = ret_from->reference,
    };
    return kt_client_add(&head, body_bytes, fd);
}

/** What it means that begin returned NULL. */
static int no_question(void)
{
    return client.wire ? -ENOMEM : -ENOTCONN;
}

/** Ask about one key, or prefix. */
static int ask_key(enum kt_frame_kind kind, const char *key, size_t key_bytes,
                   const struct kt_message **ret_reply)
{
    struct kt_from from;
    const struct kt_frame_key head = {(uint32_t)key_bytes};
    char *body = begin(kind, sizeof head + key_bytes, -1, &from);
    if (!body)
        return no_question();
    memcpy(body, &head, sizeof head);
    memcpy(body + sizeof head, key, key_bytes);
    kt_wait_reason(KT_REASON_REGISTRY);
    return kt_call_wait(&from, PATIENCE_MS, ret_reply);
}

/** A descriptor belongs to the process that waits for it, or to nobody. */
static void take_file(const struct kt_frame *frame, const struct kt_from *from, int fd)
{
    const struct kt_frame_entry *entry = kt_frame_body(frame);
    TALLOC_CTX *memory = kt_call_memory(from);
    if (!memory) {
        close(fd);
        return;
    }
    struct kt_memory_file *file = kt_memory_file_wrap(memory, fd, entry->file_bytes);
    if (!file)
        kt_call_fail(from, -ENOMEM);
    else if (kt_reply(from, REPLY_FILE, &file, sizeof file) < 0)
        kt_call_fail(from, -ENOMEM);
}

void kt_client_take_answer(const struct kt_frame *frame, int fd)
{
    const struct kt_from from = {frame->pid, frame->reference};
    if (fd >= 0)
        take_file(frame, &from, fd);
    else if (fd < -1)
        kt_call_fail(&from, fd);
    else if (frame->result < 0 && frame->result != -EEXIST)
        kt_call_fail(&from, frame->result);
    else if (kt_reply(&from,
                      frame->result == -EEXIST ? REPLY_EXISTS
                      : frame->result > 0      ? REPLY_MORE
                                               : REPLY_FINE,
                      kt_frame_body(frame), frame->size) < 0)
        kt_call_fail(&from, -ENOMEM);
}

/* ---------------------------------------------------------------- owners */

/** Hangs on the memory of a process that owns, or may own, an entry. */
struct ownership {
    kt_pid pid;
};

static int end_ownership(struct ownership *ownership)
{
    const struct kt_frame head = {.kind = KT_FRAME_ENDED, .pid = ownership->pid};
    kt_map_take(&client.owners, ownership->pid);
    kt_client_add(&head, 0, -1);
    return 0;
}

/** From now on the registry hears of the end of the calling process. @return 0 or -ENOMEM */
static int become_owner(void)
{
    kt_pid self = kt_self();
    if (kt_map_get(&client.owners, self))
        return 0;
    struct ownership *ownership = talloc(kt_self_memory(), struct ownership);
    if (!ownership)
        return -ENOMEM;
    ownership->pid = self;
    if (kt_map_put(&client.owners, self, ownership) < 0) {
        talloc_free(ownership);
        return -ENOMEM;
    }
    talloc_set_destructor(ownership, end_ownership);
    return 0;
}

/* ---------------------------------------------------------------- entries */

/** Read the entry at the beginning of some bytes. @return how many it takes, 0 when it is none */
static size_t read_entry(const char *bytes, size_t size, struct kt_registry_entry *ret_entry)
{
    struct kt_frame_entry entry;
    if (size < sizeof entry)
        return 0;
    memcpy(&entry, bytes, sizeof entry);
    size_t total = sizeof entry + (size_t)entry.key_bytes + entry.value_bytes;
    if (entry.key_bytes > KT_REGISTRY_KEY_MAX || entry.value_bytes > KT_REGISTRY_VALUE_MAX ||
        size < total)
        return 0;
    ret_entry->owner = entry.owner;
    ret_entry->version = entry.version;
    ret_entry->keep_until_ms = entry.keep_until_ms;
    ret_entry->registered_ms = entry.registered_ms;
    ret_entry->file_bytes = entry.file_bytes;
    ret_entry->has_file = entry.has_file != 0;
    ret_entry->value_bytes = entry.value_bytes;
    memcpy(ret_entry->key, bytes + sizeof entry, entry.key_bytes);
    ret_entry->key[entry.key_bytes] = '\0';
    memcpy(ret_entry->value, bytes + sizeof entry + entry.key_bytes, entry.value_bytes);
    ret_entry->value[entry.value_bytes] = '\0';
    return total;
}

/** Whether the registry is yet to hear that the owner, a process of this worker, has ended. */
static bool is_owner_dead(const struct kt_registry_entry *entry)
{
    return entry->owner != KT_PID_NONE && kt_pid_node(entry->owner) == kt_pid_node(kt_self()) &&
           !kt_is_alive(entry->owner);
}

int kt_registry_lookup(const char *key, struct kt_registry_entry *ret_entry)
{
    size_t key_bytes = kt_client_key_bytes(key);
    if (!client.wire)
        return -ENOTCONN;
    if (key_bytes == 0)
        return -EINVAL;
    int result = kt_directory_read(&client.directory, key, key_bytes, ret_entry);
    if (result < 0 || !is_owner_dead(ret_entry))
        return result;
    ret_entry->owner = KT_PID_NONE;
    return ret_entry->keep_until_ms > kt_unix_ms() ? 0 : -ENOENT;
}

/** Ask to register or to change. @return 0, or what went wrong before or behind */
static int ask_entry(enum kt_frame_kind kind, const struct kt_registration *what,
                     const struct kt_message **ret_reply)
{
    struct kt_from from;
    size_t key_bytes = kt_client_key_bytes(what->key);
    int fd = -1;
    if (key_bytes == 0 || what->value_bytes > KT_REGISTRY_VALUE_MAX)
        return -EINVAL;
    if (what->file && client.wire && kt_wire_waiting_fds(client.wire) == KT_WIRE_FDS_MAX)
        return -ENOBUFS;
    if (what->file) {
        fd = fcntl(what->file->fd, F_DUPFD_CLOEXEC, 0);
        if (fd < 0)
            return -errno;
    }
    const struct kt_frame_entry head = {
        .keep_until_ms = what->keep_until_ms,
        .key_bytes = (uint16_t)key_bytes,
        .value_bytes = (uint16_t)what->value_bytes,
    };
    char *body = begin(kind, sizeof head + key_bytes + what->value_bytes, fd, &from);
    if (!body)
        return no_question();
    memcpy(body, &head, sizeof head);
    memcpy(body + sizeof head, what->key, key_bytes);
    if (what->value_bytes)
        memcpy(body + sizeof head + key_bytes, what->value, what->value_bytes);
    kt_wait_reason(KT_REASON_REGISTRY);
    return kt_call_wait(&from, PATIENCE_MS, ret_reply);
}

/** Take back what may have been registered after all; frames are read in their order. */
static void take_back(const char *key)
{
    const struct kt_frame_key head = {(uint32_t)strlen(key)};
    const struct kt_frame frame = {.kind = KT_FRAME_UNREGISTER, .pid = kt_self()};
    char *body = kt_client_add(&frame, sizeof head + head.key_bytes, -1);
    if (!body)
        return;
    memcpy(body, &head, sizeof head);
    memcpy(body + sizeof head, key, head.key_bytes);
}

int kt_registry_register(const struct kt_registration *what, struct kt_registry_entry *ret_entry)
{
    const struct kt_message *reply;
    int result = become_owner();
    if (result == 0)
        result = ask_entry(KT_FRAME_REGISTER, what, &reply);
    if (result == -ETIMEDOUT || result == -ECANCELED)
        take_back(what->key);
    if (result < 0)
        return result;
    if (ret_entry)
        read_entry(reply->data, reply->size, ret_entry);
    return reply->type == REPLY_EXISTS ? -EEXIST : 0;
}

int kt_registry_update(const struct kt_registration *what)
{
    return ask_entry(KT_FRAME_UPDATE, what, NULL);
}

int kt_registry_unregister(const char *key)
{
    size_t key_bytes = kt_client_key_bytes(key);
    return key_bytes ? ask_key(KT_FRAME_UNREGISTER, key, key_bytes, NULL) : -EINVAL;
}

int kt_registry_file(const char *key, struct kt_memory_file **ret_file)
{
    const struct kt_message *reply;
    size_t key_bytes = kt_client_key_bytes(key);
    if (key_bytes == 0)
        return -EINVAL;
    int result = ask_key(KT_FRAME_FILE, key, key_bytes, &reply);
    if (result == 0)
        memcpy(ret_file, reply->data, sizeof *ret_file);
    return result;
}

int kt_registry_select(const char *prefix, const char *after, uint32_t limit,
                       struct kt_registry_page **ret_page)
{
    struct kt_from from;
    const struct kt_message *reply;
    size_t prefix_bytes = strlen(prefix), after_bytes = after ? strlen(after) : 0;
    if (prefix_bytes > KT_REGISTRY_KEY_MAX || after_bytes > KT_REGISTRY_KEY_MAX)
        return -EINVAL;
    if (limit == 0 || limit > KT_REGISTRY_PAGE_MAX)
        limit = KT_REGISTRY_PAGE_MAX;
    const struct kt_frame_select head = {
        .prefix_bytes = (uint16_t)prefix_bytes,
        .after_bytes = (uint16_t)after_bytes,
        .has_after = after != NULL,
        .limit = (uint16_t)limit,
    };
    char *body = begin(KT_FRAME_SELECT, sizeof head + prefix_bytes + after_bytes, -1, &from);
    if (!body)
        return no_question();
    memcpy(body, &head, sizeof head);
    memcpy(body + sizeof head, prefix, prefix_bytes);
    if (after_bytes)
        memcpy(body + sizeof head + prefix_bytes, after, after_bytes);
    int result = kt_call_wait(&from, PATIENCE_MS, &reply);
    if (result < 0)
        return result;
    struct kt_registry_page *page = talloc_zero_size(
        kt_self_memory(), sizeof *page + limit * sizeof(struct kt_registry_entry *));
    if (!page)
        return -ENOMEM;
    talloc_set_name_const(page, "struct kt_registry_page");
    page->has_more = reply->type == REPLY_MORE;
    const char *at = reply->data, *end = at + reply->size;
    struct kt_registry_entry entry;
    for (size_t bytes; page->count < limit && at < end; at += bytes) {
        bytes = read_entry(at, (size_t)(end - at), &entry);
        if (bytes == 0)
            break;
        page->entries[page->count] = talloc_memdup(page, &entry, sizeof entry);
        if (!page->entries[page->count++]) {
            talloc_free(page);
            return -ENOMEM;
        }
    }
    *ret_page = page;
    return 0;
}
