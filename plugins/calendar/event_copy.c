/* SPDX-License-Identifier: BSD-2-Clause */
/* A table knows the copy of each details, a pool that of each text. */
#include "event_copy.h"

#include "text_pool.h"

#include <errno.h>
#include <glib.h>

struct copier {
    TALLOC_CTX *context;
    struct kt_text_pool *texts;
    GHashTable *details; /* what was copied: its copy */
};

/** A text that may be missing. @return 0 or -ENOMEM */
static int copy_text(struct copier *copier, const char **text)
{
    if (!*text)
        return 0;
    *text = kt_text_pool_add(copier->texts, *text);
    return *text ? 0 : -ENOMEM;
}

static int copy_people(struct copier *copier, struct kt_details *details)
{
    struct kt_person *people;
    int result = 0;

    if (details->people_count == 0) {
        details->people = NULL;
        return 0;
    }
    people = talloc_array(copier->context, struct kt_person, details->people_count);
    if (!people)
        return -ENOMEM;
    for (uint32_t index = 0; result == 0 && index < details->people_count; index++) {
        people[index] = details->people[index];
        result = copy_text(copier, &people[index].address);
        if (result == 0)
            result = copy_text(copier, &people[index].name);
    }
    details->people = people;
    return result;
}

static int copy_details(struct copier *copier, const struct kt_details **details)
{
    struct kt_details *copy = g_hash_table_lookup(copier->details, *details);
    int result = 0;

    if (!copy) {
        copy = talloc_memdup(copier->context, *details, sizeof(**details));
        result = copy ? copy_text(copier, &copy->uid) : -ENOMEM;
        if (result == 0)
            result = copy_text(copier, &copy->summary);
        if (result == 0)
            result = copy_text(copier, &copy->organizer);
        if (result == 0)
            result = copy_people(copier, copy);
        g_hash_table_insert(copier->details, (gpointer)(uintptr_t)*details, copy);
    }
    *details = copy;
    return result;
}

int kt_events_copy(TALLOC_CTX *context, const struct kt_events *events,
                   struct kt_events *ret_events)
{
    TALLOC_CTX *scratch = talloc_new(NULL);
    struct copier copier = {.context = context};
    int result = 0;

    ret_events->count = events->count;
    ret_events->items = talloc_array(context, struct kt_event, (unsigned)events->count);
    copier.texts = scratch ? kt_text_pool_new(scratch, context) : NULL;
    if (!ret_events->items || !copier.texts) {
        talloc_free(scratch);
        return -ENOMEM;
    }
    copier.details = g_hash_table_new(NULL, NULL);
    for (size_t index = 0; result == 0 && index < events->count; index++) {
        struct kt_event *event = &ret_events->items[index];

        *event = events->items[index];
        result = copy_details(&copier, &event->details);
        if (result == 0)
            result = copy_text(&copier, &event->calendar);
    }
    g_hash_table_destroy(copier.details);
    talloc_free(scratch);
    return result;
}
