/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * People are the same when their addresses are. Each gets a number and with it a place in a list,
 * which becomes the ranked one in the end.
 */
#include "people.h"
#include "tally.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/** Room for people at the beginning. */
#define PEOPLE_MIN 32

/** The people so far, in the order in which they come. */
struct table {
    struct kt_tally tally;
    struct kt_person_sum *sums;
    size_t size;
};

/** A name says more than an address that stands in for one. */
static bool is_named(const struct kt_person *person)
{
    return person->name != person->address && strcmp(person->name, person->address) != 0;
}

static bool is_organizer(const struct kt_details *details, const struct kt_person *person)
{
    return details->organizer && (details->organizer == person->address ||
                                  strcmp(details->organizer, person->address) == 0);
}

/** The sum of a person, an empty one at first; NULL without memory. */
static struct kt_person_sum *find_sum(TALLOC_CTX *context, TALLOC_CTX *scratch, struct table *table,
                                      const struct kt_person *person)
{
    int64_t number = kt_tally_number(scratch, &table->tally, person->address);
    size_t size = table->size ? table->size * 2 : PEOPLE_MIN;
    struct kt_person_sum *sums;

    if (number < 0)
        return NULL;
    if ((size_t)number >= table->size) {
        sums = talloc_realloc(context, table->sums, struct kt_person_sum, (unsigned)size);
        if (!sums)
            return NULL;
        memset(sums + table->size, 0, (size - table->size) * sizeof(*sums));
        table->sums = sums;
        table->size = size;
    }
    return &table->sums[number];
}

/** Count a meeting for one of its people. */
static void add(struct kt_person_sum *sum, const struct kt_person *person,
                const struct kt_counted *counted)
{
    if (!sum->person)
        sum->first = counted->event->start; /* they come in order */
    if (!sum->person ||
        (person->name != sum->person->name && !is_named(sum->person) && is_named(person)))
        sum->person = person;
    sum->seconds += counted->seconds;
    sum->meetings++;
    sum->organised += is_organizer(counted->event->details, person);
    if (counted->size == KT_SIZE_ONE_TO_ONE) {
        sum->one_to_one.count++;
        sum->one_to_one.seconds += counted->seconds;
    }
}

static int compare_people(const void *left, const void *right)
{
    const struct kt_person_sum *a = left, *b = right;

    if (a->seconds != b->seconds)
        return (a->seconds < b->seconds) - (a->seconds > b->seconds);
    if (a->meetings != b->meetings)
        return (a->meetings < b->meetings) - (a->meetings > b->meetings);
    return strcmp(a->person->address, b->person->address);
}

int kt_people_rank(TALLOC_CTX *context, struct kt_breakdown *breakdown)
{
    TALLOC_CTX *scratch = talloc_new(context);
    struct table table = {.sums = NULL};
    int result = scratch ? 0 : -ENOMEM;

    for (size_t index = 0; result == 0 && index < breakdown->counted_count; index++) {
        const struct kt_counted *counted = &breakdown->counted[index];
        const struct kt_details *details = counted->event->details;

        for (uint32_t at = 0;
             result == 0 && kt_kind_is_meeting(counted->kind) && at < details->people_count; at++) {
            struct kt_person_sum *sum = find_sum(context, scratch, &table, &details->people[at]);

            if (sum)
                add(sum, &details->people[at], counted);
            else
                result = -ENOMEM;
        }
    }
    breakdown->people = table.sums;
    breakdown->people_count = result == 0 ? table.tally.count : 0;
    if (breakdown->people_count > 1)
        qsort(table.sums, breakdown->people_count, sizeof(*table.sums), compare_people);
    talloc_free(scratch);
    return result;
}
