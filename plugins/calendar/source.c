/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Troubles: their words, and what they are to HTTP and to C. One table; nothing else knows them
 * all.
 */
#include "source.h"

#include <errno.h>
#include <kontor/process.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int status, code;
} troubles[KT_TROUBLE_COUNT] = {
    [KT_TROUBLE_NONE] = {"none", 200, 0},
    [KT_TROUBLE_RECONNECT] = {"reconnect", 409, -EACCES},
    [KT_TROUBLE_DENIED] = {"denied", 403, -EPERM},
    [KT_TROUBLE_GONE] = {"gone", 404, -ENOENT},
    [KT_TROUBLE_BUSY] = {"busy", 503, -EBUSY},
    [KT_TROUBLE_UNREACHABLE] = {"unreachable", 502, -EHOSTUNREACH},
    [KT_TROUBLE_LATE] = {"late", 504, -ETIMEDOUT},
    [KT_TROUBLE_BROKEN] = {"broken", 502, -EPROTO},
    [KT_TROUBLE_TOO_LARGE] = {"too_large", 503, -EMSGSIZE},
    [KT_TROUBLE_UNREADABLE] = {"unreadable", 503, -EBADMSG},
    [KT_TROUBLE_OVERLOADED] = {"overloaded", 503, -EAGAIN},
};

const char *kt_trouble_name(enum kt_trouble trouble)
{
    return troubles[trouble].name;
}

int kt_trouble_status(enum kt_trouble trouble)
{
    return troubles[trouble].status;
}

enum kt_trouble kt_trouble_of_fetch(int code)
{
    switch (code) {
    case -ETIMEDOUT:
        return KT_TROUBLE_LATE;
    case -EACCES:
    case -EINVAL:
        return KT_TROUBLE_DENIED;
    case -EMSGSIZE:
        return KT_TROUBLE_TOO_LARGE;
    case -EPROTO:
    case -ELOOP:
    case -ECONNRESET:
        return KT_TROUBLE_BROKEN;
    case -EMFILE:
    case -ENFILE:
    case -EAGAIN:
    case -ECANCELED:
        return KT_TROUBLE_OVERLOADED;
    default:
        return KT_TROUBLE_UNREACHABLE;
    }
}

int kt_source_fail(struct kt_source_error *error, enum kt_trouble trouble, const char *format, ...)
{
    va_list arguments;

    error->trouble = trouble;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof(error->text), format, arguments);
    va_end(arguments);
    return troubles[trouble].code;
}

void kt_source_name_events(TALLOC_CTX *context, struct kt_events *events, const char *calendar)
{
    const char *name = calendar ? kt_must(talloc_strdup(context, calendar)) : NULL;

    for (size_t index = 0; index < events->count; index++) {
        if (!events->items[index].calendar)
            events->items[index].calendar = name;
    }
}

void kt_source_answer_add(TALLOC_CTX *context, struct kt_source_answer *answer,
                          const struct kt_events *events, const struct kt_warnings *warnings)
{
    struct kt_events *all = &answer->events;

    if (events->count > 0) {
        all->items = kt_must(talloc_realloc(context, all->items, struct kt_event,
                                            (unsigned)(all->count + events->count)));
        memcpy(all->items + all->count, events->items, events->count * sizeof(*events->items));
        all->count += events->count;
    }
    for (size_t index = 0; index < warnings->count; index++)
        kt_warnings_add(context, &answer->warnings, "%s", warnings->texts[index]);
    answer->warnings.dropped += warnings->dropped;
}
