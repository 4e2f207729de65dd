/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows as counters. A survey has many hands, so that they share the store's transactions; they are
 * linked with it, so that none works on when one has failed.
 */
#include "table.h"

#include <errno.h>
#include <kontor/store.h>
#include <string.h>

/** Of these a transaction of SQLite takes all; each needs a stack meanwhile. */
#define HANDS 256u
/** How often a hand looks again when it does not know what became of a change. */
#define TRIES 3
/** The message of a hand to its survey: all its rows are done. */
#define HAND_DONE 1u

struct survey {
    struct table_survey what;
    kt_pid pid;
    uint32_t next; /**< the first row that no hand has taken */
    uint32_t values[];
};

/** "row/0000000" and so on; with leading zeros neighbours in the table are neighbours in the store.
 */
#define PREFIX "row/"
#define DIGITS 7u

struct key {
    char text[sizeof PREFIX + DIGITS];
};

static struct key key_of(uint32_t row)
{
    struct key key = {.text = PREFIX};
    for (size_t at = sizeof PREFIX - 1 + DIGITS; at-- > sizeof PREFIX - 1; row /= 10)
        key.text[at] = (char)('0' + row % 10);
    return key;
}

static uint32_t value_of(int64_t kept)
{
    return kept < INT64_MIN + TABLE_VALUE_MAX + 1 ? (uint32_t)(kept - INT64_MIN) : TABLE_MISSING;
}

int table_subtract(uint32_t row, uint32_t *ret_left)
{
    int64_t kept;
    int result = kt_store_add(TABLE_NAME_SPACE, key_of(row).text, -1, &kept);
    if (result == 0)
        *ret_left = value_of(kept);
    return result;
}

/* ---------------------------------------------------------------- a survey */

/** Give a row its value, from whatever it has. @param kept  what it is believed to have */
static int fill(const char *key, int64_t kept, uint32_t value)
{
    const int64_t wanted = INT64_MIN + value;
    int64_t delta;
    int result = 0;
    for (int i = 0; i < TRIES && kept != wanted; i++) {
        if (__builtin_sub_overflow(wanted, kept, &delta))
            return -EBADMSG;
        result = kt_store_add(TABLE_NAME_SPACE, key, delta, &kept);
        if (result < 0) /* made or not: look */
            result = kt_store_add(TABLE_NAME_SPACE, key, 0, &kept);
        if (result < 0)
            return result;
    }
    return kept == wanted ? 0 : -EAGAIN;
}

static void do_row(struct survey *survey, uint32_t row)
{
    const struct key key = key_of(row);
    int64_t kept = INT64_MIN;
    int result = 0;
    if (!survey->what.is_empty || survey->what.value == 0)
        result = kt_store_add(TABLE_NAME_SPACE, key.text, 0, &kept);
    if (result == 0 && survey->what.value > 0) {
        result = fill(key.text, kept, survey->what.value);
        kept = INT64_MIN + survey->what.value;
    }
    if (result < 0)
        kt_fail("row %u: %s", row,
                result == -EBADMSG ? "the store has another number there" : strerror(-result));
    survey->values[row] = value_of(kept);
}

static void run_hand(void *argument)
{
    struct survey *survey = argument;
    while (survey->next < survey->what.rows)
        do_row(survey, survey->next++);
    if (kt_send(survey->pid, HAND_DONE, NULL, 0) < 0)
        kt_fail("a survey that does not hear");
}

static void run_survey(void *argument)
{
    const struct kt_spawn options = {.label = "hand of a survey", .link = true};
    struct survey *survey = argument;
    uint32_t hands = survey->what.rows < HANDS ? survey->what.rows : HANDS;
    survey->pid = kt_self();
    for (uint32_t i = 0; i < hands; i++)
        if (kt_spawn(&options, run_hand, survey, NULL) < 0)
            kt_fail("too many processes");
    while (hands > 0) {
        const struct kt_message *message;
        kt_receive(-1, &message);
        hands -= message->type == HAND_DONE;
    }
    uint32_t *values = kt_must(
        talloc_memdup(kt_self_memory(), survey->values, survey->what.rows * sizeof *values));
    if (kt_send_memory(survey->what.asker, TABLE_SURVEYED, values) < 0)
        kt_fail("who asked does not hear");
}

int table_start_survey(const struct table_survey *what, kt_pid *ret_pid)
{
    const struct kt_spawn options = {.label = "survey of the table", .link = true, .give = true};
    struct survey *survey =
        talloc_zero_size(kt_self_memory(), sizeof *survey + what->rows * sizeof *survey->values);
    if (!survey)
        return -ENOMEM;
    survey->what = *what;
    int result = kt_spawn(&options, run_survey, survey, ret_pid);
    if (result < 0)
        talloc_free(survey);
    return result;
}
