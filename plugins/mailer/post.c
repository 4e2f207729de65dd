/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A sender gives an errand to the clerks and, in the same turn, asks the postman for its fate. He
 * waits on a thread of the pool until something is done, or for a moment, so that he hears his
 * messages; while nothing is on the way he just sleeps.
 */
#include "post.h"
#include "clerks.h"

#include <errno.h>
#include <kontor/log.h>
#include <kontor/process.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** The longest that the postman doesn't hear a signal to end. */
#define ROUND_MS 500

/** To the postman; data is a pointer to the errand. */
enum { FETCH = 1 };

struct kt_post {
    struct kt_post_options options;
    struct kt_clerks *clerks;
    kt_pid postman;
    struct kt_post_counts counts;
};

/* ---------------------------------------------------------------- the postman */

/** A sender asks for the fate of an errand: it asks in the turn in which it gave it away, and
 * nothing is handed out before all messages were heard, so the errand is there. */
static void hear(const struct kt_message *message)
{
    struct kt_errand *errand;

    if (message->type != FETCH || message->size != sizeof(errand) || !message->reference)
        return;
    memcpy(&errand, message->data, sizeof(errand));
    errand->waits = kt_message_from(message);
    errand->is_asked = true;
}

static void count(struct kt_post *post, const struct kt_errand *errand)
{
    post->counts.sent += errand->outcome.fate == KT_POST_SENT;
    post->counts.deferred += errand->outcome.fate == KT_POST_LATER;
    post->counts.refused += errand->outcome.fate == KT_POST_NEVER;
    post->counts.waiting--;
}

/** Tell the fates of those that are done, and forget them. Who hasn't asked by now could not. */
static void hand_out(struct kt_post *post, struct kt_errand *errand)
{
    struct kt_errand *next;

    for (; errand; errand = next) {
        next = errand->next;
        if (errand->is_asked)
            kt_reply(&errand->waits, FETCH, &errand->outcome, sizeof(errand->outcome));
        count(post, errand);
        free(errand);
    }
}

static void wait_done(void *argument)
{
    kt_clerks_wait(((struct kt_post *)argument)->clerks, ROUND_MS);
}

static void close_clerks(void *argument)
{
    kt_clerks_close(((struct kt_post *)argument)->clerks);
}

/** Hear what there is, waiting for the first message. @return whether the post goes on */
static bool hear_all(int64_t timeout_ms)
{
    const struct kt_message *message;

    while (kt_receive(timeout_ms, &message) == 0) {
        if (message->type == KT_MESSAGE_EXIT)
            return false;
        hear(message);
        timeout_ms = 0;
    }
    return true;
}

static void postman_main(void *argument)
{
    struct kt_post *post = argument;

    post->postman = kt_self();
    kt_trap_exit(true);
    kt_clerks_open(post->clerks);
    while (hear_all(post->counts.waiting > 0 ? 0 : -1)) {
        hand_out(post, kt_clerks_take_done(post->clerks));
        if (post->counts.waiting > 0 && kt_work(wait_done, post) < 0)
            kt_sleep(ROUND_MS / 10);
    }
    kt_work(close_clerks, post);
    hand_out(post, kt_clerks_take_done(post->clerks));
}

struct kt_child kt_post_child(struct kt_post *post)
{
    return (struct kt_child){
        .id = "postman", .restart = KT_PERMANENT, .function = postman_main, .argument = post};
}

/* ---------------------------------------------------------------- senders */

struct kt_post *kt_post_new(const struct kt_post_options *options)
{
    struct kt_post *post = kt_must(talloc_zero(NULL, struct kt_post));

    post->options = *options;
    post->clerks = kt_clerks_new(&post->options);
    return post;
}

static struct kt_errand *make_errand(const char *from, const char *to, const char *letter,
                                     size_t size)
{
    struct kt_errand *errand = calloc(1, sizeof(*errand) + size);

    if (!errand)
        return NULL;
    memcpy(errand->letter, letter, size);
    errand->size = size;
    snprintf(errand->from, sizeof(errand->from), "<%s>", from);
    snprintf(errand->to, sizeof(errand->to), "<%s>", to);
    return errand;
}

/** @return the errand, which is the clerks', or NULL */
static struct kt_errand *give(struct kt_post *post, const char *from, const char *to,
                              const char *letter, size_t size)
{
    struct kt_errand *errand = NULL;

    if (kt_is_alive(post->postman) && post->counts.waiting < KT_POST_WAITING_MAX)
        errand = make_errand(from, to, letter, size);
    if (!errand)
        return NULL;
    if (kt_clerks_give(post->clerks, errand) < 0) {
        free(errand);
        return NULL;
    }
    post->counts.waiting++;
    return errand;
}

void kt_post_send(struct kt_post *post, const char *from, const char *to, const char *letter,
                  size_t size, struct kt_post_outcome *ret_outcome)
{
    struct kt_errand *errand = give(post, from, to, letter, size);
    const struct kt_message *reply;
    int result = -EBUSY;

    if (errand)
        result = kt_call(post->postman, FETCH, &errand, sizeof(errand), -1, &reply);
    if (result == 0) {
        memcpy(ret_outcome, reply->data, sizeof(*ret_outcome));
        return;
    }
    *ret_outcome = (struct kt_post_outcome){.fate = KT_POST_LATER};
    snprintf(ret_outcome->text, sizeof(ret_outcome->text), "the post can't take it now (%s)",
             strerror(-result));
}

void kt_post_counts(const struct kt_post *post, struct kt_post_counts *ret_counts)
{
    *ret_counts = post->counts;
    ret_counts->connections = kt_clerks_connections(post->clerks);
}
