/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Room is taken before a question goes out, never while one is on its way: nobody holds what
 * others of theirs wait for. Of addresses only a hash is kept, and of two with the same one the
 * size that came last: at worst a question is asked twice.
 */
#include "fetches.h"

#include "turns.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

/** Addresses whose size is remembered. */
#define ADDRESSES 4096u
/** Many more than the looks at one person's calendars have together. */
#define WAITING_MAX 65536u

/** An answer is small, or of a few years, or as large as it may be. */
static const size_t steps[] = {KT_FETCHES_SMALL, (size_t)4 << 20, SIZE_MAX};
#define STEPS (sizeof(steps) / sizeof(*steps))

struct kt_fetches {
    struct kt_turns *questions, *room;
    size_t room_each;
    unsigned char key[crypto_shorthash_KEYBYTES];
    unsigned char sizes[ADDRESSES]; /* indexes of steps */
};

static size_t smaller(size_t one, size_t other)
{
    return one < other ? one : other;
}

struct kt_fetches *kt_fetches_new(TALLOC_CTX *context, const struct kt_fetches_options *options)
{
    struct kt_fetches *fetches = sodium_init() < 0 ? NULL : talloc_zero(context, struct kt_fetches);
    struct kt_turns_limits questions = {SIZE_MAX, options->at_once, WAITING_MAX};
    struct kt_turns_limits room = {options->room, options->room / 2, WAITING_MAX};

    if (!fetches)
        return NULL;
    if (room.each < options->largest)
        room.each = smaller(options->largest, options->room);
    fetches->room_each = room.each;
    fetches->questions = kt_turns_new(fetches, &questions);
    fetches->room = kt_turns_new(fetches, &room);
    randombytes_buf(fetches->key, sizeof(fetches->key));
    if (!fetches->questions || !fetches->room)
        TALLOC_FREE(fetches);
    return fetches;
}

/** The memory of how large the answers of an address are, whatever its query. */
static unsigned char *find_size(struct kt_fetches *fetches, const char *url)
{
    unsigned char digest[crypto_shorthash_BYTES];
    uint32_t place;

    crypto_shorthash(digest, (const unsigned char *)url, strcspn(url, "?"), fetches->key);
    memcpy(&place, digest, sizeof(place));
    return &fetches->sizes[place % ADDRESSES];
}

static unsigned char step_of(size_t size)
{
    unsigned char step = 0;

    while (size > steps[step])
        step++;
    return step;
}

/** @return as kt_turns_take, and in words */
static int take(TALLOC_CTX *context, struct kt_turns *turns, const char *person, size_t amount,
                int64_t deadline_ms, struct kt_turn **ret_turn, struct kt_error *error)
{
    int result = kt_turns_take(context, turns, person, amount, deadline_ms, ret_turn);

    if (result == -EMSGSIZE)
        return kt_error_set(error, result, "it is larger than what kontor can read at once");
    if (result == -ETIMEDOUT)
        return kt_error_set(error, result,
                            "there was no time for it: it waited for other calendars to be read");
    return result < 0 ? kt_error_set(error, -EAGAIN, "too many calendars are read at once") : 0;
}

/** Ask, when few enough questions of the person are on their way. */
static int ask(struct kt_fetches *fetches, const char *person, struct kt_http_fetch *fetch,
               int64_t deadline_ms, struct kt_http_answer **ret_answer, struct kt_error *error)
{
    struct kt_turn *turn = NULL;
    int result =
        person ? take(kt_self_memory(), fetches->questions, person, 1, deadline_ms, &turn, error)
               : 0;

    fetch->timeout_ms = deadline_ms - kt_now_ms();
    if (result == 0 && fetch->timeout_ms <= 0)
        result = kt_error_set(error, -ETIMEDOUT, "its server did not answer in time");
    if (result == 0)
        result = kt_http_fetch(fetch, ret_answer, error);
    talloc_free(turn);
    return result;
}

int kt_fetches_get(TALLOC_CTX *context, struct kt_fetches *fetches, const char *person,
                   const struct kt_http_fetch *fetch, int64_t deadline_ms,
                   struct kt_http_answer **ret_answer, struct kt_error *error)
{
    struct kt_http_fetch attempt = *fetch;
    size_t size_max = fetch->size_max ? fetch->size_max : KT_HTTP_SIZE_DEFAULT;
    unsigned char *known;
    struct kt_turn *room = NULL;
    int result = -EMSGSIZE;

    if (!person)
        return ask(fetches, NULL, &attempt, deadline_ms, ret_answer, error);
    known = find_size(fetches, fetch->url);
    size_max = smaller(size_max, fetches->room_each);
    for (unsigned char step = *known; step < STEPS; step++) {
        attempt.size_max = smaller(steps[step], size_max);
        if (attempt.size_max > KT_FETCHES_SMALL) {
            result =
                take(context, fetches->room, person, attempt.size_max, deadline_ms, &room, error);
            if (result < 0)
                return result;
        }
        result = ask(fetches, person, &attempt, deadline_ms, ret_answer, error);
        if (result == 0)
            break;
        TALLOC_FREE(room);
        if (result != -EMSGSIZE || attempt.size_max == size_max)
            return result;
    }
    if (room)
        kt_turn_shrink(room, (*ret_answer)->size);
    if ((*ret_answer)->status == 200 || (*ret_answer)->status == 207)
        *known = step_of((*ret_answer)->size);
    return result;
}

int kt_fetches_hold(TALLOC_CTX *context, struct kt_fetches *fetches, const char *person,
                    size_t size, int64_t deadline_ms, struct kt_error *error)
{
    struct kt_turn *room;

    return size > KT_FETCHES_SMALL && person
               ? take(context, fetches->room, person, size, deadline_ms, &room, error)
               : 0;
}
