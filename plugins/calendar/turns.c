/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A person is here as long as they have a turn or wait for one, with a queue of what they wait for.
 * Whose first in the queue would not be too much for them stands in the line of people. The head of
 * the line is never overtaken: what is large would starve otherwise. Who got a turn goes to the end
 * of the line.
 *
 * Nobody serves: whoever gives back lets the next ones in, and wakes them by a message.
 */
#include "turns.h"

#include <errno.h>
#include <kontor/process.h>
#include <sodium.h>
#include <string.h>

/** Places of the table of people; more than there are at once in most cases. */
#define BUCKETS 1024u
/** The message by which those who wait are woken; none of gather.h's. */
#define WAKE 0x5455524eu

struct person {
    struct person *next_in_bucket;
    struct person *previous, *next; /* in the line, if in_line */
    struct kt_turn *first, *last;   /* those that wait */
    uint32_t waiting, turns;        /* how many; turns are those that wait or have begun */
    size_t held;
    bool in_line;
    uint32_t bucket;
    char name[];
};

struct kt_turn {
    struct kt_turns *turns;
    struct person *person;
    struct kt_turn *previous, *next; /* in the person's queue, unless has_begun */
    size_t amount;
    kt_pid pid;
    bool has_begun;
};

struct kt_turns {
    struct kt_turns_limits limits;
    unsigned char key[crypto_shorthash_KEYBYTES]; /* so that nobody can choose names that meet */
    size_t held;
    struct person *first, *last; /* the line */
    struct person *buckets[BUCKETS];
};

struct kt_turns *kt_turns_new(TALLOC_CTX *context, const struct kt_turns_limits *limits)
{
    struct kt_turns *turns = sodium_init() < 0 ? NULL : talloc_zero(context, struct kt_turns);

    if (turns) {
        turns->limits = *limits;
        randombytes_buf(turns->key, sizeof(turns->key));
    }
    return turns;
}

/* ---------------------------------------------------------------- people */

static uint32_t find_bucket(const struct kt_turns *turns, const char *name)
{
    unsigned char digest[crypto_shorthash_BYTES];
    uint32_t bucket;

    crypto_shorthash(digest, (const unsigned char *)name, strlen(name), turns->key);
    memcpy(&bucket, digest, sizeof(bucket));
    return bucket % BUCKETS;
}

static struct person *need_person(struct kt_turns *turns, const char *name)
{
    uint32_t bucket = find_bucket(turns, name);
    struct person *person = turns->buckets[bucket];
    size_t size = strlen(name) + 1;

    while (person && strcmp(person->name, name) != 0)
        person = person->next_in_bucket;
    if (person)
        return person;
    person = kt_must(talloc_zero_size(turns, sizeof(*person) + size));
    memcpy(person->name, name, size);
    person->bucket = bucket;
    person->next_in_bucket = turns->buckets[bucket];
    turns->buckets[bucket] = person;
    return person;
}

static void forget_person(struct kt_turns *turns, struct person *person)
{
    struct person **at = &turns->buckets[person->bucket];

    while (*at != person)
        at = &(*at)->next_in_bucket;
    *at = person->next_in_bucket;
    talloc_free(person);
}

/* ---------------------------------------------------------------- the line */

static void leave_line(struct kt_turns *turns, struct person *person)
{
    *(person->previous ? &person->previous->next : &turns->first) = person->next;
    *(person->next ? &person->next->previous : &turns->last) = person->previous;
    person->previous = person->next = NULL;
    person->in_line = false;
}

static void join_line(struct kt_turns *turns, struct person *person)
{
    person->previous = turns->last;
    *(turns->last ? &turns->last->next : &turns->first) = person;
    turns->last = person;
    person->in_line = true;
}

static bool is_too_much_for(const struct kt_turns *turns, const struct person *person,
                            size_t amount)
{
    return amount > turns->limits.each - person->held;
}

static bool is_too_much(const struct kt_turns *turns, size_t amount)
{
    return amount > turns->limits.all - turns->held;
}

/** Stand in the line if there is something to stand for, and only then. */
static void place(struct kt_turns *turns, struct person *person)
{
    bool should = person->first && !is_too_much_for(turns, person, person->first->amount);

    if (should && !person->in_line)
        join_line(turns, person);
    else if (!should && person->in_line)
        leave_line(turns, person);
}

/* ---------------------------------------------------------------- turns */

static void enqueue(struct kt_turn *turn)
{
    struct person *person = turn->person;

    turn->previous = person->last;
    *(person->last ? &person->last->next : &person->first) = turn;
    person->last = turn;
    person->waiting++;
}

static void dequeue(struct kt_turn *turn)
{
    struct person *person = turn->person;

    *(turn->previous ? &turn->previous->next : &person->first) = turn->next;
    *(turn->next ? &turn->next->previous : &person->last) = turn->previous;
    turn->previous = turn->next = NULL;
    person->waiting--;
}

static void begin(struct kt_turn *turn)
{
    turn->has_begun = true;
    turn->person->held += turn->amount;
    turn->turns->held += turn->amount;
}

static void let_in(struct kt_turns *turns)
{
    while (turns->first && !is_too_much(turns, turns->first->first->amount)) {
        struct person *person = turns->first;
        struct kt_turn *turn = person->first;

        dequeue(turn);
        begin(turn);
        leave_line(turns, person);
        place(turns, person);
        (void)kt_send(turn->pid, WAKE, NULL,
                      0); /* else it sees at its deadline that it has begun */
    }
}

void kt_turn_shrink(struct kt_turn *turn, size_t amount)
{
    size_t less = turn->amount > amount ? turn->amount - amount : 0;

    turn->amount -= less;
    turn->person->held -= less;
    turn->turns->held -= less;
    place(turn->turns, turn->person);
    let_in(turn->turns);
}

static int end_turn(struct kt_turn *turn)
{
    struct kt_turns *turns = turn->turns;
    struct person *person = turn->person;

    if (turn->has_begun) {
        person->held -= turn->amount;
        turns->held -= turn->amount;
    } else {
        dequeue(turn);
    }
    place(turns, person);
    if (--person->turns == 0)
        forget_person(turns, person);
    let_in(turns);
    return 0;
}

/** @return whether it has begun before the deadline */
static bool wait_for(const struct kt_turn *turn, int64_t deadline_ms)
{
    const struct kt_message *message;

    while (!turn->has_begun) {
        int64_t left_ms = deadline_ms - kt_now_ms();

        if (left_ms <= 0)
            return false;
        (void)kt_receive(left_ms, &message);
    }
    return true;
}

int kt_turns_take(TALLOC_CTX *context, struct kt_turns *turns, const char *person, size_t amount,
                  int64_t deadline_ms, struct kt_turn **ret_turn)
{
    struct kt_turn *turn;
    bool must_wait;

    if (amount > turns->limits.each || amount > turns->limits.all)
        return -EMSGSIZE;
    turn = kt_must(talloc_zero(context, struct kt_turn));
    turn->turns = turns;
    turn->amount = amount;
    turn->pid = kt_self();
    turn->person = need_person(turns, person);
    must_wait = turn->person->first || is_too_much_for(turns, turn->person, amount) ||
                turns->first || is_too_much(turns, amount);
    if (must_wait && turn->person->waiting >= turns->limits.waiting_max) {
        if (turn->person->turns == 0)
            forget_person(turns, turn->person);
        talloc_free(turn);
        return -EBUSY;
    }
    turn->person->turns++;
    talloc_set_destructor(turn, end_turn);
    if (must_wait)
        enqueue(turn);
    else
        begin(turn);
    place(turns, turn->person);
    if (!wait_for(turn, deadline_ms)) {
        talloc_free(turn);
        return -ETIMEDOUT;
    }
    *ret_turn = turn;
    return 0;
}
